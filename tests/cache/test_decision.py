"""The decision: who is admitted, who wins, and which reason is given."""

from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache import guards
from cache.decision import Candidate, Hit, Judged, Miss, Reason, decide, rank, standing
from cache.policy import Decay, Policy
from cache.verifier import VerifierError
from tests.fakes import NOW, entry

HOUR = 3600.0
POLICY = Policy(similarity_threshold=0.9)
ASKED = "What is France's capital city?"


def exact(**changes):
    return Candidate(entry(**changes), 1.0, "exact")


def similar(similarity=0.95, **changes):
    return Candidate(entry(**changes), similarity, "semantic")


def judge(*candidates, policy=POLICY, now=NOW, text=ASKED):
    return decide(text, candidates, policy, now)


class Verdicts:
    """An admission that scores entries as told by id, and notes whom it was asked about."""

    def __init__(self, cut=0.5, otherwise=0.5, **scores):
        self.cut = cut
        self.asked = []
        self._scores, self._otherwise = scores, otherwise

    def judge(self, text, candidate):
        self.asked.append(candidate.entry.id)
        score = self._scores.get(candidate.entry.id, self._otherwise)
        return Judged(candidate.entry, candidate.similarity, score, (score,), "verdicts", "fake")


JUDGED = Policy(min_quality=0.0)
"""A policy without a fixed threshold: the verifier decides."""


def weigh(admission, *candidates, policy=JUDGED, text=ASKED):
    return decide(text, candidates, policy, NOW, admission)


def quality(share):
    """Fields of an entry of this quality."""
    return {"alpha": share * 10, "beta": (1 - share) * 10}


# ---- hits


def test_an_exact_candidate_is_an_exact_hit():
    found = exact()
    assert judge(found) == Hit(found.entry, "exact", 1.0, Reason.EXACT)


def test_an_exact_candidate_needs_no_text_and_no_threshold():
    assert isinstance(judge(exact(prompt=None), policy=Policy(), text=None), Hit)


def test_a_candidate_above_the_threshold_is_a_similar_hit():
    found = similar(0.95)
    assert judge(found) == Hit(found.entry, "semantic", 0.95, Reason.SIMILAR)


def test_the_threshold_itself_is_similar_enough():
    assert isinstance(judge(similar(0.9)), Hit)
    assert isinstance(judge(similar(math.nextafter(0.9, 0.0))), Miss)


# ---- one refusal each


def test_nothing_to_decide_on_is_no_entry():
    assert judge() == Miss(Reason.NO_ENTRY)


@pytest.mark.parametrize("status", ["quarantined", "expired", "superseded", "blocked"])
def test_only_active_entries_are_served(status):
    assert judge(exact(status=status)) == Miss(Reason.NOT_ACTIVE, 1.0, status)


def test_an_entry_expires_at_its_time_and_not_before():
    assert isinstance(judge(exact(expires_at=NOW + 1)), Hit)
    assert judge(exact(expires_at=NOW)) == Miss(Reason.EXPIRED, 1.0)


def test_expiry_is_absolute_whatever_the_policy_says_now():
    assert judge(exact(expires_at=NOW - 1), policy=Policy(ttl=1e9)).reason == Reason.EXPIRED


def test_an_answer_older_than_the_caller_accepts_is_too_old():
    policy = Policy(max_age=60.0)
    assert isinstance(judge(exact(created_at=NOW - 60), policy=policy), Hit)
    assert judge(exact(created_at=NOW - 61), policy=policy) == Miss(Reason.TOO_OLD, 1.0)


def test_a_max_age_of_zero_accepts_no_older_answer():
    assert judge(exact(created_at=NOW - 0.1), policy=Policy(max_age=0.0)).reason == Reason.TOO_OLD


def test_quality_below_the_floor_is_refused():
    policy = Policy(min_quality=0.7)
    assert isinstance(judge(exact(**quality(0.7)), policy=policy), Hit)
    assert judge(exact(**quality(0.69)), policy=policy) == Miss(Reason.LOW_QUALITY, 1.0)


