"""Sessions in which word for word the same was said: what one of them taught, the other teaches without being read.

That is common here, as answers are replayed. Anything less than the very same words is read.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from memory.proposals.transcript import fingerprint
from memory.sessions.session import Session
from memory.sessions.sessions import Sessions
from store.database import Database
from store.tables import proposal_sessions, proposals, sessions

MOST_READ: Final = 20
"""Earlier sessions about the same words that are compared, the last ones."""


def taught_already(
    database: Database, known: Sessions, session: Session, proposal_type: str, target_flow_id: str | None
) -> str | None:
    """The id of the pending or rejected proposal that a session of the very same words supports.

    Raises ``DatabaseError``.
    """
    domain, target = proposals.c.problem_domain, proposals.c.target_flow_id
    same = (
        sa.select(proposals.c.id, proposal_sessions.c.session_id)
        .join(proposal_sessions, proposal_sessions.c.proposal_id == proposals.c.id)
        .join(
            sessions,
            sa.and_(
                sessions.c.namespace == proposal_sessions.c.namespace, sessions.c.id == proposal_sessions.c.session_id
            ),
        )
        .where(
            sessions.c.namespace == session.namespace,
            sessions.c.problem_summary == session.problem_summary,
            sessions.c.id != session.id,
            proposals.c.namespace == session.namespace,
            proposals.c.project == session.project,
            proposals.c.proposal_type == proposal_type,
            proposals.c.status.in_(("pending", "rejected")),
            domain.is_(None) if session.problem_domain is None else domain == session.problem_domain,
            target.is_(None) if target_flow_id is None else target == target_flow_id,
        )
        .order_by(proposal_sessions.c.at.desc(), proposal_sessions.c.session_id.desc())
        .limit(MOST_READ)
    )
    mine = fingerprint(session)
    for row in database.query(same):
        other = known.get(session.namespace, row["session_id"])
        if other is not None and fingerprint(other) == mine:
            return str(row["id"])
    return None
