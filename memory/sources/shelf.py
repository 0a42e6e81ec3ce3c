"""The shelf: pieces of documents, to be found by meaning."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa

from memory.sources.changes import Changes
from memory.sources.chunk_notes import ChunkNotes, read_texts
from memory.sources.source import Source, Sources
from store.database import Database, Prepared
from store.dialects import members
from store.tables import chunks, documents
from store.vectors import Vector

WIDER: Final = 4
"""Factor on how many neighbours are asked for, while too few of them may be shown."""
MOST_ASKED: Final = 4096

_COLUMNS: Final = (
    chunks.c.id,
    chunks.c.document_id,
    documents.c.source,
    documents.c.path,
    documents.c.title,
    documents.c.project,
    chunks.c.heading_path,
    chunks.c.content,
    chunks.c.digest,
    documents.c.tags,
)
_BY_IDS = Prepared(
    sa.select(*_COLUMNS)
    .select_from(chunks.join(documents, documents.c.id == chunks.c.document_id))
    .where(chunks.c.id.in_(members("ids")))
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document. ``path``: below the source, with ``/``; ``project``: '' where no project claims it;
    ``tags``: the source's and the document's own."""

    id: str
    document_id: str
    source: str
    path: str
    title: str
    project: str
    heading_path: tuple[str, ...]
    content: str
    digest: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A piece and its similarity to what was searched for, -1 to 1."""

    chunk: Chunk
    cosine: float


class Nearest(Protocol):
    """As much of ``memory.sources.chunk_index.ChunkIndex`` as finding needs."""

    @property
    def is_open(self) -> bool:
        """Can it be searched?"""
        ...

    def search(self, audience: str, project: str, vector: Vector, k: int) -> Sequence[tuple[str, float]]:
        """Ids and cosines of the nearest pieces of an audience, and of a project's own where it is not empty."""
        ...


class Shelf:
    """Usable from any thread.

    Args:
        sources: those in force; a piece of any other is out of reach at once.
        index: of the pieces' vectors.
        changes: what the index tells its changes.
    """

    def __init__(
        self,
        database: Database,
        sources: Sources,
        notes: ChunkNotes,
        index: Nearest | None = None,
        changes: Changes | None = None,
    ) -> None:
        self._database = database
        self._sources = sources
        self._notes = notes
        self._index = index
        self._changes = changes or Changes()
        self._lock = threading.Lock()
        self._seen: Mapping[str, Source] | None = None
        self._counted: tuple[int, Mapping[str, Source] | None, int] = (-1, None, 0)
        self._stocked: Mapping[str, Source] | None = None
        """The sources under which there was something."""

    def search(self, namespace: str, project: str, vector: Vector, k: int) -> list[Found]:
        """The nearest pieces that the namespace may read, the nearest first: at least k of all, and k of the project's
        own, where there are as many.

        Nothing where the index is not open yet. Raises ``StoreError``.
        """
        if self._index is None or not self._index.is_open or k < 1:
            return []
        readable = {name: source for name, source in self._sources().items() if source.serves(namespace)}
        owners = ("", project) if project else ("",)
        asked = {(audience, own): k for audience in {one.audience for one in readable.values()} for own in owners}
        cosines: dict[str, float] = {}
        known: dict[str, Chunk] = {}
        while asked:
            hits = {look: self._index.search(*look, vector, most) for look, most in asked.items()}
            fresh = [id_ for found in hits.values() for id_, _ in found if id_ not in cosines]
            for found in hits.values():
                cosines.update(found)
            known |= self._read(fresh, readable)
            asked = {
                look: min(most * WIDER, MOST_ASKED)
                for look, most in asked.items()
                # Where all that there is was found, asking for more gives no more.
                if len(hits[look]) >= most < MOST_ASKED and _shown(hits[look], look, known, readable) < k
            }
        if not known:
            # Perhaps all of it is gone.
            self._stocked = None
        shown = [Found(chunk, cosines[id_]) for id_, chunk in known.items()]
        return sorted(shown, key=lambda one: (-one.cosine, one.chunk.id))

    def version(self) -> int:
        """Rises as what can be found changes (``memory.sources.changes.Changes.version``)."""
        sources = self._sources()
        with self._lock:
            if sources is not self._seen:
                self._seen = sources
                self._changes.anything()
        return self._changes.version()

    def hold(self, version: int, ids: Iterable[str]) -> bool:
        """Is a choice of these pieces, made under a version, one to go by still?"""
        return self._changes.hold(version, ids)

    def count(self) -> int:
        """Pieces that can be found. Raises ``StoreError``."""
        moves, sources = self._changes.moves(), self._sources()
        known, under, count = self._counted
        if known != moves or under is not sources:
            count = sum(held for (source, _), held in self._notes.held().items() if source in sources)
            self._counted = moves, sources, count
        return count if self._is_open else 0

    def is_stocked(self) -> bool:
        """Is it worth searching? Counts only while there is nothing. Raises ``StoreError``."""
        sources = self._sources()
        if self._stocked is not sources:
            self._stocked = sources if self.count() else None
        return self._stocked is sources and self._is_open

    @property
    def _is_open(self) -> bool:
        return self._index is not None and self._index.is_open

    def _read(self, ids: Collection[str], readable: Mapping[str, Source]) -> dict[str, Chunk]:
        """The pieces that SQL has now, of sources that may be read."""
        if not ids:
            return {}
        rows = [_chunk(row, readable) for row in self._database.read(_BY_IDS, {"ids": json.dumps(list(ids))})]
        return {chunk.id: chunk for chunk in rows if chunk is not None}


def _chunk(row: tuple[Any, ...], readable: Mapping[str, Source]) -> Chunk | None:
    id_, document, source, path, title, project, headings, content, digest, tags = row
    if source not in readable:
        return None
    every = readable[source].tags
    if tags:
        every += tuple(tag for tag in read_texts(tags) if tag not in every)
    return Chunk(id_, document, source, path, title, project, read_texts(headings), content, digest, every)


def _shown(
    hits: Collection[tuple[str, float]],
    look: tuple[str, str],
    known: Mapping[str, Chunk],
    readable: Mapping[str, Source],
) -> int:
    """How many of the hits are what was looked for: others share a collection, or were something else before."""
    audience, project = look
    found = [known[id_] for id_, _ in hits if id_ in known]
    return sum(
        readable[chunk.source].audience == audience and (not project or chunk.project == project) for chunk in found
    )
