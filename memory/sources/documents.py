"""Documents and their pieces in SQL: what is known of each file, and one file's change as one transaction."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from store.database import Database
from store.ids import new_id
from store.tables import chunks, documents
from store.vectors import Vector

READY: Final = "ready"
FAILED: Final = "failed"
MOST_REASON: Final = 300
"""Characters of a reason why a file is not read."""


@dataclass(frozen=True, slots=True)
class Known:
    """A document as SQL has it."""

    id: str
    path: str
    project: str
    status: str
    digest: str
    size: int
    modified_at: float
    reader: str
    chunk_count: int
    ingested_at: str


@dataclass(frozen=True, slots=True)
class NewPiece:
    """A piece as it was read. ``digest``: of heading path and content."""

    heading_path: tuple[str, ...]
    content: str
    digest: str


@dataclass(frozen=True, slots=True)
class File:
    """What a file turned out to be. ``error``: why it could not be read; it has no pieces then."""

    path: str
    size: int
    modified_at: float
    digest: str = ""
    """SHA-256 of its bytes; empty where they could not be read."""
    format: str = ""
    encoding: str | None = None
    title: str = ""
    tags: tuple[str, ...] = ()
    pieces: tuple[NewPiece, ...] = ()
    error: str | None = None


@dataclass(slots=True)
class Change:
    """One document's change: the file, and which of its pieces stay, come and go."""

    file: File
    document_id: str
    known: Known | None
    kept: dict[str, int] = field(default_factory=dict)
    """Position by id, of those whose position changes."""
    fresh: list[tuple[str, int, NewPiece]] = field(default_factory=list)
    """Id, position and piece."""
    gone: list[str] = field(default_factory=list)


class Documents:
    """Every method raises ``DatabaseError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, source: str, under: str = "") -> dict[str, Known]:
        """A source's documents by path: all, or those at or below ``under``."""
        columns = [documents.c[name] for name in Known.__slots__]
        statement = sa.select(*columns).where(documents.c.source == source, *_below(under))
        return {row["path"]: Known(**row) for row in self._database.query(statement)}

    def change(self, file: File, known: Known | None) -> Change:
        """What a file's new content changes; pieces that stay the same keep their ids, and so their vectors."""
        change = Change(file, known.id if known else new_id("doc"), known)
        held: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for id_, position, digest in self._pieces(known.id) if known else ():
            held[digest].append((id_, position))
        for position, piece in enumerate(file.pieces):
            same = held.get(piece.digest)
            if same:
                id_, before = same.pop(0)
                if before != position:
                    change.kept[id_] = position
            else:
                change.fresh.append((new_id("chk"), position, piece))
        change.gone = [id_ for left in held.values() for id_, _ in left]
        return change

    def put(
        self,
        source: str,
        project: str,
        change: Change,
        *,
        reader: str,
        at: str,
        vectors: Mapping[str, Vector],
        embedder: str | None,
    ) -> bool:
        """Store a change, in one transaction; False where its document was deleted meanwhile, and stays so.

        Args:
            vectors: by id, of pieces that are new; the others are embedded later.
            embedder: whose they are.
        """
        row = {**_row(change.file, reader, at), "id": change.document_id, "source": source, "project": project}
        made = [
            {**_piece_row(change.document_id, *piece), **_vector_row(vectors.get(piece[0]), embedder)}
            for piece in change.fresh
        ]

        stored: list[bool] = []

        def work(connection: sa.Connection) -> None:
            if change.known is None:
                connection.execute(sa.insert(documents).values(**row))
            else:
                known = sa.update(documents).where(documents.c.id == change.document_id)
                if not connection.execute(known.values(**row)).rowcount:
                    return
            stored.append(True)
            for start in range(0, len(change.gone), 500):
                connection.execute(sa.delete(chunks).where(chunks.c.id.in_(change.gone[start : start + 500])))
            if change.kept:
                moved = sa.update(chunks).where(chunks.c.id == sa.bindparam("id_"))
                given = [{"id_": id_, "at": position} for id_, position in change.kept.items()]
                connection.execute(moved.values(position=sa.bindparam("at")), given)
            if made:
                connection.execute(sa.insert(chunks), made)

        self._database.transact(work)
        return bool(stored)

    def touch(self, known: Known, size: int, modified_at: float, at: str) -> None:
        """Note that a file's bytes are the same under another date."""
        values = {"size": size, "modified_at": modified_at, "ingested_at": at}
        statement = sa.update(documents).where(documents.c.id == known.id).values(**values)
        self._database.transact(lambda connection: _execute(connection, statement))

    def claim(self, projects: Mapping[str, str]) -> None:
        """Give documents, by id, to other projects; in one transaction."""

        def work(connection: sa.Connection) -> None:
            for id_, project in projects.items():
                connection.execute(sa.update(documents).where(documents.c.id == id_).values(project=project))

        self._database.transact(work)

    def delete(self, ids: Collection[str]) -> None:
        """Delete documents with their pieces, in one transaction."""

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(chunks).where(chunks.c.document_id.in_(ids)))
            connection.execute(sa.delete(documents).where(documents.c.id.in_(ids)))

        self._database.transact(work)

    def sources(self) -> list[str]:
        """Names of the sources that there are documents of."""
        rows = self._database.query(sa.select(documents.c.source).distinct())
        return [row["source"] for row in rows]

    def figures(self) -> dict[str, dict[str, int]]:
        """By source: ``documents`` that could be read, their ``chunks``, and ``failed`` ones."""
        failed = sa.func.sum(sa.case((documents.c.status == FAILED, 1), else_=0))
        counted = sa.select(
            documents.c.source,
            (sa.func.count() - failed).label("documents"),
            sa.func.sum(documents.c.chunk_count).label("chunks"),
            failed.label("failed"),
        ).group_by(documents.c.source)
        return {row.pop("source"): {name: int(count) for name, count in row.items()} for row in self._rows(counted)}

    def failures(self, source: str, limit: int) -> list[dict[str, str]]:
        """``path`` and ``error`` of files that could not be read, by path."""
        columns = [documents.c.path, documents.c.error]
        where = (documents.c.source == source, documents.c.status == FAILED)
        return self._rows(sa.select(*columns).where(*where).order_by(documents.c.path).limit(limit))

    def _pieces(self, document_id: str) -> list[tuple[str, int, str]]:
        columns = [chunks.c.id, chunks.c.position, chunks.c.digest]
        statement = sa.select(*columns).where(chunks.c.document_id == document_id).order_by(chunks.c.position)
        return [(row["id"], row["position"], row["digest"]) for row in self._rows(statement)]

    def _rows(self, statement: sa.Select[Any]) -> list[dict[str, Any]]:
        return self._database.query(statement)


