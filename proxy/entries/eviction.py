"""Keeps each policy's limits: evicts the least valuable of the answers stored under it.

In the sweep, and before it where a policy is far over its limit. Between two looks at SQL it is known how much was
stored since: as long as that cannot have reached a limit, nothing is scanned, for ten minutes at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from cache.eviction import worth_in_sql
from cache.policy import Policy
from proxy.metrics import Metrics
from store.catalogue import Catalogue
from store.entries import Entries

KEPT: Final = 0.95
"""Share of a limit that an eviction leaves, so that not every sweep evicts."""
FAR: Final = 1.25
"""Share of a limit beyond which nobody waits for the sweep."""

LOOK: Final = 600.0
"""Seconds after which SQL is looked at in any case: imports are not counted on the way."""

Usage = tuple[int, int]
"""Entries and bytes."""


class Evictor:
    """Blocks while it works: it belongs in a thread beside the calls, one at a time.

    Args:
        policies: those in force, by name.
    """

    def __init__(
        self, catalogue: Catalogue, entries: Entries, policies: Callable[[], Mapping[str, Policy]], metrics: Metrics
    ) -> None:
        self._catalogue = catalogue
        self._entries = entries
        self._policies = policies
        self._metrics = metrics
        self._seen: dict[str, Usage] | None = None
        """What each policy held at the last look at SQL."""
        self._stored: Mapping[str, Usage] = {}
        """What had been stored by then since the start."""
        self._looked_at = 0.0

    def is_urgent(self) -> bool:
        """Is a policy far over a limit, as far as is known without a look at SQL?"""
        return any(self._may_exceed(policy, FAR) for policy in self._limited())

    def enforce(self, now: float) -> int:
        """Evict what is over the limits; gives how many entries it were. Raises ``DatabaseError``.

        Args:
            now: seconds since 1970.
        """
        limited = self._limited()
        due = abs(now - self._looked_at) >= LOOK
        if not limited or not (due or any(self._may_exceed(policy, 1.0) for policy in limited)):
            return 0
        stored = self._entries.stored
        usage = self._catalogue.usage()
        evicted = sum(self._evict(policy, usage.get(policy.name, (0, 0)), now) for policy in limited)
        self._seen, self._stored = (self._catalogue.usage() if evicted else usage), stored
        self._looked_at = now
        return evicted

    def _evict(self, policy: Policy, held: Usage, now: float) -> int:
        number, size = _excess(held[0], policy.max_entries), _excess(held[1], policy.max_bytes)
        if number == size == 0:
            return 0
        evicted = self._catalogue.evict(policy.name, worth_in_sql(now), number, size)
        self._metrics.evictions.labels("max_entries" if number else "max_bytes").inc(evicted)
        return evicted

    def _limited(self) -> list[Policy]:
        return [one for one in self._policies().values() if one.max_entries is not None or one.max_bytes is not None]

    def _may_exceed(self, policy: Policy, share: float) -> bool:
        if self._seen is None:
            # Nothing is known yet; the first sweep looks.
            return False
        held, before = self._seen.get(policy.name, (0, 0)), self._stored.get(policy.name, (0, 0))
        now = self._entries.stored.get(policy.name, (0, 0))
        return any(
            limit is not None and held[i] + now[i] - before[i] > limit * share
            for i, limit in enumerate((policy.max_entries, policy.max_bytes))
        )


def _excess(held: int, limit: int | None) -> int:
    """How much must go, so that a share of the limit is left free; 0 where it is kept."""
    return 0 if limit is None or held <= limit else held - int(limit * KEPT)
