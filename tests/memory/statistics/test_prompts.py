"""Which prompts saved most, and what was paid for again; each figure by hand from a small log."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from memory.statistics.calls import Calls
from memory.statistics.prompts import SHOWN, Prompts, shortened
from store.tables import entries, labels

HOUR = 3600.0
HIT = {"cache_status": "hit", "tier": "exact", "prompt_tokens": 8, "completion_tokens": 2}
MISS = {"cache_status": "miss", "reason": "no_entry", "prompt_tokens": 8, "completion_tokens": 2, "policy": "default"}


@pytest.fixture
def prompts(database):
    return Prompts(database)


@pytest.fixture
def store(database):
    """Put rows into a table, with what else it needs."""

    def put(table, **values):
        database.transact(lambda connection: connection.execute(sa.insert(table).values(**values)))

    return put


def entry_row(id, prompt):
    return {
        "id": id,
        "exact_key": id,
        "partition": "p",
        "namespace": "default",
        "status": "active",
        "alpha": 9.0,
        "beta": 1.0,
        "created_at": 0.0,
        "expires_at": 1.0,
        "prompt": prompt,
        "answer": "{}",
    }


def label_row(id, interaction_id, **changes):
    values = {
        "id": id,
        "at": time.time(),
        "namespace": "default",
        "verifier": "v",
        "embedder": "e",
        "prompt_key": "k",
        "entry_key": "ent_1",
        "entry_id": "ent_1",
        "similarity": 0.9,
        "score": 0.8,
        "signals": "[0.0]",
        "correct": 1,
        "source": "miss",
        "method": "meaning",
        "propensity": 1.0,
        "interaction_id": interaction_id,
        "prompt": "new",
        "stored_prompt": "stored",
    }
    return values | changes


def test_what_saved_most_comes_first_with_the_stored_prompt(prompts, record, store):
    store(entries, **entry_row("ent_1", "How do I reset my password?"))
    record(
        {**HIT, "entry_id": "ent_1", "cost_saved": 0.5, "prompt": "How can I reset it?", "tier": "semantic"},
        {**HIT, "entry_id": "ent_1", "cost_saved": 0.25},
        {**HIT, "entry_id": "ent_gone", "cost_saved": 0.1, "prompt": "Asked, and its entry is gone"},
        {**HIT, "entry_id": "ent_old", "cost_saved": 9.0, "created_at": "2020-01-01 00:00:00"},
        {**MISS, "entry_id": "ent_1", "cost": 5.0},
    )
    assert prompts.saved(Calls(HOUR), 10) == [
        {
            "prompt": "How do I reset my password?",
            "entry_id": "ent_1",
            "hits": 2,
            "semantic_hits": 1,
            "tokens_saved": 20,
            "cost_saved_usd": 0.75,
        },
        {
            "prompt": "Asked, and its entry is gone",
            "entry_id": "ent_gone",
            "hits": 1,
            "semantic_hits": 0,
            "tokens_saved": 10,
            "cost_saved_usd": 0.1,
        },
    ]
    assert len(prompts.saved(Calls(HOUR), 1)) == 1, "as many as asked for"


def test_where_no_price_is_known_tokens_decide(prompts, record):
    record({**HIT, "entry_id": "a"}, *[{**HIT, "entry_id": "b"}] * 2)
    assert [row["entry_id"] for row in prompts.saved(Calls(HOUR), 10)] == ["b", "a"]


def test_equal_calls_forwarded_again_are_listed_by_what_the_repeats_cost(prompts, record):
    ids = record(
        *[{**MISS, "input_hash": "x", "cost": 1.0, "prompt": "Dear"}] * 2,
        {**MISS, "input_hash": "x", "cost": 1.0, "prompt": "Dear", "cache_status": "bypass", "reason": "volatile"},
        *[{**MISS, "input_hash": "y", "cost": 0.1, "prompt": "Cheap"}] * 3,
        {**MISS, "input_hash": "once", "cost": 50.0},
        {**MISS, "input_hash": "failed", "cost": 9.0, "success": False},
        {**MISS, "input_hash": "failed", "cost": 9.0, "success": False},
        *[{**HIT, "input_hash": "hit", "cost_saved": 9.0}] * 2,
    )
    dear, cheap = prompts.repeated(Calls(HOUR), 10)
    assert dear == {
        "prompt": "Dear",
        "calls": 3,
        "tokens": 30,
        "cost_usd": 3.0,
        "cost_repeated_usd": 2.0,
        "why": {"no_entry": 2, "volatile": 1},
        "interaction_id": ids[2],
    }
    assert (cheap["prompt"], cheap["calls"]) == ("Cheap", 3)


def test_misses_whose_nearest_stored_answer_was_right(prompts, record, store):
    first, second, wrong = record({**MISS, "cost": 0.5}, {**MISS, "cost": 0.25}, {**MISS, "cost": 9.0})
    store(labels, **label_row("l1", first, score=0.7))
    store(labels, **label_row("l2", second, score=0.8))
    store(labels, **label_row("l3", wrong, correct=0, entry_id="ent_2"))
    (found,) = prompts.nearly_repeated(Calls(HOUR), 10)
    assert found == {
        "prompt": "stored",
        "entry_id": "ent_1",
        "calls": 2,
        "tokens": 20,
        "cost_usd": 0.75,
        "best_score": 0.8,
        "interaction_id": second,
    }
    assert prompts.nearly_repeated(Calls(HOUR, "other"), 10) == [], "another namespace's"


def test_forwarded_calls_by_reason_show_which_class_costs_most(prompts, record):
    volatile = {**MISS, "cache_status": "bypass", "reason": "volatile", "cost": 1.0}
    record(
        *[{**volatile, "input_hash": "x"}] * 3,
        {**volatile, "input_hash": "y"},
        *[{**MISS, "input_hash": "z", "cost": 0.5}] * 2,
        {**HIT, "input_hash": "z"},
    )
    costly, cheap = prompts.reasons(Calls(HOUR))
    assert costly == {
        "policy": "default",
        "cache_status": "bypass",
        "reason": "volatile",
        "calls": 4,
        "repeats": 2,
        "cost_usd": 4.0,
        "cost_repeated_usd": 2.0,
        "repeat_share": 0.5,
    }
    assert (cheap["reason"], cheap["calls"], cheap["repeats"]) == ("no_entry", 2, 1)


def test_the_same_text_under_other_keys_is_counted(prompts, record):
    record(
        *({**MISS, "prompt": "Same", "input_hash": f"k{number}"} for number in range(4)),
        *[{**MISS, "prompt": "Equal", "input_hash": "e"}] * 3,
        {**MISS, "prompt": "Same", "input_hash": "k9", "reason": "guard"},
    )
    assert prompts.rekeyed(Calls(HOUR)) == {"calls": 5, "rekeyed": 3}


def test_an_empty_log_lists_nothing(prompts):
    calls = Calls(HOUR)
    assert prompts.saved(calls, 5) == prompts.repeated(calls, 5) == prompts.nearly_repeated(calls, 5) == []
    assert prompts.reasons(calls) == []
    assert prompts.rekeyed(calls) == {"calls": 0, "rekeyed": 0}


@pytest.mark.parametrize(
    ("given", "shown"),
    [(None, ""), ("  a\n b ", "a b"), ("x" * SHOWN, "x" * SHOWN), ("x" * 201, "x" * 199 + "…")],
)
def test_a_prompt_is_shown_on_one_line_of_so_many_characters(given, shown):
    assert shortened(given) == shown
