"""How sessions end, and what an end sets off. The sweep finds those that fell silent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.sessions.rules import Rules
from store.database import Database
from store.tables import sessions

CHUNK: Final = 500
"""Sessions that are ended in one transaction, where nothing hangs on them, and one by one in a sweep otherwise."""
MOST: Final = 10_000
"""Sessions of a kind that one sweep ends at most."""

OPEN: Final[Mapping[str, Any]] = {
    "ended_at": None,
    "ended_by": None,
    "analysis": None,
    "outcome": None,
    "proposal_id": None,
    "analysed_at": None,
    "analysis_tries": 0,
    "analysis_after": None,
}
"""The columns of an end, of a session that goes on."""

Row = Mapping[str, Any]


class Outcomes(Protocol):
    """Counts how sessions ended that followed a flow: ``memory.flows.outcomes.Outcomes``."""

    def record(
        self, connection: sa.Connection, namespace: str, session_id: str, flow_id: str, version: int, outcome: str
    ) -> bool:
        """Count one, once; False where it is counted already."""
        ...

    def correct(self, connection: sa.Connection, namespace: str, session_id: str, flow_id: str, outcome: str) -> bool:
        """Put right what was counted; False where nothing was."""
        ...


Queue = Callable[[sa.Connection, str, str], None]
"""Queues a session's analysis, by namespace and id, within the transaction."""


class Endings:
    """Ends sessions. May be used from any thread; everything but ``end`` raises ``DatabaseError``.

    Args:
        queue: None: nothing analyses what ends.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        rules: Callable[[], Rules],
        outcomes: Outcomes | None = None,
        queue: Queue | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._rules = rules
        self._outcomes = outcomes
        self._queue = queue
        self._clock = clock

    @property
    def now(self) -> str:
        """The time as it is stored."""
        return stamp_at(self._clock())

    def end(self, connection: sa.Connection, row: Row, status: str, by: str, at: str | None = None) -> dict[str, Any]:
        """What an end changes in a session's row, once it has done all that hangs on it within the transaction.

        A resolved session is queued for its analysis. Of others there is none: how they ended is counted for the flow
        that they followed, at once.

        Args:
            row: the session as it will be, but for its end.
            at: when it ended; now by default.
        """
        ended = {**OPEN, "status": status, "ended_at": at or self.now, "ended_by": by}
        if status == "resolved":
            # It may have been counted otherwise, before somebody took it up again.
            self._count(connection, row, status, anew=False)
            self.wait(connection, row["namespace"], row["id"])
            return {**ended, "analysis": "waiting"}
        self._count(connection, row, status)
        return {**ended, "analysis": "done", "outcome": "none", "analysed_at": self.now}

    def wait(self, connection: sa.Connection, namespace: str, id_: str) -> None:
        """Queue a session's analysis, within the transaction."""
        if self._queue is not None:
            self._queue(connection, namespace, id_)

    def sweep(self, stopping: Callable[[], bool] = lambda: False) -> dict[str, int]:
        """End or pause the sessions that fell silent; gives how many, by what became of them.

        ``waiting`` is among it where there are more than one sweep does.
        """
        rules, done = self._rules(), Counter[str]()
        silent = stamp_at(self._clock() - rules.idle)
        gone = stamp_at(self._clock() - max(rules.idle, rules.abandon_after))
        status, last, signal = sessions.c.status, sessions.c.last_at, sessions.c.signal
        # What a person said of the status stands.
        free = sa.or_(sessions.c.corrected.is_(None), sessions.c.corrected.not_like('%"status"%'))
        pleased = sa.and_(status.in_(("active", "paused")), last <= silent, signal.in_(("pleased", "solved")), free)
        asked_for_help = sa.and_(status == "escalated", sessions.c.analysis.is_(None), last <= silent)
        left = sa.and_(status.in_(("active", "paused")), last <= gone, free)
        followed = sessions.c.matched_flow.is_not(None)
        quiet = sa.and_(status == "active", last <= silent, free)
        for which, outcome, by in (
            (pleased, "resolved", "signal"),
            (asked_for_help, "escalated", "phrase"),
            (sa.and_(left, followed), "abandoned", "idle"),
        ):
            done += self._each(which, outcome, by, stopping)
        abandoned = {"status": "abandoned", "ended_by": "idle", "ended_at": self.now}
        settled = {"analysis": "done", "outcome": "none", "analysed_at": self.now}
        if not done["waiting"]:
            # What else is silent would be taken for abandoned before it was looked at.
            done += self._many(sa.and_(left, ~followed), {**abandoned, **settled}, stopping)
            done += self._many(quiet, {"status": "paused"}, stopping)
        return dict(+done)

    def _each(self, which: sa.ColumnElement[bool], status: str, by: str, stopping: Callable[[], bool]) -> Counter[str]:
        """End sessions one by one, each in a transaction of its own."""
        found = sa.select(sessions.c.namespace, sessions.c.id).where(which).order_by(sessions.c.last_at).limit(CHUNK)
        rows = self._database.query(found)
        ended = sum(self._one(row, which, status, by) for row in rows if not stopping())
        return Counter({status: ended, "waiting": int(len(rows) == CHUNK)})

    def _one(self, key: Row, which: sa.ColumnElement[bool], status: str, by: str) -> bool:
        ended: list[bool] = []

        def work(connection: sa.Connection) -> None:
            this = sa.and_(sessions.c.namespace == key["namespace"], sessions.c.id == key["id"])
            # Looked at again: a turn may have come meanwhile.
            row = connection.execute(sa.select(sessions).where(this, which)).mappings().first()
            if row is not None:
                values = self.end(connection, dict(row), status, by, row["ended_at"])
                connection.execute(sa.update(sessions).where(this).values(**values))
                ended.append(True)

        self._database.transact(work)
        return bool(ended)

    def _many(
        self, which: sa.ColumnElement[bool], values: Mapping[str, Any], stopping: Callable[[], bool]
    ) -> Counter[str]:
        """Change sessions on which nothing hangs, many in one transaction."""
        done = Counter[str]()
        for _ in range(MOST // CHUNK):
            changed = 0 if stopping() else self._chunk(which, values)
            done[values["status"]] += changed
            if changed < CHUNK:
                return done
        return done + Counter(waiting=1)

    def _chunk(self, which: sa.ColumnElement[bool], values: Mapping[str, Any]) -> int:
        chosen: list[tuple[str, str]] = []

        def work(connection: sa.Connection) -> None:
            found = connection.execute(sa.select(sessions.c.namespace, sessions.c.id).where(which).limit(CHUNK))
            chosen.extend((row.namespace, row.id) for row in found)
            key = sa.and_(sessions.c.namespace == sa.bindparam("in_namespace"), sessions.c.id == sa.bindparam("of_id"))
            keys = [{"in_namespace": namespace, "of_id": id_} for namespace, id_ in chosen]
            if keys:
                connection.execute(sa.update(sessions).where(key).values(**values), keys)

        self._database.transact(work)
        return len(chosen)

    def _count(self, connection: sa.Connection, row: Row, outcome: str, *, anew: bool = True) -> None:
        if self._outcomes is None or not row["matched_flow"]:
            return
        key = row["namespace"], row["id"], row["matched_flow"]
        if not (anew and self._outcomes.record(connection, *key, row["matched_version"] or 1, outcome)):
            self._outcomes.correct(connection, *key, outcome)
