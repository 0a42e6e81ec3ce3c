"""Pieces for a prompt: how many are looked at, and by which of its words."""

from __future__ import annotations

import numpy as np
import pytest

from memory.context.ranking import PLAIN
from memory.context.retrieval import END_CHARS, LEAST_LOOKED_AT, MOST_LOOKED_AT, NotReadyError, Retriever, embedded
from memory.sources.shelf import Found
from tests.fakes import FakeEmbedder, near
from tests.memory.context.test_ranking import chunk


class FakeShelf:
    """So many pieces, the nearest first; ``asked`` lists how many were asked for."""

    def __init__(self, *tags):
        self.found = [Found(chunk(tags=one), 0.9 - at * 1e-4) for at, one in enumerate(tags)]
        self.asked = []

    def search(self, namespace, project, vector, k):
        self.asked.append(k)
        return self.found[:k]

    def is_stocked(self):
        return bool(self.found)


def finder(shelf, embedder):
    return Retriever(shelf, lambda: embedder, lambda: PLAIN)


def test_more_are_ranked_than_are_wanted():
    shelf = FakeShelf(*[()] * 500)
    found = finder(shelf, FakeEmbedder()).find("default", "", "backups", 10)
    assert [one.chunk.id for one in found] == [one.chunk.id for one in shelf.found[:10]]
    assert shelf.asked == [LEAST_LOOKED_AT], "what is raised most may lie behind others"
    finder(shelf, FakeEmbedder()).find("default", "", "backups", 100)
    assert shelf.asked[1:] == [200]


def test_with_tags_it_looks_on_until_enough_have_them():
    shelf = FakeShelf(*[()] * 300, *[("ops",)] * 5)
    found = finder(shelf, FakeEmbedder()).find("default", "", "backups", 5, ["ops"])
    assert len(found) == 5, "those behind are found, too"
    assert shelf.asked == [48, 192, 768]
    rare = FakeShelf(*[()] * 6000)
    assert finder(rare, FakeEmbedder()).find("default", "", "backups", 5, ["ops"]) == []
    assert rare.asked[-1] < 4 * MOST_LOOKED_AT, "not for ever"


def test_an_empty_shelf_costs_no_embedding():
    embedder = FakeEmbedder()
    assert finder(FakeShelf(), embedder).find("default", "", "backups", 5) == []
    assert embedder.asked == []


def test_before_there_is_an_embedder_it_says_so():
    with pytest.raises(NotReadyError):
        finder(FakeShelf(()), None).find("default", "", "backups", 5)


def test_a_prompt_that_is_too_long_is_taken_by_its_two_ends():
    head, tail = "a" * END_CHARS, "b" * END_CHARS
    long = f"{head}{'x' * 2000}{tail}"
    embedder = FakeEmbedder({head: near(1.0), tail: near(0.0)}, unread=[long])
    vector = embedded(long, embedder)
    assert embedder.asked == [head, tail]
    assert np.linalg.norm(vector) == pytest.approx(1.0)
    assert float(vector @ near(1.0)) == pytest.approx(float(vector @ near(0.0))), "both count the same"


def test_half_a_surrogate_pair_is_no_reason_to_fail():
    embedder = FakeEmbedder()
    embedded("half \ud800 pair", embedder)
    assert embedder.asked == ["half ? pair"]


def test_what_the_embedder_reads_whole_is_taken_whole():
    embedder = FakeEmbedder(unread=["ß?"])
    for prompt in ("backups", "x" * 3000, "ß?"):
        embedded(prompt, embedder)
    assert embedder.asked == ["backups", "x" * 3000, "ß?"], "a short one in any case"
