"""A vector index in memory that compares with everything it holds: exact, and fast enough for some ten thousands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from store.vectors import Vector


class FlatIndex:
    """``VectorIndex`` without a disk. Not safe for threads that write at once."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], list[str]] = {}
        self._at: dict[tuple[str, str], dict[str, int]] = {}
        self._rows: dict[tuple[str, str], Vector] = {}

    def add(self, partition: str, embedder: str, ids: Sequence[str], vectors: Sequence[Vector]) -> None:
        """See ``VectorIndex``."""
        key = (partition, embedder)
        held, at = self._ids.setdefault(key, []), self._at.setdefault(key, {})
        for id_, vector in zip(ids, vectors, strict=True):
            if id_ not in at:
                at[id_] = len(held)
                held.append(id_)
            self._room(key, len(held), len(vector))[at[id_]] = vector

    def query(self, partition: str, embedder: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        """See ``VectorIndex``."""
        key = (partition, embedder)
        held = self._ids.get(key, [])
        if not held or self._rows[key].shape[1] != len(vector):
            return []
        # Rounding puts equal vectors a little above 1.
        similarities = np.minimum(self._rows[key][: len(held)] @ vector, 1.0)
        order = np.argsort(-similarities, kind="stable")[:k]
        return [(held[at], float(similarities[at])) for at in order]

    def remove(self, partition: str, embedder: str, ids: Sequence[str]) -> None:
        """See ``VectorIndex``."""
        key = (partition, embedder)
        gone = set(ids) & self._at.get(key, {}).keys()
        if not gone:
            return
        kept = [(id_, self._rows[key][at].copy()) for id_, at in self._at[key].items() if id_ not in gone]
        del self._ids[key], self._at[key], self._rows[key]
        self.add(partition, embedder, [id_ for id_, _ in kept], [row for _, row in kept])

    def count(self, embedder: str) -> int:
        """See ``VectorIndex``."""
        return sum(len(held) for (_, other), held in self._ids.items() if other == embedder)

    def reset(self) -> None:
        """See ``VectorIndex``."""
        self._ids.clear()
        self._at.clear()
        self._rows.clear()

    def _room(self, key: tuple[str, str], needed: int, dimension: int) -> Vector:
        """The rows of a partition, with room for so many; grown by doubling."""
        rows = self._rows.get(key)
        if rows is None or len(rows) < needed:
            grown = np.zeros((max(64, 2 * needed), dimension), dtype=np.float32)
            if rows is not None:
                grown[: len(rows)] = rows
            rows = self._rows[key] = grown
        return rows
