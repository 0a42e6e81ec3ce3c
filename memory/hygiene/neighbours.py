"""The vectors of memories that may repeat or contradict each other, and the nearest of them. numpy; no SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from store.embedder import Vectors


@dataclass(frozen=True, slots=True)
class Known:
    """What is compared of a memory."""

    id: str
    memory_type: str
    status: str
    content: str
    content_key: str
    written_by: str
    pinned: bool
    reference_count: int
    supports: int
    created_at: str


class Near(NamedTuple):
    """Two memories and their cosine."""

    first: Known
    second: Known
    cosine: float


class Group:
    """Memories that are compared with each other, in one block of vectors.

    Args:
        room: how many it will hold.
        dimension: of the vectors.
    """

    def __init__(self, room: int, dimension: int) -> None:
        self._vectors: Vectors = np.empty((room, dimension), dtype=np.float32)
        self.members: list[Known] = []

    def add(self, members: Sequence[Known], vectors: Vectors) -> None:
        """Take in memories with their unit vectors."""
        start = len(self.members)
        self._vectors[start : start + len(members)] = vectors
        self.members.extend(members)

    def nearest(self, vectors: Vectors, floor: float, most: int) -> list[list[tuple[Known, float]]]:
        """For each vector the members whose cosine is at least ``floor``, nearest first, at most so many."""
        count = len(self.members)
        if not count:
            return [[] for _ in vectors]
        cosines = vectors @ self._vectors[:count].T
        if count > most:
            places = np.argpartition(cosines, count - most, axis=1)[:, count - most :]
        else:
            places = np.tile(np.arange(count), (len(vectors), 1))
        return [
            sorted(
                ((self.members[at], float(row[at])) for at in chosen if row[at] >= floor), key=lambda found: -found[1]
            )
            for row, chosen in zip(cosines, places, strict=True)
        ]
