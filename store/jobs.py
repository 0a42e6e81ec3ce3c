"""Work that waits behind the responses, in SQL: a killed process picks it up where it stopped.

One process works on a queue at a time. A job is counted as tried when it is taken, so that one which kills its worker
is set aside like one that fails.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from store.database import Database, Prepared
from store.dialects import insert
from store.tables import jobs
from store.writer import Statement

MOST_TRIES: Final = 5
BACKOFF: Final = 2.0
"""Seconds before the second try; each further one waits four times as long."""

_GIVEN = ("kind", "key", "namespace", "state", "tries", "run_after", "queued_at")
_PUT = Prepared(insert(jobs).values({name: sa.bindparam(name) for name in _GIVEN}).on_conflict_do_nothing())


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work; ``key`` is the id of what is worked on."""

    id: int
    kind: str
    key: str
    namespace: str
    tries: int
    """This one included."""
    queued_at: float
    """Seconds since 1970."""
    error: str | None = None
    """Kind of the last failure."""


class Jobs:
    """The queue. All but ``statement`` reads or writes SQL and raises ``DatabaseError``."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def statement(self, kind: str, key: str, namespace: str, *, delay: float = 0.0) -> Statement:
        """What queues a job, to be written together with something else; nothing where it waits already."""
        return _PUT, [self._row(kind, key, namespace, delay)]

    def queue(self, connection: sa.Connection, kind: str, key: str, namespace: str, *, delay: float = 0.0) -> None:
        """Queue a job within a transaction."""
        _PUT.run(connection, self._row(kind, key, namespace, delay))

    def put(self, kind: str, keys: Sequence[str], namespace: str) -> None:
        """Queue jobs and wait for the commit."""
        if keys:
            self._database.writer.submit(_PUT, *(self._row(kind, key, namespace, 0.0) for key in keys)).result()

    def take(self, kind: str, most: int) -> list[Job]:
        """The oldest due jobs, each now counted as tried once more. What failed before comes alone."""
        due = (
            sa.select(jobs)
            .where(jobs.c.kind == kind, jobs.c.state == "waiting", jobs.c.run_after <= self._clock())
            .order_by(jobs.c.id)
            .limit(most)
        )
        rows = self._database.query(due)
        # One that kills its worker must not take others along.
        fresh = list(itertools.takewhile(lambda row: row["tries"] == 0, rows))
        taken = fresh or rows[:1]
        spent = [row["id"] for row in taken if row["tries"] >= MOST_TRIES]
        if spent:
            self._set(spent, state="set_aside")
            return self.take(kind, most)
        if taken:
            self._set([row["id"] for row in taken], tries=jobs.c.tries + 1)
        return [_as_job({**row, "tries": row["tries"] + 1}) for row in taken]

    def done(self, finished: Sequence[Job]) -> None:
        """Forget jobs that are done."""
        ids = [job.id for job in finished]
        if ids:
            self._database.transact(lambda connection: _run(connection, sa.delete(jobs).where(jobs.c.id.in_(ids))))

    def failed(self, job: Job, error: BaseException, *, last: bool = False) -> bool:
        """Put a job back, to be tried again later; True where that was its last try and it is set aside.

        Args:
            last: set it aside, whatever tries are left.
        """
        name = type(error).__name__
        if last or job.tries >= MOST_TRIES:
            self._set([job.id], state="set_aside", error=name)
            return True
        self._set([job.id], error=name, run_after=self._clock() + BACKOFF * 4 ** (job.tries - 1))
        return False

    def later(self, job: Job, seconds: float) -> None:
        """Put a job off without counting the try."""
        self._set([job.id], tries=job.tries - 1, run_after=self._clock() + seconds)

    def retry(self, ids: Sequence[int] | None = None) -> int:
        """Queue what was set aside anew, all of it by default; gives how many jobs."""
        aside = jobs.c.state == "set_aside"
        chosen = aside if ids is None else sa.and_(aside, jobs.c.id.in_(ids))
        counted: list[int] = []

        def work(connection: sa.Connection) -> None:
            again = sa.update(jobs).where(chosen).values(state="waiting", tries=0, run_after=0.0)
            counted.append(connection.execute(again).rowcount)

        self._database.transact(work)
        return counted[0]

    def set_aside(self, limit: int = 100) -> list[Job]:
        """What failed too often, newest first."""
        newest = sa.select(jobs).where(jobs.c.state == "set_aside").order_by(jobs.c.id.desc()).limit(limit)
        return [_as_job(row) for row in self._database.query(newest)]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many jobs wait and how many were set aside, by kind."""
        grouped = sa.select(jobs.c.kind, jobs.c.state, sa.func.count().label("count")).group_by(
            jobs.c.kind, jobs.c.state
        )
        found: dict[str, dict[str, int]] = {}
        for row in self._database.query(grouped):
            found.setdefault(row["kind"], {"waiting": 0, "set_aside": 0})[row["state"]] = row["count"]
        return found

    def _row(self, kind: str, key: str, namespace: str, delay: float) -> dict[str, Any]:
        now = self._clock()
        fresh = {"state": "waiting", "tries": 0, "run_after": now + delay, "queued_at": now}
        return {"kind": kind, "key": key, "namespace": namespace, **fresh}

    def _set(self, ids: Sequence[int], **values: Any) -> None:
        self._database.transact(
            lambda connection: _run(connection, sa.update(jobs).where(jobs.c.id.in_(ids)).values(**values))
        )


def _run(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)


def _as_job(row: dict[str, Any]) -> Job:
    names = ("id", "kind", "key", "namespace", "tries", "queued_at", "error")
    return Job(**{name: row[name] for name in names})
