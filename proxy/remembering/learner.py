"""What is learned from a call, behind its answer: memories it used gain, and candidates are found in what was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cache.quality import CORRECTED
from memory.echo.reinforcement import Learned
from memory.interactions import Interactions
from proxy.config import MemorySettings
from proxy.exchange import Exchange, Outcome
from proxy.labels.feedback import weigh
from proxy.labels.reactions import turn_digest
from proxy.metrics import Metrics
from proxy.remembering.worker import Lane
from store.entries import Entries
from store.jobs import Job, Jobs
from store.writer import Statement

LEARN: Final = "learn"
"""Reinforcement and the rules of extraction: quick, and done for every call worth learning from."""
READ: Final = "read"
"""A reading by the configured model: slow, and limited in number."""
BATCH: Final = 32

Record = Mapping[str, Any]


class Moves(Protocol):
    """Moves memories by what answers use: ``memory.echo.reinforcement.Reinforcement``."""

    def learn(self, record: Record) -> Learned:
        """Learn from an interaction; the same again changes nothing."""
        ...


class Lessons:
    """Says which jobs a call leaves behind, to be written together with its interaction."""

    def __init__(self, jobs: Jobs, settings: MemorySettings) -> None:
        self._jobs = jobs
        extraction = settings.extraction
        learns = extraction.enabled or settings.reinforcement.enabled
        self._kinds = [LEARN] * learns + [READ] * (extraction.enabled and extraction.model is not None)

    def of(self, exchange: Exchange, outcome: Outcome) -> list[Statement]:
        """Nothing for calls that failed, were repeated word for word, or asked for nothing to be learned."""
        said_before = outcome.collapsed or outcome.tier == "exact"
        if said_before or outcome.error is not None or outcome.status >= 400 or not exchange.learns:
            return []
        namespace = exchange.call.scope.namespace
        return [self._jobs.statement(kind, exchange.interaction_id, namespace) for kind in self._kinds]


class Learner:
    """Does the jobs of kind ``learn``. Twice is the same as once.

    Args:
        reinforcement: None where answers move no memories.
        keep: finds candidates in an interaction by rules and stores them; gives how many. None: nothing is extracted.
    """

    def __init__(
        self,
        interactions: Interactions,
        entries: Entries,
        reinforcement: Moves | None,
        keep: Callable[[Record], int] | None,
        metrics: Metrics,
    ) -> None:
        self._interactions = interactions
        self._entries = entries
        self._reinforcement = reinforcement
        self._keep = keep
        self._metrics = metrics

    def lane(self) -> Lane:
        """The worker's lane for it."""
        return Lane(batch=BATCH, work=self.learn)

    def learn(self, job: Job) -> None:
        """Raises what reading or writing raises: the job is then tried again."""
        record = self._interactions.get(job.key)
        if record is None:
            # Forgotten meanwhile, or never written.
            return
        if self._reinforcement is not None:
            learned = self._reinforcement.learn(record)
            self._count("used", learned.used)
            self._count("contradicted", learned.contradicted)
            for earlier in learned.lowered_interactions:
                self._lower(earlier, record)
        if self._keep is not None and is_proxied(record):
            self._metrics.memories_moved.labels("candidates").inc(self._keep(record))

    def _lower(self, earlier: str, record: Record) -> None:
        """The user contradicts a memory that an earlier answer was made with: the stored answer loses too."""
        answered = self._interactions.get(earlier, record["namespace"])
        if answered is not None and answered["entry_id"]:
            # Said once, it counts once: what the next turn itself was taken for has the same source.
            weigh(self._entries, answered["entry_id"], CORRECTED, earlier, turn_digest(record["prompt"]))

    def _count(self, outcome: str, moved: Sequence[str]) -> None:
        if moved:
            self._metrics.memories_moved.labels(outcome).inc(len(moved))


def is_proxied(record: Record) -> bool:
    """Did the call go through the proxy? What clients post is read for candidates only when asked."""
    return record["policy"] is not None
