"""How often something may be done in a minute."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final

MINUTE: Final = 60.0


class Pace:
    """Counts what was done in the last minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done: deque[float] = deque()

    def wait(self, most: int) -> float:
        """0 where it may be done now, and it counts then; else the seconds until it may, in (0, 60]."""
        now = self._clock()
        while self._done and now - self._done[0] >= MINUTE:
            self._done.popleft()
        if len(self._done) < most:
            self._done.append(now)
            return 0.0
        # The oldest of the newest `most` makes room for the next.
        return MINUTE - (now - self._done[-most]) if most else MINUTE
