"""The vector index over real Chroma: neighbours, partitions, shards, restarts and failures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import store.vectors
from store.errors import VectorIndexError
from store.vectors import ChromaIndex
from tests.fakes import DIMENSION, near


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "chroma"


@pytest.fixture
def index(folder):
    return ChromaIndex(folder)


def ids(found):
    return [id_ for id_, _ in found]


def test_neighbours_come_nearest_first_with_their_cosine(index):
    index.add("p", "e", ["far", "near", "same"], [near(0.1), near(0.9), near(1.0)])
    found = index.query("p", "e", near(1.0), 3)
    assert ids(found) == ["same", "near", "far"]
    assert [similarity for _, similarity in found] == pytest.approx([1.0, 0.9, 0.1], abs=1e-5)


def test_an_opposite_vector_has_similarity_minus_one(index):
    index.add("p", "e", ["a"], [-near(1.0)])
    assert index.query("p", "e", near(1.0), 1) == [("a", pytest.approx(-1.0, abs=1e-5))]


@pytest.fixture(scope="module")
def shared_index(tmp_path_factory):
    return ChromaIndex(tmp_path_factory.mktemp("shared") / "chroma")


@examples(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_similarity_of_a_vector_to_itself_is_never_above_one(shared_index, seed):
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    vector /= np.linalg.norm(vector)
    shared_index.add("p", "e", ["a"], [vector])
    [(_, similarity)] = shared_index.query("p", "e", vector, 1)
    assert similarity == pytest.approx(1.0, abs=1e-5)
    assert similarity <= 1.0


def test_no_more_neighbours_come_than_were_asked_for(index):
    index.add("p", "e", list("abcde"), [near(0.9 - number / 10) for number in range(5)])
    assert ids(index.query("p", "e", near(1.0), 2)) == ["a", "b"]
    assert len(index.query("p", "e", near(1.0), 100)) == 5


def test_nothing_is_found_where_nothing_was_added(index):
    assert index.query("p", "e", near(1.0), 5) == []
    assert index.count("e") == 0


def test_partitions_and_embedders_are_apart(index):
    index.add("p", "e", ["a"], [near(1.0)])
    index.add("q", "e", ["b"], [near(1.0)])
    index.add("p", "f", ["c"], [near(1.0)])
    assert [ids(index.query(*place, near(1.0), 5)) for place in (("p", "e"), ("q", "e"), ("p", "f"), ("q", "f"))] == [
        ["a"],
        ["b"],
        ["c"],
        [],
    ]
    assert (index.count("e"), index.count("f"), index.count("g")) == (2, 1, 0)


def test_adding_an_id_again_replaces_its_vector(index):
    index.add("p", "e", ["a"], [near(0.1)])
    index.add("p", "e", ["a"], [near(0.9)])
    assert index.query("p", "e", near(1.0), 5) == [("a", pytest.approx(0.9, abs=1e-5))]
    assert index.count("e") == 1


def test_more_than_one_batch_is_written_in_several_calls(index, monkeypatch):
    monkeypatch.setattr(store.vectors, "WRITE_BATCH", 10)
    rng = np.random.default_rng(1)
    vectors = [row / np.linalg.norm(row) for row in rng.standard_normal((25, DIMENSION)).astype(np.float32)]
    names = [f"ent_{number:02d}" for number in range(25)]
    index.add("p", "e", names, vectors)
    assert index.count("e") == 25
    for name, vector in zip(names, vectors, strict=True):
        assert ids(index.query("p", "e", vector, 1)) == [name]


def test_adding_nothing_is_no_error(index):
    index.add("p", "e", [], [])
    assert index.query("p", "e", near(1.0), 5) == []


def test_what_is_removed_is_not_found(index):
    index.add("p", "e", ["a", "b"], [near(1.0), near(0.9)])
    index.remove("p", "e", ["a"])
    assert ids(index.query("p", "e", near(1.0), 5)) == ["b"]
    index.remove("p", "e", ["b"])
    assert index.query("p", "e", near(1.0), 5) == []


def test_removing_what_is_not_there_is_no_error(index):
    index.remove("p", "e", ["a"])
    index.add("p", "e", ["a"], [near(1.0)])
    index.remove("p", "e", ["b"])
    index.remove("p", "e", [])
    index.remove("q", "e", ["a"])
    assert index.count("e") == 1


def test_a_reset_forgets_everything_and_the_index_goes_on(index):
    index.add("p", "e", ["a"], [near(1.0)])
    index.add("q", "f", ["b"], [near(1.0)])
    index.reset()
    assert (index.count("e"), index.count("f")) == (0, 0)
    assert index.query("p", "e", near(1.0), 5) == []
    index.add("p", "e", ["c"], [near(1.0)])
    assert ids(index.query("p", "e", near(1.0), 5)) == ["c"]


def test_an_index_opened_again_holds_what_it_held(folder):
    ChromaIndex(folder).add("p", "e", ["a"], [near(1.0)])
    again = ChromaIndex(folder)
    assert ids(again.query("p", "e", near(1.0), 5)) == ["a"]
    assert again.count("e") == 1
    again.remove("p", "e", ["a"])
    assert again.count("e") == 0


def test_beyond_its_own_collections_partitions_share_shards(folder, monkeypatch):
    monkeypatch.setattr(store.vectors, "OWN_COLLECTIONS", 3)
    monkeypatch.setattr(store.vectors, "SHARDS", 2)
    index = ChromaIndex(folder)
    places = [f"partition {number}" for number in range(12)]
    for number, place in enumerate(places):
        index.add(place, "e", [f"ent_{number}"], [near(1.0)])
    assert len(index._names) == 5
    assert index.count("e") == 12
    again = ChromaIndex(folder)
    for number, place in enumerate(places):
        found = ids(again.query(place, "e", near(1.0), 12))
        assert f"ent_{number}" in found
        assert (found == [f"ent_{number}"]) is (number < 3)
    for number, place in enumerate(places):
        again.remove(place, "e", [f"ent_{number}"])
    assert again.count("e") == 0


def test_many_threads_may_make_one_collection_at_once(index):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: index.add("p", "e", [f"ent_{number}"], [near(0.9)]), range(40)))
    assert index.count("e") == 40


def test_a_vector_of_another_dimension_is_an_index_error(index):
    index.add("p", "e", ["a"], [near(1.0)])
    short = np.ones(3, dtype=np.float32)
    with pytest.raises(VectorIndexError, match="cannot write to the vector index"):
        index.add("p", "e", ["b"], [short])
    with pytest.raises(VectorIndexError, match="cannot read the vector index"):
        index.query("p", "e", short, 5)
    assert index.count("e") == 1


def test_a_folder_that_cannot_be_used_is_an_index_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(VectorIndexError, match="cannot open the vector index"):
        ChromaIndex(tmp_path / "file" / "chroma")


def test_a_collection_deleted_behind_its_back_is_an_index_error(index):
    index.add("p", "e", ["a"], [near(1.0)])
    for name in index._names:
        index._client.delete_collection(name)
    with pytest.raises(VectorIndexError, match="cannot read"):
        index.query("p", "e", near(1.0), 1)
    with pytest.raises(VectorIndexError, match="cannot count"):
        index.count("e")
    with pytest.raises(VectorIndexError, match="cannot delete"):
        index.remove("p", "e", ["a"])
    with pytest.raises(VectorIndexError, match="cannot reset"):
        index.reset()
