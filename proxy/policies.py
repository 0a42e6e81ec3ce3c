"""Configured policies, as the cache meets them."""

from __future__ import annotations

from collections.abc import Mapping

from cache.policy import Decay, Policy
from proxy.config import CacheSettings, PolicySettings


def build_policies(cache: CacheSettings) -> Mapping[str, Policy]:
    """Every named policy."""
    return {name: _policy(name, given) for name, given in cache.policies.items()}


def _policy(name: str, given: PolicySettings) -> Policy:
    return Policy(
        name=name,
        tiers=frozenset(given.tiers),
        max_error_rate=given.max_error_rate,
        similarity_threshold=given.similarity_threshold,
        audit_rate=given.audit_rate,
        shadow=given.shadow,
        deletion_gain=given.deletion_gain,
        verified=given.verified,
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
