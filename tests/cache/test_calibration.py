"""What may be served, as the labels have it: shipped cuts, proof, refutation, alarms, and the way out of shadow."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cache.budget import LabelError
from cache.calibration import Calibrations, prior_cut, refit
from cache.calibration.drift import ALARM, ErrorWatch, Novelty
from cache.calibration.records import MOST
from cache.calibration.window import WINDOW, Window
from cache.verifier import Mix
from store.labels import Label

MIX = Mix((1.0, 0.0, 0.0))
PRIORS = {0.01: 0.9, 0.05: 0.8}


class Fixed:
    """A verifier whose signals come with the labels."""

    id = "fixed"
    floor = 0.0
    mix = MIX

    def signals(self, pairs):
        raise NotImplementedError


def logit(score):
    return math.log(score / (1 - score))


class Labels:
    """Makes labels with ids of their own."""

    def __init__(self):
        self.made = 0

    def __call__(self, score, correct=True, source="miss", propensity=1.0, **changed):
        self.made += 1
        given = {
            "id": f"lab_{self.made}",
            "at": float(self.made),
            "namespace": "shop",
            "verifier": "fixed",
            "embedder": "some",
            "prompt_key": f"p{self.made}",
            "entry_key": f"e{self.made}",
            "entry_id": f"e{self.made}",
            "prompt": "where is my parcel",
            "stored_prompt": "where is the parcel",
            "similarity": 0.9,
            "score": score,
            "signals": (logit(score), 0.9, 0.0),
            "correct": correct,
            "source": source,
            "method": "meaning",
            "propensity": propensity,
        }
        return Label(**{**given, **changed})


@pytest.fixture
def label():
    return Labels()


def calibrations(priors=PRIORS, error=None, probation=True):
    return Calibrations(Fixed(), priors, error, budgets=(0.01, 0.05), probation=probation)


def tell(target, label, scores, correct, source="miss", propensity=1.0):
    for score, right in zip(scores, correct, strict=True):
        target.told(label(float(score), bool(right), source, propensity))


def teach(target, label, n=1000, seed=0):
    """Labels of misses: all right above 0.5, half wrong below."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.01, 0.99, n)
    tell(target, label, scores, (scores > 0.5) | (rng.random(n) < 0.5))


@pytest.mark.parametrize(("budget", "cut"), [(0.05, 0.8), (0.2, 0.8), (0.04, 0.9), (0.01, 0.9), (0.009, None)])
def test_a_budget_between_shipped_ones_gets_the_cut_of_the_stricter(budget, cut):
    assert prior_cut(PRIORS, budget) == cut, "a cut shipped for a looser budget, or none where there is one"


def test_the_shipped_cut_serves_at_first_and_is_audited():
    found = calibrations().of("shop", 0.01, 0.02)
    assert (found.source, found.cut, found.shadow) == ("prior", 0.9, False), "the shipped cut does not serve"
    assert found.audit_rate == 1.0, "hits are served before anything is known here"
    assert found.admits(0.91), "above the cut is not admitted"
    assert not found.admits(0.9), "the comparison is not strict"
    assert not found.admits(math.nan), "not a number was admitted"


def test_without_probation_the_policy_s_audit_rate_holds_until_a_hit_was_wrong(label):
    target = calibrations(probation=False)
    assert target.of("shop", 0.05, 0.02).audit_rate == 0.02, "more audits than asked for, and no reason"
    target.told(label(0.95, True, "audit", 0.02))
    assert target.of("shop", 0.05, 0.02).audit_rate == 0.02, "a right audit is no reason for more"
    target.told(label(0.95, False, "audit", 0.02))
    assert target.of("shop", 0.05, 0.02).audit_rate > 0.1, "a wrong hit is a reason to look closer"


def test_without_a_shipped_cut_a_namespace_starts_in_shadow():
    found = calibrations({}).of("shop", 0.01)
    assert (found.source, found.cut, found.shadow) == ("none", None, True), "served without any calibration"
    assert not found.admits(1.0), "a score was admitted without a cut"


