"""What people should have been told and were not, for a process was killed in between: read from what happened.

Only what happened lately counts: what is older was told and has been cleared away since.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import stamp_at
from store.database import Database
from store.tables import flow_versions, flows, notifications, proposals, sessions

MOST: Final = 200
"""Found of each kind in one look."""
AT_ONCE: Final = 60.0
"""Seconds in which whoever made it happen tells it himself."""
DECIDED: Final = ("approved", "modified", "rejected", "dismissed")


@dataclass(frozen=True, slots=True)
class Telling:
    """An event to tell, as ``Inbox.tell`` takes it."""

    event: str
    namespace: str
    object_type: str
    object_id: str
    title: str
    body: Mapping[str, Any]


class Untold:
    """Looks for it. Blocks and raises ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def found(self, back: float) -> Iterator[Telling]:
        """What happened in the last so many seconds and nobody was told of, the oldest first of each kind."""
        now = self._clock()
        between = stamp_at(now - back), stamp_at(now - AT_ONCE)
        for row in self._proposals("proposal.pending", between, proposals.c.created_at, ("pending",)):
            yield _of_proposal("proposal.pending", row)
        for row in self._proposals("proposal.decided", between, proposals.c.updated_at, DECIDED):
            yield _of_proposal("proposal.decided", row)
        yield from self._published(between)
        yield from self._escalated(between)

    def _proposals(
        self, event: str, between: tuple[str, str], moment: sa.Column[str], statuses: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        names = ("id", "namespace", "status", "proposal_type", "problem_domain", "confidence_score", "title")
        occasion = proposals.c.status if event == "proposal.decided" else sa.literal("")
        return self._read(
            sa.select(*(proposals.c[name] for name in names)).where(
                proposals.c.status.in_(statuses),
                moment.between(*between),
                ~_told(event, proposals.c.namespace, proposals.c.id, occasion),
            ),
            moment,
        )

    def _published(self, between: tuple[str, str]) -> Iterator[Telling]:
        version = flow_versions.c.version
        statement = (
            sa.select(flows.c.id, flows.c.namespace, flows.c.title, flows.c.problem_domain, version)
            .join(flow_versions, flow_versions.c.flow_id == flows.c.id)
            .where(
                flow_versions.c.at.between(*between),
                ~_told("flow.published", flows.c.namespace, flows.c.id, sa.cast(version, sa.Text)),
            )
        )
        for row in self._read(statement, flow_versions.c.at):
            body = {"version": row["version"], "problem_domain": row["problem_domain"]}
            yield Telling("flow.published", row["namespace"], "flow", row["id"], row["title"], body)

    def _escalated(self, between: tuple[str, str]) -> Iterator[Telling]:
        names = ("id", "namespace", "problem_summary", "problem_domain", "escalation_reason", "matched_flow")
        statement = sa.select(*(sessions.c[name] for name in names)).where(
            sessions.c.status == "escalated",
            sessions.c.ended_at.between(*between),
            ~_told("session.escalated", sessions.c.namespace, sessions.c.id, sa.literal("")),
        )
        for row in self._read(statement, sessions.c.ended_at):
            title = row["problem_summary"] or row["id"]
            body = {name: row[name] for name in ("problem_domain", "escalation_reason", "matched_flow")}
            yield Telling("session.escalated", row["namespace"], "session", row["id"], title, body)

    def _read(self, statement: sa.Select[Any], moment: sa.Column[Any]) -> list[dict[str, Any]]:
        return self._database.query(statement.order_by(moment).limit(MOST))


def _of_proposal(event: str, row: Mapping[str, Any]) -> Telling:
    body = {name: row[name] for name in ("proposal_type", "status", "problem_domain", "confidence_score")}
    return Telling(event, row["namespace"], "proposal", row["id"], row["title"], body)


def _told(
    event: str, namespace: sa.Column[str], object_id: sa.Column[str], occasion: sa.ColumnElement[str]
) -> sa.Exists:
    of_it = (
        notifications.c.namespace == namespace,
        notifications.c.event == event,
        notifications.c.object_id == object_id,
        notifications.c.occasion == occasion,
    )
    return sa.exists(sa.select(sa.literal(1)).where(*of_it))
