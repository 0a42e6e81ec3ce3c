"""Invalidations that answers in flight must respect: what was asked before one and is covered by it is not stored."""

from __future__ import annotations

from collections import deque
from typing import Final

from store.entry import Entry
from store.selection import Selection
from store.vectors import Vector

MOST: Final = 256
"""Invalidations remembered; an answer asked before all of them cannot be checked and is not stored."""


class Barriers:
    """The latest invalidations, numbered. Not safe for threads by itself: its owner's lock holds it."""

    def __init__(self, most: int = MOST) -> None:
        self.mark = 0
        """Number of the latest; a call notes it when it comes in."""
        self._latest: deque[tuple[int, Selection]] = deque(maxlen=most)

    def put(self, selection: Selection) -> None:
        """An invalidation begins."""
        self.mark += 1
        self._latest.append((self.mark, selection))

    def stop(self, entry: Entry, vector: Vector | None, asked: int) -> bool:
        """Does an invalidation after the mark ``asked`` cover this answer?"""
        if asked == self.mark:
            return False
        if asked < self._latest[0][0] - 1:
            return True
        return any(number > asked and selection.covers(entry, vector) for number, selection in self._latest)
