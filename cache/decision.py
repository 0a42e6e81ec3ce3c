"""The decision: may one of these stored answers be served for this call? Pure; a value with a reason.

The reason feeds headers, metrics, the log and the tests alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

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
    BELOW_CUT = "below_cut"
    """The verifier is not sure enough for the error budget."""
    NO_CUT = "no_cut"
    """No cut keeps the error budget: nothing is served by meaning."""
    GUARD = "guard"
    POISONED = "poisoned"
    """The stored prompt carries something that the new one does not ask for."""
    JUDGED_WRONG = "judged_wrong"
    """This stored answer was once judged wrong for this very prompt."""
    AUDIT = "audit"
    """Would have been a hit; forwarded all the same, to measure the error of hits."""
    SHADOW = "shadow"
    """Would have been a hit; nothing is served by meaning here yet."""
    EXPIRED = "expired"
    TOO_OLD = "too_old"
    LOW_QUALITY = "low_quality"
    NOT_ACTIVE = "not_active"
    TOOL_CALLS = "tool_calls"
    EXACT_ONLY = "exact_only"
    BEYOND_WINDOW = "beyond_window"
    UNCALIBRATED = "uncalibrated"
    """No verifier: nothing says which neighbours are near enough."""
    REFRESH = "no_cache_asked"
    STREAM = "stream"
    """A stream was asked for, and policy serves none from the cache."""
    IN_FLIGHT = "in_flight"
    """Only memory has been looked at: an identical call is in flight, or a search is still to come."""
    TIER_FAILED = "tier_failed"
    NEGATIVE = "negative"
    """The upstream refused this very call a moment ago; its refusal is repeated."""

    DISABLED = "cache_disabled"
    NO_TIER = "no_tier_in_policy"


@dataclass(frozen=True, slots=True)
class Turn:
    """One user turn of the new call, and of the stored one in its place."""

    new: str
    stored: str
    similarity: float
    """Cosine."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored answer that might serve, and how near its prompt is (cosine, 1.0 in the exact tier)."""

    entry: Entry
    similarity: float
    tier: Tier
    judged_wrong: bool = False
    """Was this entry once judged wrong for this very prompt?"""
    turns: tuple[Turn, ...] = ()
    """Earlier user turns in other words: each must pass like the last one."""

    @property
    def weakest(self) -> float:
        """The least cosine of all turns that are not equal."""
        return min([self.similarity, *(turn.similarity for turn in self.turns)])


@dataclass(frozen=True, slots=True)
class Judged:
    """A semantic candidate that no guard objects to, and what the verifier makes of it.

    Whatever becomes of the call, a fresh answer to it can be compared with this entry's: that is a label.
    """

    entry: Entry
    similarity: float
    score: float
    """In [0, 1]: how surely the stored answer is right for the new prompt."""
    signals: tuple[float, ...]
    """What the score was mixed from."""
    verifier: str
    embedder: str
    """Ids of what scored it and of what the similarity comes from."""
    propensity: float = 1.0
    """With which probability a candidate in this place is compared with a fresh answer."""


