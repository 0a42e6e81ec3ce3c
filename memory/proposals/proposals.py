"""The proposals as they stand: read and listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.memories.memory import MemoryFault
from memory.proposals.lessons import TYPES
from memory.proposals.proposal import KINDS, STATUSES, Proposal, content_in
from store.database import Database
from store.tables import proposal_sessions, proposals

MOST_LISTED: Final = 500
MOST_SESSIONS: Final = 100
"""Supporting sessions that are named."""

_COUNT: Final = (
    sa.select(sa.func.count())
    .where(proposal_sessions.c.proposal_id == proposals.c.id)
    .scalar_subquery()
    .label("supporting_session_count")
)
_SHOWN: Final = tuple(
    name for name in Proposal.__slots__ if name not in ("content", "supporting_session_ids", "supporting_session_count")
)
_COLUMNS: Final = (*(proposals.c[name] for name in _SHOWN), proposals.c.content, _COUNT)


class Proposals:
    """The proposals of all namespaces. May be used from any thread; all methods raise ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, id_: str, namespace: str | None = None) -> Proposal | None:
        """One proposal, within a namespace if one is given."""
        statement = sa.select(*_COLUMNS).where(proposals.c.id == id_)
        if namespace is not None:
            statement = statement.where(proposals.c.namespace == namespace)
        found = self._read(statement)
        return found[0] if found else None

    def list(
        self,
        *,
        namespace: str | None = None,
        project: str | None = None,
        status: str | None = None,
        proposal_type: str | None = None,
        problem_domain: str | None = None,
        target_flow_id: str | None = None,
        limit: int = 50,
    ) -> Sequence[Proposal]:
        """Newest first; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            problem_domain: a domain; empty: those without one.

        Raises:
            MemoryFault: no such status or type.
        """
        _one_of("status", status, STATUSES)
        _one_of("type", proposal_type, KINDS)
        if limit <= 0:
            return []
        wanted = {"namespace": namespace, "project": project, "status": status}
        wanted |= {"proposal_type": proposal_type, "target_flow_id": target_flow_id}
        statement = sa.select(*_COLUMNS).where(
            *(proposals.c[name] == value for name, value in wanted.items() if value is not None)
        )
        if problem_domain is not None:
            statement = statement.where(
                proposals.c.problem_domain.is_(None)
                if problem_domain == ""
                else proposals.c.problem_domain == problem_domain
            )
        newest = statement.order_by(proposals.c.created_at.desc(), proposals.c.id.desc())
        return self._read(newest.limit(min(limit, MOST_LISTED)))

    def waiting(
        self, types: Sequence[str], *, namespace: str | None = None, project: str | None = None, limit: int = 50
    ) -> Sequence[Proposal]:
        """Those that wait for a person: the most supported first, then the surest, then the oldest."""
        if limit <= 0 or not types:
            return []
        statement = sa.select(*_COLUMNS).where(*_waits(namespace, project), proposals.c.proposal_type.in_(types))
        ordered = statement.order_by(
            sa.desc(_COUNT.name), proposals.c.confidence_score.desc(), proposals.c.created_at, proposals.c.id
        )
        return self._read(ordered.limit(limit))

    def counts(self, *, namespace: str | None = None, project: str | None = None) -> dict[str, int]:
        """How many wait for a person, by type."""
        counted = (
            sa.select(proposals.c.proposal_type, sa.func.count().label("count"))
            .where(*_waits(namespace, project))
            .group_by(proposals.c.proposal_type)
        )
        found = {row["proposal_type"]: row["count"] for row in self._database.query(counted)}
        return {kind: found.get(kind, 0) for kind in TYPES}

    def _read(self, statement: sa.Select[Any]) -> Sequence[Proposal]:
        rows = self._database.query(statement)
        supporting = self._supporting([row["id"] for row in rows])
        return [_as_proposal(row, supporting.get(row["id"], ())) for row in rows]

    def _supporting(self, ids: Sequence[str]) -> dict[str, Sequence[str]]:
        """The last sessions of each of these proposals, oldest first."""
        if not ids:
            return {}
        newest = (proposal_sessions.c.at.desc(), proposal_sessions.c.session_id.desc())
        place = sa.func.row_number().over(partition_by=proposal_sessions.c.proposal_id, order_by=newest).label("place")
        ranked = sa.select(proposal_sessions, place).where(proposal_sessions.c.proposal_id.in_(ids)).subquery()
        listed = sa.select(ranked.c.proposal_id, ranked.c.session_id).where(ranked.c.place <= MOST_SESSIONS)
        found: dict[str, list[str]] = {}
        for row in self._database.query(listed.order_by(ranked.c.proposal_id, ranked.c.place.desc())):
            found.setdefault(row["proposal_id"], []).append(row["session_id"])
        return dict(found)


def _waits(namespace: str | None, project: str | None) -> list[sa.ColumnElement[bool]]:
    within = {"namespace": namespace, "project": project}
    return [
        proposals.c.status == "pending",
        *(proposals.c[name] == value for name, value in within.items() if value is not None),
    ]


def _as_proposal(row: Mapping[str, Any], sessions: Sequence[str]) -> Proposal:
    return Proposal(
        **{name: row[name] for name in _SHOWN},
        content=content_in(row["content"]),
        supporting_session_count=row["supporting_session_count"],
        supporting_session_ids=tuple(sessions),
    )


def _one_of(field: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise MemoryFault(field, f"{field} must be one of {', '.join(known)}")
