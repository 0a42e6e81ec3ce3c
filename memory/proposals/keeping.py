"""Stores what sessions teach: as a new proposal, or as support of the one that says it already.

Everything here happens within the transaction of its caller, which keeps other writers out from its first read on: two
sessions that teach the same at the same moment are one proposal with two supporters.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor
from memory.proposals.proposal import (
    DESCRIPTION_CHARS,
    FIRST_CONFIDENCE,
    OBJECT,
    PREFIX,
    REINFORCED,
    TITLE_CHARS,
    Draft,
    gained,
)
from memory.proposals.similar import Subject, most_alike
from memory.sessions.session import Session
from store.dialects import insert
from store.ids import new_id
from store.tables import proposal_sessions, proposals

How = Literal["new", "absorbed", "refused", "known", "reinforced"]

ANALYSIS: Final = "analysis"
"""The actor in the audit."""
MOST_COMPARED: Final = 500
"""Proposals of one place that a new one is compared with: the last ones."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a lesson went: ``new``; ``absorbed`` by a pending proposal; ``refused``, as a rejected one said it;
    ``known``, as one was approved while the session went on; ``reinforced``, a mere note."""

    proposal_id: str
    how: How


class Keeping:
    """Writes proposals.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, trail: AuditTrail, clock: Callable[[], float] = time.time) -> None:
        self._trail = trail
        self._clock = clock

    def keep(self, connection: sa.Connection, draft: Draft, session: Session) -> Kept:
        """Store what a session taught; a session that supports a proposal already changes nothing."""
        known = self._alike(connection, draft, session)
        if known is not None:
            return self.support(connection, known, session)
        row = self._new(draft, session, "pending", FIRST_CONFIDENCE)
        return self._add(connection, row, session, draft.analyst, "new")

    def reinforced(self, connection: sa.Connection, draft: Draft, session: Session, score: float) -> Kept:
        """Note that a flow worked once more, for nobody to decide on."""
        row = self._new(draft, session, REINFORCED, score)
        return self._add(connection, row, session, draft.analyst, "reinforced")

    def support(self, connection: sa.Connection, known: Mapping[str, Any], session: Session) -> Kept:
        """Let a session support a proposal, and a pending one gain confidence."""
        fresh = self._add_session(connection, known["id"], session)
        hows: Mapping[str, How] = {"pending": "absorbed", "rejected": "refused"}
        kept = Kept(known["id"], hows.get(known["status"], "known"))
        if not fresh:
            return kept
        before, after = known["confidence_score"], gained(known["confidence_score"])
        if kept.how != "absorbed":
            after = before
        values = {"confidence_score": after, "updated_at": self._now()} if kept.how == "absorbed" else {}
        if values:
            connection.execute(sa.update(proposals).where(proposals.c.id == known["id"]).values(**values))
        told = {"confidence_score": before}, {"confidence_score": after, "session_id": session.id}
        self._audit(connection, known, "support", *told, actor=Actor(ANALYSIS))
        return kept

    def standing(self, connection: sa.Connection, id_: str) -> dict[str, Any] | None:
        """A proposal's row."""
        found = connection.execute(sa.select(proposals).where(proposals.c.id == id_)).mappings().first()
        return dict(found) if found else None

    def _alike(self, connection: sa.Connection, draft: Draft, session: Session) -> dict[str, Any] | None:
        """The proposal that says the same of the same place: a pending one first, then one that was rejected, then one
        that was approved since the session began, too late for it to follow."""
        rows = self._comparable(connection, draft, session)
        mine = _subject({"id": "", "title": draft.title, "embedder": draft.embedder, "vector": draft.vector})
        by_status = (
            [row for row in rows if row["status"] == "pending"],
            [row for row in rows if row["status"] == "rejected"],
            [row for row in rows if row["status"] not in ("pending", "rejected")],
        )
        for group in by_status:
            found = most_alike(mine, map(_subject, group))
            if found is not None:
                return next(row for row in group if row["id"] == found)
        return None

    def _comparable(self, connection: sa.Connection, draft: Draft, session: Session) -> Sequence[dict[str, Any]]:
        decided = sa.and_(proposals.c.status.in_(("approved", "modified")), proposals.c.updated_at > session.started_at)
        same_place = (
            proposals.c.namespace == session.namespace,
            proposals.c.project == session.project,
            proposals.c.proposal_type == draft.proposal_type,
            _same(proposals.c.problem_domain, session.problem_domain),
            _same(proposals.c.target_flow_id, draft.target_flow_id),
            sa.or_(proposals.c.status.in_(("pending", "rejected")), decided),
        )
        last = sa.select(proposals).where(*same_place).order_by(proposals.c.id.desc()).limit(MOST_COMPARED)
        # The oldest first: of equals it is the one that was there before.
        return [dict(row) for row in connection.execute(last).mappings()][::-1]

    def _new(self, draft: Draft, session: Session, status: str, confidence: float) -> dict[str, Any]:
        now = self._now()
        return {
            "id": new_id(PREFIX),
            "namespace": session.namespace,
            "project": session.project,
            "proposal_type": draft.proposal_type,
            "status": status,
            "problem_domain": session.problem_domain,
            "target_flow_id": draft.target_flow_id,
            "target_version": draft.target_version,
            "confidence_score": min(1.0, max(0.0, confidence)),
            "analyst": draft.analyst,
            "created_at": now,
            "updated_at": now,
            "embedder": draft.embedder,
            "vector": draft.vector,
            "problem": draft.problem,
            "title": draft.title[:TITLE_CHARS],
            "description": draft.description[:DESCRIPTION_CHARS],
            "content": json.dumps(dict(draft.content), ensure_ascii=False),
        }

    def _add(self, connection: sa.Connection, row: dict[str, Any], session: Session, analyst: str, how: How) -> Kept:
        connection.execute(sa.insert(proposals), row)
        self._add_session(connection, row["id"], session)
        made = {"status": row["status"], "session_id": session.id}
        self._audit(connection, row, "add", None, made, actor=Actor(ANALYSIS, analyst))
        return Kept(row["id"], how)

    def _add_session(self, connection: sa.Connection, proposal_id: str, session: Session) -> bool:
        """A row of its own for each: two that are added at once are both there."""
        values = {"namespace": session.namespace, "session_id": session.id, "at": self._now()}
        added = insert(proposal_sessions).values(proposal_id=proposal_id, **values).on_conflict_do_nothing()
        return connection.scalar(added.returning(proposal_sessions.c.session_id)) is not None

    def _audit(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        action: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any],
        *,
        actor: Actor,
    ) -> None:
        changed = Changed(row["id"], action, row["namespace"], before, after, OBJECT, row["project"])
        self._trail.write(connection, actor, changed)

    def _now(self) -> str:
        return stamp_at(self._clock())


def _same(column: sa.Column[Any], value: Any) -> sa.ColumnElement[bool]:
    """Missing matches missing."""
    return column.is_(None) if value is None else column == value


def _subject(row: Mapping[str, Any]) -> Subject:
    vector = None if row["vector"] is None else np.frombuffer(row["vector"], dtype=np.float32)
    return Subject(row["id"], row["title"], row["embedder"], vector)
