"""Words that many memories of a pool share tell little of any one of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from memory.echo.reading import Reading, read

LEAST: Final = 30
"""Memories from which on their words are counted: what few share may be chance."""


class Common:
    """How much a word tells among the memories of a pool."""

    def __init__(self, memories: Iterable[str]) -> None:
        self._seen: Counter[str] = Counter()
        self._size = 0
        for memory in memories:
            self._size += 1
            self._seen.update({token.stem for token in read(memory).tokens})

    def share(self, stem: str) -> float:
        """Factor on a word's weight: 1 where one memory has it, towards 0 where all have."""
        times = self._seen[stem]
        if self._size < LEAST or times <= 1:
            return 1.0
        return math.log((self._size + 1) / times) / math.log(self._size + 1)

    def weighed(self, memory: Reading) -> Reading:
        """The memory with its words weighed anew."""
        if self._size < LEAST:
            return memory
        sentences = tuple(
            replace(
                sentence,
                tokens=tuple(replace(token, weight=token.weight * self.share(token.stem)) for token in sentence.tokens),
            )
            for sentence in memory.sentences
        )
        return replace(memory, sentences=sentences)
