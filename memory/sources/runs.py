"""Runs of ingestion: how far each came, kept in SQL so that what ended with the server is told apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from memory.interactions import stamp_at
from store.database import Database
from store.ids import new_id
from store.tables import ingestions

KEPT: Final = 100
"""Runs of a source that stay."""

Status = Literal["running", "done", "partial", "failed", "stopped"]


@dataclass(slots=True)
class Run:
    """A run over a source, or over what is at or below ``under`` in it. Times are text in UTC.

    ``found``: files; ``read``: new or changed ones; ``failed``: those that cannot be read, those that could not be
    before among them; ``chunk_count``: pieces of all documents that it covers.
    """

    id: str
    source: str
    under: str
    status: Status
    started_at: str
    finished_at: str | None = None
    seconds: float | None = None
    found: int = 0
    read: int = 0
    unchanged: int = 0
    failed: int = 0
    purged: int = 0
    chunk_count: int = 0
    error: str | None = None


_NAMES: Final = tuple(Run.__slots__)


class Runs:
    """Every method raises ``DatabaseError``."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def begin(self, source: str, under: str) -> Run:
        """A new run."""
        run = Run(new_id("ing"), source, under, "running", stamp_at(self._clock()))
        old = sa.select(ingestions.c.id).where(ingestions.c.source == source)
        old = old.order_by(ingestions.c.id.desc()).offset(KEPT - 1)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(ingestions).where(ingestions.c.id.in_(old)))
            connection.execute(sa.insert(ingestions).values(**asdict(run)))

        self._database.transact(work)
        return run

    def note(self, run: Run) -> None:
        """Store how far a run has come."""
        statement = sa.update(ingestions).where(ingestions.c.id == run.id).values(**asdict(run))

        def work(connection: sa.Connection) -> None:
            connection.execute(statement)

        self._database.transact(work)

    def end_killed(self) -> int:
        """Mark the runs of a process that is no more as stopped; gives how many."""
        ended: list[int] = []

        def work(connection: sa.Connection) -> None:
            running = sa.update(ingestions).where(ingestions.c.status == "running")
            ended.append(connection.execute(running.values(status="stopped")).rowcount)

        self._database.transact(work)
        return ended[0]

    def latest(self, source: str, *, whole: bool = False, found: bool = False) -> Run | None:
        """The last run over a source.

        Args:
            whole: only those over all of it that came to their end.
            found: only those that found files.
        """
        where: list[sa.ColumnElement[bool]] = [ingestions.c.source == source]
        if whole:
            where += [ingestions.c.under == "", ingestions.c.status.in_(("done", "partial"))]
        if found:
            where.append(ingestions.c.found > 0)
        statement = sa.select(*(ingestions.c[name] for name in _NAMES)).where(*where)
        rows = self._database.query(statement.order_by(ingestions.c.id.desc()).limit(1))
        return Run(**rows[0]) if rows else None

    def counts(self, since: str | None) -> dict[str, dict[str, Any]]:
        """By status: ``runs`` begun since then, ever where nothing is given, and their ``seconds``."""
        counted = sa.select(
            ingestions.c.status,
            sa.func.count().label("runs"),
            sa.func.coalesce(sa.func.sum(ingestions.c.seconds), 0.0).label("seconds"),
        ).where(ingestions.c.started_at >= (since or ""))
        rows = self._database.query(counted.group_by(ingestions.c.status))
        return {row["status"]: {"runs": row["runs"], "seconds": round(row["seconds"], 3)} for row in rows}
