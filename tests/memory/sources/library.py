"""A source in a folder of its own, read into a database and an index that tests can look into."""

from __future__ import annotations

import os
import time

from memory.sources.changes import Changes
from memory.sources.chunk_index import ChunkIndex
from memory.sources.chunk_notes import ChunkNotes
from memory.sources.ingestion import Ingestion
from memory.sources.shelf import Shelf
from memory.sources.source import Source
from store.tables import chunks, documents
from tests.fakes import FakeEmbedder

LONG_AGO = time.time() - 3600


class Library:
    """Sources ``docs`` and whatever a test adds, read with a fake embedder. ``owners`` maps paths to projects."""

    def __init__(self, database, folder):
        self.database = database
        self.folder = folder
        self.root = folder / "docs"
        self.root.mkdir(exist_ok=True)
        self.sources = {"docs": Source("docs", self.root)}
        self.owners = {}
        self.failures = []
        self.embedder = FakeEmbedder()
        self.begin()

    def begin(self, *, open_=True):
        """As a process that starts: nothing is kept but files and SQL."""
        self.notes = ChunkNotes(self.database)
        self.changes = Changes()
        self.index = ChunkIndex(self.notes, lambda: self.sources, self.folder / "chroma-sources", self.changes)
        self.shelf = Shelf(self.database, lambda: self.sources, self.notes, self.index, self.changes)
        self.ingestion = Ingestion(
            self.database,
            self.index,
            lambda: self.sources,
            owner=lambda source, path: self.owners.get(path, ""),
            told=self.failures.append,
        )
        if open_:
            self.index.open(self.embedder)

    def write(self, path, text, *, at=LONG_AGO, source="docs"):
        """A file of the source, dated an hour ago unless told otherwise."""
        file = self.sources[source].path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(file, (at, at))
        return file

    def run(self, source="docs", under="", **options):
        """Read the source, or a part of it."""
        return self.ingestion.run(self.sources[source], under, **options)

    def found(self, text, *, namespace="anybody", project="", k=3):
        """Contents of the pieces nearest to a text, which is embedded as it stands."""
        vector = self.embedder.embed([text])[0]
        return [found.chunk.content for found in self.shelf.search(namespace, project, vector, k)]

    def rows(self):
        """(id, content) of all pieces, by document and position."""
        joined = chunks.join(documents, documents.c.id == chunks.c.document_id)
        order = (documents.c.source, documents.c.path, chunks.c.position)
        statement = chunks.select().with_only_columns(chunks.c.id, chunks.c.content).select_from(joined)
        return [(row["id"], row["content"]) for row in self.database.query(statement.order_by(*order))]

    def contents(self):
        """What all pieces say."""
        return [content for _, content in self.rows()]
