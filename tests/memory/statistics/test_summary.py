"""Figures over the log, each compared with what a hand computes from a small one."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
import sqlalchemy as sa

from memory.interactions import stamp
from memory.statistics.calls import Calls
from memory.statistics.summary import MOST_GROUPS, Statistics
from store.errors import DatabaseError

HOUR = 3600.0


@pytest.fixture
def statistics(database):
    return Statistics(database)


def ago(**delta):
    return stamp(datetime.now(UTC) - timedelta(**delta))


EXACT = {
    "cache_status": "hit",
    "tier": "exact",
    "reason": "exact_match",
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "cost_saved": 0.25,
    "model": "gpt-x",
    "client": "web",
    "session_id": "ses_1",
    "project": "atlas",
}
SEMANTIC = {**EXACT, "tier": "semantic", "reason": "similar", "latency_ms": 40.0, "session_id": "ses_2"}
MISS = {
    "cache_status": "miss",
    "tier": "upstream",
    "reason": "no_entry",
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "cost": 1.5,
    "model": "gpt-x",
    "client": "web",
    "session_id": "ses_1",
    "project": "atlas",
}
LOG = [
    {**EXACT, "latency_ms": 1.0},
    {**EXACT, "latency_ms": 3.0},
    {**EXACT, "latency_ms": 2.0},
    SEMANTIC,
    {**MISS, "latency_ms": 500.0},
    {**MISS, "latency_ms": 700.0, "reason": "below_threshold"},
    {**MISS, "latency_ms": 600.0, "collapsed": True, "cost": None, "cost_saved": 0.5, "tokens_estimated": True},
    # Failed: counted, but its time is no latency of a miss.
    {**MISS, "latency_ms": 30_000.0, "success": False, "cost": None, "prompt_tokens": None, "completion_tokens": None},
    {**MISS, "cache_status": "bypass", "reason": "volatile", "latency_ms": 400.0, "model": "gpt-y", "client": "cli"},
    {**MISS, "cache_status": "refresh", "reason": "no_cache_asked", "latency_ms": 800.0, "project": ""},
]
NOT_COUNTED = [
    {**EXACT, "interaction_type": "tool"},
    {**EXACT, "interaction_type": "command_check"},
    {**EXACT, "created_at": "2020-01-01 00:00:00"},
]


def test_every_figure_of_a_small_log_is_what_a_hand_computes(statistics, record):
    record(*LOG, *NOT_COUNTED)
    found = statistics.summary(Calls(HOUR))
    groups = found.pop("by")
    since = datetime.fromisoformat(found.pop("since")).replace(tzinfo=UTC)
    assert timedelta(0) <= datetime.now(UTC) - timedelta(hours=1) - since < timedelta(minutes=2)
    assert found == {
        "window_seconds": HOUR,
        "requests": 10,
        "failures": 1,
        "collapsed": 1,
        "hits": 4,
        "stale": 0,
        "hit_rate": 0.4,
        "tiers": {"exact": {"hits": 3, "hit_rate": 0.3}, "semantic": {"hits": 1, "hit_rate": 0.1}},
        "misses": {"count": 4, "reasons": {"no_entry": 3, "below_threshold": 1}},
        "bypasses": {"count": 1, "reasons": {"volatile": 1}},
        "refreshes": 1,
        "refreshes_behind": 0,
        "latency_ms": {
            "hit": {"p50": 2.0, "p95": 40.0},
            "exact_hit": {"p50": 2.0, "p95": 3.0},
            "semantic_hit": {"p50": 40.0, "p95": 40.0},
            "miss": {"p50": 600.0, "p95": 800.0},
        },
        "tokens": {"prompt": 500, "completion": 250, "saved": 60, "estimated_calls": 1},
        "cost_usd": {"spent": 6.0, "saved": 1.5},
    }
    assert groups["model"] == [
        {
            "model": "gpt-x",
            "requests": 9,
            "hits": 4,
            "semantic_hits": 1,
            "tokens_saved": 60,
            "cost_saved_usd": 1.5,
            "hit_rate": 0.444444,
            "semantic_hit_rate": 0.111111,
        },
        {
            "model": "gpt-y",
            "requests": 1,
            "hits": 0,
            "semantic_hits": 0,
            "tokens_saved": 0,
            "cost_saved_usd": 0.0,
            "hit_rate": 0.0,
            "semantic_hit_rate": 0.0,
        },
    ]
    assert [(row["client"], row["requests"]) for row in groups["client"]] == [("web", 9), ("cli", 1)]
    assert [(row["session"], row["requests"], row["hits"]) for row in groups["session"]] == [
        ("ses_1", 9, 3),
        ("ses_2", 1, 1),
    ]
    assert [(row["project"], row["requests"]) for row in groups["project"]] == [("atlas", 9), ("", 1)]


def test_an_empty_log_has_all_figures_and_they_are_nothing(statistics):
    found = statistics.summary(Calls(HOUR))
    del found["since"]
    nothing = {"p50": None, "p95": None}
    assert found == {
        "window_seconds": HOUR,
        "requests": 0,
        "failures": 0,
        "collapsed": 0,
        "hits": 0,
        "stale": 0,
        "hit_rate": 0.0,
        "tiers": {"exact": {"hits": 0, "hit_rate": 0.0}, "semantic": {"hits": 0, "hit_rate": 0.0}},
        "misses": {"count": 0, "reasons": {}},
        "bypasses": {"count": 0, "reasons": {}},
        "refreshes": 0,
        "refreshes_behind": 0,
        "latency_ms": {"hit": nothing, "exact_hit": nothing, "semantic_hit": nothing, "miss": nothing},
        "tokens": {"prompt": 0, "completion": 0, "saved": 0, "estimated_calls": 0},
        "cost_usd": {"spent": 0.0, "saved": 0.0},
        "by": {group: [] for group in ("model", "client", "session", "project", "policy", "arm")},
    }


def test_calls_that_name_no_tokens_or_prices_count_as_none(statistics, record):
    record({"cache_status": "hit", "tier": "exact"}, {"cache_status": "miss"})
    found = statistics.summary(Calls(HOUR))
    assert found["tokens"] == {"prompt": 0, "completion": 0, "saved": 0, "estimated_calls": 0}
    assert found["cost_usd"] == {"spent": 0.0, "saved": 0.0}
    assert found["latency_ms"]["hit"] == {"p50": None, "p95": None}
    assert found["misses"] == {"count": 1, "reasons": {"unknown": 1}}
    assert found["by"]["model"][0]["model"] == ""


def test_a_call_that_names_only_one_of_its_token_counts_saves_that_one(statistics, record):
    record({"cache_status": "hit", "prompt_tokens": 7}, {"cache_status": "hit", "completion_tokens": 2})
    assert statistics.summary(Calls(HOUR))["tokens"]["saved"] == 9


# ---- window and namespace


def test_the_window_ends_where_it_was_told(statistics, record):
    record(
        {**EXACT, "created_at": ago(minutes=10)},
        {**EXACT, "created_at": ago(minutes=50)},
        {**EXACT, "created_at": ago(minutes=70)},
        {**EXACT, "created_at": ago(days=10)},
    )
    windows = {
        minutes: statistics.summary(Calls(minutes * 60))["requests"] for minutes in (5, 30, 60, 120, 60 * 24 * 365)
    }
    assert windows == {5: 0, 30: 1, 60: 2, 120: 3, 60 * 24 * 365: 4}


def test_a_namespace_sees_its_own_calls_only(statistics, record):
    record(
        {**EXACT, "namespace": "acme", "latency_ms": 1.0},
        {**MISS, "namespace": "acme", "latency_ms": 9.0},
        {**SEMANTIC, "namespace": "other", "model": "secret"},
    )
    acme, other, nobody = (statistics.summary(Calls(HOUR, name)) for name in ("acme", "other", "nobody"))
    assert (acme["requests"], acme["hits"], acme["tiers"]["semantic"]["hits"]) == (2, 1, 0)
    assert acme["latency_ms"]["hit"] == {"p50": 1.0, "p95": 1.0}
    assert acme["misses"] == {"count": 1, "reasons": {"no_entry": 1}}
    assert [row["model"] for row in acme["by"]["model"]] == ["gpt-x"]
    assert [row["model"] for row in other["by"]["model"]] == ["secret"]
    assert nobody["requests"] == 0
    assert statistics.summary(Calls(HOUR))["requests"] == 3


@pytest.mark.parametrize("field", ["project", "model", "client"])
def test_calls_are_narrowed_down_by_a_field(statistics, record, field):
    record({**EXACT, field: "one"}, {**MISS, field: "one"}, {**MISS, field: "other"})
    found = statistics.summary(Calls(HOUR, **{field: "one"}))
    assert (found["requests"], found["hits"]) == (2, 1), f"only calls of this {field}"
    assert statistics.summary(Calls(HOUR, **{field: "none"}))["requests"] == 0


def test_a_session_is_looked_at_alone(statistics, record):
    record(EXACT, SEMANTIC, MISS)
    assert statistics.summary(Calls(HOUR, session="ses_1"))["requests"] == 2


# ---- answers past their expiry, and what refreshes them


def test_an_answer_past_its_expiry_is_a_hit_and_counted_apart(statistics, record):
    stale = {**EXACT, "cache_status": "stale", "latency_ms": 4.0}
    record({**EXACT, "latency_ms": 2.0}, stale, {**SEMANTIC, "cache_status": "stale"}, MISS)
    found = statistics.summary(Calls(HOUR))
    assert (found["hits"], found["stale"], found["hit_rate"]) == (3, 2, 0.75)
    assert (found["tiers"]["exact"]["hits"], found["tiers"]["semantic"]["hits"]) == (2, 1)
    assert found["latency_ms"]["hit"] == {"p50": 4.0, "p95": 40.0}
    assert found["by"]["model"][0]["hits"] == 3
    assert found["tokens"]["saved"] == 45, "they saved what a hit saves"


def test_a_refresh_behind_the_calls_costs_money_and_is_no_request(statistics, record):
    record(EXACT, {**MISS, "interaction_type": "refresh", "cost": 2.0, "latency_ms": 900.0})
    found = statistics.summary(Calls(HOUR))
    assert (found["requests"], found["refreshes_behind"], found["misses"]["count"]) == (1, 1, 0)
    assert found["cost_usd"]["spent"] == 2.0
    assert found["latency_ms"]["miss"] == {"p50": None, "p95": None}, "nobody waited for it"


# ---- quantiles


@pytest.mark.parametrize("n", [1, 2, 3, 10, 19, 20, 21, 100])
def test_quantiles_are_the_nearest_rank(statistics, record, n):
    values = [float(number * number) for number in range(n)]
    record(*({**EXACT, "latency_ms": value} for value in reversed(values)))
    found = statistics.summary(Calls(HOUR))["latency_ms"]["exact_hit"]
    for name, share in (("p50", Fraction(1, 2)), ("p95", Fraction(95, 100))):
        rank = math.ceil(n * share)
        assert found[name] == values[rank - 1]
        at_or_below = sum(value <= found[name] for value in values)
        assert Fraction(at_or_below, n) >= share


# ---- groups


def test_groups_are_listed_busiest_first_and_only_so_many(statistics, record):
    record(*({**EXACT, "model": f"m{number}"} for number in range(MOST_GROUPS + 10)), *[{**EXACT, "model": "busy"}] * 2)
    listed = statistics.summary(Calls(HOUR))["by"]["model"]
    assert len(listed) == MOST_GROUPS
    assert (listed[0]["model"], listed[0]["requests"]) == ("busy", 2)


def test_policies_and_arms_are_groups_and_calls_of_no_experiment_are_on_no_arm(statistics, record):
    arm = {"experiment": "cuts", "arm": "low"}
    record({**EXACT, "policy": "a"}, {**SEMANTIC, "policy": "b", **arm}, {**MISS, "policy": "b", **arm}, MISS)
    by = statistics.summary(Calls(HOUR))["by"]
    assert [(row["policy"], row["requests"]) for row in by["policy"]] == [("b", 2), ("", 1), ("a", 1)]
    assert [(row["arm"], row["requests"], row["semantic_hits"]) for row in by["arm"]] == [("cuts/low", 2, 1)]


def test_reasons_are_listed_most_frequent_first(statistics, record):
    record(*[{**MISS, "reason": "guard"}] * 3, {**MISS, "reason": "expired"}, *[{**MISS, "reason": "no_entry"}] * 2)
    misses = statistics.summary(Calls(HOUR))["misses"]
    assert list(misses["reasons"].items()) == [("guard", 3), ("no_entry", 2), ("expired", 1)]
    assert misses["count"] == 6


# ---- failures


def test_a_log_that_cannot_be_read_is_a_database_error(database, statistics):
    database.transact(lambda connection: connection.execute(sa.text("DROP TABLE interactions")))
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        statistics.summary(Calls(HOUR))
