"""Forgetting what sessions were and what they taught: sessions with their steps, proposals, flows, notifications.

A session goes whole. With it go the notifications that tell of it, and proposals that it alone supports, unless they
were approved: what a person put into use stays, until its own words are to go. How often a flow was followed stays
counted; which sessions did is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.forgetting import FORGOTTEN, Touched, emptied
from store.database import Database
from store.tables import (
    audit,
    deliveries,
    flow_outcomes,
    flow_versions,
    flows,
    jobs,
    notifications,
    proposal_sessions,
    proposals,
    session_steps,
    sessions,
)

IN_USE: Final = ("approved", "modified")
"""Proposals that a person put into use."""

Pair = tuple[str, str]
"""Namespace and id of a session."""


class ForgettingFlows:
    """Deletes for good. Each call is one transaction and raises ``DatabaseError``.

    Args:
        touched: told, within the transaction, of each namespace whose flows change.
    """

    def __init__(self, database: Database, touched: Touched = lambda connection, namespace: None) -> None:
        self._database = database
        self._touched = touched

    def sessions(self, which: Sequence[Pair]) -> Counter[str]:
        """Delete sessions with all that hangs on them; gives how many rows went, by table."""

        def work(connection: sa.Connection) -> Counter[str]:
            alone = _supported_by_these_alone(connection, which)
            # One that waits to be analysed, too.
            keys = [f"{namespace}/{id_}" for namespace, id_ in which]
            gone = Counter({jobs.name: _delete(connection, jobs, jobs.c.key.in_(keys))})
            gone += _notifications(connection, _of_objects("session", which))
            gone += _proposals(connection, alone)
            emptied(connection, sa.and_(audit.c.object_type == "session", _among(audit, "object_id", which)))
            for table in (proposal_sessions, flow_outcomes, session_steps):
                gone[table.name] += _delete(connection, table, _among(table, "session_id", which))
            gone[sessions.name] += _delete(connection, sessions, _among(sessions, "id", which))
            return gone

        return self._done(work)

    def proposals(self, ids: Sequence[str]) -> Counter[str]:
        """Delete proposals, whatever was decided on them."""
        return self._done(lambda connection: _proposals(connection, ids))

    def flows(self, ids: Sequence[str]) -> Counter[str]:
        """Delete flows with all their versions."""

        def work(connection: sa.Connection) -> Counter[str]:
            of_them = flows.c.id.in_(ids)
            for namespace in connection.scalars(sa.select(flows.c.namespace).where(of_them).distinct()).all():
                self._touched(connection, namespace)
            gone = _notifications(connection, _of_ids("flow", ids))
            emptied(connection, audit.c.object_id.in_(ids))
            for table in (flow_outcomes, flow_versions):
                gone[table.name] += _delete(connection, table, table.c.flow_id.in_(ids))
            gone[flows.name] += _delete(connection, flows, of_them)
            return gone

        return self._done(work)

    def versions(self, which: Sequence[tuple[str, int]]) -> Counter[str]:
        """Delete earlier versions of flows that are in use."""
        key = sa.tuple_(flow_versions.c.flow_id, flow_versions.c.version)
        table = flow_versions
        return self._done(lambda connection: Counter({table.name: _delete(connection, table, key.in_(which))}))

    def unsign(self, which: Sequence[tuple[str, int]]) -> None:
        """Take out of versions of flows who made them."""
        key = sa.tuple_(flow_versions.c.flow_id, flow_versions.c.version)

        def work(connection: sa.Connection) -> Counter[str]:
            connection.execute(sa.update(flow_versions).where(key.in_(which)).values(actor=FORGOTTEN))
            return Counter()

        self._done(work)

    def notifications(self, ids: Sequence[str]) -> Counter[str]:
        """Delete notifications, and what is on its way of them."""
        return self._done(lambda connection: _notifications(connection, notifications.c.id.in_(ids)))

    def _done(self, work: Callable[[sa.Connection], Counter[str]]) -> Counter[str]:
        gone = Counter[str]()
        self._database.transact(lambda connection: gone.update(work(connection)))
        return +gone


def _supported_by_these_alone(connection: sa.Connection, which: Sequence[Pair]) -> list[str]:
    """Proposals that are not in use and that no other session supports."""
    of_these = _among(proposal_sessions, "session_id", which)
    supported = sa.select(proposal_sessions.c.proposal_id).where(of_these)
    others = sa.select(sa.literal(1)).where(proposal_sessions.c.proposal_id == proposals.c.id, ~of_these)
    alone = (proposals.c.id.in_(supported), proposals.c.status.not_in(IN_USE), ~sa.exists(others))
    return list(connection.scalars(sa.select(proposals.c.id).where(*alone)))


def _proposals(connection: sa.Connection, ids: Sequence[str]) -> Counter[str]:
    if not ids:
        return Counter()
    gone = _notifications(connection, _of_ids("proposal", ids))
    emptied(connection, audit.c.object_id.in_(ids))
    connection.execute(sa.update(sessions).where(sessions.c.proposal_id.in_(ids)).values(proposal_id=None))
    connection.execute(sa.update(flow_versions).where(flow_versions.c.proposal_id.in_(ids)).values(proposal_id=None))
    of_them = proposal_sessions.c.proposal_id.in_(ids)
    gone[proposal_sessions.name] += _delete(connection, proposal_sessions, of_them)
    gone[proposals.name] += _delete(connection, proposals, proposals.c.id.in_(ids))
    return gone


def _notifications(connection: sa.Connection, which: sa.ColumnElement[bool]) -> Counter[str]:
    theirs = deliveries.c.notification_id.in_(sa.select(notifications.c.id).where(which))
    return Counter(
        {
            deliveries.name: _delete(connection, deliveries, theirs),
            notifications.name: _delete(connection, notifications, which),
        }
    )


def _of_ids(object_type: str, ids: Sequence[str]) -> sa.ColumnElement[bool]:
    return sa.and_(notifications.c.object_type == object_type, notifications.c.object_id.in_(ids))


def _of_objects(object_type: str, which: Sequence[Pair]) -> sa.ColumnElement[bool]:
    return sa.and_(notifications.c.object_type == object_type, _among(notifications, "object_id", which))


def _among(table: sa.Table, column: str, which: Sequence[Pair]) -> sa.ColumnElement[bool]:
    found: sa.ColumnElement[bool] = sa.tuple_(table.c.namespace, table.c[column]).in_(which)
    return found


def _delete(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[Any]) -> int:
    return connection.execute(sa.delete(table).where(which)).rowcount
