"""What Chroma keeps of removed vectors leaves the disk."""

from __future__ import annotations

import numpy as np
import pytest

from store import compacting
from store.entries import Entries
from store.errors import VectorIndexError
from store.indexer import Indexer, Pending
from store.vectors import ChromaIndex
from tests.store.test_entries import add

DIMENSION = 384


def unit(number):
    vector = np.random.default_rng(number).standard_normal(DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def held(folder, vectors):
    """How many of the vectors are in any file, as far as rounding leaves a piece of them as it was."""
    raw = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    pieces = [[vector[at : at + 3].tobytes() for at in range(0, DIMENSION, 48)] for vector in vectors]
    return sum(any(piece in raw for piece in one) for one in pieces)


@pytest.mark.parametrize("number", [40, 1500])
def test_a_dropped_collection_leaves_nothing_behind(tmp_path, number):
    index = ChromaIndex(tmp_path / "chroma")
    going, staying = [unit(at) for at in range(number)], [unit(9999)]
    index.add("one", "e", [f"a{at}" for at in range(number)], going)
    index.add("two", "e", ["b"], staying)
    index.remove("one", "e", [f"a{at}" for at in range(number)])
    assert held(tmp_path, going[:40]) > 0, "removed vectors stay in the files"
    index.drop({index.collection_of("one", "e")})
    index.compact()
    assert held(tmp_path, going[:40]) == 0, "neither in SQLite's free pages nor in folders"
    assert index.query("two", "e", staying[0], 1)[0][0] == "b", "another collection serves on"
    assert index.query("one", "e", going[0], 1) == []
    index.add("one", "e", ["c"], [going[1]])
    assert index.query("one", "e", going[1], 1)[0][0] == "c", "and it can be filled anew"


def test_partitions_are_written_again_from_sql(tmp_path, database):
    index, entries = ChromaIndex(tmp_path / "chroma"), Entries(database, 10)
    indexer = Indexer(entries, index, "e", lambda error: None)
    vectors = {id_: unit(at) for at, id_ in enumerate("abc")}
    for id_, vector in vectors.items():
        add(entries, id_, vector, exact_key=id_, embedder="e")
        indexer.put(Pending(id_, "c", "partition", vector))
    indexer.wait(20)
    entries.settle()
    entries.wipe("a")
    indexer.discard("partition", "e", ["a"])
    entries.mark_left(["a"])
    names = {index.collection_of("partition", "e")}
    indexer.renew(lambda: index.drop(names), ["partition"], index.compact)
    assert index.count("e") == 2, "the two that stay"
    assert index.query("partition", "e", vectors["b"], 1)[0][0] == "b"
    assert held(tmp_path / "chroma", [vectors["a"]]) == 0
    assert entries.unindexed("e", 10) == [], "SQL knows that the index has them"
    indexer.close()


def test_a_folder_without_an_index_needs_nothing(tmp_path):
    compacting.compact(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_said(tmp_path):
    index = ChromaIndex(tmp_path / "chroma")
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"no database")
    with pytest.raises(VectorIndexError, match="cannot compact"):
        index.compact()
