"""Configured policies, as the cache meets them."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from cache.policy import CALIBRATED, Decay, Policy
from proxy.config import CacheSettings, EmbedderSettings, PolicySettings

_log = structlog.get_logger(__name__)


def build_policies(cache: CacheSettings, embedder: EmbedderSettings) -> Mapping[str, Policy]:
    """Every named policy, its threshold filled in where the embedder has a calibrated one."""
    calibrated = None if embedder.api_base else CALIBRATED.get(embedder.model)
    policies = {name: _policy(name, given, calibrated) for name, given in cache.policies.items()}
    if cache.enabled:
        for name, policy in policies.items():
            if "semantic" in policy.tiers and policy.similarity_threshold is None:
                _log.warning(
                    "the embedder has no calibrated threshold: this policy serves nothing by meaning until"
                    " similarity_threshold is set",
                    embedder=embedder.model,
                    key=f"cache.policies.{name}.similarity_threshold",
                )
    return policies


def _policy(name: str, given: PolicySettings, calibrated: float | None) -> Policy:
    return Policy(
        name=name,
        tiers=frozenset(given.tiers),
        similarity_threshold=calibrated if given.similarity_threshold is None else given.similarity_threshold,
        min_quality=given.min_quality,
        ttl=given.ttl,
        decay=Decay(given.decay.floor, given.decay.window),
        max_temperature=given.max_temperature,
        candidates=given.candidates,
        max_candidates=given.max_candidates,
        store_tool_calls=given.store_tool_calls,
        allow_loosening=given.allow_loosening,
        classes={name: frozenset(tiers) for name, tiers in given.classes.items()},
    )