def test_the_floor_holds_quality_times_decay():
    policy = Policy(min_quality=0.7, ttl=100 * HOUR, decay=Decay(floor=0.0, window=100 * HOUR))
    aged = {"expires_at": NOW + HOUR, **quality(0.9)}
    assert isinstance(judge(exact(created_at=NOW - 20 * HOUR, **aged), policy=policy), Hit)  # 0.9 x 0.8 = 0.72
    assert judge(exact(created_at=NOW - 25 * HOUR, **aged), policy=policy).reason == Reason.LOW_QUALITY  # 0.675


def test_decay_stops_at_its_floor():
    policy = Policy(min_quality=0.5, ttl=2000 * HOUR, decay=Decay(floor=0.6, window=HOUR))
    ancient = exact(created_at=NOW - 1000 * HOUR, expires_at=NOW + 1, **quality(0.9))
    assert standing(ancient.entry, policy, NOW) == pytest.approx(0.54)
    assert isinstance(judge(ancient, policy=policy), Hit)


def test_an_answer_from_the_future_is_not_better_than_a_fresh_one():
    assert standing(entry(created_at=NOW + HOUR), POLICY, NOW) == standing(entry(), POLICY, NOW)


def test_without_threshold_and_without_verifier_nothing_is_similar():
    assert judge(similar(1.0), policy=Policy()) == Miss(Reason.UNCALIBRATED, 1.0), "nothing says what is near enough"


def test_a_similarity_that_is_no_number_is_not_similar():
    assert judge(similar(math.nan)).reason == Reason.BELOW_THRESHOLD


def test_below_the_threshold_is_said_with_the_similarity():
    assert judge(similar(0.89)) == Miss(Reason.BELOW_THRESHOLD, 0.89)


@pytest.mark.parametrize("setting", ["exact", "never"])
def test_tool_calls_are_never_served_from_similar_prompts(setting):
    policy = dataclasses.replace(POLICY, store_tool_calls=setting)
    assert judge(similar(1.0, has_tool_calls=True), policy=policy) == Miss(Reason.TOOL_CALLS, 1.0)
    assert isinstance(judge(exact(has_tool_calls=True), policy=policy), Hit) == (setting == "exact")


def test_an_answer_older_than_the_policys_ttl_is_expired_whatever_it_was_stored_for():
    old = exact(created_at=NOW - 2 * HOUR, expires_at=NOW + 100 * HOUR)
    assert isinstance(judge(old, policy=Policy(ttl=3 * HOUR)), Hit)
    assert judge(old, policy=Policy(ttl=2 * HOUR)).reason == Reason.EXPIRED


def test_tool_calls_are_served_from_similar_prompts_where_policy_says_so():
    policy = dataclasses.replace(POLICY, store_tool_calls="semantic")
    assert isinstance(judge(similar(has_tool_calls=True), policy=policy), Hit)


def test_without_both_texts_nothing_can_be_compared():
    assert judge(similar(1.0), text=None) == Miss(Reason.EXACT_ONLY, 1.0)
    assert judge(similar(1.0, prompt=None)) == Miss(Reason.EXACT_ONLY, 1.0)


def test_a_guards_veto_is_a_miss_that_says_which_words():
    found = similar(1.0, prompt="Is 7 a prime number?")
    assert judge(found, text="Is 9 a prime number?") == Miss(Reason.GUARD, 1.0, "numbers: 7 9")


def test_guards_do_not_judge_the_exact_tier():
    assert isinstance(judge(exact(prompt="Is 7 a prime number?"), text="Is 9 a prime number?"), Hit)


# ---- the verifier


