"""Served by meaning on a verifier's word: what its score admits, what keeps a hit back, and what is noted."""

from __future__ import annotations

import dataclasses
import math

import pytest

from cache.calibration import Calibrations
from cache.decision import Candidate, Hit, Judged, Miss, Reason
from cache.identity import Scope
from cache.judges import FixedJudges, LearnedJudges
from cache.policy import Policy
from cache.verifier import Pair, VerifierError
from store.errors import DatabaseError
from store.labels import Labels
from tests.fakes import NOW, FakeEmbedder, FakeVerdicts, FakeVerifier, answer, call, choice, entry, near

FRANCE = "What is the capital of France?"
REWORDED = "Tell me the capital of France please"
AGAIN = "Which city is the capital of France?"
CITY = "What is the capital city of France?"
SPAIN = "What is the capital of Spain?"
ALIKE = {FRANCE: near(1.0), REWORDED: near(0.8), AGAIN: near(0.75), SPAIN: near(0.9, axis=2)}
JUDGED = Policy()
FIXED = Policy(similarity_threshold=0.7)


class WatchedJudges(FixedJudges):
    """Fixed judges that note what they are told; ``shadow`` puts every namespace in shadow mode."""

    shadow = False

    def __init__(self, verifier, cut):
        super().__init__(verifier, cut, embedder="fake")
        self.noted = []
        self.asked_for = []

    def of(self, namespace, policy):
        self.asked_for.append((namespace, policy))
        judge = super().of(namespace, policy)
        return dataclasses.replace(judge, shadow=True) if self.shadow else judge

    def seen(self, namespace, text, judged):
        self.noted.append((namespace, text, judged))


@pytest.fixture
def verifier():
    """One that gives every stored prompt 0.5, unless told otherwise."""
    return FakeVerifier()


@pytest.fixture
def make_judged(make_rig, verifier):
    """Makes a cache with that verifier and a cut; further arguments are ``Rig``'s."""

    def make(cut=0.4, **options):
        return make_rig(embedder=FakeEmbedder(ALIKE), judges=WatchedJudges(verifier, cut), **options)

    return make


def asked(prompt, policy=JUDGED, **changes):
    return call(prompt, policy=policy, **changes)


# ---- the cut


async def test_a_score_above_the_cut_is_served_however_far_the_prompt(make_judged):
    rig = make_judged(cut=0.4)
    stored = await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED))
    judged = Judged(stored, pytest.approx(0.8), 0.5, (0.0, pytest.approx(0.8)), "fake-verifier", "fake")
    assert found == Hit(stored, "semantic", pytest.approx(0.8), Reason.SIMILAR, judged), "score, signals, who scored it"


async def test_the_cut_itself_is_not_enough(make_judged):
    rig = make_judged(cut=0.5)
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED))
    assert (found.reason, found.judged.score) == (Reason.BELOW_CUT, 0.5), "a tie is refused"


async def test_the_least_above_the_cut_is_enough(make_judged):
    rig = make_judged(cut=math.nextafter(0.5, 0.0))
    await rig.fill(asked(FRANCE))
    assert isinstance(await rig.ask(asked(REWORDED)), Hit), "strictly above is admitted"


async def test_a_score_that_is_no_number_is_a_miss(make_judged, verifier):
    rig = make_judged(cut=0.0)
    await rig.fill(asked(FRANCE))
    verifier.otherwise = math.nan
    assert (await rig.ask(asked(REWORDED))).reason == Reason.TIER_FAILED, "a verifier without a number has failed"


async def test_without_a_cut_nothing_is_served_by_meaning(make_judged, verifier):
    rig = make_judged(cut=None)
    stored = await rig.fill(asked(FRANCE))
    verifier.otherwise = 0.999
    found = await rig.ask(asked(REWORDED))
    assert (found.reason, found.judged.entry) == (Reason.NO_CUT, stored), "judged, compared later, not served"
    assert isinstance(await rig.ask(asked(FRANCE)), Hit), "the exact tier needs no cut"