class Admission(Protocol):
    """A verifier and the cut in force for a namespace and an error budget."""

    @property
    def cut(self) -> float | None:
        """Scores strictly above it are admitted; None: no cut keeps the budget."""
        ...

    def judge(self, text: str, candidate: Candidate) -> Judged:
        """Score one candidate. Raises ``VerifierError``."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """Serve this entry."""

    entry: Entry
    tier: Tier
    similarity: float
    reason: str
    judged: Judged | None = None
    """What a verifier made of it, where one was asked."""
    stale: bool = False
    """Is its time over? It is served all the same, within the policy's ``serve_stale_for``."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Forward; the answer may be stored."""

    reason: str
    similarity: float | None = None
    """Of the nearest candidate, where there was one."""
    detail: str | None = None
    judged: Judged | None = None
    """The candidate that came nearest to being served, where a verifier was asked."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """Forward; no tier was asked."""

    reason: str


Decision = Hit | Miss | Bypass


def decide(
    text: str | None, candidates: Sequence[Candidate], policy: Policy, now: float, admission: Admission | None = None
) -> Hit | Miss:
    """Admit what may be served, rank it by quality x similarity x decay, newest first on ties; stale answers last.

    Args:
        text: the new call's last user text; None where only exact candidates are given.
        candidates: nearest first.
        policy: with the caller's own controls applied.
        now: seconds since 1970.
        admission: judges semantic candidates; None where the policy has a fixed threshold.

    Raises:
        VerifierError: a candidate could not be judged.
    """
    refusals: dict[int, tuple[Reason, str | None]] = {}
    judged: list[Judged] = []
    # Best first, so that the first one admitted is the best of the admitted and the rest need no look.
    for candidate in sorted(candidates, key=lambda one: _order(one, policy, now)):
        refusal = _refusal(text, candidate, policy, now)
        if refusal is None and candidate.tier == "semantic" and policy.similarity_threshold is None:
            refusal = _verify(text, candidate, policy, admission, judged)
        if refusal is None:
            reason = Reason.EXACT if candidate.tier == "exact" else Reason.SIMILAR
            verdict = judged[-1] if judged else None
            stale = lateness(candidate.entry, policy, now) >= 0
            return Hit(candidate.entry, candidate.tier, candidate.similarity, reason, verdict, stale)
        refusals[id(candidate)] = refusal
    if not candidates:
        return Miss(Reason.NO_ENTRY)
    nearest = candidates[0]
    reason, detail = refusals[id(nearest)]
    best = max(judged, key=lambda one: one.score, default=None)
    return Miss(reason, nearest.similarity, detail, best)


def lateness(entry: Entry, policy: Policy, now: float) -> float:
    """Seconds since the entry's time was over, by its own expiry or the policy's ttl; negative while it is fresh."""
    return max(now - entry.expires_at, now - entry.created_at - policy.ttl)


def rank(candidate: Candidate, policy: Policy, now: float) -> float:
    """quality x similarity x decay. Orders the admitted; never lets one in."""
    return candidate.weakest * standing(candidate.entry, policy, now)


def standing(entry: Entry, policy: Policy, now: float) -> float:
    """quality x decay, in [0, 1]: what the quality floor is held against."""
    return entry.quality * policy.decay.at(now - entry.created_at)


def _order(candidate: Candidate, policy: Policy, now: float) -> tuple[bool, float, float]:
    stale = lateness(candidate.entry, policy, now) >= 0
    return stale, -rank(candidate, policy, now), -candidate.entry.created_at


def _refusal(text: str | None, candidate: Candidate, policy: Policy, now: float) -> tuple[Reason, str | None] | None:
    entry = candidate.entry
    if entry.status != "active":
        return Reason.NOT_ACTIVE, entry.status
    if lateness(entry, policy, now) >= policy.serve_stale_for:
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
    # Not a number is not similar.
    if not candidate.weakest >= max(policy.similarity_threshold or 0.0, policy.min_similarity):
        return Reason.BELOW_THRESHOLD, None
    if entry.has_tool_calls and policy.store_tool_calls != "semantic":
        return Reason.TOOL_CALLS, None
    if text is None or entry.prompt is None:
        return Reason.EXACT_ONLY, None
    if candidate.judged_wrong:
        return Reason.JUDGED_WRONG, None
    for new, stored in ((text, entry.prompt), *((turn.new, turn.stored) for turn in candidate.turns)):
        veto = guards.check(new, stored, policy.guards_off)
        if veto is not None:
            return Reason.GUARD, f"{veto.guard}: {veto.words}"
    return None


def _verify(
    text: str | None, candidate: Candidate, policy: Policy, admission: Admission | None, judged: list[Judged]
) -> tuple[Reason, str | None] | None:
    """Ask the verifier, for the best few only: each costs milliseconds."""
    if admission is None or text is None:
        return Reason.UNCALIBRATED, None
    if len(judged) >= policy.verified:
        return Reason.BELOW_CUT, None
    verdict = admission.judge(text, candidate)
    judged.append(verdict)
    if admission.cut is None:
        return Reason.NO_CUT, None
    # Not a number is not sure.
    return None if verdict.score > admission.cut else (Reason.BELOW_CUT, f"score {verdict.score:.3f}")
