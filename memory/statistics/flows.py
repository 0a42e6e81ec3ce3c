"""How flows stand: sessions and how they end, what was analysed and proposed, what was spent on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from memory.notifications.outbox import STATES
from memory.proposals.proposal import KINDS as PROPOSED
from memory.proposals.proposal import REINFORCED
from memory.proposals.proposal import STATUSES as PROPOSAL_STATUSES
from memory.sessions.session import ENDINGS, STATUSES
from store.database import Database
from store.tables import deliveries, flow_outcomes, flows, model_calls, notifications, proposals, sessions

FLOW_STATUSES: Final = ("published", "retired")
FOLLOWED: Final = ("attached", "accepted")
MATCHES: Final = ("none", "suggested", "attached", "accepted", "declined")

EVER: Final = "0000-00-00 00:00:00"
"""Before every session."""

_DIGITS: Final = 4


class FlowFigures:
    """Reads counts. ``of`` raises ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def of(self, namespace: str | None, since: str, calls_per_day: int) -> dict[str, Any]:
        """The figures of a namespace, or of all with None.

        Args:
            since: sessions count from their last turn, analyses and outcomes from when they were made, as the log
                writes it; flows, proposals and notifications as they stand.
            calls_per_day: what a namespace may ask of the analysing model on a day.
        """
        matches = self._count(sessions, sessions.c.match_state, namespace, sessions.c.last_at >= since)
        of_them = sum(matches.values())
        return {
            "sessions": self._sessions(namespace, since),
            "matched": {
                **_all(MATCHES, matches),
                "share": round(sum(matches.get(name, 0) for name in FOLLOWED) / of_them, _DIGITS) if of_them else None,
            },
            "analyses": self._analyses(namespace, since),
            "outcomes": self._outcomes(namespace, since),
            "flows": _all(FLOW_STATUSES, self._count(flows, flows.c.status, namespace)),
            "proposals": {
                "by_status": _all(PROPOSAL_STATUSES, self._count(proposals, proposals.c.status, namespace)),
                "by_type": _all(PROPOSED, self._count(proposals, proposals.c.proposal_type, namespace)),
            },
            "budget": self._budget(namespace, calls_per_day),
            "gaps_found": self._gaps(namespace, since),
            "notifications": self._notifications(namespace),
        }

    def _sessions(self, namespace: str | None, since: str) -> dict[str, int]:
        found = _all(STATUSES, self._count(sessions, sessions.c.status, namespace, sessions.c.last_at >= since))
        return {"count": sum(found.values()), **found}

    def _analyses(self, namespace: str | None, since: str) -> dict[str, int]:
        """By outcome; and how many wait, of whatever time."""
        done = self._count(sessions, sessions.c.outcome, namespace, sessions.c.analysed_at >= since)
        open_ = sessions.c.analysis.in_(("waiting", "deferred"))
        waiting = self._count(sessions, sessions.c.analysis, namespace, open_)
        outcomes = _all((REINFORCED, "enhancement", "new_flow", "none"), done)
        return {**outcomes, **_all(("waiting", "deferred"), waiting)}

    def _outcomes(self, namespace: str | None, since: str) -> dict[str, Any]:
        """How sessions ended that followed a flow."""
        ended = self._count(flow_outcomes, flow_outcomes.c.outcome, namespace, flow_outcomes.c.at >= since)
        counted = _all(ENDINGS, ended)
        total = sum(counted.values())
        rate = round(counted["resolved"] / total, _DIGITS) if total else None
        return {"matched": total, **counted, "success_rate": rate}

    def _budget(self, namespace: str | None, calls_per_day: int) -> dict[str, Any]:
        """Calls to the analysing model today, UTC; ``spent``: the namespaces that may make no more."""
        today = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%d")
        made = sa.select(model_calls.c.namespace, sa.func.sum(model_calls.c.calls).label("calls"))
        made = made.where(model_calls.c.day == today).group_by(model_calls.c.namespace)
        if namespace is not None:
            made = made.where(model_calls.c.namespace == namespace)
        used = {row["namespace"]: int(row["calls"]) for row in self._database.query(made)}
        spent = sorted(name for name, calls in used.items() if calls >= calls_per_day)
        return {"day": today, "calls": sum(used.values()), "calls_per_day": calls_per_day, "spent": spent}

    def _gaps(self, namespace: str | None, since: str) -> int:
        found = (notifications.c.event == "gap.found", notifications.c.at >= since)
        return sum(self._count(notifications, notifications.c.event, namespace, *found).values())

    def _notifications(self, namespace: str | None) -> dict[str, int]:
        unread = self._count(notifications, notifications.c.event, namespace, notifications.c.read_at.is_(None))
        of_it = notifications.c.id == deliveries.c.notification_id
        sent = sa.select(deliveries.c.state.label("name"), sa.func.count().label("count")).join(notifications, of_it)
        return {"unread": sum(unread.values()), **_all(STATES, self._read(sent, notifications, namespace))}

    def _count(
        self, table: sa.Table, column: sa.Column[Any], namespace: str | None, *where: sa.ColumnElement[bool]
    ) -> dict[str, int]:
        counted = sa.select(column.label("name"), sa.func.count().label("count")).where(*where)
        return self._read(counted, table, namespace)

    def _read(self, counted: sa.Select[Any], table: sa.Table, namespace: str | None) -> dict[str, int]:
        if namespace is not None:
            counted = counted.where(table.c.namespace == namespace)
        grouped = counted.group_by(counted.selected_columns["name"])
        return {row["name"]: row["count"] for row in self._database.query(grouped) if row["name"] is not None}


def _all(names: tuple[str, ...], counted: dict[str, int]) -> dict[str, int]:
    """Every name, also those that were counted for nothing."""
    return {**dict.fromkeys(names, 0), **counted}
