"""What to do next: each rule speaks where its figures call for it, and is silent elsewhere."""

from __future__ import annotations

import dataclasses

import pytest

from cache.policy import Policy
from proxy.insights.advice import MOST, Facts, advise, budgets_of, sentence
from proxy.insights.estimates import estimate

QUIET = Facts(
    summary={
        "requests": 1000,
        "refreshes": 0,
        "misses": {"reasons": {}},
        "by": {"policy": [{"policy": "default", "max_error_rate": 0.01, "semantic_hits": 10}]},
    },
    semantic={},
    reasons=[],
    rekeyed={"calls": 0, "rekeyed": 0},
    lines=[],
    errors={"patterns": []},
    policies={"default": Policy(), "fixed": Policy(name="fixed", similarity_threshold=0.95)},
)


def facts(**changes):
    return dataclasses.replace(QUIET, **changes)


def summary(**changes):
    return {**QUIET.summary, **changes}


def policy_row(name="default", hits=500, error=None):
    budget = None if name == "fixed" else 0.01
    return {"policy": name, "max_error_rate": budget, "semantic_hits": hits, "semantic_error": error or estimate(0, 0)}


def reason(reason, status="bypass", calls=312, repeats=125, policy="default", cost=0.0):
    return {
        "policy": policy,
        "cache_status": status,
        "reason": reason,
        "calls": calls,
        "repeats": repeats,
        "repeat_share": repeats / calls,
        "cost_usd": cost,
        "cost_repeated_usd": cost / 2,
    }


def standing(cut=0.9, alarm=None, shadow=False, source="learned"):
    return {
        "verifier": "pair-1",
        "labels": {},
        "0.01": {"cut": cut, "source": source, "shadow": shadow, "alarm": alarm, "labels_above": 3},
    }


def test_nothing_notable_needs_no_advice():
    assert advise(QUIET) == []


def test_an_empty_window_needs_no_advice():
    assert advise(facts(summary=summary(requests=0), semantic={"default": standing(None, "stopped")})) == []


def test_a_bypassed_class_that_repeats_itself_is_named_with_the_policy():
    (line,) = advise(facts(reasons=[reason("volatile", cost=4.0)]))
    assert line == (
        "312 calls were bypassed as volatile, 40% of them exact repeats ($2.00): allow the exact tier for class "
        "volatile in policy default if an answer of that age is fine (set a short ttl or max_age there)"
    )


@pytest.mark.parametrize("name", ["action", "own-data", "secrets", "random"])
def test_classes_that_endanger_come_with_a_caution(name):
    (line,) = advise(facts(reasons=[reason(name)]))
    assert " only " in line or "twice" in line


@pytest.mark.parametrize(
    "row",
    [
        reason("volatile", calls=312, repeats=10),
        reason("volatile", calls=10, repeats=4),
        reason("cache_disabled"),
        reason("volatile", policy="gone"),
        reason("no_entry", status="miss"),
    ],
)
def test_few_repeats_other_reasons_and_policies_that_are_gone_say_nothing(row):
    assert advise(facts(reasons=[row])) == []


def test_answers_that_run_out_ask_for_a_longer_ttl():
    (line,) = advise(facts(reasons=[reason("expired", "miss", calls=90, cost=1.5)]))
    assert line.startswith("90 misses found an answer that was too old ($1.50): a longer ttl (now 24h)")


def test_an_alarm_comes_first_and_namespaces_of_one_kind_share_a_line():
    alarmed = standing(None, "too many of the latest labelled hits were wrong", shadow=True)
    told = advise(facts(reasons=[reason("volatile")], semantic=dict.fromkeys("abcde", alarmed)))
    assert len(told) == 2
    assert told[0].startswith("a, b, c and 2 more: serving by meaning has stopped at max_error_rate 0.01: too many of")
    assert "labels prove a cut" in told[0], "it says how that ends"


