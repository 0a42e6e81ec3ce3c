"""How memory stands: what is kept, what moved in a window of time, and what people decided."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from memory.memories.memory import STATUSES
from store.database import Database
from store.tables import audit, extractions, interactions, memories, memory_pairs, memory_references


class Figures:
    """Reads counts. ``of`` raises ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, namespace: str | None, since: str) -> dict[str, Any]:
        """The figures of a namespace, or of all with None.

        Args:
            since: what happened counts from this second on, as the log writes it; what is kept counts as it stands.
        """
        by_status = self._count(memories.c.status, memories, namespace)
        return {
            "memories": {status: by_status.get(status, 0) for status in STATUSES},
            "active_by_type": self._count(memories.c.memory_type, memories, namespace, memories.c.status == "active"),
            "to_review": self._to_review(namespace, by_status.get("candidate", 0)),
            "references": self._references(namespace, since),
            "calls_with_memories": self._calls(namespace, since),
            "read": self._read(namespace, since),
            "changes": self._count(audit.c.action, audit, namespace, audit.c.at >= since),
        }

    def _count(
        self, column: sa.Column[Any], table: sa.Table, namespace: str | None, *where: sa.ColumnElement[bool]
    ) -> dict[str, int]:
        counted = sa.select(column.label("name"), sa.func.count().label("count")).where(*where).group_by(column)
        if namespace is not None:
            counted = counted.where(table.c.namespace == namespace)
        return {row["name"]: row["count"] for row in self._database.query(counted)}

    def _to_review(self, namespace: str | None, candidates: int) -> dict[str, int]:
        flagged = self._count(memories.c.review, memories, namespace, memories.c.review.is_not(None))
        first = memories.c.id == memory_pairs.c.first
        pairs = (
            sa.select(memory_pairs.c.kind, sa.func.count().label("count"))
            .join(memories, first)
            .where(memory_pairs.c.status == "open")
            .group_by(memory_pairs.c.kind)
        )
        if namespace is not None:
            pairs = pairs.where(memories.c.namespace == namespace)
        open_pairs = {row["kind"]: row["count"] for row in self._database.query(pairs)}
        return {"candidates": candidates, **flagged, **open_pairs}

    def _references(self, namespace: str | None, since: str) -> dict[str, int]:
        moved = (
            sa.select(memory_references.c.kind, sa.func.count().label("count"))
            .join(memories, memories.c.id == memory_references.c.memory_id)
            .where(memory_references.c.at >= since)
            .group_by(memory_references.c.kind)
        )
        if namespace is not None:
            moved = moved.where(memories.c.namespace == namespace)
        return {"used": 0, "contradicted": 0, **{row["kind"]: row["count"] for row in self._database.query(moved)}}

    def _calls(self, namespace: str | None, since: str) -> int:
        carried = sa.select(sa.func.count().label("count")).where(
            interactions.c.created_at >= since, interactions.c.memories_used.is_not(None)
        )
        if namespace is not None:
            carried = carried.where(interactions.c.namespace == namespace)
        return int(self._database.query(carried)[0]["count"])

    def _read(self, namespace: str | None, since: str) -> dict[str, dict[str, int]]:
        """By extractor: interactions that it read, and candidates that it found there."""
        read = (
            sa.select(
                extractions.c.extractor,
                sa.func.count().label("interactions"),
                sa.func.sum(extractions.c.found).label("candidates"),
            )
            .where(extractions.c.at >= since)
            .group_by(extractions.c.extractor)
        )
        if namespace is not None:
            theirs = interactions.c.id == extractions.c.interaction_id
            read = read.join(interactions, theirs).where(interactions.c.namespace == namespace)
        return {
            row["extractor"]: {"interactions": row["interactions"], "candidates": int(row["candidates"] or 0)}
            for row in self._database.query(read)
        }
