"""Background writing in small transactions with rests between them: those who record calls must get their turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from memory.memories.memories import Memories

BATCH: Final = 20
"""Memories changed in one transaction, some 40 ms of it."""
LONGEST_REST: Final = 0.2
"""Seconds."""

Work = Callable[[sa.Connection], Any]


class Pace:
    """Does transactions one after the other and rests after each as long as it took.

    Args:
        stopping: true once the process is to end; what is left over is done by the next run.
    """

    def __init__(
        self,
        memories: Memories,
        stopping: Callable[[], bool] = lambda: False,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._memories = memories
        self._rest = rest
        self.stopping = stopping

    def transact(self, work: Work) -> None:
        """One transaction and one rest. Raises ``DatabaseError``."""
        began = time.perf_counter()
        self._memories.transact(work)
        # A waiting writer looks for the lock every few milliseconds: without a pause it would seldom find it free.
        self._rest(min(time.perf_counter() - began, LONGEST_REST))