def digest_of(heading_path: Sequence[str], content: str) -> str:
    """SHA-256 of a piece's heading path and content."""
    return hashlib.sha256(json.dumps([list(heading_path), content]).encode()).hexdigest()


def _below(under: str) -> list[sa.ColumnElement[bool]]:
    if not under:
        return []
    # "0" follows "/": a range, so that no name need be escaped.
    below = sa.and_(documents.c.path >= f"{under}/", documents.c.path < f"{under}0")
    return [sa.or_(documents.c.path == under, below)]


def _row(file: File, reader: str, at: str) -> dict[str, Any]:
    return {
        "path": file.path,
        "status": READY if file.error is None else FAILED,
        "digest": file.digest,
        "size": file.size,
        "modified_at": file.modified_at,
        "format": file.format,
        "encoding": file.encoding,
        "reader": reader,
        "chunk_count": len(file.pieces),
        "ingested_at": at,
        "title": file.title or file.path.rpartition("/")[2],
        "tags": json.dumps(file.tags, ensure_ascii=False) if file.tags else None,
        "error": None if file.error is None else file.error[:MOST_REASON],
    }


def _piece_row(document_id: str, id_: str, position: int, piece: NewPiece) -> dict[str, Any]:
    headings = json.dumps(piece.heading_path, ensure_ascii=False)
    return {
        "id": id_,
        "document_id": document_id,
        "position": position,
        "digest": piece.digest,
        "heading_path": headings,
        "content": piece.content,
    }


def _vector_row(vector: Vector | None, embedder: str | None) -> dict[str, Any]:
    known = vector is not None and embedder is not None
    return {"embedder": embedder if known else None, "vector": vector.tobytes() if vector is not None else None}


def _execute(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)