def test_shadow_ends_when_labels_prove_a_cut(label):
    target = calibrations({})
    teach(target, label)
    found = target.of("shop", 0.05)
    assert (found.source, found.shadow) == ("learned", False), "500 right labels above 0.5 prove no cut at 5 %"
    assert 0.4 < found.cut < 0.6, "not the loosest cut within the budget"
    assert found.bound <= 0.05, "the bound is above the budget"


def test_trust_grows_with_audits_and_ends_at_the_rate_asked_for(label):
    target = calibrations()
    rates = [target.of("shop", 0.05, 0.02).audit_rate]
    for _ in range(60):
        rate = target.of("shop", 0.05, 0.02).audit_rate
        target.told(label(0.95, True, "audit", rate))
        rates.append(target.of("shop", 0.05, 0.02).audit_rate)
    assert rates == sorted(rates, reverse=True), "fewer doubts, more audits"
    assert rates[-1] < 0.4, "60 right audits earned no trust"
    assert target.of("shop", 0.05, 0.5).audit_rate >= 0.5, "less audited than the policy asks for"


def test_a_shipped_cut_that_labels_refute_serves_nothing(label):
    target = calibrations()
    tell(target, label, [0.95] * 20, [at % 4 > 0 for at in range(20)], "audit", 1.0)
    found = target.of("shop", 0.01, 0.02)
    assert found.shadow, "5 of 20 wrong at a budget of 1 %, and it goes on serving"
    assert "were wrong" in found.alarm, "the alarm does not say what is wrong"


def test_a_shipped_cut_that_labels_refute_gives_way_to_a_stricter_one(label):
    target = calibrations()
    assert target.of("shop", 0.05).cut == 0.8
    tell(target, label, [0.85] * 20, [at % 4 > 0 for at in range(20)], "audit", 1.0)
    found = target.of("shop", 0.05)
    assert (found.cut, found.source, found.shadow) == (0.9, "prior", False), "the stricter shipped cut is not refuted"
    assert found.alarm is None
    tell(target, label, [0.95] * 20, [at % 4 > 0 for at in range(20)], "audit", 1.0)
    found = target.of("shop", 0.05)
    assert found.shadow, "no stricter one is left"
    assert "were wrong" in found.alarm
    assert target.of("others", 0.05).cut == 0.8, "what one namespace refutes serves another"


def test_a_cut_once_given_up_does_not_come_back_by_itself(label):
    target = calibrations()
    tell(target, label, [0.85] * 20, [at % 4 > 0 for at in range(20)], "audit", 1.0)
    tell(target, label, [0.85] * 60, [True] * 60, "miss")
    assert target.of("shop", 0.05).cut != 0.8, "only labels that prove it bring it back"


def test_wrong_hits_after_proof_alarm_and_fresh_labels_end_it(label):
    target = calibrations({})
    teach(target, label)
    assert target.of("shop", 0.05, 0.02).source == "learned", "no cut to begin with"
    told = 0
    while not target.of("shop", 0.05, 0.02).shadow and told < 60:
        target.told(label(0.9, False, "audit", 0.02))
        told += 1
    assert told <= 5, f"{told} wrong audits in a row before the alarm"
    assert target.of("shop", 0.05).alarm, "shadow without a word why"
    tell(target, label, [0.9] * 50, [True] * 50, "shadow")
    assert target.of("shop", 0.05).shadow, "50 fresh labels are no proof at 5 %"
    teach(target, label, seed=5)
    found = target.of("shop", 0.05)
    assert (found.source, found.alarm) == ("learned", None), "fresh labels in plenty do not end the alarm"


