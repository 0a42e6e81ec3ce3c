"""What a lower cut would have served, and whether that would have been right."""

from __future__ import annotations

import pytest

from cache.calibration import Admission
from cache.policy import Policy
from cache.verifier import Mix
from memory.statistics.nearby import Near
from proxy.insights.nearmisses import DISTANCES, line_of, missed, steps

MIX = Mix((1.0, 0.0))
POLICY = Policy()


def admission(cut=0.9, mix=MIX, **changes):
    return Admission(mix, cut, "learned", **changes)


def near(score=None, id="int_1", right=None, similarity=0.95, signals=()):
    return Near(id, "2026-03-01 00:00:00", "default", "default", similarity, score, signals, "v", "ent_1", right)


def line(cut=0.9, policy=POLICY, **changes):
    return line_of("default", "default", policy, admission(cut, **changes))


def test_misses_below_the_cut_come_nearest_first():
    found = missed([near(0.5, "far"), near(0.89, "near"), near(0.91, "above"), near(0.9, "on")], line())
    assert [one.near.id for one in found] == ["on", "near", "far"], "a score on the cut was not above it"
    assert found[1].distance == pytest.approx(0.01)


def test_scores_are_mixed_anew_by_the_mix_that_the_cut_belongs_to():
    told = near(0.2, signals=(2.0, 0.9))
    (found,) = missed([told], line(mix=Mix((1.0, 0.0))))
    assert found.value == pytest.approx(0.880797), "sigmoid(2), not what was logged"
    (old,) = missed([near(0.2, signals=(2.0,))], line())
    assert old.value == 0.2, "signals of another shape cannot be mixed"


@pytest.mark.parametrize(
    ("policy", "given", "note"),
    [
        (None, admission(), "there is no such policy now"),
        (POLICY, None, "the verifier is not ready"),
        (POLICY, admission(None), "no cut keeps the error budget"),
        (POLICY, admission(None, alarm="too many were wrong"), "too many were wrong"),
    ],
)
def test_without_a_cut_nothing_is_near_and_it_says_why(policy, given, note):
    found = line_of("default", "x", policy, given)
    assert (found.cut, found.note) == (None, note)
    assert missed([near(0.5)], found) == steps([], found) == []


def test_a_fixed_threshold_is_held_against_the_similarity():
    fixed = line_of("default", "old", Policy(similarity_threshold=0.95), None)
    found = missed([near(similarity=0.94), near(similarity=None), near(similarity=0.96)], fixed)
    assert [(one.value, fixed.source, fixed.scale) for one in found] == [(0.94, "fixed", "similarity")]
    says = steps(found, fixed)[-1]["says"]
    assert says.startswith("lowering the similarity_threshold from 0.950 to 0.850 would have added 1 hits")
    assert says.endswith("not known: none of them was compared with a fresh answer")


def test_each_step_counts_what_lies_in_it_and_adds_up_what_a_cut_so_low_would_serve():
    given = [near(0.897, right=True), near(0.893, right=True), near(0.892, right=False), near(0.885), near(0.7)]
    found = steps(missed(given, line()), line())
    assert [step["distance"] for step in found] == list(DISTANCES)
    assert [step["calls"] for step in found] == [1, 2, 1, 0, 0]
    assert [step["added_hits"] for step in found] == [1, 3, 4, 4, 4]
    assert [step["cut"] for step in found] == [0.895, 0.89, 0.88, 0.85, 0.8]
    assert found[1]["error"]["rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert (found[2]["error"]["wrong"], found[2]["error"]["checked"]) == (1, 3), "one was not compared"
    assert found[1]["says"] == (
        "lowering the cut from 0.900 to 0.890 would have added 3 hits of which an estimated 33.3% wrong "
        "[0.8%, 90.6%] (3 compared)"
    )
