"""What became of the sessions that followed a flow: counted here, and nowhere else.

A flow's success rate is resolved over matched. Beside it stands a moving rate, which forgets slowly: after each session
``r = 0.9 r``, and 0.1 more where it was resolved. The first session alone makes the first ``r``, 1 or 0: from 0 a flow
that always helps would need seven sessions to pass one half.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal, get_args

import sqlalchemy as sa

from memory.flows.library import Flows
from memory.interactions import stamp_at
from store.dialects import insert
from store.tables import flow_outcomes, flows

Ending = Literal["resolved", "escalated", "abandoned"]
ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)

KEPT: Final = 0.9
"""Of the moving rate, with each session."""
GAINED: Final = 0.1
"""Where it was resolved."""


class Outcomes:
    """Keeps how sessions ended that followed flows. Usable from any thread.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, library: Flows, clock: Callable[[], float] = time.time) -> None:
        self._library = library
        self._clock = clock

    def record(
        self, connection: sa.Connection, namespace: str, session_id: str, flow_id: str, version: int, outcome: str
    ) -> bool:
        """Count a session for the flow that it followed, once, within the caller's transaction.

        Args:
            version: of the flow, as it was followed.
            outcome: one of ``ENDINGS``.

        Returns:
            False where it is counted already, or the flow is gone.

        Raises:
            ValueError: no such outcome.
        """
        _check(outcome)
        now = stamp_at(self._clock())
        values = {"namespace": namespace, "session_id": session_id, "flow_id": flow_id}
        row = {**values, "version": version, "outcome": outcome, "at": now}
        # One statement, so that a flow that goes at this moment leaves no outcome behind.
        there = sa.select(*(sa.literal(value).label(name) for name, value in row.items())).where(
            _is_there(flow_id, namespace)
        )
        added = insert(flow_outcomes).from_select(list(row), there).on_conflict_do_nothing()
        # Not by the count of rows, which PostgreSQL's driver does not tell of such an insert.
        if connection.execute(added.returning(flow_outcomes.c.session_id)).first() is None:
            return False
        counted = {name: flows.c[name] + 1 for name in ("matched", outcome)}
        moved = {"moving_rate": _moved(outcome), "last_matched_at": now}
        connection.execute(sa.update(flows).where(flows.c.id == flow_id).values(**counted, **moved))
        self._library.touch(connection, namespace)
        return True

    def correct(self, connection: sa.Connection, namespace: str, session_id: str, flow_id: str, outcome: str) -> bool:
        """Put right how a counted session ended, as a person says; the moving rate stays what it became.

        Returns:
            False where nothing was counted, or it is so already.

        Raises:
            ValueError: no such outcome.
        """
        _check(outcome)
        key = sa.and_(
            flow_outcomes.c.namespace == namespace,
            flow_outcomes.c.session_id == session_id,
            flow_outcomes.c.flow_id == flow_id,
        )
        before = connection.scalar(sa.select(flow_outcomes.c.outcome).where(key))
        if before is None or before == outcome:
            return False
        connection.execute(sa.update(flow_outcomes).where(key).values(outcome=outcome))
        counted = {before: flows.c[before] - 1, outcome: flows.c[outcome] + 1}
        connection.execute(sa.update(flows).where(flows.c.id == flow_id).values(**counted))
        self._library.touch(connection, namespace)
        return True


def _check(outcome: str) -> None:
    if outcome not in ENDINGS:
        raise ValueError(f"{outcome!r} is no outcome; one of: {', '.join(ENDINGS)}")


def _is_there(flow_id: str, namespace: str) -> sa.ColumnElement[bool]:
    return sa.exists().where(flows.c.id == flow_id, flows.c.namespace == namespace)


def _moved(outcome: str) -> sa.ColumnElement[Any]:
    """In SQL, so that two sessions that end at once both count."""
    solved = outcome == "resolved"
    onward = KEPT * flows.c.moving_rate + (GAINED if solved else 0.0)
    return sa.case((flows.c.moving_rate.is_(None), 1.0 if solved else 0.0), else_=onward)
