"""The sessions of a time, as far as gaps show in them, read from SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.sessions.session import options_in
from store.database import Database
from store.tables import session_steps, sessions

MOST_SESSIONS: Final = 10_000
"""The newest are looked at, and no more."""
MOST_ANSWERS: Final = 50_000


@dataclass(frozen=True, slots=True)
class Observed:
    """A session."""

    namespace: str
    id: str
    status: str
    problem_domain: str | None
    problem: str
    resolution: str
    match_score: float | None
    matched_flow: str | None
    """The flow that it followed."""
    at: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a user answered to a list of options."""

    namespace: str
    session_id: str
    problem_domain: str | None
    flow_id: str | None
    node_id: str | None
    """The node of that flow that the list stood at."""
    options: tuple[str, ...]
    """Labels."""
    own_words: str | None
    """None: one of the options."""


def observed(database: Database, since: str, namespace: str | None) -> list[Observed]:
    """Sessions whose last turn was then or later, the newest first. Raises ``DatabaseError``.

    Args:
        since: UTC, ``YYYY-MM-DD HH:MM:SS``.
        namespace: None: of all.
    """
    names = "namespace id status problem_domain problem_summary resolution_summary match_score matched_flow last_at"
    statement = sa.select(*(sessions.c[name] for name in names.split())).where(*_since(since, namespace))
    newest = statement.order_by(sessions.c.last_at.desc(), sessions.c.id).limit(MOST_SESSIONS)
    return [
        Observed(
            namespace=row["namespace"],
            id=row["id"],
            status=row["status"],
            problem_domain=row["problem_domain"],
            problem=row["problem_summary"],
            resolution=row["resolution_summary"] or "",
            match_score=row["match_score"],
            matched_flow=row["matched_flow"],
            at=row["last_at"],
        )
        for row in database.query(newest)
    ]


def answers(database: Database, since: str, namespace: str | None) -> list[Answer]:
    """What was answered to lists of options in these sessions, the newest first. Raises ``DatabaseError``."""
    steps = session_steps.c
    of_one = sa.and_(steps.namespace == sessions.c.namespace, steps.session_id == sessions.c.id)
    answered = sa.or_(steps.option_selected.is_not(None), steps.free_text.is_not(None))
    statement = (
        sa.select(
            sessions.c.namespace,
            sessions.c.id,
            sessions.c.problem_domain,
            sessions.c.matched_flow,
            *(steps.node_id, steps.options, steps.option_selected, steps.free_text),
        )
        .join(session_steps, of_one)
        .where(*_since(since, namespace), steps.options.is_not(None), steps.skipped == 0, answered)
        .order_by(steps.at.desc(), steps.interaction_id)
        .limit(MOST_ANSWERS)
    )
    rows = database.query(statement)
    return [found for row in rows if (found := _answer(row)).options]


def _since(since: str, namespace: str | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [sessions.c.last_at >= since]
    if namespace is not None:
        found.append(sessions.c.namespace == namespace)
    return found


def _answer(row: Mapping[str, Any]) -> Answer:
    followed = row["matched_flow"] if row["node_id"] else None
    return Answer(
        namespace=row["namespace"],
        session_id=row["id"],
        problem_domain=row["problem_domain"],
        flow_id=followed,
        node_id=row["node_id"] if followed else None,
        options=tuple(option.label for option in options_in(row["options"])),
        own_words=None if row["option_selected"] else row["free_text"],
    )
