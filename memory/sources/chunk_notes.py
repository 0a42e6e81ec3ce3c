"""What SQL knows of pieces and their index: which are to be embedded, to be written to it, and where they belong."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import orjson
import sqlalchemy as sa

from store.database import Database, Prepared
from store.dialects import members
from store.tables import chunks, documents
from store.vectors import Vector

MARKED_AT_ONCE: Final = 2000
"""Rows marked in one transaction."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece belongs."""

    id: str
    source: str
    project: str


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A piece without a vector of the embedder in use."""

    id: str
    heading_path: tuple[str, ...]
    content: str


def _some(column: str) -> sa.Select[Any]:
    return members(column)


_JOINED = chunks.join(documents, documents.c.id == chunks.c.document_id)
_WAITS = chunks.c.indexed == sa.literal_column("0")
"""As a literal, so that SQLite can use the index of these rows alone."""
_PLACES = sa.select(chunks.c.id, documents.c.source, documents.c.project).select_from(_JOINED)
_PLACES_OF = Prepared(_PLACES.where(chunks.c.document_id.in_(_some("documents"))))
_UNINDEXED = Prepared(
    sa.select(chunks.c.id, documents.c.source, documents.c.project, chunks.c.vector)
    .select_from(_JOINED)
    .where(_WAITS, chunks.c.embedder == sa.bindparam("embedder"))
    .limit(sa.bindparam("most"))
)
_MARK = Prepared(
    sa.update(chunks)
    .where(chunks.c.id.in_(_some("ids")), chunks.c.embedder == sa.bindparam("of"))
    .values(indexed=sa.bindparam("value"))
)
_SET = Prepared(
    sa.update(chunks)
    .where(chunks.c.id == sa.bindparam("id_"))
    .values(embedder=sa.bindparam("of"), vector=sa.bindparam("made"), indexed=sa.literal_column("0"))
)


class ChunkNotes:
    """Every method raises ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def any(self) -> bool:
        """Is there any piece at all?"""
        return bool(self._database.query(sa.select(chunks.c.id).limit(1)))

    def places(self, document_ids: Collection[str]) -> list[Place]:
        """The pieces of documents."""
        return [Place(*row) for row in self._database.read(_PLACES_OF, {"documents": json.dumps(list(document_ids))})]

    def of_source(self, source: str) -> Iterator[list[Place]]:
        """A source's pieces, some at a time."""
        yield from _sliced([Place(*row) for row in self._database.stream(_PLACES.where(documents.c.source == source))])

    def unindexed(self, embedder: str, limit: int) -> list[tuple[Place, Vector]]:
        """Pieces with a vector of this embedder that the index does not hold yet."""
        rows = self._database.read(_UNINDEXED, {"embedder": embedder, "most": limit})
        return [(Place(*place), np.frombuffer(vector, dtype=np.float32)) for *place, vector in rows]

    def mark(self, ids: Collection[str], embedder: str, *, indexed: bool) -> None:
        """Note of pieces whether the index holds them."""
        if ids:
            row = {"ids": json.dumps(list(ids)), "of": embedder, "value": int(indexed)}
            self._database.writer.submit(_MARK, row).result()

    def forget_index(self) -> None:
        """Note that the index holds nothing."""
        held = sa.select(chunks.c.id).where(chunks.c.indexed == 1).limit(MARKED_AT_ONCE)
        while True:
            marked: list[int] = []

            def work(connection: sa.Connection, marked: list[int] = marked) -> None:
                done = connection.execute(sa.update(chunks).where(chunks.c.id.in_(held)).values(indexed=0))
                marked.append(done.rowcount)

            self._database.transact(work)
            if marked[0] < MARKED_AT_ONCE:
                return

    def held(self) -> dict[tuple[str, str], int]:
        """How many pieces the index should hold, by source and project."""
        # Sums over documents, less the few that are not indexed: to count pieces is to read them all.
        all_ = sa.select(documents.c.source, documents.c.project, sa.func.sum(documents.c.chunk_count).label("n"))
        few = (
            sa.select(documents.c.source, documents.c.project, sa.func.count().label("n"))
            .select_from(_JOINED)
            .where(_WAITS)
        )
        place = (documents.c.source, documents.c.project)
        found = {(row["source"], row["project"]): row["n"] for row in self._database.query(all_.group_by(*place))}
        for row in self._database.query(few.group_by(*place)):
            found[row["source"], row["project"]] -= row["n"]
        return found

    def waiting(self) -> dict[str, int]:
        """How many pieces cannot be found yet, by source."""
        few = sa.select(documents.c.source, sa.func.count().label("n")).select_from(_JOINED).where(_WAITS)
        return {row["source"]: row["n"] for row in self._database.query(few.group_by(documents.c.source))}

    def to_embed(self, embedder: str, limit: int, *, after: str) -> list[Unembedded]:
        """Pieces without a vector of this embedder, in the order of ids, those beyond ``after``."""
        missing = sa.or_(chunks.c.embedder.is_(None), chunks.c.embedder != embedder)
        statement = (
            sa.select(chunks.c.id, chunks.c.heading_path, chunks.c.content)
            .where(_WAITS, missing, chunks.c.id > after)
            .order_by(chunks.c.id)
            .limit(limit)
        )
        rows = self._database.query(statement)
        return [Unembedded(row["id"], read_texts(row["heading_path"]), row["content"]) for row in rows]

    def set_vectors(self, embedder: str, made: Iterable[tuple[str, Vector]]) -> None:
        """Store vectors of an embedder; the index does not hold them yet."""
        rows = [{"id_": id_, "of": embedder, "made": vector.tobytes()} for id_, vector in made]
        if rows:
            self._database.writer.submit(_SET, *rows).result()


def read_texts(text: str) -> tuple[str, ...]:
    """A list of texts as it is stored; empty where it is damaged."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return ()
    return tuple(str(part) for part in found) if isinstance(found, list) else ()


def _sliced(places: Sequence[Place]) -> Iterator[list[Place]]:
    for start in range(0, len(places), MARKED_AT_ONCE):
        yield list(places[start : start + MARKED_AT_ONCE])
