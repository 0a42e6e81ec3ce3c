"""Which sessions wait for their analysis, and how an analysis is put off. It is never dropped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from memory.sessions.session import ENDINGS
from store.database import Database
from store.tables import jobs, sessions

ANALYSE: Final = "analyse"
"""The kind of the jobs that analyse sessions, one for each."""
DUE: Final = ("waiting", "deferred")
HOUR: Final = 3600.0
PAUSES: Final = (600.0, HOUR, 6 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR)
"""Seconds after each bad reply before the session is read again; after one more it is set aside."""


def key_of(namespace: str, session_id: str) -> str:
    """The key of a session's job."""
    return f"{namespace}/{session_id}"


def session_of(namespace: str, key: str) -> str:
    """The session that a job of this namespace is about."""
    return key.removeprefix(f"{namespace}/")


class Deferring:
    """Reads and writes when a session's turn comes. All methods raise ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def due(self, limit: int) -> list[tuple[str, str]]:
        """(namespace, id) of sessions whose turn has come and that no job stands for; those that ended first come
        first."""
        key = sessions.c.namespace.concat("/").concat(sessions.c.id)
        queued = sa.exists().where(jobs.c.kind == ANALYSE, jobs.c.key == key)
        statement = (
            sa.select(sessions.c.namespace, sessions.c.id)
            .where(
                sessions.c.analysis.in_(DUE),
                sessions.c.status.in_(ENDINGS),
                sa.or_(sessions.c.analysis_after.is_(None), sessions.c.analysis_after <= self._clock()),
                ~queued,
            )
            .order_by(sessions.c.ended_at, sessions.c.namespace, sessions.c.id)
            .limit(limit)
        )
        return [(row["namespace"], row["id"]) for row in self._database.query(statement)]

    def put_off(self, namespace: str, id_: str, until: float) -> None:
        """Let a session's turn come at that time, in seconds since 1970."""
        self._set(namespace, id_, analysis="deferred", analysis_after=until)

    def failed(self, namespace: str, id_: str) -> bool:
        """Let a session that the model made nothing usable of come again later; False where it did so too often."""
        tries = self._tries(namespace, id_) + 1
        pause = PAUSES[min(tries, len(PAUSES)) - 1]
        self._set(namespace, id_, analysis="deferred", analysis_tries=tries, analysis_after=self._clock() + pause)
        return tries <= len(PAUSES)

    def counts(self) -> dict[str, int]:
        """How many wait, and how many of them were put off."""
        counted = (
            sa.select(sessions.c.analysis, sa.func.count().label("count"))
            .where(sessions.c.analysis.in_(DUE), sessions.c.status.in_(ENDINGS))
            .group_by(sessions.c.analysis)
        )
        found = {row["analysis"]: row["count"] for row in self._database.query(counted)}
        return {name: found.get(name, 0) for name in DUE}

    def _tries(self, namespace: str, id_: str) -> int:
        of_it = sa.select(sessions.c.analysis_tries).where(sessions.c.namespace == namespace, sessions.c.id == id_)
        rows = self._database.query(of_it)
        return int(rows[0]["analysis_tries"] or 0) if rows else 0

    def _set(self, namespace: str, id_: str, **values: object) -> None:
        # Whatever has settled it meanwhile stands.
        row = sa.and_(sessions.c.namespace == namespace, sessions.c.id == id_, sessions.c.analysis.in_(DUE))
        statement = sa.update(sessions).where(row).values(**values)
        self._database.transact(lambda connection: _run(connection, statement))


def _run(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)
