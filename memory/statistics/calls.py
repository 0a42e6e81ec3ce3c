"""Which calls of the log are looked at, and what counts as a hit among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from memory.interactions import stamp
from store.tables import interactions as log

_STATUS = sa.func.coalesce(log.c.cache_status, "")
HIT = _STATUS.in_(("hit", "stale"))
"""Answered from memory, be the answer past its expiry or not."""
STALE = _STATUS == "stale"
"""Answered from memory after the answer's expiry, while a fresh one was fetched behind it."""
PROXIED = log.c.cache_status.is_not(None)
"""Went through the cache, be it to be passed by; of calls to models, what clients merely report did not."""
BEHIND = "refresh"
"""``interaction_type`` of upstream calls that nobody asked for: they refresh an answer served past its expiry."""
TOKENS = sa.func.coalesce(log.c.prompt_tokens, 0) + sa.func.coalesce(log.c.completion_tokens, 0)


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a window, narrowed down where a field is given; None takes all."""

    window: float
    """Seconds back from ``now``."""
    namespace: str | None = None
    project: str | None = None
    model: str | None = None
    client: str | None = None
    session: str | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def since(self) -> str:
        """The first second looked at, as the log writes it."""
        return stamp(self.now - timedelta(seconds=self.window))

    def where(self, interaction_type: str | None = "llm") -> list[sa.ColumnElement[bool]]:
        """The conditions of a query; None takes tools and command checks too."""
        return [log.c.created_at >= self.since, *self.narrowed(interaction_type)]

    def where_known(self) -> list[sa.ColumnElement[bool]]:
        """The same for a join that comes from few rows of another table: SQLite must not begin with the window."""
        return [sa.func.coalesce(log.c.created_at, "") >= self.since, *self.narrowed()]

    def narrowed(self, interaction_type: str | None = "llm") -> list[sa.ColumnElement[bool]]:
        """The conditions apart from time. A call to a model that a client merely reported asked no cache."""
        wanted = {
            "interaction_type": interaction_type,
            "namespace": self.namespace,
            "project": self.project,
            "model": self.model,
            "client": self.client,
            "session_id": self.session,
        }
        conditions = [log.c[name] == value for name, value in wanted.items() if value is not None]
        return conditions if interaction_type is None else [*conditions, PROXIED]


def count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How many rows meet a condition."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def total(value: sa.ColumnElement[float]) -> sa.ColumnElement[float]:
    """The sum of a column; what is not known counts as nothing."""
    return sa.func.coalesce(sa.func.sum(value), 0.0)


def share(part: float, whole: float) -> float:
    """In [0, 1]; of nothing, nothing."""
    return round(part / whole, 6) if whole else 0.0
