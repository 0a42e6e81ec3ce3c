"""What has changed of what can be found, as those must know who remember what they found."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

PATIENCE: Final = 60.0
"""Seconds of reading documents after which what is new counts, although more is to come."""
MOST_KNOWN: Final = 100_000
"""Pieces whose last change is known one by one."""


class Changes:
    """Counts the changes of the pieces that can be found. Usable from any thread.

    What was altered or taken away counts at once, for those who have it. What is new counts for everybody, but only
    once its reading has come to an end, or every ``PATIENCE`` seconds: else reading many documents would make all that
    is remembered worthless with each of them.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._version = 0
        self._all = 0
        """The version at which anything may have changed."""
        self._altered: dict[str, int] = {}
        """The version since which a piece is no longer what it was."""
        self._grown: float | None = None
        """When the first came that does not count yet."""
        self._moves = 0
        self._readings = 0

    def version(self) -> int:
        """Rises with every change that counts; begins with the process."""
        with self._lock:
            if self._grown is not None and self._clock() - self._grown >= PATIENCE:
                self._anything()
            return self._version

    def moves(self) -> int:
        """Rises with every change of pieces, whether it counts yet or not."""
        with self._lock:
            return self._moves

    def hold(self, version: int, ids: Iterable[str]) -> bool:
        """Is a choice of these pieces, made under a version, one to go by still?"""
        with self._lock:
            return version >= self._all and all(self._altered.get(id_, 0) <= version for id_ in ids)

    def altered(self, ids: Collection[str]) -> None:
        """Note that pieces are gone, or not what they were."""
        if not ids:
            return
        with self._lock:
            self._version += 1
            self._moves += 1
            self._altered.update(dict.fromkeys(ids, self._version))
            if len(self._altered) > MOST_KNOWN:
                self._anything()

    def grown(self) -> None:
        """Note that there are new ones."""
        with self._lock:
            self._moves += 1
            if not self._readings:
                self._anything()
            elif self._grown is None:
                self._grown = self._clock()

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """More new ones are to come while this lasts; one may begin within another, or beside it."""
        with self._lock:
            self._readings += 1
        try:
            yield
        finally:
            with self._lock:
                self._readings -= 1
                if not self._readings and self._grown is not None:
                    self._anything()

    def anything(self) -> None:
        """Note a change of which nobody can tell what it is about."""
        with self._lock:
            self._anything()

    def _anything(self) -> None:
        self._version += 1
        self._all = self._version
        self._altered.clear()
        self._grown = None
