"""The decision: may one of these stored answers be served for this call? Pure; a value with a reason.

The reason feeds headers, metrics, the log and the tests alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cache import guards
from cache.policy import Policy, Tier
from store.entries import Entry


class Reason(StrEnum):
    """Why a call was a hit, a miss or a bypass. Bypasses by class carry the class's name instead."""

    EXACT = "exact_match"
    SIMILAR = "similar"

    NO_ENTRY = "no_entry"
    NOTHING_SIMILAR = "nothing_similar"
    BELOW_THRESHOLD = "below_threshold"
    GUARD = "guard"
    EXPIRED = "expired"
    TOO_OLD = "too_old"
    LOW_QUALITY = "low_quality"
    NOT_ACTIVE = "not_active"
    TOOL_CALLS = "tool_calls"
    EXACT_ONLY = "exact_only"
    BEYOND_WINDOW = "beyond_window"
    UNCALIBRATED = "uncalibrated_embedder"
    REFRESH = "no_cache_asked"
    IN_FLIGHT = "in_flight"
    """Only memory has been looked at: an identical call is in flight, or a search is still to come."""
    TIER_FAILED = "tier_failed"

    DISABLED = "cache_disabled"
    NO_TIER = "no_tier_in_policy"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored answer that might serve, and how near its prompt is (cosine, 1.0 in the exact tier)."""

    entry: Entry
    similarity: float
    tier: Tier


@dataclass(frozen=True, slots=True)
class Hit:
    """Serve this entry."""

    entry: Entry
    tier: Tier
    similarity: float
    reason: str


@dataclass(frozen=True, slots=True)
class Miss:
    """Forward; the answer may be stored."""

    reason: str
    similarity: float | None = None
    """Of the nearest candidate, where there was one."""
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Bypass:
    """Forward; no tier was asked."""

    reason: str


Decision = Hit | Miss | Bypass


def decide(text: str | None, candidates: Sequence[Candidate], policy: Policy, now: float) -> Hit | Miss:
    """Admit what may be served, rank it by quality x similarity x decay, newest first on ties.

    Args:
        text: the new call's last user text; None where only exact candidates are given.
        candidates: nearest first.
        policy: with the caller's own controls applied.
        now: seconds since 1970.
    """
    refusals: dict[int, tuple[Reason, str | None]] = {}
    # Best first, so that the first one admitted is the best of the admitted and the rest need no look.
    for candidate in sorted(candidates, key=lambda one: (-rank(one, policy, now), -one.entry.created_at)):
        refusal = _refusal(text, candidate, policy, now)
        if refusal is None:
            reason = Reason.EXACT if candidate.tier == "exact" else Reason.SIMILAR
            return Hit(candidate.entry, candidate.tier, candidate.similarity, reason)
        refusals[id(candidate)] = refusal
    if not candidates:
        return Miss(Reason.NO_ENTRY)
    nearest = candidates[0]
    reason, detail = refusals[id(nearest)]
    return Miss(reason, nearest.similarity, detail)


def rank(candidate: Candidate, policy: Policy, now: float) -> float:
    """quality x similarity x decay. Orders the admitted; never lets one in."""
    return candidate.similarity * standing(candidate.entry, policy, now)


def standing(entry: Entry, policy: Policy, now: float) -> float:
    """quality x decay, in [0, 1]: what the quality floor is held against."""
    return entry.quality * policy.decay.at(now - entry.created_at)


def _refusal(text: str | None, candidate: Candidate, policy: Policy, now: float) -> tuple[Reason, str | None] | None:
    entry = candidate.entry
    if entry.status != "active":
        return Reason.NOT_ACTIVE, entry.status
    if now >= entry.expires_at or now - entry.created_at >= policy.ttl:
        return Reason.EXPIRED, None
    if policy.max_age is not None and now - entry.created_at > policy.max_age:
        return Reason.TOO_OLD, None
    if standing(entry, policy, now) < policy.min_quality:
        return Reason.LOW_QUALITY, None
    if entry.has_tool_calls and policy.store_tool_calls == "never":
        return Reason.TOOL_CALLS, None
    if candidate.tier == "semantic":
        return _semantic_refusal(text, candidate, policy)
    return None


def _semantic_refusal(text: str | None, candidate: Candidate, policy: Policy) -> tuple[Reason, str | None] | None:
    entry = candidate.entry
    if policy.similarity_threshold is None:
        return Reason.UNCALIBRATED, None
    # Not a number is not similar.
    if not candidate.similarity >= policy.similarity_threshold:
        return Reason.BELOW_THRESHOLD, None
    if entry.has_tool_calls and policy.store_tool_calls != "semantic":
        return Reason.TOOL_CALLS, None
    if text is None or entry.prompt is None:
        return Reason.EXACT_ONLY, None
    veto = guards.check(text, entry.prompt)
    return None if veto is None else (Reason.GUARD, f"{veto.guard}: {veto.words}")