async def test_a_callers_least_similarity_holds_beside_the_cut(make_judged, verifier):
    rig = make_judged(cut=0.4)
    await rig.fill(asked(FRANCE))
    strict = dataclasses.replace(JUDGED, min_similarity=0.81)
    assert await rig.ask(asked(REWORDED, strict)) == Miss(Reason.BELOW_THRESHOLD, pytest.approx(0.8)), "too far"
    assert verifier.asked == [], "its score would change nothing"
    assert isinstance(await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, min_similarity=0.79))), Hit), "near"


# ---- who is asked, and about what


async def test_the_verifier_reads_the_new_prompt_the_stored_one_and_their_similarity(make_judged, verifier):
    rig = make_judged()
    await rig.fill(asked(FRANCE))
    await rig.ask(asked(REWORDED))
    assert verifier.asked == [Pair(REWORDED, FRANCE, pytest.approx(0.8))], "new, stored, cosine"


async def test_guards_come_before_the_verifier(make_judged, verifier):
    rig = make_judged(cut=0.0)
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(SPAIN))
    assert (found.reason, found.judged) == (Reason.GUARD, None), "another country is another question"
    assert verifier.asked == [], "no score can outweigh a veto"


@pytest.mark.parametrize(("verified", "scored"), [(1, [FRANCE]), (2, [FRANCE, AGAIN]), (3, [FRANCE, AGAIN, CITY])])
async def test_the_verifier_is_asked_about_the_nearest_few_only(make_rig, verifier, verified, scored):
    vectors = {REWORDED: near(1.0), FRANCE: near(0.9, axis=2), AGAIN: near(0.8, axis=3), CITY: near(0.7, axis=4)}
    rig = make_rig(embedder=FakeEmbedder(vectors), judges=WatchedJudges(verifier, 0.9))
    for prompt in (FRANCE, AGAIN, CITY):
        await rig.fill(asked(prompt))
    verifier.asked.clear()
    missed = await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, verified=verified)))
    assert [pair.stored for pair in verifier.asked] == scored, "the nearest first, and no more than policy says"
    assert (missed.reason, missed.similarity) == (Reason.BELOW_CUT, pytest.approx(0.9)), "a miss tells of the nearest"


async def test_a_miss_keeps_the_surest_below_the_cut(make_rig, verifier):
    vectors = {REWORDED: near(1.0), FRANCE: near(0.9, axis=2), AGAIN: near(0.8, axis=3)}
    rig = make_rig(embedder=FakeEmbedder(vectors), judges=WatchedJudges(verifier, 0.9))
    await rig.fill(asked(FRANCE))
    surer = await rig.fill(asked(AGAIN))
    verifier.scores = {FRANCE: 0.2, AGAIN: 0.3}
    missed = await rig.ask(asked(REWORDED))
    assert missed.judged.entry == surer, "the surest is what the fresh answer is compared with"
    assert missed.judged.score == pytest.approx(0.3), "with its score"
    assert missed.judged.propensity == 1.0, "every miss is compared"


async def test_what_lies_below_the_verifiers_floor_is_not_judged(make_rig, verifier):
    rig = make_rig(
        embedder=FakeEmbedder({FRANCE: near(1.0), REWORDED: near(0.49)}), judges=WatchedJudges(verifier, 0.0)
    )
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED))
    assert (found.reason, found.similarity) == (Reason.BELOW_THRESHOLD, pytest.approx(0.49)), "its similarity is told"
    assert verifier.asked == [], "below the floor no score is worth asking for"