def test_a_score_above_the_cut_is_a_hit_that_carries_it():
    found = similar(0.7)
    hit = weigh(Verdicts(cut=0.5, ent_1=0.75), found)
    judged = Judged(found.entry, 0.7, 0.75, (0.75,), "verdicts", "fake")
    assert hit == Hit(found.entry, "semantic", 0.7, Reason.SIMILAR, judged), "served for its score, however near"


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.9])
def test_a_score_must_be_strictly_above_the_cut(cut):
    above = math.nextafter(cut, 1.0)
    assert isinstance(weigh(Verdicts(cut, ent_1=above), similar()), Hit), "a score above the cut is admitted"
    tie = weigh(Verdicts(cut, ent_1=cut), similar())
    assert (tie.reason, tie.judged.score) == (Reason.BELOW_CUT, cut), "a score at the cut is refused, and kept"


@pytest.mark.parametrize("cut", [0.0, 0.5, math.nan])
def test_a_score_or_a_cut_that_is_no_number_admits_nothing(cut):
    assert weigh(Verdicts(cut, ent_1=math.nan), similar()).reason == Reason.BELOW_CUT, "not a number is not sure"
    if math.isnan(cut):
        assert weigh(Verdicts(cut, ent_1=1.0), similar()).reason == Reason.BELOW_CUT, "no score is above such a cut"


def test_where_no_cut_keeps_the_budget_nothing_is_served_but_all_is_judged():
    missed = weigh(Verdicts(None, ent_1=1.0), similar(0.99))
    assert (missed.reason, missed.similarity) == (Reason.NO_CUT, 0.99), "the surest score is not served without a cut"
    assert missed.judged.score == 1.0, "what came nearest is kept, to be compared with the fresh answer"


def test_below_the_cut_is_said_with_the_score():
    missed = weigh(Verdicts(0.9, ent_1=0.1234), similar(0.95))
    assert (missed.reason, missed.detail) == (Reason.BELOW_CUT, "score 0.123"), "the reason holds the score"


def test_a_verifier_that_fails_is_no_decision():
    class Broken(Verdicts):
        def judge(self, text, candidate):
            raise VerifierError("broken")

    with pytest.raises(VerifierError):
        weigh(Broken(), similar(1.0))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "blocked"}, Reason.NOT_ACTIVE),
        ({"expires_at": NOW}, Reason.EXPIRED),
        ({"alpha": 0.1}, Reason.LOW_QUALITY),
        ({"has_tool_calls": True}, Reason.TOOL_CALLS),
        ({"prompt": None}, Reason.EXACT_ONLY),
        ({"prompt": "What is Spain's capital city?"}, Reason.GUARD),
    ],
    ids=lambda value: str(value),
)
def test_whatever_else_refuses_a_candidate_comes_before_the_verifier(changes, reason):
    admission = Verdicts(otherwise=1.0)
    policy = dataclasses.replace(JUDGED, min_quality=0.5)
    missed = weigh(admission, similar(1.0, **changes), policy=policy)
    assert (missed.reason, missed.judged) == (reason, None), "a sure score changes nothing"
    assert admission.asked == [], "the verifier was not asked at all"


def test_a_pair_once_judged_wrong_is_never_served_again_and_another_may_be():
    wrong = dataclasses.replace(similar(1.0, id="wrong"), judged_wrong=True)
    admission = Verdicts(otherwise=1.0)
    assert weigh(admission, wrong) == Miss(Reason.JUDGED_WRONG, 1.0), "not at the surest score"
    assert admission.asked == [], "its score does not matter"
    assert judge(wrong) == Miss(Reason.JUDGED_WRONG, 1.0), "nor at any similarity under a fixed threshold"
    assert weigh(admission, wrong, similar(0.6, id="other")).entry.id == "other", "another answer still serves"


def test_the_verifier_is_asked_about_no_more_candidates_than_the_policy_says():
    candidates = [similar(0.99 - number / 100, id=f"ent_{number}") for number in range(4)]
    admission = Verdicts(0.5, otherwise=0.1, ent_3=1.0)
    missed = weigh(admission, *candidates)
    assert isinstance(missed, Miss), "the fourth would have served, but nobody asked"
    assert missed.reason == Reason.BELOW_CUT, "the nearest was judged"
    assert admission.asked == ["ent_0", "ent_1"], "two are asked about, the best first"
    patient = dataclasses.replace(JUDGED, verified=4)
    assert weigh(admission, *candidates, policy=patient).entry.id == "ent_3", "a policy may ask about more"


