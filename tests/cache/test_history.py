"""Histories that may match by meaning, where policy asks for it: which do, which never, and what it costs others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.decision import Hit, Miss, Reason
from cache.history import MOST_TURNS, differing, is_comparable
from cache.identity import Scope, earlier_part, fuzzy_part
from cache.judges import FixedJudges
from cache.policy import Policy, is_no_looser
from tests.fakes import FakeEmbedder, FakeVerifier, answer, call, chat, near

CLIMATE = "What causes climate change?"
REWORDED = "Explain the causes of climate change."
NAPOLEON = "Who was Napoleon?"
SAID = "Mostly the burning of coal, oil and gas."
FOLLOW = "Which gases are involved?"
FOLLOW_REWORDED = "Which gases have a part in it?"
VECTORS = {
    CLIMATE: near(1.0),
    REWORDED: near(0.95),
    FOLLOW: near(1.0, axis=3),
    FOLLOW_REWORDED: near(0.96, axis=3),
}
BY_MEANING = Policy(similarity_threshold=0.9, match_history="meaning")


def talk(first=CLIMATE, last=FOLLOW, said=SAID, policy=BY_MEANING, **fields):
    """The second turn of a conversation."""
    return call(
        {"role": "user", "content": first},
        {"role": "assistant", "content": said},
        {"role": "user", "content": last},
        policy=policy,
        **fields,
    )


@pytest.fixture
def alike(make_rig):
    return make_rig(embedder=FakeEmbedder(VECTORS))


async def test_an_earlier_turn_in_other_words_is_a_hit_where_policy_says_so(alike):
    stored = await alike.fill(talk())
    found = await alike.ask(talk(REWORDED, FOLLOW_REWORDED))
    assert isinstance(found, Hit), "both turns are reworded, and what was answered between them is equal"
    assert found.entry.id == stored.id
    assert found.tier == "semantic"


async def test_by_default_histories_must_be_equal(alike):
    equal = dataclasses.replace(BY_MEANING, match_history="equal")
    await alike.fill(talk(policy=equal))
    assert await alike.ask(talk(REWORDED, FOLLOW, policy=equal)) == Miss(Reason.NO_ENTRY)
    assert isinstance(await alike.ask(talk(CLIMATE, FOLLOW_REWORDED, policy=equal)), Hit)


async def test_what_was_stored_without_the_relaxation_keeps_its_history(alike):
    await alike.fill(talk(policy=dataclasses.replace(BY_MEANING, match_history="equal")))
    assert isinstance(await alike.ask(talk(REWORDED, FOLLOW)), Miss), "its turns were not kept for comparing"


@pytest.mark.parametrize(
    "other",
    [
        talk(NAPOLEON, FOLLOW),
        talk(REWORDED, FOLLOW, said="Napoleon was an emperor of the French."),
        call(FOLLOW, policy=BY_MEANING),
        call(
            {"role": "user", "content": REWORDED},
            {"role": "assistant", "content": SAID},
            {"role": "user", "content": "Go on."},
            {"role": "assistant", "content": SAID},
            {"role": "user", "content": FOLLOW},
            policy=BY_MEANING,
        ),
        talk(REWORDED, FOLLOW, model="another-model"),
        talk(REWORDED, FOLLOW, scope=Scope("others")),
        talk(REWORDED, FOLLOW, scope=Scope("tests", project="another")),
        call(
            {"role": "system", "content": "Answer in French."},
            {"role": "user", "content": REWORDED},
            {"role": "assistant", "content": SAID},
            {"role": "user", "content": FOLLOW},
            policy=BY_MEANING,
        ),
    ],
    ids=["subject", "answer", "dropped", "longer", "model", "namespace", "project", "system"],
)
async def test_another_history_is_never_served(alike, other):
    await alike.fill(talk())
    assert isinstance(await alike.ask(other), Miss)


async def test_a_guard_reads_earlier_turns_too(make_rig):
    year, other = "Who won the cup in 1998?", "Who won the cup in 2002?"
    rig = make_rig(embedder=FakeEmbedder({year: near(1.0), other: near(0.99), FOLLOW: near(1.0, axis=3)}))
    await rig.fill(talk(year, said="France."))
    found = await rig.ask(talk(other, said="France."))
    assert isinstance(found, Miss)
    assert found.reason == Reason.GUARD


async def test_the_weakest_turn_is_held_against_the_cut(make_rig):
    verifier = FakeVerifier({FOLLOW: 0.99, CLIMATE: 0.6})
    judged = Policy(match_history="meaning", audit_rate=0.0)
    rig = make_rig(embedder=FakeEmbedder(VECTORS), judges=FixedJudges(verifier, 0.8))
    await rig.fill(talk(policy=judged))
    found = await rig.ask(talk(REWORDED, FOLLOW_REWORDED, policy=judged))
    assert isinstance(found, Miss)
    assert found.reason == Reason.BELOW_CUT
    assert found.judged is not None
    assert found.judged.score == pytest.approx(0.6), "the label that comes of it belongs to the weakest turn"
    verifier.scores[CLIMATE] = 0.9
    assert isinstance(await rig.ask(talk(REWORDED, FOLLOW_REWORDED, policy=judged)), Hit)


async def test_it_is_found_before_the_index_holds_it_and_after_a_restart(make_rig):
    rig = make_rig(embedder=FakeEmbedder(VECTORS))
    await rig.fill(talk())
    rig.close()
    assert isinstance(await make_rig(embedder=FakeEmbedder(VECTORS)).ask(talk(REWORDED)), Hit)


async def test_a_turn_beyond_the_embedders_window_must_be_equal(make_rig):
    rig = make_rig(embedder=FakeEmbedder(VECTORS, unread=[REWORDED]))
    await rig.fill(talk())
    assert isinstance(await rig.ask(talk(REWORDED)), Miss)
    assert isinstance(await rig.ask(talk(CLIMATE, FOLLOW_REWORDED)), Hit)


async def test_a_failing_embedder_is_a_miss(alike):
    await alike.fill(talk())
    alike.embedder.broken = True
    assert isinstance(await alike.ask(talk(REWORDED)), Miss)
    assert alike.watch.failures, "and it is told"


# ---- what counts as a history


@pytest.mark.parametrize(
    "earlier",
    [
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}],
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]}],
        [{"role": "user", "content": "Hi"}, {"role": "tool", "tool_call_id": "c1", "content": "4"}],
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x", "tool_calls": [{"id": "c1"}]}],
        [{"role": "user", "content": " "}],
        ["no message"],
        [{"role": "system", "content": "Be brief."}],
        [],
    ],
)
def test_what_is_no_plain_text_is_matched_by_equality(earlier):
    body = {"model": "m", "messages": [*earlier, {"role": "user", "content": FOLLOW}]}
    assert fuzzy_part(body, Scope("tests")) is not None
    assert earlier_part(body, Scope("tests")) is None


def test_a_long_history_is_matched_by_equality():
    turns = [{"role": ("user", "assistant")[at % 2], "content": f"turn {at}"} for at in range(MOST_TURNS + 2)]
    long = earlier_part({"model": "m", "messages": [*turns, {"role": "user", "content": "x"}]}, Scope("tests"))
    assert long is not None
    assert not is_comparable(long)


TEXTS = st.text(min_size=1, max_size=30).filter(str.strip)


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS, TEXTS)
def test_texts_do_not_move_the_loose_key_and_speakers_do(texts, last, other):
    roles = ["user", "assistant"]
    turns = [{"role": roles[at % 2], "content": text} for at, text in enumerate(texts)]
    body = {"model": "m", "messages": [*turns, {"role": "user", "content": last}]}
    changed = {"model": "m", "messages": [{**turn, "content": other} for turn in turns] + [body["messages"][-1]]}
    swapped = {"model": "m", "messages": [{**turns[0], "role": "assistant"}, *body["messages"][1:]]}
    one, two, three = (earlier_part(each, Scope("tests")) for each in (body, changed, swapped))
    assert None not in (one, two, three)
    assert one.loose_key == two.loose_key
    assert one.texts == tuple(texts)
    assert one.loose_key != three.loose_key
    assert one.loose_key != fuzzy_part(body, Scope("tests")).compat_key


def test_equal_turns_cost_no_embedding():
    embedder = FakeEmbedder(VECTORS)
    earlier = earlier_part(chat(*talk().body["messages"]), Scope("tests"))
    assert differing(earlier, (CLIMATE, SAID), embedder.embed, embedder.fits, 0.5) == ()
    assert embedder.asked == []


def test_no_number_is_not_near():
    embedder = FakeEmbedder({CLIMATE: near(1.0), REWORDED: np.full(near(1.0).shape, np.nan, dtype=np.float32)})
    earlier = earlier_part(chat(*talk(REWORDED).body["messages"]), Scope("tests"))
    assert differing(earlier, (CLIMATE, SAID), embedder.embed, embedder.fits, 0.5) is None


def test_a_caller_may_not_ask_for_it():
    assert not is_no_looser(BY_MEANING, dataclasses.replace(BY_MEANING, match_history="equal"))
    assert is_no_looser(dataclasses.replace(BY_MEANING, match_history="equal"), BY_MEANING)


async def test_an_answer_that_agrees_in_other_words_will_do(alike):
    await alike.fill(talk(said="It was founded in 1889."), answer())
    found = await alike.ask(talk(REWORDED, said="It was founded in 1889!"))
    assert isinstance(found, Hit)
    assert isinstance(await alike.ask(talk(REWORDED, said="It was founded in 1931.")), Miss)
