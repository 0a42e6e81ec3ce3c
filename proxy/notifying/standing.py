"""Whether people can be told, over all ways to tell them: one that works must not hide another that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Standing:
    """What fails now. Safe for threads.

    Args:
        outcome: told of each failure, and with None once nothing fails.
    """

    def __init__(self, outcome: Callable[[BaseException | None], None]) -> None:
        self._outcome = outcome
        self._failing: set[str] = set()
        self._lock = threading.Lock()

    def failed(self, name: str, error: BaseException) -> None:
        """Note that one of them failed."""
        with self._lock:
            self._failing.add(name)
        self._outcome(error)

    def worked(self, name: str) -> None:
        """Note that one of them did its work, or is wanted no more."""
        with self._lock:
            self._failing.discard(name)
            all_well = not self._failing
        if all_well:
            self._outcome(None)
