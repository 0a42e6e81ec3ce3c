"""Recall at a given rate of wrong answers: ties, vetoes, and what has no answer."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmarks.decisions.measures import calibration, curve, cut_at, recall_at, share_above
from benchmarks.decisions.scorers import NEVER


def rows(right, wrong):
    """Scores and labels of pairs that may and that must not be shared."""
    return np.array([*right, *wrong], dtype=float), np.array([True] * len(right) + [False] * len(wrong))


def test_the_cut_is_the_smallest_with_no_more_false_hits_than_allowed():
    scores, same = rows([0.95, 0.85, 0.75, 0.5], [0.9, 0.8, 0.7, 0.6])

    assert cut_at(scores, same, 0.25) == 0.8, "one of four false hits is allowed: 0.9 is served, 0.8 is not"
    assert recall_at(scores, same, 0.25) == 0.5, "0.95 and 0.85 lie above 0.8"
    assert recall_at(scores, same, 0.0) == 0.25, "without false hits only 0.95 is left"
    assert recall_at(scores, same, 0.24) == 0.25, "less than one false hit is none"


def test_tied_scores_stand_or_fall_together():
    scores, same = rows([0.9, 0.9, 0.8], [0.9, 0.9, 0.1, 0.1])

    assert cut_at(scores, same, 0.25) == 0.9, "one of two tied false hits cannot be let in alone"
    assert recall_at(scores, same, 0.25) == 0.0, "nor can the reusable pairs that tie with them"
    assert recall_at(scores, same, 0.5) == 1.0, "with both let in, all above 0.1 are served"


def test_a_vetoed_pair_is_never_served():
    scores, same = rows([0.2, NEVER], [NEVER, NEVER, 0.9])

    assert cut_at(scores, same, 0.34) == NEVER, "all negatives that are not vetoed may be served"
    assert recall_at(scores, same, 0.34) == 0.5, "the vetoed reusable pair stays out"
    assert recall_at(scores, same, 1.0) == 0.5, "even where every false hit is allowed"


def test_without_negatives_there_is_no_cut():
    scores, same = rows([0.2, 0.9], [])

    assert math.isnan(cut_at(scores, same, 0.01)), "no negatives say where to cut"
    assert math.isnan(recall_at(scores, same, 0.01)), "so there is no recall either"
    assert math.isnan(share_above(np.zeros(0), 0.5)), "nothing has no share"


@given(
    some.lists(some.integers(0, 8), min_size=1, max_size=30),
    some.lists(some.integers(0, 8), min_size=1, max_size=30),
    some.floats(0, 1),
)
def test_no_cut_serves_more_false_hits_than_allowed_and_none_smaller_would_do(right, wrong, rate):
    scores, same = rows(right, wrong)

    cut = cut_at(scores, same, rate)

    assert np.mean(scores[~same] > cut) <= rate + 1e-9, "the rate is kept"
    smaller = [value for value in {*scores, -np.inf} if value < cut]
    assert all(np.mean(scores[~same] > value) > rate for value in smaller), "and every smaller cut breaks it"


def test_the_curve_goes_from_strict_to_loose():
    scores, same = rows([0.9, 0.5], [0.7, NEVER])

    false, true = curve(scores, same)

    assert false.tolist() == [0.0, 0.0, 0.5, 0.5], "the vetoed pair is never a false hit"
    assert true.tolist() == [0.0, 0.5, 0.5, 1.0], "recall grows as the cut falls"


def test_calibration_sets_scores_beside_what_was_right():
    scores, same = rows([0.95, 1.0, 0.15], [0.91, NEVER, 0.11])

    bins = calibration(scores, same)

    assert [one.pairs for one in bins] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 3], "vetoed pairs have no score"
    assert bins[1].correct == 0.5, "one of two in the second bin may be reused"
    assert bins[9].correct == pytest.approx(2 / 3), "a score of 1 belongs to the last bin"
    assert bins[9].mean == pytest.approx((0.95 + 1.0 + 0.91) / 3), "beside the mean of its scores"
