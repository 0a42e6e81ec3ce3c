"""Transactions that move rows: one after the other, and seldom enough that those who record calls get their turn."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from memory.memories.memories import Memories

BATCH: Final = 20
"""Memories or facts moved in one transaction, each with its audit."""
PLAIN_BATCH: Final = 500
"""Rows of the log or of the cache moved in one transaction; the audit counts them."""
LONGEST_REST: Final = 0.2
"""Seconds between two transactions at most."""


class Turns:
    """Who moves rows takes them in turn.

    Args:
        rest: sleeps so many seconds.
    """

    def __init__(self, memories: Memories, rest: Callable[[float], None] = time.sleep) -> None:
        self._memories = memories
        self._rest = rest
        self.one = threading.Lock()
        """Held while rows are moved: two at once would each count some of it."""

    def take(self, work: Callable[[sa.Connection], Counter[str]]) -> Counter[str]:
        """Do it in one transaction, and rest as long as that took. Raises ``DatabaseError``."""
        began = time.perf_counter()
        done = self._memories.transact(work)
        self._rest(min(time.perf_counter() - began, LONGEST_REST))
        return +done
