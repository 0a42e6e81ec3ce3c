"""What was forgotten while calls were under way: they are answered, but neither logged nor learned from."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from memory.interactions import Interaction
from proxy.remembering.selector import Selector

MOST: Final = 64
"""Of the latest, remembered with their words; a call under way since before all of them counts as covered."""


class Forgotten:
    """The latest selections that were forgotten, each with the number of the barrier that was put up for it.

    In this process only: a call does not outlive it. Safe for threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._latest: deque[tuple[int, Selector]] = deque(maxlen=most)
        self._lock = threading.Lock()
        self._last = -1
        self._dropped = -1

    def put(self, mark: int, selector: Selector) -> None:
        """Forget what calls that came in before the barrier ``mark`` (``Cache.mark``) say of this."""
        with self._lock:
            if len(self._latest) == self._latest.maxlen:
                self._dropped = self._latest[0][0]
            self._latest.append((mark, selector))
            self._last = mark

    def since(self, asked: int | None) -> bool:
        """Was anything forgotten since a call came in?

        Args:
            asked: ``Call.asked``; None for a call whose answer is not to come.
        """
        return asked is not None and asked < self._last

    def covers(self, interaction: Interaction, asked: int | None) -> bool:
        """Is what a call brought to be forgotten, for it was under way meanwhile?"""
        if asked is None or asked >= self._last:
            return False
        with self._lock:
            latest = list(self._latest)
        return asked < self._dropped or any(mark > asked and one.covers(interaction) for mark, one in latest)
