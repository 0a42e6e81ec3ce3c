"""How many answers each writer may store: a token bucket per writer, in bounded memory.

Whoever fills a cache by the thousand either floods it or searches for prompts that collide with those of others. A
writer beyond the quota is still answered; only the storing stops.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MOST_WRITERS: Final = 10_000
"""Buckets kept; the one least lately used is dropped for a new one."""


class WriteQuota:
    """A bucket of ``per_minute`` tokens for each writer, refilled evenly; a write takes one. Thread-safe.

    A dropped bucket comes back full, so someone with more names than buckets can write more: give out names of
    writers (keys, namespaces) sparingly.

    Args:
        per_minute: writes in a minute in the long run, and at once after a pause; 0 forbids all.
        clock: seconds from any fixed moment, never going back.
        most_writers: buckets kept at a time, at least 1.

    Raises:
        ValueError: a negative quota, or no room for a writer.
    """

    def __init__(
        self, per_minute: float, clock: Callable[[], float] = time.monotonic, *, most_writers: int = MOST_WRITERS
    ) -> None:
        if not per_minute >= 0.0:
            raise ValueError(f"a quota is at least 0 writes a minute, not {per_minute}")
        if most_writers < 1:
            raise ValueError(f"there must be room for one writer at least, not for {most_writers}")
        self._per_minute = per_minute
        self._clock = clock
        self._most_writers = most_writers
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Of each writer, (tokens, when they were counted); least lately used first."""

    def __len__(self) -> int:
        """Writers remembered."""
        return len(self._buckets)

    def forget(self, writer: str) -> None:
        """Know nothing of this writer any more."""
        with self._lock:
            self._buckets.pop(writer, None)

    def allow(self, writer: str) -> bool:
        """May this writer store one more answer now? If so, it counts."""
        with self._lock:
            now = self._clock()
            tokens, counted = self._buckets.pop(writer, (self._per_minute, now))
            # A clock that goes back must not take tokens away.
            tokens = min(self._per_minute, tokens + max(0.0, now - counted) * self._per_minute / 60.0)
            allowed = tokens >= 1.0
            self._buckets[writer] = (tokens - 1.0 if allowed else tokens, now)
            while len(self._buckets) > self._most_writers:
                self._buckets.popitem(last=False)
            return allowed