async def test_a_fixed_threshold_needs_no_verifier(make_judged, verifier):
    rig = make_judged(cut=None)
    stored = await rig.fill(asked(FRANCE, FIXED))
    found = await rig.ask(asked(REWORDED, FIXED))
    assert found == Hit(stored, "semantic", pytest.approx(0.8), Reason.SIMILAR), "the similarity decides"
    assert verifier.asked == [], "the verifier was not asked"
    assert rig.cache.judges.asked_for == rig.cache.judges.noted == [], "nor any judge"


async def test_the_judge_is_that_of_the_namespace_and_the_policy(make_judged):
    rig = make_judged()
    scope, policy = Scope("acme", part="drafts"), dataclasses.replace(JUDGED, max_error_rate=0.05)
    await rig.fill(asked(FRANCE, policy, scope=scope))
    await rig.ask(asked(REWORDED, policy, scope=scope))
    assert rig.cache.judges.asked_for == [("acme", policy)], "cuts belong to a namespace and a budget"


# ---- a verifier that fails


async def test_a_verifier_that_fails_is_a_miss_and_told_and_never_a_hit(make_judged, verifier):
    rig = make_judged(cut=0.0)
    stored = await rig.fill(asked(FRANCE))
    verifier.broken = True
    assert await rig.ask(asked(REWORDED)) == Miss(Reason.TIER_FAILED), "whatever could not be judged is not served"
    assert [type(error) for error in rig.watch.failures] == [VerifierError], "and it is told"
    assert (await rig.ask(asked(FRANCE))).entry == stored, "the exact tier goes on"


async def test_while_the_verifier_fails_answers_are_stored_with_their_vectors(make_judged, verifier):
    rig = make_judged(cut=0.4)
    await rig.fill(asked(FRANCE))
    verifier.broken = True
    fresh = await rig.fill(asked(REWORDED))
    assert rig.entries.to_embed("fake", 10, after="", others=False) == [], "the embedder works on"
    verifier.broken = False
    assert (await rig.ask(asked(AGAIN))).entry == fresh, "and all is found once the verifier works again"


# ---- pairs judged wrong


async def test_a_pair_judged_wrong_is_never_served_again_and_another_may_be(make_judged, verifier):
    wrong = FakeVerdicts()
    rig = make_judged(cut=0.0, verdicts=wrong)
    refused = await rig.fill(asked(FRANCE))
    verifier.otherwise = 0.99
    assert (await rig.ask(asked(REWORDED))).entry == refused, "until it was judged"
    wrong.wrong.add((asked(REWORDED).exact_key, refused.exact_key))
    assert await rig.ask(asked(REWORDED)) == Miss(Reason.JUDGED_WRONG, pytest.approx(0.8)), "not at the surest score"
    assert (await rig.ask(asked(AGAIN))).entry == refused, "it may be right for another prompt"
    other = await rig.fill(asked(AGAIN, dataclasses.replace(JUDGED, shadow=True)))
    assert (await rig.ask(asked(REWORDED))).entry == other, "and another answer for this prompt"


async def test_a_pair_judged_wrong_is_not_served_under_a_fixed_threshold_either(make_judged):
    wrong = FakeVerdicts()
    rig = make_judged(verdicts=wrong)
    refused = await rig.fill(asked(FRANCE, FIXED))
    wrong.wrong.add((asked(REWORDED).exact_key, refused.exact_key))
    assert (await rig.ask(asked(REWORDED, FIXED))).reason == Reason.JUDGED_WRONG, "whatever the similarity"


async def test_what_the_labels_say_is_wrong_stays_refused_after_a_restart(make_rig, verifier):
    judges = WatchedJudges(verifier, 0.0)
    rig = make_rig(embedder=FakeEmbedder(ALIKE), judges=judges)
    refused = await rig.fill(asked(FRANCE))
    Labels(rig.database).refuse(asked(REWORDED).exact_key, refused.exact_key).result(60)
    restarted = make_rig(embedder=FakeEmbedder(ALIKE), judges=judges)
    restarted.cache._verdicts = Labels(restarted.database)
    assert (await restarted.ask(asked(REWORDED))).reason == Reason.JUDGED_WRONG, "SQL remembers"
    assert isinstance(await restarted.ask(asked(AGAIN)), Hit), "the pair and not the entry"


