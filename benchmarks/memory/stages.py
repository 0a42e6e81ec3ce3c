"""What each stage behind an answer takes: the calls of a log are learned from anew, in a copy of it."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from memory.echo.reinforcement import Reinforcement, Rules
from memory.extraction import EXTRACTOR, extract, fresh
from memory.extraction.keeping import Keeping
from memory.interactions import Interactions
from memory.memories.memories import Memories
from memory.redaction import build_redactor
from store.database import Database
from store.embedder import EmbedderSpec, load_embedder
from store.jobs import Jobs

T = TypeVar("T")
TAKEN = 32
"""Jobs taken at once, as the worker does."""

UNLEARNED = """
DELETE FROM memory_references; DELETE FROM extractions; DELETE FROM memory_support; DELETE FROM jobs;
DELETE FROM memories WHERE status = 'candidate';
UPDATE memories SET confidence = 0.5, reference_count = 0, last_referenced_at = NULL, injected_count = 0;
"""


@dataclass(slots=True)
class Stage:
    """Seconds that a stage took, call by call."""

    name: str
    seconds: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], T]) -> T:
        """Do the work and note how long it took."""
        started = time.perf_counter()
        try:
            return work()
        finally:
            self.seconds.append(time.perf_counter() - started)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return self._quantile(0.5)

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return self._quantile(0.95)

    def as_row(self) -> dict[str, float | str]:
        """For JSON."""
        return {"stage": self.name, "p50_ms": round(self.p50, 3), "p95_ms": round(self.p95, 3)}

    def _quantile(self, share: float) -> float:
        return 1000 * sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


def time_stages(source: Path, calls: int) -> list[Stage]:
    """Learn from the first so many calls that a log holds; the log itself stays as it is."""
    names = ("read the call", "reinforcement", "find candidates", "redact and store", "queue, a job's share")
    reading, moving, finding, keeping, queueing = stages = [Stage(name) for name in names]
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        path = Path(folder) / "reprise.db"
        with sqlite3.connect(source) as log, sqlite3.connect(path) as copy:
            log.backup(copy)
            copy.executescript(UNLEARNED)
            picked = copy.execute(
                "SELECT id, namespace FROM interactions WHERE tier <> 'exact' ORDER BY id LIMIT ?", (calls,)
            )
            ids = picked.fetchall()
        database = Database(path)
        redactor = build_redactor("rules")
        memories = Memories(database, redact=redactor)
        embedder = load_embedder(EmbedderSpec(), None)
        moves = Reinforcement(memories, database, lambda: Rules(cooldown=0.0, unused_after=10**6), lambda: embedder)
        keeps, log_of, jobs = Keeping(database, memories, redactor), Interactions(database), Jobs(database)
        for namespace in {namespace for _, namespace in ids}:
            jobs.put("learn", [id_ for id_, other in ids if other == namespace], namespace)
        while True:
            started = time.perf_counter()
            taken = jobs.take("learn", TAKEN)
            if not taken:
                break
            spent = time.perf_counter() - started
            for job in taken:
                record = reading.time(lambda job=job: log_of.get(job.key))
                assert record is not None, "it was in the log"
                moving.time(lambda record=record: moves.learn(record))
                found = finding.time(lambda record=record: extract(fresh(record), lambda: embedder))
                keeping.time(
                    lambda record=record, found=found: keeps.store(record, keeps.found(record, found), EXTRACTOR)
                )
            started = time.perf_counter()
            jobs.done(taken)
            queueing.seconds += [(spent + time.perf_counter() - started) / len(taken)] * len(taken)
        database.close()
    return stages
