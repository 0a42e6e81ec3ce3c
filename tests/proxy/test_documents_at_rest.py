"""Pieces of documents where no server runs: found as the index would find them."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from memory.sources.chunk_notes import ChunkNotes
from memory.sources.shelf import Shelf
from memory.sources.source import EVERYONE, Source
from proxy.rehearsal.documents import PiecesAtRest
from store.database import Database
from store.tables import chunks, documents

SOURCES = {
    "docs": Source("docs", None),
    "team": Source("team", None, frozenset({"a"})),
}


@pytest.fixture
def filled(tmp_path):
    database = Database(tmp_path / "reprise.db")
    rows = [("docs", "", 0.0), ("docs", "apollo", 0.4), ("team", "", 0.2), ("docs", "", 1.2)]

    def work(connection):
        for at, (source, project, angle) in enumerate(rows):
            document = {
                "id": f"doc_{at}",
                "source": source,
                "path": f"{at}.md",
                "project": project,
                "status": "ready",
                "digest": "d",
                "size": 1,
                "modified_at": 1.0,
                "format": "markdown",
                "reader": "r",
                "chunk_count": 1,
                "ingested_at": "x",
                "title": "t",
            }
            vector = np.array([np.cos(angle), np.sin(angle)], np.float32).tobytes()
            piece = {
                "id": f"chk_{at}",
                "document_id": f"doc_{at}",
                "position": 0,
                "digest": "d",
                "indexed": 1,
                "embedder": "fake",
                "vector": vector,
                "heading_path": "[]",
                "content": f"piece {at}",
            }
            connection.execute(sa.insert(documents).values(document))
            connection.execute(sa.insert(chunks).values(piece))
        connection.execute(sa.insert(chunks).values({**piece, "id": "chk_other", "embedder": "other"}))
        connection.execute(sa.insert(chunks).values({**piece, "id": "chk_none", "vector": None}))

    database.transact(work)
    yield database
    database.close()


def test_the_nearest_of_an_audience_and_of_a_project(filled):
    pieces = PiecesAtRest(filled, lambda: SOURCES, "fake")
    toward = np.array([1.0, 0.0], np.float32)
    found = pieces.search(EVERYONE, "", toward, 2)
    assert [id_ for id_, _ in found] == ["chk_0", "chk_1"], "the nearest first, none of another embedder's"
    assert found[1][1] == pytest.approx(np.cos(0.4))
    assert [id_ for id_, _ in pieces.search(EVERYONE, "apollo", toward, 5)] == ["chk_1"]


def test_a_shelf_over_them_shows_what_a_namespace_may_read(filled):
    shelf = Shelf(filled, lambda: SOURCES, ChunkNotes(filled), PiecesAtRest(filled, lambda: SOURCES, "fake"))
    assert shelf.is_stocked()
    found = {
        name: [one.chunk.id for one in shelf.search(name, "", np.array([1.0, 0.0], np.float32), 9)] for name in "ab"
    }
    assert found == {"a": ["chk_0", "chk_2", "chk_1", "chk_3"], "b": ["chk_0", "chk_1", "chk_3"]}