async def test_where_verdicts_cannot_be_read_nothing_is_served_by_meaning(make_judged):
    wrong = FakeVerdicts()
    rig = make_judged(cut=0.0, verdicts=wrong)
    stored = await rig.fill(asked(FRANCE))
    wrong.broken = True
    for policy in (JUDGED, FIXED):
        assert await rig.ask(asked(REWORDED, policy)) == Miss(Reason.TIER_FAILED), "it may be a pair judged wrong"
    assert {type(error) for error in rig.watch.failures} == {DatabaseError}, "the failure is told"
    assert (await rig.ask(asked(FRANCE))).entry == stored, "the exact tier asks for no verdicts"


# ---- shadow mode


async def test_in_shadow_mode_a_would_be_hit_is_a_miss_that_keeps_what_was_judged(make_judged):
    rig = make_judged(cut=0.4)
    stored = await rig.fill(asked(FRANCE))
    shadow = dataclasses.replace(JUDGED, shadow=True)
    found = await rig.ask(asked(REWORDED, shadow))
    assert (found.reason, found.similarity) == (Reason.SHADOW, pytest.approx(0.8)), "decided, not served"
    assert (found.judged.entry, found.judged.score, found.judged.propensity) == (stored, 0.5, 1.0), "always compared"
    assert (await rig.ask(asked(FRANCE, shadow))).entry == stored, "the exact tier serves in shadow mode"


async def test_a_judged_call_says_that_the_verifier_works(make_judged):
    rig = make_judged(cut=None)
    await rig.fill(asked(FRANCE))
    await rig.ask(asked(SPAIN))
    assert "verifier" not in rig.watch.fine, "a guard's veto says nothing of it"
    await rig.ask(asked(REWORDED))
    assert "verifier" in rig.watch.fine, "it has scored"


async def test_a_namespace_in_shadow_mode_is_served_nothing_by_meaning(make_judged):
    rig = make_judged(cut=0.4)
    await rig.fill(asked(FRANCE))
    rig.cache.judges.shadow = True
    found = await rig.ask(asked(REWORDED))
    assert (found.reason, found.judged.score) == (Reason.SHADOW, 0.5), "the judge says so, whatever the policy says"


async def test_in_shadow_mode_a_miss_keeps_its_own_reason(make_judged):
    rig = make_judged(cut=0.5)
    await rig.fill(asked(FRANCE))
    shadow = dataclasses.replace(JUDGED, shadow=True)
    assert (await rig.ask(asked(REWORDED, shadow))).reason == Reason.BELOW_CUT, "it would not have been a hit"


async def test_shadow_mode_of_a_fixed_threshold_serves_nothing_either(make_judged):
    rig = make_judged()
    await rig.fill(asked(FRANCE, FIXED))
    shadow = dataclasses.replace(FIXED, shadow=True)
    assert await rig.ask(asked(REWORDED, shadow)) == Miss(Reason.SHADOW, pytest.approx(0.8)), "nothing was judged"


async def test_nothing_in_shadow_mode_is_drawn_for_an_audit(make_judged):
    rig = make_judged(cut=0.4, chance=lambda: 0.0)
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, shadow=True)))
    assert (found.reason, found.judged.propensity) == (Reason.SHADOW, 1.0), "all are compared anyway"


# ---- audits


@pytest.mark.parametrize("rate", [0.02, 0.25, 1.0])
async def test_a_would_be_hit_that_chance_picks_is_forwarded_and_compared(make_judged, rate):
    drawn = math.nextafter(rate, 0.0)
    rig = make_judged(cut=0.4, chance=lambda: drawn)
    stored = await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, audit_rate=rate)))
    assert (found.reason, found.similarity) == (Reason.AUDIT, pytest.approx(0.8)), "below the rate is an audit"
    assert (found.judged.entry, found.judged.score) == (stored, 0.5), "what would have been served is compared"
    assert found.judged.propensity == rate, "a label says how likely it was to be made"


