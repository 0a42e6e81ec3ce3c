"""What happens when Reprise does not work: one warning, a count, and a pause in which nobody waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from reprise_client.errors import RepriseError, Unavailable

PAUSE = 5.0
"""Seconds for which Reprise is left alone after it could not be reached."""

log = logging.getLogger("reprise_client")


@dataclass(frozen=True, slots=True)
class Counts:
    """What was lost since the logger was made."""

    failures: int
    """Requests that failed."""
    passed_over: int
    """Requests that were not made, because Reprise had just failed."""
    dropped: int
    """Interactions that found no room in the background's queue, or were left when it was closed."""


class Trouble:
    """Thread-safe. ``clock`` gives seconds that only rise."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._until = 0.0
        self._failures = self._passed_over = self._dropped = 0

    @property
    def counts(self) -> Counts:
        """What was lost so far."""
        with self._lock:
            return Counts(self._failures, self._passed_over, self._dropped)

    def may_try(self) -> bool:
        """Is it worth asking? Counts what is passed over."""
        with self._lock:
            trying = self._clock() >= self._until
            self._passed_over += not trying
            return trying

    def failed(self, error: RepriseError) -> None:
        """Count a failure; the first of a row is said in the log."""
        with self._lock:
            self._failures += 1
            if isinstance(error, Unavailable):
                self._until = self._clock() + PAUSE
            first = "failed" not in self._told
            self._told.add("failed")
        if first:
            log.warning("Reprise does not work; tools go on without it: %s", error)

    def worked(self) -> None:
        """Reprise answered."""
        with self._lock:
            again = "failed" in self._told
            self._told.discard("failed")
            self._until = 0.0
        if again:
            log.info("Reprise works again")

    def drop(self, number: int = 1) -> None:
        """Count what was not sent."""
        with self._lock:
            self._dropped += number
        if number:
            self.say_once("dropped", "interactions are dropped: more are logged than Reprise takes in")

    def say_once(self, what: str, message: str) -> None:
        """A warning that is given once for each ``what``."""
        with self._lock:
            first = what not in self._told
            self._told.add(what)
        if first:
            log.warning("%s", message)
