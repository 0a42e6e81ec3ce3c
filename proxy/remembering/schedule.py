"""Work on memory that comes round: hygiene, reading what was not read yet, triage.

Rounds of one kind never overlap, come at intervals with some chance in them, and end with the server. A round that
fails is counted and comes again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from proxy.live.running import stamp_of
from proxy.metrics import Metrics

FIRST: Final = 20.0
"""Seconds from the start to the first round at most: a start has enough to do."""
AGAIN: Final = 30.0
"""Seconds at most before what failed, or was not ready, comes again."""
JITTER: Final = 0.1
"""Share of the interval by which a round may come sooner or later."""
WAITING: Final = "waiting"
"""In a round's counts: it could not do all of its work yet."""

Counts = Mapping[str, int]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Round:
    """One kind of work. ``run`` gives what was done, by name."""

    name: str
    every: float
    """Seconds."""
    run: Callable[[], Awaitable[Counts]]


@dataclass(slots=True)
class _Standing:
    """What became of the rounds of one kind."""

    runs: int = 0
    failures: int = 0
    outcome: str | None = None
    last_run: float | None = None
    seconds: float | None = None
    counts: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)


def in_thread(work: Callable[[], Counts]) -> Callable[[], Awaitable[Counts]]:
    """Work that blocks, as a round runs it."""
    return lambda: asyncio.to_thread(work)


class Schedule:
    """Runs rounds. Belongs to one event loop.

    Args:
        outcome: told of each failure, and with None of each round that worked.
        stop: set when the server ends; rounds that block look at it.
    """

    def __init__(
        self,
        rounds: Sequence[Round],
        metrics: Metrics,
        outcome: Callable[[BaseException | None], None],
        stop: threading.Event,
    ) -> None:
        self._rounds = {one.name: one for one in rounds}
        self._metrics = metrics
        self._outcome = outcome
        self._stop = stop
        self._standing = {name: _Standing() for name in self._rounds}
        self._under_way: set[asyncio.Task[Any]] = set()
        self._scheduler: AsyncIOScheduler | None = None

    def start(self) -> None:
        """Begin, in the running event loop. The first rounds come a little later."""
        # Late rounds are run all the same, several late ones as one.
        manners = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = AsyncIOScheduler(timezone=dt.UTC, job_defaults=manners)
        for one in self._rounds.values():
            self._scheduler.add_job(
                self._run,
                "interval",
                seconds=one.every,
                jitter=one.every * JITTER,
                next_run_time=_soon(min(one.every, FIRST)),
                args=[one],
                id=one.name,
            )
        self._scheduler.start()

    async def close(self, limit: float = 5.0) -> None:
        """Begin no round any more, and let those under way end, for so many seconds."""
        self._stop.set()
        if self._scheduler is None:
            return
        self._scheduler.pause()
        if self._under_way:
            _, late = await asyncio.wait(set(self._under_way), timeout=limit)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._scheduler.shutdown(wait=False)
        self._scheduler = None

    def status(self) -> dict[str, dict[str, Any]]:
        """Of each kind: ``every`` in seconds, ``last_run`` and ``next_run`` (ISO 8601, UTC), ``seconds`` it took,
        ``outcome`` (done, waiting, failed), ``runs``, ``failures``, ``counts`` of the last round and ``totals``."""
        return {name: self._status(name, standing) for name, standing in self._standing.items()}

    def _status(self, name: str, standing: _Standing) -> dict[str, Any]:
        job = self._scheduler.get_job(name) if self._scheduler else None
        following = getattr(job, "next_run_time", None)
        return {
            "every": self._rounds[name].every,
            "last_run": None if standing.last_run is None else stamp_of(standing.last_run),
            "next_run": None if following is None else stamp_of(following.timestamp()),
            "seconds": standing.seconds,
            "outcome": standing.outcome,
            "runs": standing.runs,
            "failures": standing.failures,
            "counts": dict(standing.counts),
            "totals": dict(standing.totals),
        }

    async def _run(self, one: Round) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        try:
            await self._measured(one)
        finally:
            self._under_way.discard(task)

    async def _measured(self, one: Round) -> None:
        standing = self._standing[one.name]
        standing.last_run, began = time.time(), time.perf_counter()
        try:
            counts = dict(await one.run())
        except Exception as error:  # noqa: BLE001  whatever one round meets, the next must come
            self._outcome(error)
            standing.failures += 1
            _log.warning("a round of memory failed", work=one.name, error=type(error).__name__)
            standing.outcome, counts = "failed", {}
        else:
            self._outcome(None)
            standing.outcome = WAITING if counts.pop(WAITING, 0) else "done"
        standing.seconds = round(time.perf_counter() - began, 3)
        standing.runs += 1
        standing.counts = counts
        self._metrics.memory_rounds.labels(one.name, standing.outcome).inc()
        for name, count in counts.items():
            standing.totals[name] = standing.totals.get(name, 0) + count
            self._metrics.memory_round_work.labels(one.name, name).inc(count)
        if standing.outcome != "done" and self._scheduler is not None and not self._stop.is_set():
            self._scheduler.modify_job(one.name, next_run_time=_soon(min(one.every, AGAIN)))


def _soon(seconds: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
