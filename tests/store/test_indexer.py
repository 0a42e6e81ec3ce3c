"""The one writer of the vector index: behind the calls, in batches, and mended after a crash."""

from __future__ import annotations

import threading

import pytest

import store.indexer
from store.errors import VectorIndexError
from store.indexer import Indexer, Pending
from store.vectors import ChromaIndex
from tests.fakes import WatchedIndex, entry, near


@pytest.fixture
def index(tmp_path):
    return WatchedIndex(ChromaIndex(tmp_path / "chroma"))


@pytest.fixture
def failures():
    return []


@pytest.fixture
def indexer(entries, index, failures):
    running = Indexer(entries, index, "fake", failures.append)
    yield running
    running.close()


def add(entries, id_, partition="partition", similarity=0.9, embedder="fake", **changes):
    """Store an entry with its vector, not indexed yet; gives what the indexer is told of it."""
    vector = near(similarity)
    made = entry(id=id_, exact_key=id_, partition=partition, **changes)
    entries.add(made, vector, embedder, replace=False).result(60)
    return Pending(id_, made.compat_key, partition, vector)


def settle(entries, indexer):
    assert indexer.wait(60)
    entries.mark_indexed([]).result(60)


def test_a_vector_is_written_and_marked(entries, index, indexer, failures):
    indexer.put(add(entries, "a"))
    settle(entries, indexer)
    assert index.query("partition", "fake", near(1.0), 5) == [("a", pytest.approx(0.9, abs=1e-5))]
    assert entries.count_indexed("fake") == 1
    assert entries.unindexed("fake", 10) == []
    assert failures == []


def test_a_vector_is_pending_until_the_index_shows_it(entries, index, indexer):
    index.gate = threading.Event()
    item = add(entries, "a")
    indexer.put(item)
    try:
        assert [id_ for id_, _ in indexer.pending("compat")] == ["a"]
        assert indexer.pending("another") == []
        assert not indexer.wait(0)
        assert index.query("partition", "fake", near(1.0), 5) == []
    finally:
        index.gate.set()
    settle(entries, indexer)
    assert indexer.pending("compat") == []
    assert len(index.query("partition", "fake", near(1.0), 5)) == 1


def test_vectors_that_come_together_are_written_together_by_partition(entries, index, indexer):
    calls = []
    write = index.add

    def noted(partition, embedder, ids, vectors):
        calls.append((partition, sorted(ids)))
        write(partition, embedder, ids, vectors)

    index.add = noted
    index.gate = threading.Event()
    indexer.put(add(entries, "first"))
    while not calls:
        pass
    for number in range(6):
        indexer.put(add(entries, f"{number}", partition=f"p{number % 2}"))
    index.gate.set()
    settle(entries, indexer)
    assert calls == [("partition", ["first"]), ("p0", ["0", "2", "4"]), ("p1", ["1", "3", "5"])]


def test_a_failure_is_told_and_stays_unmarked(entries, index, indexer, failures):
    index.failing = {"add"}
    indexer.put(add(entries, "a"))
    settle(entries, indexer)
    assert [type(failure) for failure in failures] == [VectorIndexError]
    assert [id_ for id_, _, _ in entries.unindexed("fake", 10)] == ["a"]
    assert indexer.pending("compat") == []


def test_a_failure_in_one_partition_spares_the_others(entries, index, indexer, failures):
    write = index.add

    def picky(partition, embedder, ids, vectors):
        if partition == "bad":
            raise VectorIndexError("this one fails")
        write(partition, embedder, ids, vectors)

    index.add = picky
    for partition in ("bad", "good"):
        indexer.put(add(entries, partition, partition=partition))
    settle(entries, indexer)
    assert len(failures) == 1
    assert entries.count_indexed("fake") == 1
    assert [id_ for id_, _, _ in entries.unindexed("fake", 10)] == ["bad"]


def test_the_indexer_goes_on_after_a_failure(entries, index, indexer):
    index.failing = {"add"}
    indexer.put(add(entries, "a"))
    settle(entries, indexer)
    index.failing = set()
    indexer.put(add(entries, "b"))
    settle(entries, indexer)
    assert [id_ for id_, _ in index.query("partition", "fake", near(1.0), 5)] == ["b"]
    assert indexer.catch_up() == 1
    assert {id_ for id_, _ in index.query("partition", "fake", near(1.0), 5)} == {"a", "b"}


def test_catching_up_writes_what_a_killed_process_left_out(entries, index, indexer, monkeypatch):
    monkeypatch.setattr(store.indexer, "BATCH", 3)
    for number in range(10):
        add(entries, f"{number}", partition=f"p{number % 2}")
    assert indexer.catch_up() == 10
    assert index.count("fake") == entries.count_indexed("fake") == 10
    assert len(index.query("p0", "fake", near(1.0), 20)) == 5
    assert indexer.catch_up() == 0


def test_catching_up_twice_over_the_same_vector_is_no_error(entries, index, indexer):
    index.add("partition", "fake", ["a"], [near(0.1)])  # the index had it, the note in SQL was lost
    add(entries, "a", similarity=0.9)
    assert indexer.catch_up() == 1
    assert index.query("partition", "fake", near(1.0), 5) == [("a", pytest.approx(0.9, abs=1e-5))]


def test_catching_up_leaves_other_embedders_and_retired_entries_alone(entries, indexer):
    add(entries, "other", embedder="other")
    add(entries, "gone", status="superseded")
    assert indexer.catch_up() == 0


def test_catching_up_raises_what_fails(entries, index, indexer):
    add(entries, "a")
    index.failing = {"add"}
    with pytest.raises(VectorIndexError):
        indexer.catch_up()
    assert len(entries.unindexed("fake", 10)) == 1


def test_a_whole_index_can_be_written_again(entries, index, indexer):
    for id_ in "abc":
        indexer.put(add(entries, id_))
    settle(entries, indexer)
    index.reset()
    entries.forget_index()
    assert indexer.catch_up() == 3
    assert index.count("fake") == 3


def test_closing_writes_what_is_queued(entries, index, failures):
    indexer = Indexer(entries, index, "fake", failures.append)
    for number in range(20):
        indexer.put(add(entries, f"{number}"))
    indexer.close()
    entries.mark_indexed([]).result(60)
    assert index.count("fake") == entries.count_indexed("fake") == 20
    indexer.close()


def test_a_rewrite_beside_running_writes_leaves_nothing_out(entries, index, indexer, failures):
    for number in range(1, 31):
        indexer.put(add(entries, f"entry {number}"))
        assert indexer.rewrite() == number
    settle(entries, indexer)
    assert index.count("fake") == entries.count_indexed("fake") == 30
    assert failures == []
