"""Configured policies, as the cache meets them."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from cache.policy import BOTH, Decay, Policy, is_no_looser
from proxy.config import PRESETS, CacheSettings
from proxy.policy.policies import REMEMBERED, Chosen, Policies, Traits, Unit, build_policies, error_budgets


def build(**cache):
    return build_policies(CacheSettings.model_validate(cache)).named


def test_the_default_policy_is_the_caches_own():
    policy = build()["default"]
    assert policy == Policy(classes=policy.classes), "configuration and cache have the same defaults"
    assert policy.classes == Policy().classes, "those of the classes too"


GIVEN = {
    "tiers": ["exact"],
    "audit_rate": 0.5,
    "shadow": True,
    "similarity_threshold": 0.5,
    "deletion_gain": 0.3,
    "verified": 7,
    "min_quality": 0.1,
    "ttl": "1m",
    "max_age": "30s",
    "serve_stale_for": "10s",
    "negative_ttl": "5s",
    "max_entries": 10,
    "max_bytes": "1MB",
    "decay": {"floor": 0.2, "window": "1h", "shape": "step"},
    "max_temperature": 0.3,
    "candidates": 7,
    "max_candidates": 9,
    "store_tool_calls": "never",
    "match_history": "meaning",
    "memory": "read",
    "streams": {"serve": False, "store": False},
    "guards": {"modal": False, "numbers": True},
    "headers": ["tags"],
    "allow_loosening": True,
    "classes": {"creative": ["exact", "semantic"]},
}


def test_every_setting_of_a_policy_reaches_the_cache():
    policy = build(policies={"mine": GIVEN})["mine"]
    assert (policy.name, policy.tiers, policy.similarity_threshold) == ("mine", frozenset({"exact"}), 0.5), "who, where"
    assert (policy.audit_rate, policy.shadow) == (0.5, True), "audits, shadow"
    assert build(policies={"mine": {"max_error_rate": 0.05}})["mine"].max_error_rate == 0.05, "budget"
    assert (policy.verified, policy.deletion_gain) == (7, 0.3), "how many are asked about, what is refused"
    assert (policy.min_quality, policy.ttl, policy.decay) == (0.1, 60.0, Decay(0.2, 3600.0, "step")), "quality, age"
    assert (policy.max_age, policy.serve_stale_for, policy.negative_ttl) == (30.0, 10.0, 5.0), "more of age"
    assert (policy.max_entries, policy.max_bytes) == (10, 2**20), "how much is kept"
    assert (policy.guards_off, policy.match_history) == (frozenset({"modal"}), "meaning"), "what is compared"
    assert (policy.serve_streams, policy.store_streams) == (False, False), "streams"
    assert policy.memory == "read", "what memory does"
    assert policy.headers == frozenset({"tags"}), "what callers may ask for"
    assert (policy.max_temperature, policy.candidates, policy.max_candidates) == (0.3, 7, 9), "what is looked at"
    assert (policy.store_tool_calls, policy.allow_loosening) == ("never", True), "what is let"
    assert (policy.classes["creative"], policy.classes["random"]) == (BOTH, frozenset()), "classes given and left out"


def test_no_setting_of_a_policy_is_left_to_its_default():
    policy, default = build(policies={"mine": GIVEN})["mine"], Policy()
    # A fixed threshold stands in place of the budget.
    asked_by_calls = {"min_similarity", "store_ttl", "max_error_rate"}
    same = {
        field.name
        for field in dataclasses.fields(Policy)
        if getattr(policy, field.name) == getattr(default, field.name)
    }
    assert same == asked_by_calls, "every knob of the cache is in the configuration, but for those of single calls"


def test_there_is_always_a_default_policy():
    assert build(policies={"mine": {}})["default"].name == "default", "calls that no route matches need one"


def test_a_fixed_threshold_is_there_only_where_it_is_configured():
    policies = build(policies={"fixed": {"similarity_threshold": 0.8}, "learned": {}})
    assert policies["fixed"].similarity_threshold == 0.8, "as configured"
    assert policies["learned"].similarity_threshold is None, "the verifier decides"


@pytest.mark.parametrize("zero", [0, 0.0])
def test_a_threshold_of_zero_is_a_threshold(zero):
    policy = build(policies={"default": {"similarity_threshold": zero}})["default"]
    assert policy.similarity_threshold == 0.0, "none is another thing"


# Presets


@pytest.mark.parametrize(
    ("name", "budget", "quality", "hours"),
    [("conservative", 0.005, 0.90, 12), ("balanced", 0.01, 0.70, 24), ("aggressive", 0.03, 0.70, 168)],
)
def test_presets_are_there_without_being_declared(name, budget, quality, hours):
    policy = build()[name]
    assert (policy.name, policy.max_error_rate, policy.min_quality) == (name, budget, quality), "as promised"
    assert policy.ttl == hours * 3600.0, "its age"


NEW = 9.0 / (9.0 + 1.0)
"""The quality of an answer that nothing is known of."""


@pytest.mark.parametrize("name", PRESETS)
def test_a_new_answer_is_served_for_the_whole_time_that_a_preset_names(name):
    policy = build()[name]
    assert NEW * policy.decay.at(policy.ttl - 1) >= policy.min_quality, "the floor does not end it before"


def test_the_default_policy_is_balanced_by_another_name():
    policies = build()
    assert dataclasses.replace(policies["balanced"], name="default") == policies["default"]


def test_presets_grow_looser_so_that_a_caller_may_ask_for_a_stricter_one():
    policies = build()
    line = [policies[name] for name in ("conservative", "balanced", "aggressive")]
    for strict, loose in itertools.pairwise(line):
        assert is_no_looser(strict, loose), f"{strict.name} may be named under {loose.name}"
        assert not is_no_looser(loose, strict), f"{loose.name} may not be named under {strict.name}"


# Which policy a call meets

UNIT = Unit("ses_1")
CALL = Traits("gpt-4o", "team-a", tags=("exam",))


def policies_of(*routes):
    return build_policies(CacheSettings.model_validate({"routes": list(routes)}))


def test_without_routes_every_call_meets_the_default_policy():
    policies = policies_of()
    assert policies.choose(CALL, UNIT) == Chosen(policies.named["default"], None)


def test_a_call_meets_the_policy_of_its_route_and_is_told_its_name():
    policies = policies_of(
        {"match": {"tag": "exam"}, "policy": "conservative"}, {"policy": "aggressive", "name": "rest"}
    )
    assert policies.choose(CALL, UNIT) == Chosen(policies.named["conservative"], "route-1"), "the first that matches"
    other = dataclasses.replace(CALL, tags=())
    assert policies.choose(other, UNIT) == Chosen(policies.named["aggressive"], "rest"), "any other call"


def test_a_choice_is_made_once_for_all_calls_that_routes_cannot_tell_apart():
    policies = policies_of({"match": {"model": "gpt-*", "header": {"X-Job": "a"}}, "policy": "aggressive"})
    first = policies.choose(dataclasses.replace(CALL, headers={"x-job": "a"}), UNIT)
    again = policies.choose(dataclasses.replace(CALL, headers={"x-job": "a", "x-else": "b"}, tags=("z",)), UNIT)
    assert first is again, "neither tags nor other headers are looked at"
    assert policies.choose(dataclasses.replace(CALL, headers={"x-job": "b"}), UNIT).route is None, "another value"
    assert policies.choose(CALL, UNIT).route is None, "no such header"


def test_what_is_remembered_stays_bounded_whatever_callers_name():
    policies = policies_of({"match": {"project": "p*"}, "policy": "aggressive"})
    for number in range(REMEMBERED + 10):
        policies.choose(dataclasses.replace(CALL, project=f"p{number}"), UNIT)
    assert len(policies._remembered) <= REMEMBERED


def test_a_trial_has_the_last_word_on_the_choice():
    named = build()

    class Always:
        def assign(self, chosen, traits, unit):
            return dataclasses.replace(chosen, policy=named["aggressive"], experiment="x", arm=unit.session)

    chosen = Policies(named, trial=Always()).choose(CALL, UNIT)
    assert (chosen.policy.name, chosen.experiment, chosen.arm) == ("aggressive", "x", "ses_1")


def test_budgets_that_calls_will_meet_are_those_the_configuration_names():
    def budgets(**cache):
        return error_budgets(CacheSettings.model_validate(cache))

    assert budgets() == [0.01], "the default policy's"
    assert budgets(policies={"default": {"extends": "aggressive"}, "mine": {"max_error_rate": 0.2}}) == [0.03, 0.2]
    assert budgets(routes=[{"match": {"tag": "a"}, "policy": "conservative"}]) == [0.005, 0.01], "a preset by a route"
    assert budgets(policies={"aggressive": {"ttl": "1h"}}) == [0.01, 0.03], "a preset that is redefined"
    arms = {"a": {"policy": "balanced", "weight": 50}, "b": {"policy": "aggressive", "weight": 50}}
    assert budgets(experiments=[{"name": "bold", "arms": arms}]) == [0.01, 0.03], "an arm's"