def test_those_refused_before_do_not_count_as_asked_about():
    vetoed = [similar(0.99, id=f"vetoed_{number}", prompt="What is Spain's capital city?") for number in range(5)]
    admission = Verdicts(0.5, other=0.9)
    assert weigh(admission, *vetoed, similar(0.6, id="other")).entry.id == "other", "it was still asked about"
    assert admission.asked == ["other"], "and it alone"


def test_the_first_admitted_ends_the_asking():
    admission = Verdicts(0.5, otherwise=0.9)
    assert weigh(admission, similar(0.8, id="near"), similar(0.7, id="far")).entry.id == "near", "the best rank serves"
    assert admission.asked == ["near"], "one question was enough"


def test_a_hit_carries_the_score_of_the_answer_served_and_not_of_one_refused():
    hit = weigh(Verdicts(0.5, near=0.4, far=0.6), similar(0.9, id="near"), similar(0.8, id="far"))
    assert (hit.entry.id, hit.judged.entry.id, hit.judged.score) == ("far", "far", 0.6), (
        "score and answer belong together"
    )


def test_a_miss_carries_the_surest_of_those_below_the_cut():
    missed = weigh(Verdicts(0.9, near=0.2, far=0.3), similar(0.9, id="near"), similar(0.8, id="far"))
    assert (missed.reason, missed.similarity) == (Reason.BELOW_CUT, 0.9), "reason and similarity are the nearest's"
    assert (missed.judged.entry.id, missed.judged.score) == ("far", 0.3), "what is compared is the surest"
    assert missed.judged.propensity == 1.0, "every miss is compared"


def test_a_callers_own_least_similarity_stands_beside_the_cut():
    policy = dataclasses.replace(JUDGED, min_similarity=0.9)
    admission = Verdicts(0.5, otherwise=1.0)
    missed = weigh(admission, similar(math.nextafter(0.9, 0.0)), policy=policy)
    assert (missed.reason, admission.asked) == (Reason.BELOW_THRESHOLD, []), "below it the score does not matter"
    assert isinstance(weigh(admission, similar(0.9), policy=policy), Hit), "from there on the verifier decides"
    assert weigh(Verdicts(0.5, ent_1=0.1), similar(1.0), policy=policy).reason == Reason.BELOW_CUT, "it lets none in"


def test_a_fixed_threshold_never_asks_the_verifier():
    admission = Verdicts(None, otherwise=0.0)
    hit = weigh(admission, similar(0.95), policy=POLICY)
    assert hit == Hit(hit.entry, "semantic", 0.95, Reason.SIMILAR), "the similarity alone decides"
    assert weigh(admission, similar(0.5), policy=POLICY) == Miss(Reason.BELOW_THRESHOLD, 0.5), "of a miss, too"
    assert admission.asked == [], "nobody was asked"


def test_a_fixed_threshold_and_a_least_similarity_hold_both():
    policy = dataclasses.replace(POLICY, min_similarity=0.95)
    assert judge(similar(0.94), policy=policy).reason == Reason.BELOW_THRESHOLD, "the higher one holds"
    assert isinstance(judge(similar(0.95), policy=policy), Hit), "both are met"


def test_the_exact_tier_asks_no_verifier():
    admission = Verdicts(None, otherwise=0.0)
    assert isinstance(weigh(admission, exact(), text=None), Hit), "the same call needs no score"
    assert admission.asked == [], "nobody was asked"


# ---- several candidates


def test_the_reason_of_a_miss_is_the_nearest_candidates():
    assert judge(similar(0.99, status="superseded"), similar(0.8)) == Miss(Reason.NOT_ACTIVE, 0.99, "superseded")
    assert judge(similar(0.8), similar(0.7, status="superseded")) == Miss(Reason.BELOW_THRESHOLD, 0.8)


