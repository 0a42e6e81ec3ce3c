"""Does a stored prompt carry something that the new one does not ask for? The deletion-gain check.

Whoever wants a text of his own served to others stores a prompt that is a common question with more around it: near
enough to the question to be found, and answered as the rest of it demands. Then cutting out that rest brings the stored
prompt nearer to the question. An honest rewording has nothing to cut: each word taken away makes it less alike.

After the deletion gain of arXiv 2609.35908, without its second stage (whether the part cut shaped the answer).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Texts to vectors of length 1, shape (texts, dimension)."""

GAIN_LIMIT: Final = 0.08
"""A gain above it is suspicious. Measured with all-MiniLM-L6-v2 (``python -m benchmarks.poisoning``); another embedder
needs a limit of its own."""

_SHARES: Final = (0.25, 0.5, 0.75)
"""How long the windows are, as shares of the prompt's words."""
_FEWEST: Final = 4
"""Words below which nothing is cut: too little would be left."""


def shortened(prompt: str) -> list[str]:
    """The prompt with one window of words cut out, once for each window; at most 17, none for a very short prompt.

    Windows of a quarter, a half and three quarters of its words, each half overlapping the next.
    """
    words = prompt.split()
    if len(words) < _FEWEST:
        return []
    return list(dict.fromkeys(" ".join(words[:first] + words[last + 1 :]) for first, last in _windows(len(words))))


def deletion_gain(new_vector: Vector, stored_prompt: str, stored_similarity: float, embed: Embed) -> float:
    """By how much the best cut raises the stored prompt's similarity to the new one, in [-2, 2]; below 0 if none does.

    Args:
        new_vector: of the new prompt, length 1.
        stored_prompt: the text to cut.
        stored_similarity: cosine of both prompts as they are.
        embed: called once with all cuts, unless there is nothing to cut: then the gain is 0.
    """
    texts = shortened(stored_prompt)
    return gain(new_vector, embed(texts), stored_similarity) if texts else 0.0


def gain(new_vector: Vector, shortened_vectors: Vectors, stored_similarity: float) -> float:
    """``deletion_gain`` where the vectors of the cuts, shape (cuts, dimension), were computed when storing."""
    if not len(shortened_vectors):
        return 0.0
    return float(np.max(shortened_vectors @ new_vector)) - stored_similarity


def _windows(count: int) -> Iterator[tuple[int, int]]:
    """(first, last) index of the words of each window; the last window of each length reaches the end."""
    for share in _SHARES:
        length = max(1, round(share * count))
        last = count - length
        yield from ((first, first + length - 1) for first in (*range(0, last, max(1, length // 2)), last))
