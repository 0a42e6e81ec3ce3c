"""What is discarded leaves the index, even when it is only on its way there."""

from __future__ import annotations

import threading

import pytest

from store.indexer import Indexer, Pending
from store.vectors import ChromaIndex
from tests.fakes import WatchedIndex, entry, near


@pytest.fixture
def index(tmp_path):
    return WatchedIndex(ChromaIndex(tmp_path / "chroma"))


@pytest.fixture
def indexer(entries, index):
    made = Indexer(entries, index, "fake", failed=lambda error: None)
    yield made
    made.close()


def put(entries, indexer, id_):
    entries.add(entry(id=id_, exact_key=id_), near(1.0), "fake", replace=False).result(60)
    indexer.put(Pending(id_, "compat", "partition", near(1.0)))


def test_an_indexed_vector_is_removed(entries, index, indexer):
    put(entries, indexer, "a")
    put(entries, indexer, "b")
    assert indexer.wait(60)
    indexer.discard("partition", "fake", ["a", "unknown"])
    assert [id_ for id_, _ in index.query("partition", "fake", near(1.0), 5)] == ["b"]


def test_a_vector_that_is_being_written_is_removed_after_it(entries, index, indexer):
    index.gate = threading.Event()
    put(entries, indexer, "a")
    discarding = threading.Thread(target=indexer.discard, args=("partition", "fake", ["a"]))
    discarding.start()
    index.gate.set()
    discarding.join(60)
    indexer.wait(60)
    assert indexer.pending("compat") == []
    assert index.count("fake") == 0, "written first and then removed, or never written"


def test_what_waits_is_never_written(entries, index, indexer):
    index.gate = threading.Event()
    put(entries, indexer, "first")
    put(entries, indexer, "second")
    with indexer._lock:
        indexer._pending.pop("second", None)
    index.gate.set()
    assert indexer.wait(60)
    indexer.discard("partition", "fake", ["first"])
    assert index.count("fake") == 0