def test_shadow_mode_says_how_to_leave_it():
    (line,) = advise(facts(semantic={"default": standing(None, shadow=True, source="none")}))
    assert "shadow mode" in line
    assert "similarity_threshold" in line


def test_a_cut_in_force_needs_no_line():
    assert advise(facts(semantic={"default": standing()})) == []
    assert sentence("0.01", standing()["0.01"]) == (
        "serving by meaning above 0.900 at max_error_rate 0.01, learned from this namespace's labels"
    )


def test_only_budgets_that_calls_met_are_told_of():
    both = standing() | {"0.03": standing()["0.01"]}
    assert list(budgets_of(both, QUIET.summary)) == ["0.01"]
    assert list(budgets_of(both, {"by": {"policy": []}})) == ["0.01", "0.03"], "none was met: all"


def test_more_errors_than_the_budget_allows_are_told_first():
    over = policy_row(error=estimate(20, 100))
    told = advise(facts(summary=summary(by={"policy": [over]}), reasons=[reason("volatile")]))
    assert told[0].startswith("audits found 20.0% [12.7%, 29.2%] of the semantic hits of policy default wrong, above")
    within = policy_row(error=estimate(1, 100))
    assert advise(facts(summary=summary(by={"policy": [within]}))) == [], "1 of 100 proves nothing"


def test_many_hits_without_an_audit_are_named():
    (line,) = advise(facts(summary=summary(by={"policy": [policy_row("fixed")]})))
    assert "policy fixed served 500 answers by meaning and none was audited" in line
    assert "a fixed threshold is never audited" in line
    assert advise(facts(summary=summary(by={"policy": [policy_row(hits=50)]}))) == [], "a few say nothing yet"


def near(added, error, scale="score", policy="default"):
    step = {"added_hits": added, "error": error, "says": f"lowering adds {added}"}
    return {"namespace": "team-a", "policy": policy, "scale": scale, "steps": [step]}


def test_near_misses_that_were_right_point_to_tune():
    (line,) = advise(facts(lines=[near(60, estimate(0, 50))]))
    assert line == "team-a: lowering adds 60: `reprise tune` says which max_error_rate (now 1.0%) admits them"
    (fixed,) = advise(facts(lines=[near(60, estimate(0, 50), "similarity", "fixed")]))
    assert fixed.endswith("lower similarity_threshold in policy fixed")


@pytest.mark.parametrize(
    "line",
    [
        near(60, estimate(20, 50)),
        near(60, estimate(0, 2)),
        near(3, estimate(0, 50)),
        near(60, estimate(0, 9), policy="x"),
    ],
)
def test_near_misses_that_were_wrong_unknown_or_few_say_nothing(line):
    assert advise(facts(lines=[line])) == []


def test_the_same_text_under_ever_new_keys_points_to_what_differs():
    (line,) = advise(facts(rekeyed={"calls": 100, "rekeyed": 60}))
    assert line.startswith("60 misses repeat the text of an earlier one")
    assert advise(facts(rekeyed={"calls": 1000, "rekeyed": 60})) == [], "some always do"


def test_refreshes_failures_and_a_broken_tier():
    pattern = {
        "type": "llm",
        "error": "upstream_refused",
        "status_code": 429,
        "count": 100,
        "pattern": "Rate limit",
        "example": "int_1",
    }
    told = advise(
        facts(
            summary=summary(refreshes=200, misses={"reasons": {"tier_failed": 3}}),
            errors={"patterns": [pattern]},
        )
    )
    assert [line.split(" calls")[0] for line in told] == ["3", "100", "200"], "what is broken before what is dear"
    assert '100 calls (10%) failed with status 429, "Rate limit": see interaction int_1' in told[1]
    gone = {**pattern, "error": "client_gone"}
    assert advise(facts(errors={"patterns": [gone]})) == [], "who leaves needs no help"


def test_there_are_five_lines_at_most():
    classes = ["volatile", "random", "action", "own-data", "secrets", "creative", "tool-loop"]
    assert len(advise(facts(reasons=[reason(name) for name in classes]))) == MOST == 5
