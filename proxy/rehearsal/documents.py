"""The pieces of documents that SQL holds, searched one by one: where no server runs there is no index to be opened."""

from __future__ import annotations

import heapq

import numpy as np
import sqlalchemy as sa

from memory.sources.source import Sources
from store.database import Database
from store.tables import chunks, documents
from store.vectors import Vector


class PiecesAtRest:
    """As ``memory.sources.chunk_index.ChunkIndex`` finds them, but exactly, and with all vectors read at each search.

    Args:
        sources: those in force.
        embedder: the id of the one whose vectors count.
    """

    is_open = True

    def __init__(self, database: Database, sources: Sources, embedder: str) -> None:
        self._database = database
        self._sources = sources
        self._embedder = embedder

    def search(self, audience: str, project: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        """Ids and cosines of the k nearest pieces of an audience's sources, the nearest first.

        Args:
            project: only its own, where it is not empty.

        Raises:
            DatabaseError: they cannot be read.
        """
        names = [name for name, source in self._sources().items() if source.audience == audience]
        wanted = (
            sa.select(chunks.c.id, chunks.c.vector)
            .select_from(chunks.join(documents, documents.c.id == chunks.c.document_id))
            .where(documents.c.source.in_(names), chunks.c.embedder == self._embedder, chunks.c.vector.is_not(None))
        )
        if project:
            wanted = wanted.where(documents.c.project == project)
        near = (
            (id_, float(np.dot(np.frombuffer(held, np.float32), vector))) for id_, held in self._database.stream(wanted)
        )
        return heapq.nlargest(k, near, key=lambda one: (one[1], one[0]))
