"""Analyses sessions behind the calls: a lane of the worker, one session at a time, and the round that fills it.

A session is put into the lane when it ends. The round finds those that a crash, a spent budget or a model that failed
left behind; only the lane analyses, so that none is analysed twice at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from memory.proposals.analysis import Analysed, Analysis, Notify
from memory.proposals.budget import Budget
from memory.proposals.deferring import ANALYSE, Deferring, key_of, session_of
from memory.proposals.drafting import Spent
from memory.replies import ReplyError
from proxy.asking import Asks
from proxy.errors import ProxyError, UpstreamError
from proxy.metrics import Metrics
from proxy.remembering.worker import GivenUp, Lane
from store.jobs import Job, Jobs

AT_ONCE: Final = 500
"""Sessions that one round puts into the lane."""
OUTAGE: Final = 60.0
"""Seconds before a model that gave no answer is asked again; twice as long after each further failure."""
LONGEST_OUTAGE: Final = 1800.0


class Unreachable(Exception):
    """The model failed a moment ago: it is not asked now.

    Args:
        seconds: until it may be.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"for {seconds:.0f} s")
        self.seconds = seconds


class AnalysingModel:
    """The configured model; after a failure it is left alone for a while, so that no calls are spent on it.

    Args:
        name: of ``model_list``.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        name: str,
        asking: Asks,
        metrics: Metrics,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._asking = asking
        self._metrics = metrics
        self._timeout = timeout
        self._clock = clock
        self._failures = 0
        self._again = 0.0

    def check(self) -> None:
        """Raises ``Unreachable`` while the model is left alone."""
        left = self._again - self._clock()
        if left > 0:
            raise Unreachable(left)

    async def ask(self, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """A chat completion. Raises ``ProxyError``."""
        try:
            answer = await self._asking.ask(self.name, messages, schema=schema, timeout=self._timeout)
        except ProxyError:
            self._metrics.analyst_calls.labels("failed").inc()
            self._again = self._clock() + min(LONGEST_OUTAGE, OUTAGE * 2**self._failures)
            self._failures = min(self._failures + 1, 16)
            raise
        self._metrics.analyst_calls.labels("answered").inc()
        self._failures = 0
        return answer


class Analysing:
    """Does the jobs of kind ``analyse``, and queues them.

    Args:
        notify: tells people of an event.
        told: told of failures, which the job cannot help.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        analysis: Analysis,
        budget: Budget,
        deferring: Deferring,
        jobs: Jobs,
        metrics: Metrics,
        notify: Notify,
        told: Callable[[BaseException | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._analysis = analysis
        self._budget = budget
        self._deferring = deferring
        self._jobs = jobs
        self._metrics = metrics
        self._notify = notify
        self._told = told
        self._clock = clock

    def lane(self) -> Lane:
        """The worker's lane for it."""
        return Lane(batch=1, wait=self.analyse)

    async def analyse(self, job: Job) -> None:
        """Analyse the session that a job names. Twice is the same as once.

        What cannot be done now is put off in the session's own row, and the job is done: the round queues it again.

        Raises:
            GivenUp: the model's replies were of no use too often; the job is set aside, to be seen and tried again.
            Exception: whatever else fails.
        """
        namespace, id_ = job.namespace, session_of(job.namespace, job.key)
        try:
            done = await self._analysis.run(namespace, id_)
        except Spent:
            await asyncio.to_thread(self._spent, namespace, id_)
        except Unreachable as wait:
            await self._put_off(namespace, id_, wait.seconds)
        except ReplyError as error:
            await self._unusable(namespace, id_, error)
        except ProxyError as error:
            self._told(error)
            await self._put_off(namespace, id_, OUTAGE)
        else:
            self._count(done)

    async def round(self) -> dict[str, int]:
        """Queue the sessions whose turn has come and that nothing stands for."""
        due = await asyncio.to_thread(self._deferring.due, AT_ONCE)
        await asyncio.to_thread(self._queue, due)
        return {"queued": len(due)}

    def _queue(self, due: Sequence[tuple[str, str]]) -> None:
        by_namespace: dict[str, list[str]] = {}
        for namespace, id_ in due:
            by_namespace.setdefault(namespace, []).append(key_of(namespace, id_))
        for namespace, keys in by_namespace.items():
            self._jobs.put(ANALYSE, keys, namespace)

    def _spent(self, namespace: str, id_: str) -> None:
        self._deferring.put_off(namespace, id_, self._budget.tomorrow())
        self._metrics.analyses.labels("deferred").inc()
        used, day = self._budget.spent(namespace), self._budget.today()
        title = f"The calls for analyses of {day} are used up"
        self._notify("budget.spent", namespace, "budget", day, title, {"day": day, "calls": used})

    async def _put_off(self, namespace: str, id_: str, seconds: float) -> None:
        await asyncio.to_thread(self._deferring.put_off, namespace, id_, self._clock() + seconds)
        self._metrics.analyses.labels("failed").inc()

    async def _unusable(self, namespace: str, id_: str, error: ReplyError) -> None:
        self._metrics.analyses.labels("unreadable").inc()
        failure = UpstreamError(f"The analysing model's reply cannot be used: {error}.", code="analysis_unreadable")
        again = await asyncio.to_thread(self._deferring.failed, namespace, id_)
        if not again:
            raise GivenUp from failure
        self._told(failure)

    def _count(self, done: Analysed | None) -> None:
        if done is None or done.how == "gone":
            return
        by_how = {"absorbed": "absorbed", "refused": "refused", "known": "absorbed"}
        self._metrics.analyses.labels(by_how.get(done.how, done.outcome)).inc()
