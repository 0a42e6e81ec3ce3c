"""Takes stored answers out of service: a selection of them, or all that a namespace has stored so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from proxy.metrics import Metrics
from store.catalogue import Catalogue, Listed
from store.entries import Entries
from store.epochs import Epochs
from store.selection import Selection

SAMPLE: Final = 10
"""Entries shown of what would go."""

Cause = Literal["request", "version", "epoch"]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an invalidation would take out of service."""

    count: int
    sample: list[Listed]


class Invalidation:
    """Blocks while it works: it belongs in a thread of its own, beside the calls.

    Args:
        told: called once an invalidation has begun, for what is remembered elsewhere.
        clock: seconds since 1970, the same as the cache's.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        entries: Entries,
        epochs: Epochs,
        metrics: Metrics,
        told: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._entries = entries
        self._epochs = epochs
        self._metrics = metrics
        self._told = told
        self._clock = clock

    def preview(self, selection: Selection) -> Preview:
        """How many entries would go, and some of them. Raises ``DatabaseError``."""
        return Preview(self._catalogue.count(selection), self._catalogue.sample(selection, SAMPLE))

    def invalidate(self, selection: Selection, cause: Cause = "request") -> int:
        """Serve none of these any more; gives how many it were. Raises ``DatabaseError``, with some of it done."""
        self._told()
        return self._catalogue.withdraw(selection, passed=self._metrics.invalidated.labels(cause).inc)

    def bump(self, namespace: str) -> int:
        """Make all that a namespace has stored unreachable at once; gives its new epoch. Raises ``DatabaseError``."""
        self._told()
        epoch = self._epochs.bump(namespace, self._clock())
        # What was asked for before belongs to the older epoch: nobody would ever find it.
        self._entries.bar(Selection(namespace=namespace))
        return epoch

    def retire_epochs(self) -> int:
        """Take out of service what older epochs hold: nobody can reach it, but counts and limits see it."""
        gone = 0
        for namespace, at in self._epochs.behind():
            gone += self.invalidate(Selection(namespace=namespace, created_before=at), "epoch")
            self._epochs.caught_up(namespace, at)
        return gone
