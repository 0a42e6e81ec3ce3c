"""The log by hour and day: every bucket is there, the first one whole."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.statistics.calls import Calls
from memory.statistics.trend import MOST, TooManyBuckets, bucket_of, starts, trend

NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
HIT = {"cache_status": "hit", "tier": "exact", "cost_saved": 0.5, "latency_ms": 1.0}
MISS = {"cache_status": "miss", "cost": 2.0, "latency_ms": 100.0}


def at(text, **values):
    return {**values, "created_at": f"2026-{text}:00"}


def test_hours_without_a_call_are_zeros_and_the_first_hour_is_whole(database, record):
    record(
        at("03-01 08:59", **MISS),
        at("03-01 09:05", **MISS),
        at("03-01 11:00", **HIT),
        at("03-01 11:59", **{**HIT, "tier": "semantic", "cache_status": "stale", "latency_ms": 5.0}),
        at("03-01 11:30", **MISS),
        at("03-01 12:00", success=False, cache_status="miss", latency_ms=9000.0),
    )
    found = trend(database, Calls(3 * HOUR, now=NOW), "hour")
    assert [row["at"][11:16] for row in found] == ["09:00", "10:00", "11:00", "12:00"], "09:05 is before 09:30"
    assert [row["calls"] for row in found] == [1, 0, 3, 1]
    assert found[1] == {
        "at": "2026-03-01 10:00:00",
        "calls": 0,
        "hits": 0,
        "hit_rate": 0.0,
        "exact_hits": 0,
        "semantic_hits": 0,
        "stale_hits": 0,
        "failures": 0,
        "cost_saved_usd": 0.0,
        "cost_usd": 0.0,
        "latency_ms_p50": None,
    }
    assert found[2] == {
        "at": "2026-03-01 11:00:00",
        "calls": 3,
        "hits": 2,
        "hit_rate": 0.666667,
        "exact_hits": 1,
        "semantic_hits": 1,
        "stale_hits": 1,
        "failures": 0,
        "cost_saved_usd": 1.0,
        "cost_usd": 2.0,
        "latency_ms_p50": 5.0,
    }
    assert (found[3]["failures"], found[3]["latency_ms_p50"]) == (1, None), "a failure's time is no latency"


def test_days_cross_months_and_narrow_down(database, record):
    record(at("02-27 23:59", **HIT), at("02-28 00:00", **HIT, namespace="a"), at("03-01 00:00", **MISS, namespace="a"))
    calls = Calls(2 * DAY, now=NOW)
    assert [(row["at"][:10], row["calls"]) for row in trend(database, calls, "day")] == [
        ("2026-02-27", 1),
        ("2026-02-28", 1),
        ("2026-03-01", 1),
    ]
    assert [row["calls"] for row in trend(database, Calls(2 * DAY, "a", now=NOW), "day")] == [0, 1, 1]


def test_the_buckets_add_up_to_the_calls_of_the_window(database, record):
    record(*(at(f"03-01 {hour:02}:10", **MISS) for hour in range(13)))
    assert sum(row["calls"] for row in trend(database, Calls(DAY, now=NOW), "hour")) == 13


def test_a_trend_has_so_many_buckets_at_most():
    assert len(starts(Calls((MOST - 1) * HOUR, now=NOW), "hour")) == MOST
    with pytest.raises(TooManyBuckets, match="1001 hours"):
        starts(Calls(MOST * HOUR, now=NOW), "hour")


@pytest.mark.parametrize(("bucket", "start"), [("hour", "2026-03-01 11:00:00"), ("day", "2026-03-01 00:00:00")])
def test_an_hour_lies_in_its_bucket(bucket, start):
    assert bucket_of("2026-03-01 11", bucket) == start
