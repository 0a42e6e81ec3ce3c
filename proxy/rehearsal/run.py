"""The run: each logged call meets the cache at its time, and each answer is stored when it came."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cache.decision import Decision, Hit, Miss, Reason
from cache.lookup import Lookup
from proxy.policy.policies import Policies
from proxy.rehearsal.calls import CompatKeys, LoggedCall, as_call
from proxy.rehearsal.log import Logged
from proxy.rehearsal.stage import Stage
from store.entry import Entry
from store.vectors import Vector

Progress = Callable[[int, int], None]
"""Told how many calls of how many are done."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A logged call, and what the rehearsed policy makes of it."""

    logged: Logged
    decision: Decision
    policy: str

    @property
    def hit(self) -> Hit | None:
        """The hit, if it is one."""
        return self.decision if isinstance(self.decision, Hit) else None

    @property
    def joined(self) -> bool:
        """Does it share the upstream call of an equal one in flight?"""
        return self.decision.reason == Reason.IN_FLIGHT


@dataclass(frozen=True, slots=True)
class Known:
    """An answer that was stored before the first of the calls."""

    entry: Entry
    vector: Vector | None


class Draws:
    """Audits as they were drawn: logged hits were not audited, logged audits were; the others by the call's id."""

    def __init__(self) -> None:
        self.call: Logged | None = None

    def __call__(self) -> float:
        """In [0, 1)."""
        call = self.call
        if call is None or (call.hit and call.tier == "semantic"):
            return 1.0
        return 0.0 if call.reason == Reason.AUDIT else random.Random(call.id).random()


async def run(
    calls: Sequence[Logged],
    stage: Stage,
    draws: Draws,
    policies: Policies,
    *,
    known: Sequence[Known] = (),
    keys: CompatKeys | None = None,
    progress: Progress = lambda done, total: None,
) -> list[Replayed]:
    """Decide on the calls in their order.

    Args:
        stage: a fresh one, made with ``draws``.
        known: what was stored before.
        keys: of all calls of the log, where these are only some.
    """
    for one in known:
        _put(stage, one)
    keys = keys or CompatKeys(calls)
    flying = _Flying(stage)
    replayed = []
    for done, logged in enumerate(calls, 1):
        await flying.land(logged.at, logged.entry_id if logged.hit else None)
        stage.now, draws.call = logged.at, logged
        call = as_call(logged, policies, keys)
        lookup = await _look_up(stage, flying, call)
        replayed.append(Replayed(logged, lookup.decision, call.policy.name))
        if isinstance(lookup.decision, Hit):
            if lookup.decision.stale:
                # What the background call brings is not known: the answer that is served stands in for it.
                flying.start(logged, dataclasses.replace(call, refresh=True), lookup)
        elif lookup.decision.reason != Reason.IN_FLIGHT:
            flying.start(logged, call, lookup)
        progress(done, len(calls))
    return replayed


async def _look_up(stage: Stage, flying: _Flying, call: LoggedCall) -> Lookup:
    seen = stage.cache.glance(call)
    if not seen.unsearched:
        return seen
    if call.exact_key in flying.keys and "exact" in seen.tiers:
        return Lookup(Miss(Reason.IN_FLIGHT), seen.tiers)
    return await stage.cache.search(call, seen.tiers)


def _put(stage: Stage, known: Known) -> None:
    neighbours = stage.cache.neighbours
    embedder = neighbours.embedder_id if neighbours is not None else None
    stage.entries.add(known.entry, known.vector, embedder, replace=False)
    if neighbours is not None and known.vector is not None:
        neighbours.add(known.entry, known.vector)


class _Flying:
    """Answers on their way: each is stored when it came, as far as the log tells."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._waiting: list[tuple[float, int, Logged, LoggedCall, Lookup]] = []
        self._order = itertools.count()
        self.keys: dict[str, int] = {}
        """Calls in flight that others may join, by exact_key."""

    def start(self, logged: Logged, call: LoggedCall, lookup: Lookup) -> None:
        """A call is forwarded."""
        lands = logged.at + (0.0 if logged.hit else (logged.latency or 0.0) / 1000)
        heapq.heappush(self._waiting, (lands, next(self._order), logged, call, lookup))
        if lookup.shareable and call.store:
            self.keys[call.exact_key] = self.keys.get(call.exact_key, 0) + 1

    async def land(self, now: float, served: str | None = None) -> None:
        """Store what came by now.

        Args:
            served: the entry that a call was answered from: it had come, though by the clocks' grain it looks later.
        """
        for lands, logged, call, lookup in self._landed(now, served):
            if lookup.shareable and call.store:
                self.keys[call.exact_key] -= 1
                if not self.keys[call.exact_key]:
                    del self.keys[call.exact_key]
            if logged.answer is not None and logged.stored:
                self._stage.now = min(lands, now)
                await self._stage.cache.store(call, lookup, logged.answer, logged.id, logged.cost)

    def _landed(self, now: float, served: str | None) -> Iterator[tuple[float, Logged, LoggedCall, Lookup]]:
        if served is not None and any(logged.entry_id == served for _, _, logged, *_ in self._waiting):
            early = [
                (min(item[0], now) if item[2].entry_id == served else item[0], *item[1:]) for item in self._waiting
            ]
            heapq.heapify(early)
            self._waiting = early
        while self._waiting and self._waiting[0][0] <= now:
            lands, _, logged, call, lookup = heapq.heappop(self._waiting)
            yield lands, logged, call, lookup
