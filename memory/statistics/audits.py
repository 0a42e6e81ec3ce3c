"""What is known of the answers served by meaning: audits of would-be hits, and what people said of hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import Calls
from store.database import Database
from store.tables import interactions as log
from store.tables import labels

HOUR_CHARS = 13
"""Of a time as the log writes it, ``YYYY-MM-DD HH``."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Labels of calls that have all this in common."""

    source: str
    """audit: a sample of would-be hits; feedback, review: what people chose to speak of."""
    groups: dict[str, str]
    """model, client, project, policy, and of an experiment's call ``arm`` as ``NAME/ARM``."""
    hour: str
    """``YYYY-MM-DD HH``, UTC."""
    right: int
    wrong: int


def checked(database: Database, calls: Calls) -> list[Checked]:
    """The labels of audits and people for these calls. Raises ``DatabaseError``.

    A label of audit belongs to a call that was forwarded in place of being served; it counts in the window of its call.
    """
    columns: dict[str, sa.ColumnElement[Any]] = {
        name: sa.func.coalesce(log.c[name], "") for name in ("model", "client", "project", "policy")
    }
    columns["arm"] = sa.func.coalesce(log.c.experiment + "/" + sa.func.coalesce(log.c.arm, ""), "")
    hour = sa.func.substr(log.c.created_at, 1, HOUR_CHARS).label("hour")
    statement = (
        sa.select(
            labels.c.source,
            *(column.label(name) for name, column in columns.items()),
            hour,
            sa.func.sum(labels.c.correct).label("right"),
            sa.func.count().label("n"),
        )
        .select_from(labels.join(log, log.c.id == labels.c.interaction_id))
        .where(labels.c.source.in_(("audit", "feedback", "review")), *calls.where_known())
        .group_by(*(sa.text(str(at + 1)) for at in range(len(columns) + 2)))
    )
    return [
        Checked(
            source=row["source"],
            groups={name: row[name] for name in columns},
            hour=row["hour"],
            right=row["right"],
            wrong=row["n"] - row["right"],
        )
        for row in database.query(statement)
    ]
