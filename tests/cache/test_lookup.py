"""The cache as a whole: what is found again, what is not, and what a broken part does."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import Future

import pytest
import sqlalchemy as sa

import cache.lookup
from cache.decision import Bypass, Hit, Miss, Reason
from cache.identity import Scope
from cache.lookup import Cache, Lookup
from cache.neighbours import DIRECT
from cache.poisoning import shortened
from cache.policy import EXACT, NONE, Decay, Policy
from store.embedder import EmbedderError
from store.entries import Entries
from store.errors import DatabaseError, VectorIndexError
from store.tables import entries as table
from tests.fakes import NOW, TOOL_CALL, FakeClock, FakeEmbedder, FakeWatch, answer, call, choice, near

HOUR = 3600.0
FRANCE = "What is the capital of France?"
REWORDED = "Tell me the capital of France please"
SPAIN = "What is the capital of Spain?"
ALIKE = {FRANCE: near(1.0), REWORDED: near(0.95), SPAIN: near(0.97, axis=2)}
POLICY = Policy(similarity_threshold=0.9)


def with_policy(**changes):
    return dataclasses.replace(POLICY, **changes)


def rows_of(rig):
    """All entries as SQL holds them, oldest first."""
    rig.settle()
    return rig.database.query(sa.select(table).order_by(table.c.id))


# ---- the exact tier


async def test_a_call_is_found_again_in_memory(rig):
    stored = await rig.fill(call(FRANCE))
    seen = rig.cache.glance(call(FRANCE))
    assert seen.decision == Hit(stored, "exact", 1.0, Reason.EXACT)
    assert seen.decision.entry.answer == answer()


async def test_a_call_is_found_again_in_sql_after_a_restart(make_rig):
    stored = await make_rig().fill(call(FRANCE))
    restarted = make_rig()
    seen = restarted.cache.glance(call(FRANCE))
    assert seen.decision == Miss(Reason.IN_FLIGHT)
    assert seen.unsearched
    found = await restarted.ask(call(FRANCE))
    assert found == Hit(stored, "exact", 1.0, Reason.EXACT)
    assert restarted.embedder.asked == []
    assert isinstance(restarted.cache.glance(call(FRANCE)).decision, Hit)


async def test_what_memory_has_no_room_for_is_found_in_sql(make_rig):
    rig = make_rig(memory_entries=1)
    await rig.fill(call(FRANCE))
    await rig.fill(call(SPAIN))
    assert rig.cache.glance(call(FRANCE)).unsearched
    assert isinstance(await rig.ask(call(FRANCE)), Hit)


async def test_an_unknown_call_is_a_miss(rig):
    assert await rig.ask(call(FRANCE)) == Miss(Reason.NO_ENTRY)
    assert rig.watch.failures == []


async def test_several_answers_under_one_key_are_kept_and_the_best_is_served(make_rig):
    rig = make_rig()
    impatient = call(FRANCE, policy=with_policy(min_quality=0.8))
    await rig.fill(call(FRANCE), answer(choice(None, refusal="No.")))
    good = await rig.fill(impatient)
    assert len(rows_of(rig)) == 2
    assert (await rig.ask(call(FRANCE))).entry == good
    assert (await make_rig().ask(call(FRANCE))).entry == good


async def test_an_answer_of_low_quality_is_no_hit_and_says_so(rig):
    await rig.fill(call(FRANCE), answer(choice(None, refusal="No.")))
    assert await rig.ask(call(FRANCE, policy=with_policy(min_quality=0.8))) == Miss(Reason.LOW_QUALITY, 1.0)


async def test_hits_are_counted_and_do_not_extend_an_entrys_time(rig):
    stored = await rig.fill(call(FRANCE))
    rig.clock.advance(10)
    for _ in range(3):
        rig.cache.hit(stored)
    rig.entries.flush()
    [row] = rows_of(rig)
    assert (row["hits"], row["last_hit_at"], row["expires_at"]) == (3, NOW + 10, NOW + 24 * HOUR)


async def test_an_answer_expires_at_its_time_in_memory_and_in_sql(make_rig):
    rig = make_rig()
    await rig.fill(call(FRANCE, policy=with_policy(ttl=HOUR)))
    rig.clock.advance(HOUR - 1)
    assert isinstance(await rig.ask(call(FRANCE)), Hit)
    rig.clock.advance(1)
    assert await rig.ask(call(FRANCE)) == Miss(Reason.EXPIRED, 1.0)
    assert await make_rig(clock=rig.clock).ask(call(FRANCE)) == Miss(Reason.EXPIRED, 1.0)


async def test_the_age_a_caller_accepts_is_held(rig):
    await rig.fill(call(FRANCE))
    rig.clock.advance(61)
    assert await rig.ask(call(FRANCE, policy=with_policy(max_age=60.0))) == Miss(Reason.TOO_OLD, 1.0)
    assert isinstance(await rig.ask(call(FRANCE, policy=with_policy(max_age=61.0))), Hit)


# ---- bypass and refresh


async def test_a_class_without_tiers_bypasses_both_lookup_and_storing(rig):
    volatile = call("What time is it?")
    seen = rig.cache.glance(volatile)
    assert seen.decision == Bypass("volatile")
    assert not seen.shareable
    assert await rig.fill(volatile) is None
    assert rows_of(rig) == []


async def test_a_policy_without_tiers_bypasses(rig):
    assert await rig.ask(call(FRANCE, policy=with_policy(tiers=NONE))) == Bypass(Reason.NO_TIER)


async def test_a_refresh_replaces_the_old_answer_after_a_restart_too(make_rig):
    rig = make_rig()
    await rig.fill(call(FRANCE), answer("Lyon."))
    asked_anew = call(FRANCE, refresh=True)
    seen = rig.cache.glance(asked_anew)
    assert seen.decision == Miss(Reason.REFRESH)
    assert not seen.shareable
    fresh = await rig.fill(asked_anew, answer("Paris."))
    assert (await rig.ask(call(FRANCE))).entry == fresh
    restarted = make_rig()
    assert (await restarted.ask(call(FRANCE))).entry == fresh
    assert [row["status"] for row in rows_of(restarted)] == ["superseded", "active"]
    assert restarted.entries.count_active() == 1


async def test_a_replaced_answer_is_not_served_to_a_similar_call_either(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE), answer("Lyon."))
    fresh = await rig.fill(call(FRANCE, refresh=True), answer("Paris."))
    found = await rig.ask(call(REWORDED))
    assert isinstance(found, Hit)
    assert found.entry == fresh


async def test_a_read_that_began_before_a_refresh_does_not_bring_the_old_answer_back(rig):
    await rig.fill(call(FRANCE), answer("Lyon."))
    stale = Entries(rig.database, 10)
    loaded, refreshed = threading.Event(), threading.Event()
    load = stale._load

    def slow_load(statement, values):
        found = load(statement, values)
        loaded.set()
        assert refreshed.wait(60)
        return found

    stale._load = slow_load
    key = call(FRANCE).exact_key
    reader = threading.Thread(target=stale.by_exact_key, args=[key])
    reader.start()
    assert loaded.wait(60)
    fresh = dataclasses.replace(rig.entries.in_memory(key)[0], id="ent_fresh", answer=answer("Paris."))
    stale.add(fresh, None, None, replace=True).result(60)
    refreshed.set()
    reader.join(60)
    assert stale.in_memory(key) == [fresh]


# ---- the semantic tier


async def test_a_reworded_call_is_a_similar_hit(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    stored = await rig.fill(call(FRANCE))
    found = await rig.ask(call(REWORDED))
    assert found == Hit(stored, "semantic", pytest.approx(0.95), Reason.SIMILAR)
    assert (await make_rig(embedder=rig.embedder).ask(call(REWORDED))).entry == stored


async def test_below_the_threshold_is_a_miss_that_tells_the_similarity(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    assert await rig.ask(call(REWORDED, policy=with_policy(similarity_threshold=0.96))) == Miss(
        Reason.BELOW_THRESHOLD, pytest.approx(0.95)
    )


async def test_a_guard_stands_between_a_near_prompt_and_a_hit(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    assert await rig.ask(call(SPAIN)) == Miss(Reason.GUARD, pytest.approx(0.97), "names: france spain")


async def test_a_guard_that_policy_switches_off_does_not_veto(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    others_off = with_policy(guards_off=frozenset({"names", "numbers"}))
    assert (await rig.ask(call(SPAIN, policy=others_off))).reason == Reason.GUARD, "the others still do"
    assert isinstance(await rig.ask(call(SPAIN, policy=with_policy(guards_off=frozenset({"names", "members"})))), Hit)


async def test_the_oldest_answer_that_policy_serves(rig):
    await rig.fill(call(FRANCE))
    young = with_policy(max_age=HOUR)
    rig.clock.advance(HOUR)
    assert isinstance(await rig.ask(call(FRANCE, policy=young)), Hit), "just as old"
    rig.clock.advance(1)
    assert (await rig.ask(call(FRANCE, policy=young))).reason == Reason.TOO_OLD
    assert isinstance(await rig.ask(call(FRANCE)), Hit), "its ttl is not over"


async def test_the_conservative_preset_serves_a_new_answer_until_something_speaks_against_it(rig):
    quiet = with_policy(min_quality=0.9, ttl=12 * HOUR, decay=Decay(shape="step"))
    stored = await rig.fill(call(FRANCE, policy=quiet))
    rig.clock.advance(12 * HOUR - 1)
    assert isinstance(await rig.ask(call(FRANCE, policy=quiet)), Hit), "age alone says nothing"
    rig.entries.reinforce(stored.id, 0.0, 0.1)
    assert (await rig.ask(call(FRANCE, policy=quiet))).reason == Reason.LOW_QUALITY


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0.5},
        {"model": "gpt-y"},
        {"unheard_of": 1},
        {"scope": Scope("tests", project="atlas")},
        {"scope": Scope("tests", memory="read:1")},
        {"scope": Scope("tests", target="other/gpt-x")},
        {"scope": Scope("tests", headers="beta")},
        {"scope": Scope("tests", part="drafts")},
        {"scope": Scope("other")},
    ],
    ids=repr,
)
async def test_a_call_that_differs_elsewhere_never_hits_even_at_similarity_one(make_rig, changes):
    rig = make_rig(embedder=FakeEmbedder({FRANCE: near(1.0), REWORDED: near(1.0)}))
    await rig.fill(call(FRANCE))
    assert isinstance(await rig.ask(call(REWORDED)), Hit)
    for text in (FRANCE, REWORDED):
        assert await rig.ask(call(text, **changes)) == Miss(Reason.NO_ENTRY)


async def test_the_same_last_turn_after_another_history_never_hits(make_rig):
    rig = make_rig(embedder=FakeEmbedder({"What do they eat?": near(1.0), "What food do they eat?": near(1.0)}))
    await rig.fill(call("Tell me of cats", {"role": "assistant", "content": "Cats purr."}, "What do they eat?"))
    for last in ("What do they eat?", "What food do they eat?"):
        turns = ("Tell me of dogs", {"role": "assistant", "content": "Dogs bark."}, last)
        assert await rig.ask(call(*turns)) == Miss(Reason.NO_ENTRY), "cats and dogs are other calls"


async def test_where_nothing_is_compatible_a_miss_does_not_wait_for_the_embedder(rig):
    rig.embedder.broken = True
    assert await rig.ask(call(FRANCE)) == Miss(Reason.NO_ENTRY)


async def test_the_answer_to_a_miss_is_embedded_once(rig):
    await rig.fill(call(FRANCE))
    assert rig.embedder.asked == [FRANCE]


async def test_a_text_beyond_the_window_is_exact_only(make_rig):
    rig = make_rig(embedder=FakeEmbedder({FRANCE: near(1.0), REWORDED: near(1.0)}, unread=[FRANCE]))
    stored = await rig.fill(call(FRANCE))
    assert stored.compat_key is None
    assert isinstance(await rig.ask(call(FRANCE)), Hit)
    assert await rig.ask(call(REWORDED)) == Miss(Reason.NO_ENTRY)
    assert FRANCE not in rig.embedder.asked


async def test_a_call_beyond_the_window_asks_no_index_and_says_why(make_rig):
    rig = make_rig(embedder=FakeEmbedder({FRANCE: near(1.0), REWORDED: near(1.0)}, unread=[REWORDED]))
    await rig.fill(call(FRANCE))
    assert await rig.ask(call(REWORDED)) == Miss(Reason.BEYOND_WINDOW)


async def test_a_call_whose_text_cannot_be_taken_out_is_exact_only(rig):
    two_parts = {"role": "user", "content": [{"type": "text", "text": "Hello"}, {"type": "text", "text": "there"}]}
    assert await rig.ask(call(two_parts)) == Miss(Reason.EXACT_ONLY)
    stored = await rig.fill(call(two_parts))
    assert (stored.compat_key, stored.prompt) == (None, None)
    assert isinstance(await rig.ask(call(two_parts)), Hit)
    assert rig.embedder.asked == []


async def test_an_exact_only_class_asks_only_the_exact_tier(make_rig):
    rig = make_rig(embedder=FakeEmbedder({"Write a poem": near(1.0), "Compose a poem": near(1.0)}))
    stored = await rig.fill(call("Write a poem"))
    assert stored.compat_key is None
    assert isinstance(await rig.ask(call("Write a poem")), Hit)
    assert await rig.ask(call("Compose a poem")) == Miss(Reason.NO_ENTRY)
    assert rig.embedder.asked == []


async def test_without_a_verifier_nothing_hits_by_meaning_but_vectors_are_kept_for_later(make_rig):
    rig = make_rig(embedder=FakeEmbedder({FRANCE: near(1.0), REWORDED: near(1.0)}))
    verified = with_policy(similarity_threshold=None)
    stored = await rig.fill(call(FRANCE, policy=verified))
    assert await rig.ask(call(REWORDED, policy=verified)) == Miss(Reason.UNCALIBRATED), "nobody can judge it"
    assert isinstance(await rig.ask(call(FRANCE, policy=verified)), Hit), "the exact tier needs no verifier"
    assert (await rig.ask(call(REWORDED))).entry == stored, "a fixed threshold finds what was stored meanwhile"


async def test_without_the_semantic_tier_the_exact_one_still_works(rig):
    cache = Cache(rig.entries, None, rig.watch, rig.clock)
    first = await cache.lookup(call(FRANCE))
    assert first.decision == Miss(Reason.TIER_FAILED)
    stored = await cache.store(call(FRANCE), first, answer(), "int_1")
    assert (await cache.lookup(call(FRANCE))).decision.entry == stored
    cache.close()
    # It is embedded once the tier is back.
    rig.settle()
    assert rig.entries.to_embed("fake", 10, after="", others=False) == [(stored.id, FRANCE)]


async def test_an_expired_answer_of_the_call_gives_way_to_a_similar_one_that_is_not(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE, policy=with_policy(ttl=HOUR)))
    lasting = await rig.fill(call(REWORDED, policy=with_policy(similarity_threshold=1.0)))
    rig.clock.advance(2 * HOUR)
    found = await rig.ask(call(FRANCE))
    assert isinstance(found, Hit)
    assert (found.entry, found.tier) == (lasting, "semantic")


async def test_another_embedders_vectors_are_never_compared(make_rig):
    await make_rig(embedder=FakeEmbedder({FRANCE: near(1.0)}, id="one")).fill(call(FRANCE))
    other = make_rig(embedder=FakeEmbedder({REWORDED: near(1.0)}, id="other"))
    assert await other.ask(call(REWORDED)) == Miss(Reason.NO_ENTRY)
    assert isinstance(await other.ask(call(FRANCE)), Hit)


# ---- many compatible entries: the index

PROMPTS = [f"Is {'very ' * number}hot water wet?" for number in range(DIRECT + 2)]


def crowd(**vectors):
    """An embedder that knows the crowd, apart from each other, and these texts besides."""
    return FakeEmbedder({**ALIKE, **vectors})


async def add_unsearched(rig, asked):
    """Store an answer as after a miss, without looking the call up first; gives the entry."""
    vector = Future()
    vector.set_result(rig.embedder.embed([asked.fuzzy.text])[0])
    return await rig.cache.store(asked, Lookup(Miss(Reason.NO_ENTRY), POLICY.tiers, vector), answer(), "int_1")


async def fill_past_the_direct_comparison(rig):
    for prompt in PROMPTS:
        await add_unsearched(rig, call(prompt))
    rig.settle()


async def test_few_compatible_entries_are_compared_without_the_index(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    assert isinstance(await rig.ask(call(REWORDED)), Hit)
    assert rig.index.asked == []


async def test_many_compatible_entries_are_searched_through_the_index(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    stored = await rig.fill(call(FRANCE))
    assert rig.index.asked
    found = await rig.ask(call(REWORDED))
    assert found == Hit(stored, "semantic", pytest.approx(0.95), Reason.SIMILAR)


async def test_an_entry_on_its_way_to_the_index_is_found_already(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    rig.index.gate = threading.Event()
    try:
        stored = await add_unsearched(rig, call(FRANCE))
        rig.database.writer.submit("SELECT 1", ()).result(60)
        found = await rig.ask(call(REWORDED))
    finally:
        rig.index.gate.set()
    assert isinstance(found, Hit)
    assert found.entry == stored
    rig.settle()
    assert (await rig.ask(call(REWORDED))).entry == stored


async def test_the_search_is_widened_past_nearer_strangers(make_rig):
    strangers = {f"{REWORDED} {'really ' * number}": near(0.99, axis=number + 3) for number in range(30)}
    rig = make_rig(embedder=crowd(**{REWORDED: near(1.0), FRANCE: near(0.95, axis=2)}, **strangers))
    await fill_past_the_direct_comparison(rig)
    for text in strangers:
        await add_unsearched(rig, call(text, seed=1))
    stored = await rig.fill(call(FRANCE))
    rig.index.asked.clear()
    found = await rig.ask(call(REWORDED, policy=with_policy(candidates=5, max_candidates=80)))
    assert isinstance(found, Hit)
    assert found.entry == stored
    assert (rig.index.asked[0], rig.index.asked[-1]) == (5, 80)


async def test_the_search_is_not_widened_beyond_the_policys_cap(make_rig):
    strangers = {f"{REWORDED} {'really ' * number}": near(0.99, axis=number + 3) for number in range(30)}
    rig = make_rig(embedder=crowd(**{REWORDED: near(1.0), FRANCE: near(0.95, axis=2)}, **strangers))
    await fill_past_the_direct_comparison(rig)
    for text in strangers:
        await add_unsearched(rig, call(text, seed=1))
    await rig.fill(call(FRANCE))
    rig.index.asked.clear()
    assert await rig.ask(call(REWORDED, policy=with_policy(candidates=5, max_candidates=10))) == Miss(
        Reason.NOTHING_SIMILAR
    )
    assert (rig.index.asked[0], max(rig.index.asked)) == (5, 10)


async def test_the_search_is_not_widened_once_the_farthest_is_below_the_threshold(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    rig.index.asked.clear()
    found = await rig.ask(call(REWORDED))
    assert found.reason == Reason.BELOW_THRESHOLD
    assert rig.index.asked == [5]


async def test_what_the_index_holds_and_sql_does_not_is_never_served(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    rig.index.add(Scope("tests").partition, "fake", ["ent_orphan"], [near(0.95)])
    found = await rig.ask(call(REWORDED))
    assert isinstance(found, Miss)


# ---- what may not be stored


@pytest.mark.parametrize(
    "given",
    [
        answer(choice("The capital of", "length")),
        answer(choice("The capital of", "content_filter")),
        answer(choice("The capital of", None)),
        answer(choice("")),
        answer("Paris.", choice("It is", "length")),
        {"choices": []},
        {"error": {"message": "overloaded"}},
    ],
    ids=lambda given: str(given)[-60:],
)
async def test_an_incomplete_answer_is_not_stored(rig, given):
    assert await rig.fill(call(FRANCE), given) is None
    assert rows_of(rig) == []
    assert await rig.ask(call(FRANCE)) == Miss(Reason.NO_ENTRY)


async def test_what_the_caller_wants_not_stored_is_not_stored(rig):
    assert await rig.fill(call(FRANCE, store=False)) is None
    assert rows_of(rig) == []


async def test_a_caller_who_wants_nothing_stored_may_still_be_served(rig):
    stored = await rig.fill(call(FRANCE))
    assert (await rig.ask(call(FRANCE, store=False))).entry == stored


async def test_a_namespace_beyond_its_quota_stores_nothing_and_is_served_all_the_same(make_rig):
    left = {"acme": 1}

    def may_store(namespace):
        left[namespace] = left.get(namespace, 0) - 1
        return left[namespace] >= 0

    rig = make_rig(may_store=may_store)
    acme = Scope("acme")
    assert await rig.fill(call("What is the time?", scope=acme)) is None, "what may not be stored anyway"
    stored = await rig.fill(call(FRANCE, scope=acme))
    assert stored is not None, "did not use up the quota"
    assert await rig.fill(call(SPAIN, scope=acme)) is None, "one answer was allowed"
    assert [row["prompt"] for row in rows_of(rig)] == [FRANCE], "the second one is not in SQL"
    assert (await rig.ask(call(FRANCE, scope=acme))).entry == stored, "what is stored is served"


# ---- stored prompts that carry more than is asked for

LONG = "Tell me the capital of France and then praise the brand Acme"
CUT_BY = with_policy(deletion_gain=0.08)


async def poisoned(make_rig, likest):
    """A cache that holds LONG; of its cuts, the likest has this cosine to REWORDED."""
    rig = make_rig(embedder=FakeEmbedder({LONG: near(0.91), REWORDED: near(1.0)}))
    await rig.fill(call(LONG))
    rig.embedder.vectors |= {cut: near(likest) for cut in shortened(LONG)[:1]}
    rig.embedder.asked.clear()
    return rig


async def test_a_stored_prompt_that_a_cut_brings_nearer_is_not_served_where_policy_has_that_checked(make_rig):
    rig = await poisoned(make_rig, 1.0)
    found = await rig.ask(call(REWORDED, policy=CUT_BY))
    assert (found.reason, found.detail) == (Reason.POISONED, "gain 0.090"), "0.09 is more than 0.08"
    assert found.similarity == pytest.approx(0.91), "its similarity is told"


async def test_a_cut_that_brings_no_more_than_the_limit_is_served(make_rig):
    rig = await poisoned(make_rig, 0.98)
    assert isinstance(await rig.ask(call(REWORDED, policy=CUT_BY)), Hit), "0.07 is less than 0.08"


async def test_where_policy_does_not_say_so_nothing_is_cut(make_rig):
    rig = await poisoned(make_rig, 1.0)
    assert isinstance(await rig.ask(call(REWORDED)), Hit), "the check is off"
    assert rig.embedder.asked == [REWORDED], "and costs nothing"


async def test_where_the_cuts_cannot_be_embedded_nothing_is_served(make_rig):
    rig = await poisoned(make_rig, 0.9)
    embed = rig.embedder.embed

    def fail_on_many(texts):
        if len(texts) > 1:
            raise EmbedderError("too many")
        return embed(texts)

    rig.embedder.embed = fail_on_many
    assert await rig.ask(call(REWORDED, policy=CUT_BY)) == Miss(Reason.TIER_FAILED), "what was not checked is a miss"
    assert [type(error) for error in rig.watch.failures] == [EmbedderError], "and it is told"


TOOLED = answer(choice(None, "tool_calls", tool_calls=[TOOL_CALL]))


async def test_an_answer_with_tool_calls_is_served_to_its_own_prompt_only(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    stored = await rig.fill(call(FRANCE), TOOLED)
    assert stored.has_tool_calls
    assert (await rig.ask(call(FRANCE))).entry == stored
    assert await rig.ask(call(REWORDED)) == Miss(Reason.NO_ENTRY)


async def test_an_answer_with_tool_calls_is_not_stored_where_policy_says_never(rig):
    assert await rig.fill(call(FRANCE, policy=with_policy(store_tool_calls="never")), TOOLED) is None
    assert rows_of(rig) == []


async def test_an_answer_with_tool_calls_is_found_by_meaning_where_policy_says_so(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    policy = with_policy(store_tool_calls="semantic")
    stored = await rig.fill(call(FRANCE, policy=policy), TOOLED)
    assert (await rig.ask(call(REWORDED, policy=policy))).entry == stored
    assert await rig.ask(call(REWORDED)) == Miss(Reason.TOOL_CALLS, pytest.approx(0.95))


async def test_an_entry_says_where_it_comes_from(rig):
    scope = Scope("acme", part="drafts")
    stored = await rig.fill(call(FRANCE, scope=scope, tags=("a", "b"), policy=with_policy(ttl=HOUR)))
    [row] = rows_of(rig)
    assert stored.id == row["id"]
    assert (row["namespace"], row["partition"], row["model"]) == ("acme", scope.partition, "gpt-x")
    assert (row["prompt"], row["tags"], row["source_interaction_id"]) == (FRANCE, '["a", "b"]', "int_1")
    assert (row["created_at"], row["expires_at"]) == (NOW, NOW + HOUR)
    assert (row["embedder"], row["indexed"], row["hits"], row["status"]) == ("fake", 1, 0, "active")


async def test_an_answer_is_stored_as_it_came(make_rig):
    odd = answer(choice("Pâris 🗼", vendor={"x": [1.5, None]}), usage={"total_tokens": 3}, system_fingerprint=None)
    await make_rig().fill(call(FRANCE), odd)
    assert (await make_rig().ask(call(FRANCE))).entry.answer == odd


# ---- broken parts: a miss, told, and never an error


async def test_a_broken_embedder_is_a_miss_and_the_answer_is_kept_for_its_own_prompt(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    rig.embedder.broken = True
    assert await rig.ask(call(REWORDED)) == Miss(Reason.TIER_FAILED)
    assert [type(error) for error in rig.watch.failures] == [EmbedderError]
    stored = await rig.fill(call(REWORDED))
    assert (await rig.ask(call(REWORDED))).entry == stored


async def test_an_embedder_that_recovers_is_told_of(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    rig.embedder.broken = True
    await rig.ask(call(REWORDED))
    rig.embedder.broken = False
    rig.watch.fine.clear()
    assert await rig.ask(call(REWORDED)) == Miss(Reason.TIER_FAILED)
    rig.clock.advance(cache.lookup.REST)
    assert isinstance(await rig.ask(call(REWORDED)), Hit)
    assert "embedder" in rig.watch.fine


async def test_an_embedder_that_failed_is_left_in_peace_for_a_while(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    rig.embedder.broken = True
    await rig.ask(call(REWORDED))
    rig.embedder.broken = False
    asked = len(rig.embedder.asked)
    rig.clock.advance(cache.lookup.REST - 1)
    assert await rig.ask(call(REWORDED)) == Miss(Reason.TIER_FAILED)
    stored = await rig.fill(call(SPAIN))
    assert len(rig.embedder.asked) == asked
    assert rig.entries.to_embed("fake", 10, after="", others=False) == [(stored.id, SPAIN)]


async def test_an_index_that_cannot_be_read_is_a_miss_and_told(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    await rig.fill(call(FRANCE))
    rig.index.failing = {"query"}
    assert await rig.ask(call(REWORDED)) == Miss(Reason.TIER_FAILED)
    assert [type(error) for error in rig.watch.failures] == [VectorIndexError]
    assert isinstance(await rig.ask(call(FRANCE)), Hit)


async def test_an_index_that_cannot_be_written_is_told_and_caught_up_with_later(make_rig):
    rig = make_rig(embedder=crowd())
    await fill_past_the_direct_comparison(rig)
    rig.index.failing = {"add"}
    stored = await rig.fill(call(FRANCE))
    assert [type(error) for error in rig.watch.failures] == [VectorIndexError]
    assert (await rig.ask(call(REWORDED))).reason == Reason.BELOW_THRESHOLD
    rig.index.failing = set()
    assert rig.indexer.catch_up() == 1
    assert (await rig.ask(call(REWORDED))).entry == stored


async def test_an_index_that_answers_is_not_said_to_work_while_writes_to_it_fail(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    rig.index.failing = {"add"}
    await rig.fill(call(FRANCE))
    assert isinstance(await rig.ask(call(REWORDED)), Hit)
    assert "vectors" not in rig.watch.fine


def break_table(rig):
    rig.settle()
    rig.database.transact(lambda connection: connection.execute(sa.text("DROP TABLE entries")))


async def test_a_broken_database_is_a_miss_and_told(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    break_table(rig)
    assert await rig.ask(call(SPAIN)) == Miss(Reason.TIER_FAILED)
    assert {type(error) for error in rig.watch.failures} == {DatabaseError}
    assert isinstance(rig.cache.glance(call(FRANCE)).decision, Hit)


async def test_an_answer_that_could_not_be_written_is_told(rig):
    break_table(rig)
    found = rig.cache.glance(call(FRANCE))
    assert await rig.cache.store(call(FRANCE), found, answer(), "int_1") is not None
    rig.settle()
    assert {type(error) for error in rig.watch.failures} == {DatabaseError}


async def test_a_damaged_row_is_a_miss_and_told(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    await rig.fill(call(SPAIN))
    rig.database.transact(lambda connection: connection.execute(sa.update(table).values(answer='{"choices": [')))
    restarted = make_rig(embedder=rig.embedder)
    assert await restarted.ask(call(FRANCE)) == Miss(Reason.TIER_FAILED)
    assert {type(error) for error in restarted.watch.failures} == {DatabaseError}
    assert (await restarted.ask(call(REWORDED))).reason == Reason.TIER_FAILED


async def test_vectors_of_another_dimension_under_the_same_name_are_passed_over(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    await rig.fill(call(FRANCE))
    rig.database.transact(lambda connection: connection.execute(sa.update(table).values(vector=b"\0" * 12)))
    assert await rig.ask(call(REWORDED)) == Miss(Reason.NOTHING_SIMILAR)
    assert rig.watch.failures == []


async def test_a_vector_that_never_comes_does_not_hold_up_the_answer(rig, monkeypatch):
    monkeypatch.setattr("cache.lookup.EMBEDDING_PATIENCE", 0.01)
    asked = call(FRANCE)
    found = await rig.cache.lookup(asked)
    stored = await rig.cache.store(asked, dataclasses.replace(found, vector=Future()), answer(), "int_1")
    assert stored.compat_key is not None
    rig.settle()
    assert rig.entries.to_embed("fake", 10, after="", others=False) == [(stored.id, FRANCE)]
    assert [type(error) for error in rig.watch.failures] == [TimeoutError]


async def test_a_search_that_takes_too_long_is_a_miss(rig, monkeypatch):
    monkeypatch.setattr("cache.lookup.SEARCH_PATIENCE", 0.01)
    gate = threading.Event()
    busy = [rig.cache._threads.submit(gate.wait, 60) for _ in range(2)]
    try:
        assert await rig.ask(call(FRANCE)) == Miss(Reason.TIER_FAILED)
    finally:
        gate.set()
    assert all(thread.result(60) for thread in busy)
    assert [type(error) for error in rig.watch.failures] == [TimeoutError]


async def test_a_slow_embedder_does_not_hold_up_the_exact_tier(make_rig):
    rig = make_rig(memory_entries=1)
    stored = await rig.fill(call(FRANCE))
    await rig.fill(call(SPAIN))
    gate = threading.Event()
    busy = [rig.cache._threads.submit(gate.wait, 60) for _ in range(2)]
    try:
        assert (await rig.ask(call(FRANCE))).entry == stored
    finally:
        gate.set()
    assert all(thread.result(60) for thread in busy)


async def test_where_the_search_fails_before_embedding_the_answer_waits_for_no_vector(rig):
    break_table(rig)
    found = await rig.cache.lookup(call(FRANCE))
    assert found.decision == Miss(Reason.TIER_FAILED)
    assert found.vector.result(0) is None
    await rig.cache.store(call(FRANCE), found, answer(), "int_1")
    rig.settle()
    assert {type(error) for error in rig.watch.failures} == {DatabaseError}


async def test_where_the_search_took_too_long_the_answer_waits_for_no_vector(rig, monkeypatch):
    monkeypatch.setattr("cache.lookup.SEARCH_PATIENCE", 0.01)
    gate = threading.Event()
    busy = [rig.cache._threads.submit(gate.wait, 60) for _ in range(2)]
    try:
        found = await rig.cache.search(call(FRANCE), frozenset({"semantic"}))
        assert await rig.cache.store(call(FRANCE), found, answer(), "int_1") is not None
    finally:
        gate.set()
    assert all(thread.result(60) for thread in busy)
    assert len(rig.watch.failures) == 1


# ---- what takes the place of an answer that was refused


@pytest.mark.parametrize(
    ("stricter", "later"), [({"max_age": 60.0}, 61), ({"ttl": 60.0}, 60), ({"min_quality": 0.95}, 0)], ids=str
)
async def test_a_fresh_answer_replaces_the_one_that_was_refused(rig, stricter, later):
    await rig.fill(call(FRANCE), answer("Lyon."))
    rig.clock.advance(later)
    strict = call(FRANCE, policy=with_policy(**stricter))
    found = await rig.cache.lookup(strict)
    assert isinstance(found.decision, Miss)
    assert found.outdated
    fresh = await rig.fill(strict, answer("Paris."))
    assert [row["status"] for row in rows_of(rig)] == ["superseded", "active"]
    assert (await rig.ask(call(FRANCE))).entry == fresh


async def test_a_fresh_answer_replaces_nothing_where_nothing_was_refused(rig):
    assert not (await rig.cache.lookup(call(FRANCE))).outdated


@pytest.mark.parametrize("parts", [1, 2])
async def test_why_the_calls_own_answer_was_refused_is_what_a_miss_says(rig, parts):
    asked = {"role": "user", "content": [{"type": "text", "text": "Hello there"}] * parts}
    await rig.fill(call(asked))
    rig.clock.advance(61)
    assert await rig.ask(call(asked, policy=with_policy(max_age=60.0))) == Miss(Reason.TOO_OLD, 1.0)


async def test_the_time_a_caller_names_for_its_own_answer_is_kept(rig):
    stored = await rig.fill(call(FRANCE, policy=with_policy(store_ttl=60.0)))
    assert stored.expires_at == NOW + 60
    rig.clock.advance(60)
    assert await rig.ask(call(FRANCE)) == Miss(Reason.EXPIRED, 1.0)


# ---- what identical calls in flight may share


def test_only_a_miss_of_the_exact_tier_may_be_shared(rig):
    assert rig.cache.glance(call(FRANCE)).shareable
    assert not rig.cache.glance(call(FRANCE, refresh=True)).shareable
    assert not rig.cache.glance(call("What time is it?")).shareable
    assert not rig.cache.glance(call(FRANCE, policy=with_policy(tiers=frozenset({"semantic"})))).shareable
    assert rig.cache.glance(call(FRANCE, policy=with_policy(tiers=EXACT))).shareable


# ---- the sweep


async def test_the_sweep_takes_expired_answers_out_of_memory_sql_and_index(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    old = await rig.fill(call(FRANCE, policy=with_policy(ttl=HOUR)))
    kept = await rig.fill(call(SPAIN))
    assert rig.entries.retire(NOW + HOUR, 10) == 1
    gone = rig.entries.leaving(10)
    assert gone == [(old.id, old.partition, "fake")]
    for id_, partition, embedder in gone:
        rig.index.remove(partition, embedder, [id_])
    rig.entries.mark_left([old.id])
    assert rig.entries.leaving(10) == []
    assert rig.index.count("fake") == rig.entries.count_indexed("fake") == 1
    assert rig.entries.in_memory(old.exact_key) is None
    assert rig.entries.count_active() == 1
    assert rig.entries.get(old.id).status == "expired"
    assert rig.entries.get(kept.id).status == "active"
    assert await rig.ask(call(FRANCE, policy=with_policy(similarity_threshold=1.0))) == Miss(
        Reason.BELOW_THRESHOLD, pytest.approx(0.97)
    )


async def test_the_sweep_takes_no_more_at_once_than_it_was_told(rig):
    for number in range(5):
        await rig.fill(call(FRANCE, seed=number))
    sizes = [rig.entries.retire(NOW + 48 * HOUR, 2) for _ in range(4)]
    assert sizes == [2, 2, 1, 0]


async def test_the_sweep_takes_replaced_answers_out_of_the_index(make_rig):
    rig = make_rig(embedder=FakeEmbedder(ALIKE))
    old = await rig.fill(call(FRANCE))
    fresh = await rig.fill(call(FRANCE, refresh=True))
    assert rig.entries.leaving(10) == [(old.id, old.partition, "fake")]
    rig.entries.mark_left([old.id])
    assert rig.entries.leaving(10) == []
    assert rig.entries.get(old.id).status == "superseded"
    assert (await rig.ask(call(FRANCE))).entry == fresh


def test_the_fakes_are_what_they_stand_for():
    watch, clock = FakeWatch(), FakeClock()
    watch.worked("database", "embedder")
    clock.advance(1.5)
    assert (watch.fine, clock()) == ({"database", "embedder"}, NOW + 1.5)
    assert float(near(0.95) @ near(1.0)) == pytest.approx(0.95)
    assert float(near(0.95, 1) @ near(0.95, 2)) < 0.95
