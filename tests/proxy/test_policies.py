"""Configured policies, as the cache meets them."""

from __future__ import annotations

import dataclasses

import pytest

from cache.policy import BOTH, Decay, Policy
from proxy.config import CacheSettings
from proxy.policies import build_policies


def build(**cache):
    return build_policies(CacheSettings.model_validate(cache))


def test_the_default_policy_is_the_caches_own():
    policy = build()["default"]
    assert policy == Policy(classes=policy.classes), "configuration and cache have the same defaults"
    assert policy.classes == Policy().classes, "those of the classes too"


GIVEN = {
    "tiers": ["exact"],
    "max_error_rate": 0.05,
    "audit_rate": 0.5,
    "shadow": True,
    "similarity_threshold": 0.5,
    "deletion_gain": 0.3,
    "verified": 7,
    "min_quality": 0.1,
    "ttl": "1m",
    "decay": {"floor": 0.2, "window": "1h"},
    "max_temperature": 0.3,
    "candidates": 7,
    "max_candidates": 9,
    "store_tool_calls": "never",
    "allow_loosening": True,
    "classes": {"creative": ["exact", "semantic"]},
}


def test_every_setting_of_a_policy_reaches_the_cache():
    policy = build(policies={"mine": GIVEN})["mine"]
    assert (policy.name, policy.tiers, policy.similarity_threshold) == ("mine", frozenset({"exact"}), 0.5), "who, where"
    assert (policy.max_error_rate, policy.audit_rate, policy.shadow) == (0.05, 0.5, True), "budget, audits, shadow"
    assert (policy.verified, policy.deletion_gain) == (7, 0.3), "how many are asked about, what is refused"
    assert (policy.min_quality, policy.ttl, policy.decay) == (0.1, 60.0, Decay(0.2, 3600.0)), "quality and age"
    assert (policy.max_temperature, policy.candidates, policy.max_candidates) == (0.3, 7, 9), "what is looked at"
    assert (policy.store_tool_calls, policy.allow_loosening) == ("never", True), "what is let"
    assert (policy.classes["creative"], policy.classes["random"]) == (BOTH, frozenset()), "classes given and left out"


def test_no_setting_of_a_policy_is_left_to_its_default():
    policy, default = build(policies={"mine": GIVEN})["mine"], Policy()
    asked_by_calls = {"min_similarity", "store_ttl", "max_age"}
    same = {
        field.name
        for field in dataclasses.fields(Policy)
        if getattr(policy, field.name) == getattr(default, field.name)
    }
    assert same == asked_by_calls, "every knob of the cache is in the configuration, but for those of single calls"


def test_there_is_always_a_default_policy():
    assert set(build(policies={"mine": {}})) == {"mine", "default"}, "calls that name none need one"


def test_a_fixed_threshold_is_there_only_where_it_is_configured():
    policies = build(policies={"fixed": {"similarity_threshold": 0.8}, "learned": {}})
    assert policies["fixed"].similarity_threshold == 0.8, "as configured"
    assert policies["learned"].similarity_threshold is None, "the verifier decides"


@pytest.mark.parametrize("zero", [0, 0.0])
def test_a_threshold_of_zero_is_a_threshold(zero):
    policy = build(policies={"default": {"similarity_threshold": zero}})["default"]
    assert policy.similarity_threshold == 0.0, "none is another thing"