def test_labels_from_before_an_alarm_are_believed_no_more(label):
    target = calibrations({})
    teach(target, label)
    tell(target, label, [0.9] * 12, [False] * 12, "audit", 0.02)
    assert target.of("shop", 0.05).alarm, "no alarm"
    tell(target, label, [0.3] * 200, [True] * 200)
    assert target.of("shop", 0.05).labels in (0, 200), "labels from before the alarm count"


def test_an_alarm_outlives_a_restart(label):
    first, again = calibrations({}), calibrations({})
    scores = np.random.default_rng(4).uniform(0.01, 0.99, 1000)
    made = [label(float(score), bool(score > 0.5)) for score in scores]
    made += [label(0.9, False, "audit", 0.02) for _ in range(12)]
    first.learn("shop", made)
    again.learn("shop", made)
    assert first.of("shop", 0.05).alarm, "no alarm in the first place"
    assert again.of("shop", 0.05) == first.of("shop", 0.05), "a restart forgot the alarm"


def test_namespaces_share_nothing(label):
    target = calibrations({})
    teach(target, label)
    assert target.of("shop", 0.05).source == "learned", "no cut where the labels are"
    assert target.of("bank", 0.05).shadow, "another namespace's labels opened this one"


def test_budgets_stand_each_on_their_own(label):
    target = calibrations()
    loose, strict = target.of("shop", 0.05), target.of("shop", 0.01)
    assert loose.cut < strict.cut, "one budget's cut serves another"


def test_labels_of_another_verifier_or_without_sense_are_left_aside(label):
    target = calibrations({})
    for _ in range(400):
        target.told(label(0.9, verifier="other"))
        target.told(label(0.9, signals=(math.nan, 0.9, 0.0)))
        target.told(label(0.9, propensity=0.0))
        target.told(label(0.9, signals=(1.0,)))
    assert target.of("shop", 0.05).shadow, "a cut out of labels that say nothing about this score"


def test_complaints_prove_no_cut(label):
    target = calibrations({})
    tell(target, label, [0.9] * 1000, [True] * 1000, "feedback")
    assert target.of("shop", 0.05).shadow, "praise is no random sample of hits"


def test_learning_anew_from_kept_labels_gives_the_same(label):
    first, again = calibrations(), calibrations()
    made = []
    rng = np.random.default_rng(1)
    for _ in range(900):
        score = float(rng.uniform(0.01, 0.99))
        made.append(label(score, score > 0.4 or bool(rng.random() < 0.5)))
        first.told(made[-1])
    again.learn("shop", made)
    assert again.of("shop", 0.05).cut == pytest.approx(first.of("shop", 0.05).cut, abs=0.1), "a restart moved the cut"


def test_labels_known_to_hide_errors_make_the_cut_stricter(label):
    plain, hiding = calibrations({}), calibrations({}, LabelError(false_same=0.3))
    rng = np.random.default_rng(2)
    scores = rng.uniform(0.01, 0.99, 2000)
    correct = rng.random(2000) > 0.2 * (1 - scores)
    tell(plain, label, scores, correct)
    tell(hiding, label, scores, correct)
    assert hiding.of("shop", 0.05).labels < plain.of("shop", 0.05).labels, "as loose a cut with labels that hide errors"


def test_changed_traffic_brings_the_audits_back(label):
    target = calibrations({})
    teach(target, label)
    assert target.of("shop", 0.05).audit_rate < 0.05, "a proven cut asks for many audits"
    rng = np.random.default_rng(3)
    for _ in range(300):
        assert not target.seen("shop", "where is my parcel", 0.8 + rng.normal(0, 0.05), 0.5), "a change where is none"
    changed = [target.seen("shop", f"gamma{n} delta{n} epsilon{n}", 0.8, 0.5) for n in range(30)]
    assert any(changed), "30 requests of nothing but new words went unnoticed"
    assert changed.index(True) < 20, "the change was noticed late"
    assert target.of("shop", 0.05).audit_rate == 1.0, "changed traffic is served unaudited"


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_the_watch_is_silent_within_the_budget(seed):
    rng, watch = np.random.default_rng(seed), ErrorWatch(0.05)
    assert sum(watch.told(bool(wrong)) for wrong in rng.random(60) < 0.02) == 0 or watch.evidence < ALARM * 50, (
        "a storm of alarms while the error is below the budget"
    )


