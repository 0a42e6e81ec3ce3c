"""How the answer of each entry has fared on other prompts: what a hot entry earns of its own.

A cut of its own would take an entry some hundred labels (299 without a mistake at 1 %). So an entry's record is one
more signal instead, added to the score as log-odds, and the pooled cut is tested over scores that hold it: a hot entry
whose neighbours were always right gets in with a lower similarity, one that was wrong needs a higher one, and the
budget is held over both together. Each label is scored with the record as it was before that label.
"""

from __future__ import annotations

import math
from typing import Final

from store.labels import Label

WEIGHT: Final = 1.0
"""Of the record in the shipped mix; a namespace's own mix may weigh it otherwise."""
MOST: Final = 1.0
"""Largest log-odds that a good record gives: popular entries attract what is only near, and more gained little."""
ENTRIES: Final = 50_000
"""Entries remembered."""


class Records:
    """Right and wrong labels by entry key."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int]] = {}

    def log_odds(self, entry_key: str) -> float:
        """log((right + 1) / (wrong + 1)), at most ``MOST``; 0 where nothing is known."""
        right, wrong = self._counts.get(entry_key, (0, 0))
        return min(MOST, math.log((right + 1) / (wrong + 1)))

    def told(self, label: Label) -> None:
        """Take in a label."""
        right, wrong = self._counts.pop(label.entry_key, (0, 0))
        self._counts[label.entry_key] = (right + label.correct, wrong + (not label.correct))
        if len(self._counts) > ENTRIES:
            del self._counts[next(iter(self._counts))]
