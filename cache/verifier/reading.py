"""Two prompts as the pair encoder reads them: token ids, and for each token whether the other prompt holds its word.

Training and serving read through this one module, so that the encoder is served what it was trained on.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache
from tokenizers import Tokenizer

Ids = npt.NDArray[np.int64]

LONGEST: Final = 128
"""Tokens of one prompt, its special tokens included; of longer pairs only where they differ is read."""
CONTEXT: Final = 12
"""Words around the differing part of long prompts."""

SPECIAL, SHARED, LACKING = 0, 1, 2
"""What a token's word is: none, in both prompts, in this one only."""

_WORD = re.compile(r"\w+")


class Tokens(NamedTuple):
    """One prompt's token ids, and each token's word in small letters ("" for special tokens)."""

    ids: tuple[int, ...]
    words: tuple[str, ...]


class Reader:
    """Reads prompts with the tokenizer of all-MiniLM-L6-v2. Thread-safe.

    Args:
        tokenizer: the content of its tokenizer.json.
        longest: tokens of one prompt.
        kept: prompts whose tokens are remembered.
    """

    def __init__(self, tokenizer: bytes, longest: int = LONGEST, kept: int = 4096) -> None:
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._longest = longest
        self._known: LRUCache[str, Tokens] = LRUCache(maxsize=kept)
        self._lock = threading.Lock()

    def tokens(self, text: str) -> Tokens:
        """All tokens of a prompt."""
        with self._lock:
            known = self._known.get(text)
        if known is None:
            known = self._read(text)
            with self._lock:
                self._known[text] = known
        return known

    def pair(self, new: str, stored: str) -> tuple[Tokens, Tokens] | None:
        """The tokens of both prompts, of long ones those around what differs; None where even that is too long."""
        read = self.tokens(new), self.tokens(stored)
        if max(len(one.ids) for one in read) <= self._longest:
            return read
        read = tuple(self.tokens(text) for text in differing(new, stored))  # type: ignore[assignment]
        return read if max(len(one.ids) for one in read) <= self._longest else None

    def _read(self, text: str) -> Tokens:
        encoding = self._tokenizer.encode(text)
        spans = [(match.start(), match.end(), match.group().lower()) for match in _WORD.finditer(text)]
        words, at = [], 0
        for start, end in encoding.offsets:
            while at < len(spans) and spans[at][1] <= start:
                at += 1
            if end <= start:
                words.append("")
            elif at < len(spans) and spans[at][0] <= start:
                words.append(spans[at][2])
            else:
                words.append(text[start:end])
        return Tokens(tuple(encoding.ids), tuple(words))


def arrays(left: Sequence[Tokens], right: Sequence[Tokens]) -> tuple[Ids, Ids]:
    """``ids`` and ``kinds`` of n pairs, each of shape (2n, longest): first all left prompts, then all right ones.

    Padding has id 0 and kind SPECIAL.
    """
    sides, n = [*left, *right], len(left)
    length = max(len(one.ids) for one in sides)
    ids, kinds = np.zeros((2 * n, length), np.int64), np.zeros((2 * n, length), np.int64)
    for i, one in enumerate(sides):
        others = set(sides[(i + n) % (2 * n)].words)
        ids[i, : len(one.ids)] = one.ids
        kinds[i, : len(one.ids)] = [
            SPECIAL if not word else SHARED if word in others else LACKING for word in one.words
        ]
    return ids, kinds


def differing(new: str, stored: str) -> tuple[str, str]:
    """Both prompts without the words that they begin and end with alike, but for some of those as context."""
    one, other = new.split(), stored.split()
    most = min(len(one), len(other))
    start = next((i for i in range(most) if one[i] != other[i]), most)
    end = next((i for i in range(most - start) if one[-1 - i] != other[-1 - i]), most - start)
    start, end = max(0, start - CONTEXT), max(0, end - CONTEXT)
    return " ".join(one[start : len(one) - end]), " ".join(other[start : len(other) - end])
