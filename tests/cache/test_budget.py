"""The cut under a budget: bounds that cover, a sequence that stops, ties that stand together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import betainc

from cache.budget import (
    LabelError,
    Sample,
    beta_cdf,
    bound_above,
    clopper_pearson,
    learn_cut,
    stratum_weights,
)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def sample(scores, wrong, propensity=1.0):
    scores = np.asarray(scores, float)
    return Sample(scores, np.asarray(wrong, bool), np.broadcast_to(np.asarray(propensity, float), scores.shape))


def ordered(n, wrong_at=()):
    """n labels with distinct scores, 1.0 first; those at the given places are wrong."""
    wrong = np.zeros(n, bool)
    wrong[list(wrong_at)] = True
    return sample(np.linspace(1.0, 0.0, n), wrong)


@given(st.floats(0, 1), st.floats(0.05, 2000), st.floats(0.05, 2000))
def test_the_incomplete_beta_function_agrees_with_scipy(x, a, b):
    assert beta_cdf(x, a, b) == pytest.approx(betainc(a, b, x), abs=1e-9), "another I_x(a, b) than scipy's"


@given(counts)
def test_bounds_agree_with_scipy(count):
    wrong, n = count
    found = clopper_pearson(wrong, n, 0.95)
    lower = stats.beta.ppf(0.05, wrong, n - wrong + 1) if wrong else 0.0
    upper = stats.beta.ppf(0.95, wrong + 1, n - wrong) if wrong < n else 1.0
    assert found == pytest.approx((lower, upper), abs=1e-7), "not Clopper and Pearson's bounds"


@given(counts, st.floats(0.5, 0.99))
def test_bounds_hold_the_share_between_them_and_widen_with_confidence(count, confidence):
    wrong, n = count
    found, surer = clopper_pearson(wrong, n, confidence), clopper_pearson(wrong, n, (1 + confidence) / 2)
    assert found.lower - 1e-9 <= wrong / n <= found.upper + 1e-9, "the share lies outside its bounds"
    assert surer.lower <= found.lower + 1e-9, "more confidence raised the lower bound"
    assert surer.upper >= found.upper - 1e-9, "more confidence lowered the upper bound"


@given(counts)
def test_one_more_wrong_label_raises_the_bound_and_one_more_right_label_lowers_it(count):
    wrong, n = count
    bound = clopper_pearson(wrong, n).upper
    assert clopper_pearson(wrong + 1, n + 1).upper >= bound - 1e-9, "a wrong label lowered the bound"
    assert clopper_pearson(wrong, n + 1).upper <= bound + 1e-9, "a right label raised the bound"


def test_without_labels_nothing_is_known():
    assert clopper_pearson(0, 0) == (0.0, 1.0), "a bound out of no labels"
    with pytest.raises(ValueError, match="is no share"):
        clopper_pearson(3, 2)


def test_no_labels_no_cut():
    assert learn_cut(sample([], []), 0.01) is None, "a cut out of no labels"
    assert bound_above(sample([0.5], [False]), 0.5) is None, "a label at the cut counts as above it"


@pytest.mark.parametrize(("n", "learned"), [(298, False), (299, True)])
def test_a_budget_of_one_percent_takes_299_right_labels(n, learned):
    found = learn_cut(ordered(n), 0.01)
    assert (found is not None) == learned, "0.99^299 is the first power below 0.05"


def test_all_wrong_no_cut():
    assert learn_cut(ordered(3000, range(3000)), 0.05) is None, "a cut though every label says wrong"


def test_the_loosest_cut_within_the_budget_is_kept():
    found = learn_cut(ordered(2000, range(1000, 2000)), 0.05)
    assert found is not None, "no cut though the upper half is all right"
    assert found.bound <= 0.05, "the kept cut breaks the budget"
    assert 800 < found.labels < 1060, "not the loosest cut: the first wrong label is the 1001st"


def test_the_sequence_stops_at_the_first_failure():
    """Right labels in plenty further down do not make up for a stricter cut that failed."""
    wrong = np.zeros(20_000, bool)
    wrong[300:420] = True
    found = learn_cut(sample(np.linspace(1, 0, 20_000), wrong), 0.05)
    assert found is None or found.labels <= 330, "went on behind a cut that failed"


def test_ties_stand_or_fall_together():
    scores = np.repeat([0.9, 0.8], [600, 600])
    wrong = np.repeat([False, True], [600, 600])
    found = learn_cut(sample(scores, wrong), 0.01)
    assert found is not None, "600 right labels of one score prove a cut"
    assert found.labels == 600, "a run of equal scores was parted"
    assert 0.8 <= found.value < 0.9, "the cut does not part the two scores"
    mixed = learn_cut(sample(np.full(1200, 0.9), wrong), 0.01)
    assert mixed is None, "labels of one score that are half wrong were told apart"


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.02, 0.05, 0.2]))
def test_what_is_learned_is_what_lies_strictly_above(seed, budget):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(1500), 2)
    wrong = rng.random(1500) < 0.5 * (1 - scores) ** 3
    found = learn_cut(sample(scores, wrong), budget)
    if found is None:
        return
    above = scores > found.value
    assert found.labels == above.sum(), "labels counted that are not above the cut, or the other way round"
    assert found.wrong == wrong[above].sum(), "wrong labels miscounted"
    assert found.bound <= budget, "the bound is above the budget"
    assert found.bound == pytest.approx(clopper_pearson(found.wrong, found.labels).upper), (
        "with equal propensities the bound is Clopper and Pearson's"
    )


@given(st.integers(0, 2**32 - 1))
def test_the_order_of_labels_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    scores, propensity = np.round(rng.random(900), 1), np.full(900, 0.5)
    wrong = rng.random(900) < 0.01
    shuffled = rng.permutation(900)
    found = learn_cut(Sample(scores, wrong, propensity), 0.05)
    again = learn_cut(Sample(scores[shuffled], wrong[shuffled], propensity), 0.05)
    assert (found and found.value) == (again and again.value), "the order in which labels came changed the cut"


def test_strata_are_weighted_by_the_traffic_they_stand_for():
    scores = np.linspace(1, 0, 200)
    propensity = np.where(np.arange(200) < 100, 0.1, 1.0)
    weights = stratum_weights(scores, propensity, band=50)
    assert weights[0] == pytest.approx(10), "an audit at one in ten stands for ten hits"
    assert weights[-1] == pytest.approx(1), "a miss stands for itself"
    assert weights.sum() == pytest.approx(np.sum(1 / propensity)), "traffic was lost or made up"


def test_few_audits_above_are_not_outvoted_by_many_misses_below():
    """40 audited hits and 5,000 right misses below: what was hardly looked at is not proven."""
    scores = np.concatenate([np.linspace(1, 0.9, 40), np.linspace(0.89, 0.5, 5000)])
    propensity = np.concatenate([np.full(40, 0.02), np.ones(5000)])
    found = bound_above(sample(scores, np.zeros(5040, bool), propensity), 0.5)
    assert found is not None, "labels above the cut were overlooked"
    assert found.bound > 0.01, "5,000 misses passed for a proof about hits"


def test_the_bound_of_a_weighted_share_covers():
    """Two strata, one of them known by few labels of large weight: 95 of 100 bounds must lie above the truth."""
    rng = np.random.default_rng(7)
    scores = np.concatenate([np.linspace(1, 0.9, 100), np.linspace(0.8, 0.5, 400)])
    propensity = np.concatenate([np.full(100, 0.05), np.ones(400)])
    chances = np.concatenate([np.full(100, 0.03), np.full(400, 0.06)])
    truth = float((chances / propensity).sum() / (1 / propensity).sum())
    covered = 0
    for _ in range(400):
        found = bound_above(sample(scores, rng.random(500) < chances, propensity), 0.0)
        assert found is not None, "labels above the cut were overlooked"
        covered += found.bound >= truth
    assert covered >= 0.94 * 400, f"only {covered} of 400 bounds lie above the truth"


def test_a_learned_cut_breaks_the_budget_in_at_most_one_calibration_of_twenty():
    """The error at a score is known here, so the true error above a learned cut is too."""
    rng = np.random.default_rng(11)
    population = np.sort(rng.random(200_000))[::-1]
    chances = 0.3 * (1 - population) ** 2
    true_error = np.cumsum(chances) / np.arange(1, len(population) + 1)
    broken = learned = 0
    for _ in range(300):
        drawn = rng.integers(0, len(population), 2000)
        found = learn_cut(sample(population[drawn], rng.random(2000) < chances[drawn]), 0.02)
        if found is not None:
            learned += 1
            broken += true_error[np.count_nonzero(population > found.value) - 1] > 0.02
    assert learned > 250, "hardly ever a cut, though a fifth of the traffic is within the budget"
    assert broken <= 0.05 * 300 + 8, f"{broken} of 300 calibrations broke the budget"


@given(st.floats(0, 1), st.floats(0, 0.25), st.floats(0, 0.25))
def test_label_error_turns_back(share, false_same, false_different):
    error = LabelError(false_same, false_different)
    assert error.true(error.seen(share)) == pytest.approx(share), "the label's error was not undone"


def test_hidden_wrong_answers_are_carried_in_the_bound():
    plain = bound_above(ordered(1000, range(5)), -1.0)
    hiding = bound_above(ordered(1000, range(5)), -1.0, error=LabelError(false_same=0.3))
    assert plain is not None, "labels above the cut were overlooked"
    assert hiding is not None, "labels above the cut were overlooked"
    assert hiding.bound == pytest.approx(plain.bound / 0.7), "labels that hide 3 of 10 wrong answers: bound / 0.7"


def test_a_known_rate_of_false_alarms_is_taken_out():
    labels = ordered(4000, range(0, 4000, 33))
    assert learn_cut(labels, 0.02) is None, "3 % that say wrong are above 2 %"
    found = learn_cut(labels, 0.02, error=LabelError(false_different=0.03))
    assert found is not None, "all 3 % are false alarms of the label"
    assert learn_cut(labels, 0.02, error=LabelError(0.3, 0.3)) is None, "labels that err so often prove nothing"
