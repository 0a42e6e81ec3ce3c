"""The worker behind the responses: takes jobs out of the durable queue, one lane for each kind.

A lane that ends by whatever failure is started again. What fails is tried again later and set aside after five tries;
what a killed process had taken is taken again by the next one. So whatever a lane does must be the same done twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from proxy.metrics import Metrics
from store.jobs import Job, Jobs

POLL: Final = 0.5
"""Seconds between two looks at an empty queue."""
RESTART: Final = 5.0
"""Seconds before a lane that ended is started again."""

_log = structlog.get_logger(__name__)


class Later(Exception):
    """This job's turn has not come: it is put off without counting as tried, and its lane rests so long.

    Args:
        cause: the failure of something that the job cannot help, such as a model that is down. It is told.
    """

    def __init__(self, seconds: float, cause: Exception | None = None) -> None:
        super().__init__(f"in {seconds:.0f} s")
        self.seconds = seconds
        self.cause = cause


class GivenUp(Exception):
    """Trying this job again is of no use: it is set aside at once. Raised from what went wrong."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How one kind of job is done.

    ``work`` may block: it runs in a thread. ``wait`` is awaited on the event loop instead. One of the two is set.
    """

    batch: int
    """Jobs taken at once."""
    work: Callable[[Job], None] | None = None
    wait: Callable[[Job], Awaitable[None]] | None = None


@dataclass(slots=True)
class _Round:
    """What became of the jobs taken together."""

    done: list[Job] = field(default_factory=list)
    later: list[tuple[Job, Later]] = field(default_factory=list)
    failed: list[tuple[Job, Exception]] = field(default_factory=list)


class Worker:
    """Works off the queue. Everything public belongs to one event loop.

    Args:
        outcome: told of each failure, and with None of each round that worked.
        poll: seconds between two looks at an empty queue.
    """

    def __init__(
        self,
        jobs: Jobs,
        lanes: Mapping[str, Lane],
        metrics: Metrics,
        outcome: Callable[[BaseException | None], None],
        *,
        poll: float = POLL,
    ) -> None:
        self._jobs = jobs
        self._lanes = lanes
        self._metrics = metrics
        self._outcome = outcome
        self._poll = poll
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: set[str] = set()
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Start a task for each lane, in the running event loop."""
        self._tasks = [asyncio.create_task(self._supervised(kind, lane)) for kind, lane in self._lanes.items()]

    async def close(self, limit: float = 5.0) -> None:
        """Let the rounds under way end, for so many seconds; what is left over waits in SQL for the next start."""
        self._stopping.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def _supervised(self, kind: str, lane: Lane) -> None:
        while not self._stopping.is_set():
            try:
                await self._run(kind, lane)
            except Exception as error:  # noqa: BLE001  a lane must never end
                self._outcome(error)
                _log.error("a lane of memory is started again", kind=kind, error=type(error).__name__)
                await self._rest(RESTART)

    async def _run(self, kind: str, lane: Lane) -> None:
        while not self._stopping.is_set():
            taken = await asyncio.to_thread(self._jobs.take, kind, lane.batch)
            if not taken:
                await self._rest(self._poll)
                continue
            round_ = await (_worked(lane.work, taken) if lane.work else _waited(lane.wait, taken))
            await asyncio.to_thread(self._settle, kind, round_)
            # Where one must wait, those behind it must too: they are not worth taking before.
            await self._rest(max((later.seconds for _, later in round_.later), default=0.0))

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _settle(self, kind: str, round_: _Round) -> None:
        self._jobs.done(round_.done)
        for job, later in round_.later:
            self._jobs.later(job, later.seconds)
        for job, error in round_.failed:
            cause = error.__cause__ if isinstance(error, GivenUp) else error
            aside = self._jobs.failed(job, cause or error, last=isinstance(error, GivenUp))
            self._count(kind, "set_aside" if aside else "failed", 1)
            if aside:
                _log.error("a job of memory was set aside", kind=kind, key=job.key, error=type(error).__name__)
        self._count(kind, "done", len(round_.done))
        causes = [later.cause for _, later in round_.later if later.cause is not None]
        self._tell(kind, [*(error for _, error in round_.failed), *causes], worked=bool(round_.done))

    def _tell(self, kind: str, failures: Sequence[Exception], *, worked: bool) -> None:
        """One lane that works must not hide another that fails."""
        for failure in failures:
            self._outcome(failure)
        if failures:
            self._failing.add(kind)
        elif worked:
            self._failing.discard(kind)
        if worked and not self._failing:
            self._outcome(None)

    def _count(self, kind: str, outcome: str, number: int) -> None:
        self._metrics.memory_jobs.labels(kind, outcome).inc(number)


async def _worked(work: Callable[[Job], None], taken: Sequence[Job]) -> _Round:
    return await asyncio.to_thread(_all, work, taken)


def _all(work: Callable[[Job], None], taken: Sequence[Job]) -> _Round:
    round_ = _Round()
    for job in taken:
        try:
            work(job)
            round_.done.append(job)
        except Later as later:
            round_.later.append((job, later))
        except Exception as error:  # noqa: BLE001  whatever one job meets, the others must be done
            round_.failed.append((job, error))
    return round_


async def _waited(wait: Callable[[Job], Awaitable[Any]] | None, taken: Sequence[Job]) -> _Round:
    assert wait is not None
    round_ = _Round()
    for job in taken:
        try:
            await wait(job)
            round_.done.append(job)
        except Later as later:
            round_.later.append((job, later))
        except Exception as error:  # noqa: BLE001  as above
            round_.failed.append((job, error))
    return round_
