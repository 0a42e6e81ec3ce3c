"""Sessions as they stand: read, listed, and settled by the analysis."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import parse_since, stamp_at
from memory.sessions.session import Session, as_session, as_step
from store.database import Database
from store.tables import session_steps, sessions

MOST_LISTED: Final = 500
MOST_STEPS: Final = 1000
"""Steps of one session that are read: the newest."""

_DUE: Final = ("waiting", "deferred")


class Sessions:
    """The sessions of all namespaces. May be used from any thread; all methods raise ``DatabaseError``."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def get(self, namespace: str | None, id_: str) -> Session | None:
        """A session with its steps; without a namespace, the newest of that id in any."""
        statement = sa.select(sessions).where(sessions.c.id == id_)
        if namespace is not None:
            statement = statement.where(sessions.c.namespace == namespace)
        rows = self._database.query(statement.order_by(sessions.c.last_at.desc()).limit(1))
        if not rows:
            return None
        row = rows[0]
        newest = (
            sa.select(session_steps)
            .where(session_steps.c.namespace == row["namespace"], session_steps.c.session_id == id_)
            .order_by(session_steps.c.at.desc(), session_steps.c.interaction_id.desc())
            .limit(MOST_STEPS)
        )
        return as_session(row, tuple(as_step(step) for step in reversed(self._database.query(newest))))

    def list(
        self,
        *,
        namespace: str | None = None,
        status: str | None = None,
        project: str | None = None,
        client: str | None = None,
        since: str | None = None,
        limit: int = 50,
    ) -> list[Session]:
        """The latest first, without steps; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            since: any ISO 8601 time; sessions with a turn since then, inclusive.

        Raises:
            InteractionError: ``since`` cannot be read.
        """
        first = parse_since(since) if since is not None else None
        if limit <= 0:
            return []
        statement = sa.select(sessions)
        for name, value in {"namespace": namespace, "status": status, "project": project, "client": client}.items():
            if value is not None:
                statement = statement.where(sessions.c[name] == value)
        if first is not None:
            statement = statement.where(sessions.c.last_at >= first)
        newest = statement.order_by(sessions.c.last_at.desc(), sessions.c.id.desc()).limit(min(limit, MOST_LISTED))
        return [as_session(row) for row in self._database.query(newest)]

    def waiting(self, limit: int) -> Sequence[tuple[str, str]]:
        """(namespace, id) of sessions that are to be analysed, those that ended first come first."""
        due = (
            sa.select(sessions.c.namespace, sessions.c.id)
            .where(sessions.c.analysis.in_(_DUE))
            .order_by(sessions.c.ended_at, sessions.c.id)
            .limit(limit)
        )
        return [(row["namespace"], row["id"]) for row in self._database.query(due)]

    def settle(
        self, connection: sa.Connection, namespace: str, id_: str, outcome: str, proposal_id: str | None = None
    ) -> bool:
        """Say, within the analysis' transaction, what it led to; False where the session is not waiting for it."""
        done = {
            "analysis": "done",
            "outcome": outcome,
            "proposal_id": proposal_id,
            "analysed_at": stamp_at(self._clock()),
        }
        return self._move(connection, namespace, id_, done)

    def defer(self, namespace: str, id_: str) -> None:
        """Put a waiting session's analysis off."""

        def work(connection: sa.Connection) -> None:
            self._move(connection, namespace, id_, {"analysis": "deferred"})

        self._database.transact(work)

    def _move(self, connection: sa.Connection, namespace: str, id_: str, values: dict[str, Any]) -> bool:
        row = sa.and_(sessions.c.namespace == namespace, sessions.c.id == id_, sessions.c.analysis.in_(_DUE))
        return connection.execute(sa.update(sessions).where(row).values(**values)).rowcount == 1
