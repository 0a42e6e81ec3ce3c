"""An explanation says what the decision does, and leaves no trace."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cache.decision import Bypass, Hit, Miss, Reason
from cache.explanation import Explainer
from cache.identity import Scope
from cache.judges import FixedJudges
from cache.policy import EXACT, NONE, Decay, Policy
from cache.sentences import sentence
from tests.fakes import TOOL_CALL, FakeEmbedder, FakeVerdicts, FakeVerifier, answer, call, choice, near

HOUR = 3600.0
FRANCE = "What is the capital of France?"
REWORDED = "Tell me the capital of France please"
NEGATED = "What is not the capital of France?"
SPAIN = "What is the capital of Spain?"
FAR = "How do I boil an egg?"
PROMPTS = (FRANCE, REWORDED, NEGATED, SPAIN, FAR)
VECTORS = {
    FRANCE: near(1.0),
    REWORDED: near(0.95),
    NEGATED: near(0.93, axis=3),
    SPAIN: near(0.90, axis=2),
    FAR: near(0.1, axis=4),
}
SCORES = {FRANCE: 0.9, REWORDED: 0.9, NEGATED: 0.4, SPAIN: 0.4}
VERIFIED = Policy()
FIXED = Policy(similarity_threshold=0.9)


class NotedJudges(FixedJudges):
    """Fixed judges that note what they were told of traffic."""

    def __init__(self, verifier, cut):
        super().__init__(verifier, cut)
        self.noted = []

    def seen(self, namespace, text, judged):
        self.noted.append(text)


def a_rig(make_rig, cut=0.6, wrong=(), **options):
    judges = NotedJudges(FakeVerifier(SCORES), cut)
    return make_rig(embedder=FakeEmbedder(VECTORS), judges=judges, verdicts=FakeVerdicts(wrong), **options)


def explainer(rig, verdicts=None):
    return Explainer(rig.entries, rig.cache.neighbours, rig.cache.judges, verdicts, rig.clock)


async def explained(rig, asked, verdicts=None):
    return await explainer(rig, verdicts).explain(asked)


@pytest.fixture
def verified(make_rig):
    """A cache whose verifier trusts France and doubts Spain."""
    return a_rig(make_rig)


# ---- the same verdict as the decision's


POLICIES = st.builds(
    Policy,
    tiers=st.sampled_from([EXACT, frozenset({"semantic"}), frozenset({"exact", "semantic"}), NONE]),
    similarity_threshold=st.sampled_from([None, None, 0.5, 0.92, 0.99]),
    min_similarity=st.sampled_from([0.0, 0.94]),
    shadow=st.booleans(),
    verified=st.integers(1, 2),
    min_quality=st.sampled_from([0.0, 0.7, 0.95]),
    ttl=st.sampled_from([HOUR, 24 * HOUR]),
    max_age=st.sampled_from([None, 0.5 * HOUR]),
    decay=st.sampled_from([Decay(), Decay(0.1, HOUR)]),
)


@given(
    asked=st.sampled_from([*PROMPTS, "Call my mother", "What time is it now?"]),
    policy=POLICIES,
    refresh=st.booleans(),
    later=st.sampled_from([0.0, 1.2 * HOUR, 30 * HOUR]),
    temperature=st.sampled_from([0.2, 1.5]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_an_explanation_never_says_other_than_the_decision(verified, asked, policy, refresh, later, temperature):
    if verified.entries.count_active() == 0:
        for prompt in (FRANCE, NEGATED, SPAIN):
            await verified.fill(call(prompt, policy=VERIFIED, temperature=0.2))
    start = verified.clock.now
    verified.clock.advance(later)
    try:
        one = call(asked, policy=policy, refresh=refresh, temperature=temperature)
        told = await explained(verified, one)
        decided = await verified.ask(call(asked, policy=policy, refresh=refresh, temperature=temperature))
    finally:
        verified.clock.now = start
    assert told.decision == decided
    assert sentence(told).startswith({Hit: "Hit: ", Miss: "Miss: ", Bypass: "Bypass: "}[type(decided)])
    served = [one for one in (*told.exact, *told.semantic) if isinstance(one.verdict, Hit)]
    if isinstance(decided, Hit):
        assert decided.entry.id in {one.candidate.entry.id for one in served}, "what is served is admitted alone, too"


async def test_an_explanation_leaves_no_trace(verified):
    stored = await verified.fill(call(FRANCE, policy=VERIFIED))
    await explained(verified, call(REWORDED, policy=VERIFIED))
    await explained(verified, call(FRANCE, policy=VERIFIED))
    verified.entries.flush()
    verified.settle()
    rows = verified.database.query(verified_rows())
    assert [(row["id"], row["hits"]) for row in rows] == [(stored.id, 0)], "no hit is counted and nothing stored"
    assert verified.cache.judges.noted == [], "drift is not told of it"


async def test_no_audit_is_drawn(make_rig):
    rig = a_rig(make_rig, chance=lambda: 0.0)
    await rig.fill(call(FRANCE, policy=VERIFIED))
    audited = dataclasses.replace(VERIFIED, audit_rate=0.3)
    assert (await rig.ask(call(REWORDED, policy=audited))).reason == Reason.AUDIT
    told = await explained(rig, call(REWORDED, policy=audited))
    assert isinstance(told.decision, Hit)
    assert told.audit_rate == 0.3
    assert "30 % of such hits are forwarded" in sentence(told)


def verified_rows():
    import sqlalchemy as sa

    from store.tables import entries

    return sa.select(entries)


# ---- what it shows


async def test_each_candidate_is_weighed(verified):
    await verified.fill(call(FRANCE, policy=VERIFIED))
    await verified.fill(call(NEGATED, policy=VERIFIED))
    verified.clock.advance(84 * HOUR)
    late = dataclasses.replace(VERIFIED, ttl=1000 * HOUR, min_quality=0.3)
    told = await explained(verified, call(REWORDED, policy=late))
    first, second = told.semantic
    assert first.candidate.entry.prompt == FRANCE
    assert isinstance(first.verdict, Miss)
    assert first.verdict.reason == Reason.EXPIRED, "it was stored for a day"
    assert (first.age, first.decay) == (84 * HOUR, 0.5)
    assert first.standing == pytest.approx(0.45)
    assert first.rank == pytest.approx(0.95 * 0.45)
    assert first.judged is not None
    assert first.judged.score == pytest.approx(0.9), "scored although the decision never asked"
    assert not first.asked
    assert second.candidate.entry.prompt == NEGATED
    assert "negation" in {one.guard for one in second.guards}, "a guard that has something to say is named"


async def test_the_verifier_is_said_to_be_asked_where_it_was(verified):
    await verified.fill(call(FRANCE, policy=VERIFIED))
    told = await explained(verified, call(REWORDED, policy=VERIFIED))
    assert [one.asked for one in told.semantic] == [True]
    assert (told.cut, told.cut_source) == (0.6, "fixed")
    assert told.semantic[0].judged.signals


async def test_a_near_prompt_of_another_setting_is_named(verified):
    await verified.fill(call(FRANCE, policy=VERIFIED, temperature=0.0))
    told = await explained(verified, call(REWORDED, policy=VERIFIED, temperature=0.5))
    assert told.decision == Miss(Reason.NO_ENTRY)
    assert [one.entry.prompt for one in told.elsewhere] == [FRANCE]
    assert "differs in something beside its last text" in sentence(told)
    assert FRANCE not in sentence(told, exposed=False)


async def test_nothing_of_another_namespace_is_named(verified):
    await verified.fill(call(FRANCE, policy=VERIFIED, scope=Scope("others")))
    told = await explained(verified, call(REWORDED, policy=VERIFIED))
    assert (told.exact, told.semantic, told.elsewhere) == ((), (), ())


async def test_histories_that_match_by_meaning_are_shown_turn_by_turn(verified):
    by_meaning = dataclasses.replace(VERIFIED, match_history="meaning")
    said = {"role": "assistant", "content": "Paris."}
    verified.cache.judges._verifier.scores["And how do I get there?"] = 0.8
    await verified.fill(call(FRANCE, said, "And how do I get there?", policy=by_meaning))
    asked = call(REWORDED, said, "And how do I get there?", policy=by_meaning)
    told = await explained(verified, asked)
    assert told.decision == await verified.ask(call(REWORDED, said, "And how do I get there?", policy=by_meaning))
    [one] = told.semantic
    assert [(turn.new, turn.stored) for turn in one.candidate.turns] == [(REWORDED, FRANCE)]
    equal = await explained(verified, call(REWORDED, said, "And how do I get there?", policy=VERIFIED))
    assert (equal.decision.reason, equal.semantic) == (Reason.NO_ENTRY, ()), "unless policy asks for it"


async def test_a_pair_judged_wrong_is_said_to_be(make_rig):
    wrong = (call(REWORDED, policy=VERIFIED).exact_key, call(FRANCE, policy=VERIFIED).exact_key)
    rig = a_rig(make_rig, wrong=[wrong])
    await rig.fill(call(FRANCE, policy=VERIFIED))
    told = await explained(rig, call(REWORDED, policy=VERIFIED), FakeVerdicts([wrong]))
    assert told.decision.reason == Reason.JUDGED_WRONG
    assert told.semantic[0].candidate.judged_wrong
    assert "judged wrong for this very prompt" in sentence(told)


async def test_a_failing_embedder_is_a_miss_that_names_it(verified):
    await verified.fill(call(FRANCE, policy=VERIFIED))
    verified.embedder.broken = True
    told = await explained(verified, call(REWORDED, policy=VERIFIED))
    assert told.decision == Miss(Reason.TIER_FAILED)
    assert any("fake embedder is broken" in failure for failure in told.failures)
    assert verified.watch.failures == [], "the cache's own watch hears nothing of it"


# ---- the sentence


@pytest.mark.parametrize(
    ("policy", "asked", "words"),
    [
        (VERIFIED, FRANCE, "Hit: this very call was answered"),
        (VERIFIED, REWORDED, "the verifier's score of 0.900 is above the cut of 0.600"),
        (FIXED, REWORDED, "(similarity 0.950) was answered"),
        (VERIFIED, FAR, "is not surely the same question"),
        (VERIFIED, "What is the weather right now?", "is in the class 'volatile'"),
        (dataclasses.replace(VERIFIED, tiers=NONE), FRANCE, "allows no tier"),
        (dataclasses.replace(VERIFIED, shadow=True), REWORDED, "serves nothing by meaning (shadow)"),
        (dataclasses.replace(VERIFIED, tiers=EXACT), REWORDED, "this very call has not been answered before"),
        (dataclasses.replace(VERIFIED, min_quality=0.99), FRANCE, "stands at 0.90 (quality x decay)"),
        (dataclasses.replace(FIXED, similarity_threshold=0.97), REWORDED, "the threshold of 0.97 allows"),
        (FIXED, NEGATED, "asks for something else (negation"),
    ],
)
async def test_the_sentence_names_what_decided(verified, policy, asked, words):
    if asked == FAR:
        verified.embedder.vectors[FAR] = near(0.8, axis=4)
        verified.cache.judges._verifier.scores[FRANCE] = 0.2
    await verified.fill(call(FRANCE, policy=VERIFIED))
    told = await explained(verified, call(asked, policy=policy))
    assert words in sentence(told)


@pytest.mark.parametrize("asked", [REWORDED, NEGATED, SPAIN, FRANCE])
async def test_unexposed_it_tells_nothing_of_other_prompts(verified, asked):
    await verified.fill(call("What is the capital of Italy and how old is it?", policy=VERIFIED))
    await verified.fill(call(FRANCE, policy=VERIFIED))
    told = sentence(await explained(verified, call(asked, policy=VERIFIED)), exposed=False)
    for secret in (FRANCE, "similarity", "score", "Italy", "not"):
        assert secret not in told.replace("not surely", "").replace("has not been", ""), told


async def test_tool_calls_are_explained(verified):
    calls_tools = dataclasses.replace(VERIFIED, store_tool_calls="semantic")
    await verified.fill(call(FRANCE, policy=calls_tools), answer(choice(None, tool_calls=[TOOL_CALL])))
    told = await explained(verified, call(REWORDED, policy=VERIFIED))
    assert told.decision.reason == Reason.TOOL_CALLS
    assert "calls tools" in sentence(told)
