"""What SQL knows of entries and the vector index: which are to be embedded, to be written to it, to leave it, to go.

SQL holds each vector with its entry. The index is written behind it, and what it holds is noted here, so that whatever
is interrupted is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import sqlalchemy as sa

from store import statements
from store.database import Database, Prepared
from store.tables import entries, evidence
from store.vectors import Vector


class IndexNotes:
    """The part of ``Entries`` that the vector index and the upkeep of rows need.

    Args:
        told: called with the outcome of each queued write, on the writer's thread.
    """

    def __init__(self, database: Database, told: Callable[[BaseException | None], None] | None) -> None:
        self._database = database
        self._told = told

    def mark_indexed(self, ids: Sequence[str]) -> Future[None]:
        """Queue the note that the vector index holds these ids."""
        return self._write(statements.MARK_INDEXED, *({"id_": id_} for id_ in ids))

    def unindexed(self, embedder: str, limit: int) -> list[tuple[str, str, Vector]]:
        """(id, partition, vector) of active entries that the vector index does not hold yet."""
        statement = (
            sa.select(entries.c.id, entries.c.partition, entries.c.vector)
            .where(entries.c.indexed == 0, entries.c.vector.is_not(None))
            .where(entries.c.embedder == embedder, entries.c.status == "active")
            .limit(limit)
        )
        rows = self._database.query(statement)
        return [(row["id"], row["partition"], np.frombuffer(row["vector"], dtype=np.float32)) for row in rows]

    def count_indexed(self, embedder: str) -> int:
        """Entries that the vector index should hold for an embedder."""
        indexed = sa.and_(entries.c.indexed == 1, entries.c.embedder == embedder)
        return int(self._database.query(sa.select(sa.func.count().label("n")).where(indexed))[0]["n"])

    def forget_index(self, partitions: Sequence[str] | None = None) -> None:
        """Note that the vector index holds nothing, of these partitions or of all, so that it is written again."""
        noted = sa.update(entries).where(entries.c.indexed == 1).values(indexed=0)
        self._execute(noted if partitions is None else noted.where(entries.c.partition.in_(partitions)))

    def indexed_in(self, embedder: str) -> dict[str, int]:
        """By partition, how many entries the vector index should hold for an embedder."""
        counted = (
            sa.select(entries.c.partition, sa.func.count().label("n"))
            .where(entries.c.indexed == 1, entries.c.embedder == embedder)
            .group_by(entries.c.partition)
        )
        return {row["partition"]: row["n"] for row in self._database.query(counted)}

    def to_embed(self, embedder: str, limit: int, *, after: str, others: bool) -> list[tuple[str, str]]:
        """(id, prompt) of active entries without a vector; with ``others``, of those with another embedder's too.

        In the order of ids, those beyond ``after``.
        """
        missing: sa.ColumnElement[bool] = entries.c.vector.is_(None)
        if others:
            missing = sa.or_(missing, entries.c.embedder.is_(None), entries.c.embedder != embedder)
        statement = (
            sa.select(entries.c.id, entries.c.prompt)
            .where(missing, entries.c.compat_key.is_not(None), entries.c.id > after)
            .where(entries.c.status == "active", entries.c.prompt.is_not(None))
            .order_by(entries.c.id)
            .limit(limit)
        )
        return [(row["id"], row["prompt"]) for row in self._database.query(statement)]

    def set_vectors(self, embedder: str, vectors: Iterable[tuple[str, Vector | None]]) -> None:
        """Store vectors of an embedder for entries that had none of it; None: the embedder does not read it whole."""

        def work(connection: sa.Connection) -> None:
            for id_, vector in vectors:
                values: dict[str, Any] = {"compat_key": None}
                if vector is not None:
                    values = {"embedder": embedder, "vector": vector.tobytes(), "indexed": 0}
                connection.execute(sa.update(entries).where(entries.c.id == id_).values(**values))

        self._database.transact(work)

    def leaving(self, limit: int) -> list[tuple[str, str, str]]:
        """(id, partition, embedder) of entries that are no longer active but still in the vector index.

        Of deleted and evicted ones, whose rows go next, also those that may be on their way there.
        """
        # Apart, so that each finds its rows in the index of those out of service.
        indexed, on_its_way = (
            sa.select(entries.c.id, entries.c.partition, entries.c.embedder)
            .where(*place, entries.c.status != "active", entries.c.embedder.is_not(None))
            .limit(limit)
            for place in (
                (entries.c.indexed == 1,),
                (entries.c.indexed == 0, entries.c.expires_at == 0, entries.c.vector.is_not(None)),
            )
        )
        rows = self._database.query(indexed)
        if len(rows) < limit:
            rows = (rows + self._database.query(on_its_way))[:limit]
        return [(row["id"], row["partition"], row["embedder"]) for row in rows]

    def mark_left(self, ids: Sequence[str]) -> None:
        """Note that the vector index no longer holds these ids."""
        self._execute(sa.update(entries).where(entries.c.id.in_(ids)).values(vector=None, indexed=0))

    def purge(self, before: float) -> None:
        """Delete entries that are no longer active, have left the index, and expired before a time."""
        old = sa.and_(entries.c.expires_at < before, entries.c.status != "active", entries.c.indexed == 0)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(evidence).where(evidence.c.entry_id.in_(sa.select(entries.c.id).where(old))))
            connection.execute(sa.delete(entries).where(old))

        self._database.transact(work)

    def _execute(self, statement: sa.Update | sa.Delete) -> None:
        self._database.transact(lambda connection: _execute(connection, statement))

    def _write(self, statement: Prepared, *rows: dict[str, Any]) -> Future[None]:
        """Queue a write that nobody awaits; its outcome is told, for a failure must not be silent."""
        done = self._database.writer.submit(statement, *rows)
        done.add_done_callback(self._tell)
        return done

    def _tell(self, done: Future[None]) -> None:
        if self._told is not None:
            self._told(done.exception())


def _execute(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)
