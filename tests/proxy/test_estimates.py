"""Estimated errors with their intervals, beside the rates that they belong to."""

from __future__ import annotations

import pytest

from memory.statistics.audits import Checked
from proxy.insights.estimates import beside_rates, error_of_hits, estimate, with_errors


def found(right=0, wrong=0, source="audit", hour="2026-03-01 11", **groups):
    every = dict.fromkeys(("model", "client", "project", "policy", "arm"), "")
    return Checked(source, every | groups, hour, right, wrong)


@pytest.mark.parametrize(
    ("wrong", "n", "low", "high"),
    # Clopper and Pearson's two-sided bounds at 95 %, from published tables.
    [(0, 10, 0.0, 0.308497), (1, 10, 0.002529, 0.445016), (5, 10, 0.187086, 0.812914), (10, 10, 0.691503, 1.0)],
)
def test_the_interval_is_the_exact_one(wrong, n, low, high):
    made = estimate(wrong, n)
    assert (made["rate"], made["wrong"], made["checked"]) == (wrong / n, wrong, n)
    assert (made["low"], made["high"]) == pytest.approx((low, high), abs=1e-5)


def test_without_a_case_nothing_is_estimated_and_it_says_why():
    nothing = {"rate": None, "low": None, "high": None, "wrong": 0, "checked": 0, "note": "no audits yet"}
    assert estimate(0, 0) == nothing
    assert error_of_hits([]) == {"semantic_error": nothing, "feedback": {"right": 0, "wrong": 0}}


def test_what_people_said_stands_apart_from_audits():
    made = error_of_hits([found(3, 1), found(0, 5, "feedback"), found(2, 0, "review")])
    assert (made["semantic_error"]["wrong"], made["semantic_error"]["checked"]) == (1, 4), "audits alone"
    assert made["feedback"] == {"right": 2, "wrong": 5}


def test_each_group_has_the_error_of_its_own_audits():
    rows = {
        "model": [{"model": "a"}, {"model": "b"}],
        "session": [{"session": "s"}],
        "arm": [{"arm": "cuts/low"}],
    }
    summary = {"requests": 9, "tiers": {"exact": {"hits": 1}, "semantic": {"hits": 2}}, "by": rows}
    made = beside_rates(summary, [found(9, 1, model="a"), found(4, 0, model="b", arm="cuts/low")])
    assert made["tiers"]["semantic"]["semantic_error"]["checked"] == 14
    assert made["tiers"]["exact"] == {"hits": 1}, "equal calls are not audited"
    assert [row["semantic_error"]["rate"] for row in made["by"]["model"]] == [0.1, 0.0]
    assert made["by"]["arm"][0]["semantic_error"]["checked"] == 4
    assert made["by"]["session"] == [{"session": "s"}]
    assert "semantic_error" not in rows["model"][0], "what was given is left as it is"


def test_each_bucket_has_the_error_of_its_own_audits():
    buckets = [{"at": "2026-03-01"}, {"at": "2026-03-02"}]
    audits = [found(1, 1, hour="2026-03-01 11"), found(1, 0, hour="2026-03-01 23")]
    first, second = with_errors(buckets, audits, lambda hour: hour[:10])
    assert (first["semantic_error"]["wrong"], first["semantic_error"]["checked"]) == (1, 3)
    assert second["semantic_error"]["rate"] is None