def test_false_alarms_are_as_rare_as_promised():
    """At the budget itself, ALARM labels pass on average between alarms."""
    rng, runs = np.random.default_rng(5), []
    for _ in range(150):
        watch, told = ErrorWatch(0.05), 0
        while told < 3000 and not watch.told(bool(rng.random() < 0.05)):
            told += 1
        runs.append(told)
    assert np.mean(runs) >= ALARM, f"an alarm every {np.mean(runs):.0f} labels at the budget itself"


@pytest.mark.parametrize(("error", "most"), [(0.5, 8), (0.25, 25), (0.1, 120)])
def test_the_watch_finds_errors_soon(error, most):
    rng, runs = np.random.default_rng(6), []
    for _ in range(100):
        watch, told = ErrorWatch(0.01), 1
        while not watch.told(bool(rng.random() < error)):
            told += 1
        runs.append(told)
    assert np.median(runs) <= most, f"an error of {error:.0%} took {np.median(runs):.0f} labels to find"


def test_novelty_says_nothing_of_steady_traffic():
    rng, novelty = np.random.default_rng(8), Novelty()
    words = [f"word{n}" for n in range(400)]
    changes = [
        novelty.seen(" ".join(rng.choice(words, 8)), (rng.normal(0.8, 0.1), rng.normal(0, 2))) for _ in range(3000)
    ]
    assert sum(changes) <= 1, "changes seen in steady traffic"


def test_a_good_record_raises_an_entry_s_score_and_a_bad_one_lowers_it(label):
    target = Calibrations(Fixed(), PRIORS, budgets=(0.05,), by_entry=True)
    signals = np.array([logit(0.7), 0.9, 0.0])
    unknown = target.of("shop", 0.05).score(signals, "new")
    assert unknown == pytest.approx(0.7), "an entry without a record is scored by its signals alone"
    for _ in range(30):
        target.told(label(0.3, True, entry_key="good"))
        target.told(label(0.3, False, entry_key="bad"))
    found = target.of("shop", 0.05)
    assert found.score(signals, "bad") < unknown < found.score(signals, "good"), "records do not count"
    boost = logit(found.score(signals, "good")) - logit(unknown)
    assert boost <= MOST + 1e-6, "a popular entry attracts without limit"
    assert target.of("bank", 0.05).score(signals, "good") == pytest.approx(unknown), "another namespace's record counts"


def test_without_records_the_score_is_the_mix_of_the_signals(label):
    found = calibrations().of("shop", 0.01)
    assert found.score(np.array([logit(0.7), 0.9, 0.0]), "any") == pytest.approx(0.7), "not the mix's score"


def test_a_label_is_scored_with_the_record_before_it(label):
    """Else a wrong label would lower its own score and every cut would look clean."""
    target = Calibrations(Fixed(), {}, budgets=(0.05,), by_entry=True)
    rng = np.random.default_rng(12)
    for at in range(3000):
        target.told(label(0.9, bool(rng.random() > 0.1), entry_key=f"once{at}"))
    assert target.of("shop", 0.05).cut is None, "labels with one wrong in ten, each on an entry of its own, gave a cut"


