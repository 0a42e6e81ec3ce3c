"""What policy says of calls that ask for a stream."""

from __future__ import annotations

import dataclasses

import pytest

from cache.decision import Hit, Miss, Reason
from cache.policy import Policy
from tests.fakes import answer, call

FRANCE = "What is the capital of France?"
POLICY = Policy(similarity_threshold=0.9)
ALWAYS_FORWARDED = dataclasses.replace(POLICY, serve_streams=False)
NEVER_STORED = dataclasses.replace(POLICY, store_streams=False)


async def test_streams_are_served_and_stored_unless_policy_says_otherwise(rig):
    stored = await rig.fill(call(FRANCE, stream=True))
    assert await rig.ask(call(FRANCE, stream=True)) == Hit(stored, "exact", 1.0, Reason.EXACT)


async def test_a_stream_is_forwarded_where_policy_serves_none(rig):
    stored = await rig.fill(call(FRANCE))
    seen = await rig.cache.lookup(call(FRANCE, policy=ALWAYS_FORWARDED, stream=True))
    assert seen.decision == Miss(Reason.STREAM)
    assert not seen.shareable, "it shares no other call's answer either"
    whole = await rig.ask(call(FRANCE, policy=ALWAYS_FORWARDED, stream=False))
    assert whole == Hit(stored, "exact", 1.0, Reason.EXACT), "a call for a whole answer is served"


async def test_what_forwarded_streams_bring_is_stored_once(rig):
    await rig.fill(call(FRANCE))
    for text in ("Paris!", "Paris, France."):
        await rig.fill(call(FRANCE, policy=ALWAYS_FORWARDED, stream=True), answer(text))
    assert rig.entries.count_active() == 1, "each takes the place of the one before"
    hit = await rig.ask(call(FRANCE))
    assert hit.entry.answer == answer("Paris, France.")


@pytest.mark.parametrize("stream", [True, False])
async def test_answers_of_streams_are_not_stored_where_policy_says_so(rig, stream):
    entry = await rig.fill(call(FRANCE, policy=NEVER_STORED, stream=stream))
    assert (entry is None) == stream, "only those of streams"


async def test_what_is_not_stored_from_streams_may_still_be_served_to_them(rig):
    stored = await rig.fill(call(FRANCE))
    assert await rig.ask(call(FRANCE, policy=NEVER_STORED, stream=True)) == Hit(stored, "exact", 1.0, Reason.EXACT)