def test_an_admitted_candidate_wins_over_a_nearer_one_that_is_refused():
    served = similar(0.91, id="ent_2")
    assert judge(similar(0.99, status="superseded"), served).entry is served.entry


def test_rank_is_quality_times_similarity_times_decay():
    policy = Policy(decay=Decay(floor=0.5, window=100 * HOUR))
    aged = similar(0.95, created_at=NOW - 20 * HOUR, **quality(0.9))
    assert rank(aged, policy, NOW) == pytest.approx(0.9 * 0.95 * 0.8)


def test_a_better_answer_wins_over_a_slightly_nearer_one():
    near, good = similar(0.97, id="near", **quality(0.75)), similar(0.93, id="good", **quality(0.95))
    assert judge(near, good).entry.id == "good"


def test_a_nearer_answer_wins_over_a_slightly_better_one():
    near, good = similar(0.99, id="near", **quality(0.90)), similar(0.91, id="good", **quality(0.91))
    assert judge(near, good).entry.id == "near"


def test_a_younger_answer_wins_over_an_equal_older_one():
    old, young = exact(id="old", created_at=NOW - 40 * HOUR, expires_at=NOW + 1), exact(id="young")
    assert judge(old, young).entry.id == judge(young, old).entry.id == "young"


def test_newest_first_on_ties():
    flat = dataclasses.replace(POLICY, min_quality=0.0, decay=Decay(floor=1.0))
    older, newer = exact(id="older", created_at=NOW - 2), exact(id="newer", created_at=NOW - 1)
    assert judge(older, newer, policy=flat).entry.id == judge(newer, older, policy=flat).entry.id == "newer"


def test_quality_never_lets_a_candidate_in():
    perfect = similar(0.89, alpha=1e9, beta=0.0)
    assert judge(perfect).reason == Reason.BELOW_THRESHOLD
    worse = similar(0.91, id="ent_2", **quality(0.8))
    assert judge(perfect, worse).entry.id == "ent_2"


def test_the_best_exact_answer_is_served_of_several():
    assert judge(exact(id="fair", **quality(0.75)), exact(id="good", **quality(0.95))).entry.id == "good"


# ---- whatever comes, nothing is served that must not be

PROMPTS = st.sampled_from([ASKED, "What is Spain's capital city?", "Is it not 7?", "Is it 7?", None])
ENTRIES = st.builds(
    entry,
    id=st.sampled_from("abc"),
    prompt=PROMPTS,
    status=st.sampled_from(["active", "active", "active", "superseded", "quarantined"]),
    created_at=st.floats(NOW - 400 * HOUR, NOW + HOUR),
    expires_at=st.floats(NOW - HOUR, NOW + 100 * HOUR),
    alpha=st.floats(0.1, 10),
    beta=st.floats(0.1, 10),
    has_tool_calls=st.booleans(),
)
CANDIDATES = st.builds(
    Candidate,
    ENTRIES,
    st.floats(-1.0, 1.0) | st.sampled_from([0.9, 1.0, math.nan]),
    st.just("semantic"),
    judged_wrong=st.sampled_from([False, False, True]),
) | st.builds(Candidate, ENTRIES, st.just(1.0), st.just("exact"))
POLICIES = st.builds(
    Policy,
    similarity_threshold=st.none() | st.floats(0.0, 1.0),
    min_similarity=st.sampled_from([0.0, 0.0, 0.5]),
    min_quality=st.floats(0.0, 1.0),
    max_age=st.none() | st.floats(0.0, 400 * HOUR),
    decay=st.builds(Decay, st.floats(0.0, 1.0), st.floats(HOUR, 400 * HOUR)),
    store_tool_calls=st.sampled_from(["exact", "semantic", "never"]),
    verified=st.integers(1, 6),
)
SCORES = st.floats(0.0, 1.0) | st.sampled_from([0.5, math.nan])
ADMISSIONS = st.none() | st.builds(
    Verdicts, cut=st.none() | st.just(0.5) | st.floats(0.0, 1.0), a=SCORES, b=SCORES, c=SCORES
)