def signals_and_verdicts(n, helpful, seed=0):
    """Signal 0 is the shipped log-odds, of little worth; signal 2 decides where it is helpful."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(0, 1, (n, 3))
    chance = 1 / (1 + np.exp(-(signals[:, 0] + helpful * signals[:, 2])))
    return signals, rng.random(n) < chance


def test_a_mix_takes_up_a_signal_that_helps():
    signals, correct = signals_and_verdicts(400, helpful=3.0)
    mix = refit(signals, correct, MIX)
    assert mix is not None, "a signal that decides was not taken up"
    fresh, verdicts = signals_and_verdicts(4000, helpful=3.0, seed=1)
    shipped_gap = MIX.score(fresh)[verdicts].mean() - MIX.score(fresh)[~verdicts].mean()
    gap = mix.score(fresh)[verdicts].mean() - mix.score(fresh)[~verdicts].mean()
    assert gap > shipped_gap + 0.2, "the mix does not part right from wrong better on labels it has not seen"


def test_the_shipped_mix_stays_where_nothing_beats_it():
    adopted = [refit(*signals_and_verdicts(300, helpful=0.0, seed=seed), MIX) is not None for seed in range(20)]
    assert sum(adopted) <= 4, "noise was fitted"


def test_too_few_labels_or_one_outcome_fit_nothing():
    signals, correct = signals_and_verdicts(400, helpful=3.0)
    assert refit(signals[:59], correct[:59], MIX) is None, "a mix out of too few labels"
    assert refit(signals, np.ones(400, bool), MIX) is None, "a mix out of one outcome"


def test_a_full_window_thins_misses_and_keeps_their_weight(label):
    window = Window(3)
    rng = np.random.default_rng(9)
    for score in rng.uniform(0.01, 0.99, WINDOW * 2):
        window.add(label(float(score)), MIX)
    sample = window.sample(MIX, 0, unspent=False)
    assert len(window) <= WINDOW, "the window holds more than it may"
    weights = 1 / sample.propensity
    assert weights[sample.scores > 0.8].max() == 1.0, "labels near the cuts were thinned"
    ratio = weights[sample.scores < 0.4].sum() / weights[sample.scores > 0.6].sum()
    assert ratio == pytest.approx(1.0, abs=0.12), "thinned labels no longer stand for their traffic"


def test_a_label_of_the_same_id_replaces_the_earlier_one(label):
    window = Window(3)
    window.add(label(0.9, True, id="one"), MIX)
    window.add(label(0.9, False, "review", id="one"), MIX)
    sample = window.sample(MIX, 0, unspent=False)
    assert sample.wrong.tolist() == [True], "the later verdict does not hold"


# Budgets that policies ask for later


def test_a_budget_adopted_later_has_a_cut_at_once(label):
    target = calibrations({})
    teach(target, label)
    target.adopt([0.2])
    assert target._ledgers["shop"].known(0.2) is not None, "the first call would have to wait for its cut"
    found = target.of("shop", 0.2)
    assert (found.source, found.shadow) == ("learned", False), "the labels at hand prove a cut"
    assert target.of("shop", 0.05).cut is not None, "those in use before are kept"


def test_a_budget_adopted_later_is_known_to_new_namespaces_too(label):
    target = calibrations()
    target.adopt([0.2])
    target.told(label(0.9, namespace="bakery"))
    assert target._ledgers["bakery"].known(0.2) is not None


def test_a_budget_adopted_later_stands_as_if_it_had_been_there_all_along(label):
    early, late = Calibrations(Fixed(), PRIORS, budgets=(0.05, 0.06)), Calibrations(Fixed(), PRIORS, budgets=(0.05,))
    for target in (early, late):
        teach(target, Labels())
        made = Labels()
        made.made = 5000
        tell(target, made, [0.95] * 6, [False] * 6, "audit")
    assert early.of("shop", 0.06).alarm, "no alarm in the first place"
    late.adopt([0.06])
    found = late.of("shop", 0.06)
    assert (found.alarm, found.shadow) == (early.of("shop", 0.06).alarm, True), "a changed budget left the alarm behind"


def test_a_budget_adopted_in_doubt_is_audited_like_the_others(label):
    target = calibrations(probation=False)
    tell(target, label, [0.95] * 3, [True, True, False], "audit", 0.02)
    target.adopt([0.06])
    assert target.of("shop", 0.06, 0.02).audit_rate > 0.02, (
        "a wrong hit is a reason to look closer, whatever the budget"
    )