@pytest.mark.parametrize("rate", [0.0, 0.02, 0.25])
async def test_a_would_be_hit_that_chance_leaves_is_served(make_judged, rate):
    rig = make_judged(cut=0.4, chance=lambda: rate)
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, audit_rate=rate)))
    assert isinstance(found, Hit), "from the rate on it is served"
    assert found.judged.propensity == 1.0, "nothing was drawn for it"


async def test_a_call_that_is_never_forwarded_is_never_audited(make_judged):
    rig = make_judged(cut=0.4, chance=lambda: 0.0)
    await rig.fill(asked(FRANCE))
    call = dataclasses.replace(asked(REWORDED, dataclasses.replace(JUDGED, audit_rate=1.0)), auditable=False)
    assert isinstance(await rig.ask(call), Hit), "an audit would bring no fresh answer to compare"


async def test_only_would_be_hits_by_meaning_are_drawn(make_judged):
    drawn = []
    rig = make_judged(cut=0.5, chance=lambda: drawn.append(1) or 0.0)
    await rig.fill(asked(FRANCE, FIXED))
    assert (await rig.ask(asked(REWORDED))).reason == Reason.BELOW_CUT, "a miss is compared anyway"
    assert isinstance(await rig.ask(asked(FRANCE)), Hit), "the same call needs no audit"
    assert isinstance(await rig.ask(asked(REWORDED, FIXED)), Hit), "a fixed threshold has no budget to keep"
    assert drawn == [], "chance was not asked"


# ---- what is noted


async def test_each_judged_call_is_noted_once_with_what_came_nearest(make_judged, verifier):
    rig = make_judged(cut=0.4)
    await rig.fill(asked(FRANCE, scope=Scope("acme")))
    hit = await rig.ask(asked(REWORDED, scope=Scope("acme")))
    assert rig.cache.judges.noted == [("acme", REWORDED, hit.judged)], "a hit is noted"
    verifier.otherwise = 0.1
    missed = await rig.ask(asked(AGAIN, scope=Scope("acme")))
    assert rig.cache.judges.noted[1:] == [("acme", AGAIN, missed.judged)], "a miss as well"


@pytest.mark.parametrize("kept_back", ["shadow", "audit"])
async def test_a_call_that_is_kept_back_is_noted_once_too(make_judged, kept_back):
    rig = make_judged(cut=0.4, chance=lambda: 0.0)
    await rig.fill(asked(FRANCE))
    found = await rig.ask(asked(REWORDED, dataclasses.replace(JUDGED, shadow=kept_back == "shadow")))
    assert found.reason == kept_back, "it would have been a hit"
    assert [(text, judged.score) for _, text, judged in rig.cache.judges.noted] == [(REWORDED, 0.5)], "noted once"


async def test_a_call_that_nobody_judged_is_not_noted(make_judged):
    rig = make_judged(cut=0.4)
    await rig.fill(asked(FRANCE))
    await rig.ask(asked(FRANCE))
    await rig.ask(asked(SPAIN))
    await rig.ask(asked(REWORDED, FIXED))
    assert rig.cache.judges.noted == [], "an exact hit, a veto, a fixed threshold"


# ---- the judges themselves


def candidate(similarity=0.8):
    return Candidate(entry(prompt=FRANCE), similarity, "semantic")


def test_a_judge_scores_with_its_own_mix():
    judge = FixedJudges(FakeVerifier({FRANCE: 0.75}), 0.5).of("tests", JUDGED)
    assert judge.judge(REWORDED, candidate()).score == pytest.approx(0.75), "the shipped mix gives the shipped score"
    other = dataclasses.replace(judge, mix=dataclasses.replace(judge.mix, weights=(0.0, 0.0), bias=0.0))
    assert other.judge(REWORDED, candidate()).score == 0.5, "another one, another score"
    assert other.judge(REWORDED, candidate()).signals == pytest.approx((math.log(3), 0.8)), "the signals stay"


