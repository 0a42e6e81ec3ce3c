"""Barriers: what an invalidation keeps from being stored."""

from __future__ import annotations

import pytest

from store.barriers import Barriers
from store.selection import Like, Selection
from tests.fakes import NOW, entry, near


def test_without_an_invalidation_nothing_is_stopped():
    barriers = Barriers()
    assert not barriers.stop(entry(), None, barriers.mark)


def test_what_was_asked_before_is_stopped_and_what_was_asked_after_is_not():
    barriers = Barriers()
    before = barriers.mark
    barriers.put(Selection(tag="a"))
    assert barriers.stop(entry(tags=("a", "b")), None, before), "asked before, and covered"
    assert not barriers.stop(entry(tags=("b",)), None, before), "another tag"
    assert not barriers.stop(entry(tags=("a",)), None, barriers.mark), "asked after"


def test_every_later_invalidation_counts():
    barriers = Barriers()
    first = barriers.mark
    barriers.put(Selection(tag="a"))
    second = barriers.mark
    barriers.put(Selection(tag="b"))
    assert barriers.stop(entry(tags=("a",)), None, first)
    assert not barriers.stop(entry(tags=("a",)), None, second), "its invalidation came first"
    assert barriers.stop(entry(tags=("b",)), None, second)


def test_what_was_asked_before_all_that_is_remembered_is_stopped():
    barriers = Barriers(most=2)
    oldest = barriers.mark
    for tag in "abc":
        barriers.put(Selection(tag=tag))
    assert barriers.stop(entry(tags=("z",)), None, oldest), "nobody knows what the first one covered"
    assert not barriers.stop(entry(tags=("z",)), None, oldest + 1), "all later ones are known"


@pytest.mark.parametrize(
    ("selection", "changes", "covered"),
    [
        (Selection(), {}, True),
        (Selection(namespace="tests"), {}, True),
        (Selection(namespace="others"), {}, False),
        (Selection(model="gpt-x", project="p"), {"project": "p"}, True),
        (Selection(model="gpt-x", project="p"), {"project": None}, False),
        (Selection(policy="strict"), {"policy": "strict"}, True),
        (Selection(target="t", answered_by="v1"), {"target": "t", "answered_by": "v2"}, False),
        (Selection(created_before=NOW - 60), {}, False),
        (Selection(created_before=NOW + 60), {}, True),
    ],
)
def test_a_selection_covers_what_it_would_hold(selection, changes, covered):
    assert selection.covers(entry(**changes), None) is covered


@pytest.mark.parametrize(
    ("vector", "changes", "covered"),
    [
        (near(0.95), {}, True),
        (near(0.5), {}, False),
        (None, {}, True),  # its vector may come later
        (None, {"compat_key": None}, False),  # never found by meaning
    ],
)
def test_prompts_like_one_are_covered_by_their_vectors(vector, changes, covered):
    selection = Selection(like=Like(near(1.0), "fake", 0.9))
    assert selection.covers(entry(**changes), vector) is covered
