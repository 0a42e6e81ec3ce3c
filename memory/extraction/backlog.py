"""Interactions that an extractor, as it is now, has not read yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from memory.interactions import parse_since
from store.database import Database
from store.tables import extractions, interactions, jobs

UNLEARNED = "memory_mode"
"""In an interaction's metadata: nothing was to be learned from it, by its caller's wish or its policy's."""
READINGS: Final = ("learn", "read")
"""The kinds of jobs that lead to a reading."""


class Unread(NamedTuple):
    """An interaction that is to be read."""

    id: str
    namespace: str


class Backlog:
    """What is still to be read: calls to models that were answered, and from which something may be learned.

    An answer repeated word for word says nothing new, and is left out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def unread(
        self,
        wanted: Sequence[str],
        *,
        since: str | None = None,
        namespace: str | None = None,
        proxied: bool = False,
        limit: int,
    ) -> list[Unread]:
        """Interactions that any of these extractors has not read, oldest first.

        Args:
            since: any ISO 8601 time; inclusive.
            proxied: only what came through the proxy, and waits in no queue.

        Raises:
            InteractionError: ``since`` cannot be read.
            DatabaseError: SQL fails.
        """
        statement = sa.select(interactions.c.id, interactions.c.namespace).where(*_where(wanted, since, namespace))
        if proxied:
            queued = sa.exists().where(jobs.c.kind.in_(READINGS), jobs.c.key == interactions.c.id)
            statement = statement.where(interactions.c.policy.is_not(None), ~queued)
        oldest = statement.order_by(interactions.c.created_at, interactions.c.id).limit(limit)
        return [Unread(row["id"], row["namespace"]) for row in self._database.query(oldest)]

    def count(self, wanted: Sequence[str], *, since: str | None = None, namespace: str | None = None) -> int:
        """How many there are. Raises as ``unread`` does."""
        counted = sa.select(sa.func.count().label("n")).select_from(interactions)
        count: int = self._database.query(counted.where(*_where(wanted, since, namespace)))[0]["n"]
        return count


def _where(wanted: Sequence[str], since: str | None, namespace: str | None) -> list[sa.ColumnElement[bool]]:
    log = interactions.c
    unread = [
        ~sa.exists().where(extractions.c.interaction_id == log.id, extractions.c.extractor == name) for name in wanted
    ]
    conditions = [
        log.interaction_type == "llm",
        log.success == 1,
        log.collapsed == 0,
        sa.func.coalesce(log.tier, "") != "exact",
        sa.func.coalesce(log.metadata, "").not_like(f'%"{UNLEARNED}"%'),
        sa.or_(*unread),
    ]
    if since is not None:
        conditions.append(log.created_at >= parse_since(since))
    if namespace is not None:
        conditions.append(log.namespace == namespace)
    return conditions