def test_fixed_judges_are_the_policys_in_all_but_the_cut():
    judge = FixedJudges(FakeVerifier(), 0.3, "fake").of("tests", Policy(audit_rate=0.25, shadow=True))
    assert (judge.cut, judge.audit_rate, judge.shadow, judge.embedder) == (0.3, 0.25, True, "fake"), "as told"


PRIORS = {0.01: 0.9, 0.05: 0.8}


def learned(priors=PRIORS):
    verifier = FakeVerifier()
    return LearnedJudges(verifier, "fake", Calibrations(verifier, priors))


def test_learned_judges_begin_with_the_shipped_cut_of_the_policys_budget():
    judges = learned()
    cuts = [judges.of("tests", Policy(max_error_rate=budget)).cut for budget in (0.01, 0.02, 0.05, 0.5)]
    assert cuts == [0.9, 0.9, 0.8, 0.8], "that of the loosest budget which is no looser"
    assert judges.floor == FakeVerifier.floor, "the verifier says what is worth a look"


def test_below_all_shipped_budgets_there_is_no_cut():
    judge = learned().of("tests", Policy(max_error_rate=0.001))
    assert (judge.cut, judge.shadow) == (None, True), "nothing is known to keep so small a budget"


def test_without_shipped_cuts_a_namespace_begins_in_shadow_mode():
    judge = learned({}).of("tests", JUDGED)
    assert (judge.cut, judge.shadow) == (None, True), "nothing was measured for this verifier"


def test_learned_judges_audit_no_less_than_the_policy_asks_for():
    verifier = FakeVerifier()
    doubting = LearnedJudges(verifier, "fake", Calibrations(verifier, PRIORS, probation=True))
    assert learned().of("tests", Policy(audit_rate=0.25)).audit_rate == 0.25, "as much, where nothing is in doubt"
    assert doubting.of("tests", Policy(audit_rate=0.25)).audit_rate == 1.0, "more, where the labels call for it"


def test_a_policy_in_shadow_mode_stays_there_whatever_was_learned():
    judges = learned()
    assert judges.of("tests", Policy(shadow=True)).shadow, "the policy says so"
    assert not judges.of("tests", JUDGED).shadow, "another one of the same namespace serves"


def test_what_learned_judges_note_reaches_the_calibrations():
    told = []

    class Watched(Calibrations):
        def seen(self, *given):
            told.append(given)
            return False

    verifier = FakeVerifier()
    judges = LearnedJudges(verifier, "fake", Watched(verifier, PRIORS))
    judges.seen("acme", REWORDED, Judged(entry(created_at=NOW), 0.8, 0.5, (0.0, 0.8), verifier.id, "fake"))
    assert told == [("acme", REWORDED, 0.8, 0.5)], "namespace, prompt, similarity, score"


async def test_a_refused_answer_of_its_own_does_not_cost_the_label_of_another(make_rig):
    judges = FixedJudges(FakeVerifier({FRANCE: 0.3}), 0.8)
    rig = make_rig(embedder=FakeEmbedder(ALIKE), judges=judges)
    policy = Policy(audit_rate=0.0)
    await rig.fill(call(FRANCE, policy=policy))
    await rig.fill(call(REWORDED, policy=policy), answer(choice(None, refusal="No.")))
    found = await rig.ask(call(REWORDED, policy=dataclasses.replace(policy, min_quality=0.8)))
    assert isinstance(found, Miss)
    assert found.reason == Reason.LOW_QUALITY, "its own answer is refused"
    assert found.judged is not None, "and the fresh one is compared with the other's"
    assert found.judged.entry.prompt == FRANCE
