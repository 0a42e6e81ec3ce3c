"""How a tool fared: each figure is what a hand computes from the log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.tools.stats import tool_statistics

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
RUN = {"interaction_type": "tool", "tool_id": "t", "created_at": "2026-03-01 11:00:00"}


def hit_of(source, **fields):
    return {**RUN, "cache_status": "hit", "tier": "exact", "entry_id": source, **fields}


def figures(database, **wanted):
    return tool_statistics(database, **{"tool_id": "t", "hours": 24, "now": NOW} | wanted)


def test_a_tool_that_was_not_used_has_zeros_and_no_averages(database):
    assert figures(database) == {
        "tool_id": "t",
        "hours": 24,
        "since": "2026-02-28 12:00:00",
        "total_interactions": 0,
        "successes": 0,
        "failures": 0,
        "hits": 0,
        "runs": 0,
        "rated": 0,
        "success_rate": 0.0,
        "hit_rate": 0.0,
        "average_quality": None,
        "average_latency_ms": None,
        "average_run_ms": None,
        "average_hit_ms": None,
        "time_saved_ms": 0.0,
        "cost_usd": 0.0,
        "cost_saved_usd": 0.0,
    }


def test_every_figure_is_what_a_hand_computes(database, record):
    slow, quick, _ = record(
        {**RUN, "latency_ms": 1000.0, "cost": 0.5, "quality_score": 1.0},
        {**RUN, "latency_ms": 10.0, "quality_score": 0.5},
        {**RUN, "latency_ms": 400.0, "success": False, "error": "boom"},
    )
    record(
        hit_of(slow, latency_ms=4.0),
        hit_of(slow, latency_ms=6.0),
        # Slower than running it would have been: that saved nothing, and is no loss either.
        hit_of(quick, latency_ms=20.0),
        # Its run was forgotten.
        hit_of("int_gone", latency_ms=2.0),
        {**RUN, "tool_id": "other", "latency_ms": 5.0},
        {**RUN, "created_at": "2026-02-27 00:00:00", "latency_ms": 5.0},
    )
    found = figures(database)
    assert (found["total_interactions"], found["runs"], found["hits"]) == (7, 3, 4)
    assert (found["successes"], found["failures"]) == (6, 1)
    assert (found["success_rate"], found["hit_rate"]) == pytest.approx((6 / 7, 4 / 7), abs=1e-6)
    assert (found["average_quality"], found["rated"]) == (0.75, 2)
    assert found["average_latency_ms"] == pytest.approx(1442 / 7, abs=1e-6)
    assert (found["average_run_ms"], found["average_hit_ms"]) == (470.0, 8.0)
    assert found["time_saved_ms"] == 996.0 + 994.0
    assert (found["cost_usd"], found["cost_saved_usd"]) == (0.5, 1.0)


def test_a_hit_in_the_window_saved_what_a_run_before_it_had_taken(database, record):
    (source,) = record({**RUN, "created_at": "2026-02-20 00:00:00", "latency_ms": 100.0, "cost": 0.25})
    record(hit_of(source, latency_ms=1.0))
    found = figures(database)
    assert (found["runs"], found["hits"], found["hit_rate"]) == (0, 1, 1.0)
    assert (found["time_saved_ms"], found["cost_saved_usd"], found["cost_usd"]) == (99.0, 0.25, 0.0)


def test_another_namespaces_runs_count_only_where_nobody_narrows_them(database, record):
    (theirs,) = record({**RUN, "namespace": "theirs", "latency_ms": 100.0})
    record({**RUN, "namespace": "mine", "latency_ms": 10.0}, hit_of(theirs, namespace="mine", latency_ms=1.0))
    assert figures(database)["total_interactions"] == 3
    mine = figures(database, namespace="mine")
    assert (mine["total_interactions"], mine["runs"]) == (2, 1)
    assert mine["time_saved_ms"] == 0.0, "no other namespace's run can have been served"


def test_hours_narrow_the_window(database, record):
    record({**RUN, "created_at": "2026-03-01 11:30:00"}, {**RUN, "created_at": "2026-03-01 10:30:00"})
    assert figures(database, hours=1)["total_interactions"] == 1
    assert figures(database, hours=0.25)["total_interactions"] == 0
