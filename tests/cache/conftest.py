"""What the tests of the cache share: a whole cache on disk, with a fake embedder."""

from __future__ import annotations

import pytest

import cache.lookup
from cache.lookup import Cache
from cache.neighbours import Neighbours
from store.database import Database
from store.entries import Entries
from store.indexer import Indexer
from store.vectors import ChromaIndex
from tests.fakes import FakeClock, FakeEmbedder, FakeWatch, WatchedIndex, answer


class Rig:
    """A cache over real SQLite and real Chroma in one folder; embedder, watch and clock are fakes.

    ``judges``, ``verdicts``, ``chance`` and what else is given are ``Cache``'s; no hit is audited unless ``chance``
    says so.
    """

    def __init__(
        self,
        folder,
        embedder=None,
        clock=None,
        memory_entries=100,
        judges=None,
        verdicts=None,
        chance=lambda: 0.999,
        **more,
    ):
        self.folder = folder
        self.embedder = embedder or FakeEmbedder()
        self.clock = clock or FakeClock()
        self.watch = FakeWatch()
        self.database = Database(folder / "reprise.db")
        self.entries = Entries(self.database, memory_entries, self._told)
        self.index = WatchedIndex(ChromaIndex(folder / "chroma"))
        self.indexer = Indexer(self.entries, self.index, self.embedder.id, self.watch.failed)
        self.neighbours = Neighbours(self.entries, self.index, self.indexer, self.embedder)
        self.cache = Cache(self.entries, self.neighbours, self.watch, self.clock, judges, verdicts, chance, **more)
        self.open = True

    async def ask(self, call):
        """The decision on a call."""
        return (await self.cache.lookup(call)).decision

    async def fill(self, call, given=None):
        """Look a call up, and store an answer to it as if it had been forwarded; gives the entry."""
        found = await self.cache.lookup(call)
        entry = await self.cache.store(call, found, answer() if given is None else given, "int_1")
        self.settle()
        return entry

    def settle(self):
        """Wait until all that is queued is written and indexed."""
        self.database.writer.submit("SELECT 1", ()).result(60)
        assert self.indexer.wait(60)
        self.database.writer.submit("SELECT 1", ()).result(60)

    def _told(self, error):
        if error is not None:
            self.watch.failed(error)

    def close(self):
        if self.open:
            self.open = False
            self.cache.close()
            self.entries.flush()
            self.indexer.close()
            self.database.close()


@pytest.fixture
def make_rig(tmp_path, monkeypatch):
    """Makes caches in one folder, each a restart of the one before; keyword arguments are ``Rig``'s."""
    # A shared machine may be slow; the tests of patience shorten it again.
    monkeypatch.setattr(cache.lookup, "SEARCH_PATIENCE", 60.0)
    monkeypatch.setattr(cache.lookup, "EMBEDDING_PATIENCE", 60.0)
    made = []

    def make(**options):
        for rig in made:
            rig.close()
        made.append(Rig(tmp_path, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig):
    """One cache, empty."""
    return make_rig()
