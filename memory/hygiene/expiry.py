"""Memories whose ``valid_until`` has passed go out of use, whoever wrote them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from memory.hygiene.counts import Counts
from memory.hygiene.pace import BATCH, Pace
from memory.interactions import stamp_at
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.database import Database
from store.tables import memories as table

ACTOR: Final = Actor("hygiene", "expired")


class Expiry:
    """Supersedes what has expired, candidates among it. ``run`` raises ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, memories: Memories, clock: Callable[[], float], pace: Pace) -> None:
        self._database = database
        self._memories = memories
        self._clock = clock
        self._pace = pace

    def run(self) -> Counts:
        """``expired``: how many."""
        counts: Counts = {"expired": 0}
        while not self._pace.stopping():
            due = self._due()
            ids = [row["id"] for row in self._database.query(due.limit(BATCH))]
            if not ids:
                break
            self._pace.transact(functools.partial(self._end, ids, due, counts))
        return counts

    def _due(self) -> sa.Select[Any]:
        now = stamp_at(self._clock())
        return sa.select(table.c.id).where(table.c.status.in_(LIVE), table.c.valid_until <= now)

    def _end(self, ids: list[str], due: sa.Select[Any], counts: Counts, connection: sa.Connection) -> None:
        for id_ in connection.scalars(due.where(table.c.id.in_(ids))).all():
            self._memories.adjust(
                connection, id_, actor=ACTOR, action="expire", status="superseded", superseded_by=None, review=None
            )
            counts["expired"] += 1
