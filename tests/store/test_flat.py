"""The index in memory: exact neighbours, like any other ``VectorIndex``."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from store.flat import FlatIndex


def unit(seed, dimension=8):
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)


@given(st.lists(st.integers(0, 30), max_size=200), st.sets(st.integers(0, 30)), st.integers(1, 12))
def test_it_gives_the_nearest_of_what_it_holds(added, removed, k):
    index, held = FlatIndex(), {}
    for at, seed in enumerate(added):
        held[f"id-{seed}"] = unit(1000 + at)
        index.add("p", "e", [f"id-{seed}"], [held[f"id-{seed}"]])
    gone = [f"id-{seed}" for seed in removed]
    index.remove("p", "e", gone)
    for id_ in gone:
        held.pop(id_, None)
    asked = unit(7)
    expected = sorted((-float(vector @ asked), id_) for id_, vector in held.items())[:k]
    found = index.query("p", "e", asked, k)
    assert [id_ for id_, _ in found] == [id_ for _, id_ in expected]
    assert np.allclose([similarity for _, similarity in found], [-negative for negative, _ in expected], atol=1e-6)
    assert index.count("e") == len(held)


def test_partitions_embedders_and_dimensions_are_kept_apart():
    index = FlatIndex()
    index.add("p", "e", ["a"], [unit(1)])
    index.add("q", "e", ["b"], [unit(2)])
    index.add("p", "f", ["c"], [unit(3, 4)])
    assert [id_ for id_, _ in index.query("p", "e", unit(1), 5)] == ["a"]
    assert index.query("p", "f", unit(1), 5) == [], "vectors of another length are not compared"
    assert index.query("r", "e", unit(1), 5) == []
    assert (index.count("e"), index.count("f")) == (2, 1)
    index.reset()
    assert index.count("e") == 0
    assert index.query("p", "e", unit(1), 5) == []


def test_equal_vectors_are_no_nearer_than_one():
    index = FlatIndex()
    for seed in range(50):
        index.add("p", "e", [str(seed)], [unit(seed, 384)])
    assert all(index.query("p", "e", unit(seed, 384), 1)[0][1] <= 1.0 for seed in range(50))
