"""Reads interactions for candidates: behind the calls, on request, and those that the present extractors have not read.

By rules always, by the configured model where there is one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from memory.extraction import EXTRACTOR, MOST
from memory.extraction.backlog import Backlog, Unread
from memory.extraction.keeping import ACTOR, Found, Keeping, Record
from memory.interactions import Interactions
from memory.memories.memory import Actor
from proxy.errors import InvalidRequest, ProxyError
from proxy.metrics import Metrics
from proxy.remembering.extractor import UNREADABLE, Extractor
from proxy.remembering.learner import READ
from proxy.remembering.worker import Lane, Later
from store.jobs import Job, Jobs

Mode = Literal["rules", "model", "all"]

DEADLINE: Final = 60.0
"""Seconds after which a batch begins no further interaction."""
OUTAGE: Final = 60.0
"""Seconds before a model that gave no answer is asked again."""
ROUND: Final = 500
"""Interactions of one scheduled round."""


@dataclass(slots=True)
class Batch:
    """What became of reading several interactions."""

    read: int = 0
    found: list[tuple[Record, Found]] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    errors: list[tuple[str, str]] = field(default_factory=list)
    """Interaction and what went wrong with it; it counts as unread."""
    wait: float = 0.0
    """Seconds until the model may be asked again; 0: it was not asked too often."""
    remaining: int = 0
    """Unread interactions that were not looked at."""


class Reading:
    """Finds candidates in interactions, and keeps them.

    Args:
        extractor: None where no model is configured.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        interactions: Interactions,
        keeping: Keeping,
        backlog: Backlog,
        jobs: Jobs,
        extractor: Extractor | None,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interactions = interactions
        self._keeping = keeping
        self._backlog = backlog
        self._jobs = jobs
        self._extractor = extractor
        self._metrics = metrics
        self._clock = clock

    def lane(self) -> Lane:
        """The worker's lane for jobs of kind ``read``."""
        return Lane(batch=1, wait=self.learn)

    async def learn(self, job: Job) -> None:
        """Let the model read what a job names. Twice is the same as once.

        Raises:
            Later: the model was asked too often, or cannot be reached; the job waits until it can.
            ProxyError: its reply makes no sense.
        """
        record = await asyncio.to_thread(self._interactions.get, job.key)
        extractor = self._extractor
        if record is None or extractor is None:
            # Forgotten meanwhile, or queued under another configuration.
            return
        if not await asyncio.to_thread(self._keeping.has_read, job.key, extractor.name):
            try:
                await self._keep(record, "model", ACTOR)
            except ProxyError as error:
                if error.code == UNREADABLE:
                    raise
                raise Later(OUTAGE, error) from error

    async def find(self, record: Record, mode: Mode) -> list[Found]:
        """The candidates in an interaction that are new to its project, at most 50. Stores nothing.

        Raises:
            InvalidRequest: no model is configured, and it is asked for.
            ProxyError: the model failed.
            Later: it was asked too often.
        """
        candidates = [] if mode == "model" else await asyncio.to_thread(self._keeping.read, record)
        if mode != "rules":
            candidates = [*candidates, *await self._model().read(record)]
        return await asyncio.to_thread(self._keeping.found, record, candidates)

    async def keep(self, record: Record, found: Sequence[Found], mode: Mode, actor: Actor) -> list[str]:
        """Store what was found in a mode, and note that it was read; gives the ids of the new candidates."""
        stored: list[str] = []
        for name in self.extractors(mode):
            own = [one for one in found if (one.candidate.rule == "model") == (name != EXTRACTOR)]
            stored += await asyncio.to_thread(self._keeping.store, record, own, name, actor)
        self._metrics.memories_moved.labels("candidates").inc(len(stored))
        return stored

    async def batch(
        self, mode: Mode, *, since: str | None, namespace: str | None, limit: int, persist: bool, actor: Actor
    ) -> Batch:
        """Read what the present extractors have not read, oldest first, until 50 candidates were found.

        Raises:
            InteractionError: ``since`` cannot be read.
            InvalidRequest: no model is configured, and it is asked for.
        """
        wanted, ends = self.extractors(mode), self._clock() + DEADLINE
        unread = await asyncio.to_thread(
            lambda: self._backlog.unread(wanted, since=since, namespace=namespace, limit=limit)
        )
        done = Batch()
        waiting = await asyncio.to_thread(lambda: self._backlog.count(wanted, since=since, namespace=namespace))
        for one in unread:
            if (
                self._clock() >= ends
                or len(done.found) >= MOST
                or not await self._one(one.id, mode, done, persist, actor)
            ):
                break
        done.remaining = waiting - done.read - len(done.errors)
        return done

    async def round(self) -> dict[str, int]:
        """Read by the rules, and queue for the model, what the present versions have not read."""
        unread = await asyncio.to_thread(self._unread, EXTRACTOR)
        found = 0
        for one in unread:
            record = await asyncio.to_thread(self._interactions.get, one.id)
            found += await asyncio.to_thread(self._keeping.by_rules, record) if record is not None else 0
        self._metrics.memories_moved.labels("candidates").inc(found)
        behind = await asyncio.to_thread(self._queue) if self._extractor is not None else 0
        return {"read": len(unread), "candidates": found, "queued": behind}

    def extractors(self, mode: Mode) -> list[str]:
        """The names of a mode's extractors. Raises ``InvalidRequest`` where no model is configured for it."""
        if mode == "rules":
            return [EXTRACTOR]
        return [self._model().name] if mode == "model" else [EXTRACTOR, self._model().name]

    def _model(self) -> Extractor:
        if self._extractor is None:
            raise InvalidRequest("No model is configured in memory.extraction.model.", param="model")
        return self._extractor

    async def _one(self, id_: str, mode: Mode, done: Batch, persist: bool, actor: Actor) -> bool:
        """Read one interaction of a batch; False where the batch ends before it."""
        record = await asyncio.to_thread(self._interactions.get, id_)
        if record is None:
            return True
        try:
            found = await self.find(record, mode)
        except Later as later:
            done.wait = later.seconds
            return False
        except ProxyError as error:
            done.errors.append((id_, error.message))
            return True
        if done.found and len(done.found) + len(found) > MOST:
            # What this one holds is for the next pass, as a whole.
            return False
        if persist:
            done.stored += await self.keep(record, found, mode, actor)
        done.read += 1
        done.found += [(record, one) for one in found]
        return True

    async def _keep(self, record: Record, mode: Mode, actor: Actor) -> None:
        await self.keep(record, await self.find(record, mode), mode, actor)

    def _unread(self, extractor: str) -> list[Unread]:
        """What calls through the proxy left unread; what clients report is read when somebody asks."""
        return self._backlog.unread((extractor,), proxied=True, limit=ROUND)

    def _queue(self) -> int:
        """Queue what the model has not read; what waits in the queue, or was set aside there, stays as it is."""
        unread = self._unread(self._model().name)
        for one in unread:
            self._jobs.put(READ, [one.id], one.namespace)
        return len(unread)