@given(text=PROMPTS, candidates=st.lists(CANDIDATES, max_size=6), policy=POLICIES, admission=ADMISSIONS)
def test_what_is_served_may_be_served(text, candidates, policy, admission):
    decision = decide(text, candidates, policy, NOW, admission)
    asked = [] if admission is None else admission.asked
    assert len(asked) <= policy.verified, "the verifier is asked about a few only"
    if isinstance(decision, Miss):
        assert decision.reason in set(Reason) - {Reason.EXACT, Reason.SIMILAR}, "a miss has a miss's reason"
        return
    served = decision.entry
    found = [one for one in candidates if one.entry is served and one.similarity == decision.similarity]
    assert found, "what is served was a candidate"
    assert served.status == "active", "only active entries are served"
    assert served.expires_at > NOW, "none that has expired"
    assert policy.max_age is None or NOW - served.created_at <= policy.max_age, "none older than accepted"
    assert served.quality * policy.decay.at(NOW - served.created_at) >= policy.min_quality, "none below the floor"
    if decision.tier != "semantic":
        return
    assert decision.similarity >= policy.min_similarity, "none below the caller's own least similarity"
    assert guards.check(text, served.prompt) is None, "none that a guard objects to"
    assert not served.has_tool_calls or policy.store_tool_calls == "semantic", "tool calls only where policy says so"
    assert not all(one.judged_wrong for one in found), "none that was judged wrong for this prompt"
    if policy.similarity_threshold is not None:
        assert decision.similarity >= policy.similarity_threshold, "a fixed threshold holds"
        assert asked == [], "under a fixed threshold nobody is asked"
    else:
        assert decision.judged.score > admission.cut, "the score is strictly above the cut"
        assert decision.judged.entry is served, "and it is the score of what is served"


@given(text=PROMPTS, candidates=st.lists(CANDIDATES, max_size=6), policy=POLICIES, admission=ADMISSIONS)
def test_more_candidates_never_turn_a_hit_into_a_miss(text, candidates, policy, admission):
    patient = dataclasses.replace(policy, verified=6)
    alone = [decide(text, [candidate], patient, NOW, admission) for candidate in candidates]
    together = decide(text, candidates, patient, NOW, admission)
    assert isinstance(together, Hit) is any(isinstance(one, Hit) for one in alone), "as many as can be asked about"


def test_reasons_are_what_headers_and_logs_have_always_said():
    assert {reason.name: str(reason) for reason in Reason} == {
        "EXACT": "exact_match",
        "SIMILAR": "similar",
        "NO_ENTRY": "no_entry",
        "NOTHING_SIMILAR": "nothing_similar",
        "BELOW_THRESHOLD": "below_threshold",
        "BELOW_CUT": "below_cut",
        "NO_CUT": "no_cut",
        "GUARD": "guard",
        "POISONED": "poisoned",
        "JUDGED_WRONG": "judged_wrong",
        "AUDIT": "audit",
        "SHADOW": "shadow",
        "EXPIRED": "expired",
        "TOO_OLD": "too_old",
        "LOW_QUALITY": "low_quality",
        "NOT_ACTIVE": "not_active",
        "TOOL_CALLS": "tool_calls",
        "EXACT_ONLY": "exact_only",
        "BEYOND_WINDOW": "beyond_window",
        "UNCALIBRATED": "uncalibrated",
        "REFRESH": "no_cache_asked",
        "IN_FLIGHT": "in_flight",
        "TIER_FAILED": "tier_failed",
        "NEGATIVE": "negative",
        "STREAM": "stream",
        "DISABLED": "cache_disabled",
        "NO_TIER": "no_tier_in_policy",
    }, "a reason keeps its name"
