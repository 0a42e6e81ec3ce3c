"""How near two texts are in meaning: each sentence of one against the passages of the other. Pure but for embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from cache.agreement import wording

Embed = Callable[[Sequence[str]], npt.NDArray[Any]]
"""Texts to unit vectors, shape (n, d)."""
Matrix = npt.NDArray[np.float64]

MOST_SENTENCES: Final = 24
"""Of each text; a longer one is cut into this many passages."""
WHOLE_WORDS: Final = 150
"""Up to this many words an embedder reads a text whole."""
ITEM: Final = 4
"""Words of a list's item at most that is embedded together with its neighbours."""
LONGEST_PASSAGE: Final = 900
"""Characters of a passage that fit an embedder's window: all-MiniLM-L6-v2 reads 256 tokens."""
PASSAGE: Final = 3
"""Sentences that may together say what one sentence of the other text says."""


class Nearness(NamedTuple):
    """Cosines between two texts, each in [-1, 1]."""

    whole: float
    """Of the texts as wholes; of long texts, the mean of ``covered``."""
    covered: tuple[float, float]
    """How well each text's sentences are said somewhere in the other: mean by number of words. (a in b, b in a)"""


def nearness(a: Sequence[str], b: Sequence[str], embed: Embed) -> Nearness | None:
    """Compare two texts, given as their sentences; None where an embedder would not read them whole."""
    left, right = _passages(a), _passages(b)
    if max(map(len, [*left, *right])) > LONGEST_PASSAGE:
        return None
    singles = [*left, *right]
    joined = [_runs(left), _runs(right)]
    wholes = [" ".join(left), " ".join(right)]
    vectors = np.asarray(embed([*singles, *joined[0], *joined[1], *wholes]), dtype=np.float64)
    one, two = vectors[: len(left)], vectors[len(left) : len(singles)]
    runs_one = vectors[len(singles) : len(singles) + len(joined[0])]
    runs_two = vectors[len(singles) + len(joined[0]) : -2]
    best = (
        _best(one, np.vstack([two, runs_two, vectors[-1:]])),
        _best(two, np.vstack([one, runs_one, vectors[-2:-1]])),
    )
    covered = (_mean(best[0], left), _mean(best[1], right))
    long = max(len(text.split()) for text in wholes) > WHOLE_WORDS
    whole = sum(covered) / 2 if long else float(vectors[-1] @ vectors[-2])
    return Nearness(whole, covered)


def _passages(sentences: Sequence[str]) -> list[str]:
    """The sentences, items of a few words joined: alone, these say too little to be embedded."""
    joined: list[str] = []
    last_few = False
    for sentence in sentences:
        few = len(sentence.split()) <= ITEM
        if few and joined and len(joined[-1].split()) <= ITEM * 4 and last_few:
            joined[-1] += f", {sentence}"
        else:
            joined.append(sentence)
        last_few = few
    sentences = joined
    if len(sentences) <= MOST_SENTENCES:
        return list(sentences)
    size = -(-len(sentences) // MOST_SENTENCES)
    return [" ".join(sentences[at : at + size]) for at in range(0, len(sentences), size)]


def _runs(sentences: Sequence[str]) -> list[str]:
    return [
        " ".join(sentences[at : at + length])
        for length in range(2, PASSAGE + 1)
        for at in range(len(sentences) - length + 1)
    ]


def _best(rows: Matrix, others: Matrix) -> Matrix:
    found: Matrix = (rows @ others.T).max(axis=1)
    return found


def _mean(cosines: Matrix, sentences: Sequence[str]) -> float:
    return float(np.average(cosines, weights=[len(wording.words(sentence)) + 1 for sentence in sentences]))
