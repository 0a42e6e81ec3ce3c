"""Configured policies, as the cache meets them."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from cache.policy import BOTH, CALIBRATED, Decay, Policy
from proxy.config import CacheSettings, EmbedderSettings
from proxy.policies import build_policies

MINI = EmbedderSettings()
OTHER = EmbedderSettings(model="another-model")
REMOTE = EmbedderSettings(api_base="http://127.0.0.1:1/v1")


def build(embedder=MINI, **cache):
    return build_policies(CacheSettings.model_validate(cache), embedder)


def test_the_default_policy_is_the_caches_own_with_the_embedders_threshold():
    policy = build()["default"]
    assert policy == Policy(similarity_threshold=CALIBRATED["all-MiniLM-L6-v2"], classes=policy.classes)
    assert policy.classes == Policy().classes


def test_every_setting_of_a_policy_reaches_the_cache():
    given = {
        "tiers": ["exact"],
        "similarity_threshold": 0.5,
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
    policy = build(policies={"mine": given})["mine"]
    assert (policy.name, policy.tiers, policy.similarity_threshold) == ("mine", frozenset({"exact"}), 0.5)
    assert (policy.min_quality, policy.ttl, policy.decay) == (0.1, 60.0, Decay(0.2, 3600.0))
    assert (policy.max_temperature, policy.candidates, policy.max_candidates) == (0.3, 7, 9)
    assert (policy.store_tool_calls, policy.allow_loosening) == ("never", True)
    assert (policy.classes["creative"], policy.classes["random"]) == (BOTH, frozenset())


def test_there_is_always_a_default_policy():
    assert set(build(policies={"mine": {}})) == {"mine", "default"}


@pytest.mark.parametrize("embedder", [OTHER, REMOTE])
def test_an_embedder_without_a_calibrated_threshold_has_none_and_that_is_said(embedder):
    with capture_logs() as lines:
        policy = build(embedder)["default"]
    assert policy.similarity_threshold is None
    assert [line["key"] for line in lines] == ["cache.policies.default.similarity_threshold"]


@pytest.mark.parametrize("cache", [{"enabled": False}, {"policies": {"default": {"tiers": ["exact"]}}}])
def test_nothing_is_said_where_nothing_would_be_served_by_meaning_anyway(cache):
    with capture_logs() as lines:
        build(OTHER, **cache)
    assert lines == []


def test_a_threshold_of_ones_own_stands_for_any_embedder():
    given = {"default": {"similarity_threshold": 0.8}}
    with capture_logs() as lines:
        thresholds = [
            build(embedder, policies=given)["default"].similarity_threshold for embedder in (MINI, OTHER, REMOTE)
        ]
    assert (thresholds, lines) == ([0.8, 0.8, 0.8], [])


def test_a_threshold_of_zero_is_a_threshold():
    assert build(OTHER, policies={"default": {"similarity_threshold": 0}})["default"].similarity_threshold == 0.0
