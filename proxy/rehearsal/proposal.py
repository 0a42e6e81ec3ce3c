"""From a curve to a policy, with a sentence for each thing it says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cache.policy import Policy
from proxy.config import format_duration
from proxy.rehearsal.curve import Pick, Point
from proxy.rehearsal.log import Logged
from proxy.rehearsal.repeats import costly_classes, refused_for_quality, suggested_ttl

MORE: Final = 1.1
"""A fixed threshold watches over nothing: it is proposed only where it serves so many times the hits of a budget."""
NOTICEABLE: Final = 0.01
"""Share of calls from which something is worth a sentence."""


def proposal(
    calls: Sequence[Logged], policy: Policy, max_error: float, curve: Sequence[Point], picks: Sequence[Pick]
) -> dict[str, Any]:
    """``proposed``: settings to change, by name, None where the labels prove nothing; what they give; why."""
    reasons: list[str] = []
    best = _best(curve, picks)
    changes: dict[str, Any] | None = None
    predicted = None
    if best is not None:
        pick, found = best
        changes = _cut_changes(pick, max_error)
        predicted = _predicted(pick, found)
        reasons.append(_why(pick, found, max_error))
        reasons += _otherwise(pick, curve, picks)
        ttl = suggested_ttl(calls, policy)
        if ttl is not None:
            changes["ttl"] = format_duration(ttl[1].ttl)
    return {
        "proposed": changes,
        "predicted": predicted,
        "reasons": [*reasons, *_lifetimes(calls, policy), *_classes(calls, policy), *_quality(calls, policy)],
    }


def _best(curve: Sequence[Point], picks: Sequence[Pick]) -> tuple[Pick, Point] | None:
    """The pick that serves most; a threshold only where it serves clearly more."""
    known = {(one.kind, one.value): one for one in curve}
    found = {pick.kind: (pick, known[pick.kind, pick.value]) for pick in picks}
    by_score, by_similarity = found.get("score"), found.get("similarity")
    if by_score is None or by_similarity is None:
        return by_score or by_similarity
    clearly = by_similarity[1].by_meaning > MORE * by_score[1].by_meaning
    return by_similarity if clearly and by_similarity[0].held_out >= by_score[0].held_out else by_score


def _cut_changes(pick: Pick, max_error: float) -> dict[str, Any]:
    if pick.kind == "score":
        return {"max_error_rate": max_error}
    # Rounded up: a threshold looser than the proven one is not proven.
    return {"similarity_threshold": min(1.0, round(pick.value + 0.0005, 3))}


def _predicted(pick: Pick, found: Point) -> dict[str, Any]:
    rate, low, high = found.rates()
    return {
        "held_out": pick.held_out,
        "cut": round(pick.value, 6),
        "calls": found.calls,
        "hits": found.hits,
        "by_meaning": found.by_meaning,
        "hit_rate": round(rate, 4),
        "hit_rate_low": round(low, 4),
        "hit_rate_high": round(high, 4),
        "labels": found.labels,
        "wrong": found.wrong,
        "error": None if found.error is None else round(found.error, 5),
        "error_at_most": None if found.at_most is None else round(found.at_most, 5),
    }


def _why(pick: Pick, found: Point, max_error: float) -> str:
    what = f"a score above {pick.value:.3f}" if pick.kind == "score" else f"a similarity from {pick.value:.3f} on"
    part = "of the first part of the log" if pick.held_out else "(all of them together; the first part alone does not)"
    proven = f"The labels {part} prove {what} to be within {max_error:.2%}"
    if not found.labels:
        return f"{proven}; the rest has no label above it."
    return f"{proven}; on the rest, {found.wrong} of {found.labels} labels above it are wrong."


def _otherwise(pick: Pick, curve: Sequence[Point], picks: Sequence[Pick]) -> list[str]:
    other = next((one for one in picks if one.kind != pick.kind), None)
    if other is None:
        return []
    found = {
        one.kind: one for one in curve if (one.kind, one.value) in {(pick.kind, pick.value), (other.kind, other.value)}
    }
    ours, theirs = found[pick.kind].by_meaning, found[other.kind].by_meaning
    if pick.kind == "score":
        return [
            f"A fixed similarity_threshold of {other.value:.3f} is proven too and would serve {theirs} by meaning"
            f" instead of {ours}; it would not notice when traffic changes."
        ]
    return [
        f"An error budget would serve {theirs} by meaning instead of {ours}, but would notice when traffic changes."
    ]


def _lifetimes(calls: Sequence[Logged], policy: Policy) -> list[str]:
    found = suggested_ttl(calls, policy)
    if found is None:
        return []
    now, better = found
    return [
        f"ttl {format_duration(better.ttl)}: {better.answered} exact repeats come within it, {now.answered} within the"
        f" present {format_duration(now.ttl)}."
    ]


def _classes(calls: Sequence[Logged], policy: Policy) -> list[str]:
    return [
        f"Class {cost.name} keeps {cost.calls} calls from a tier; {cost.repeats} of them repeat an earlier call to the"
        " letter. Only you know whether such answers may be reused."
        for cost in costly_classes(calls, policy)
        if cost.repeats >= NOTICEABLE * len(calls)
    ]


def _quality(calls: Sequence[Logged], policy: Policy) -> list[str]:
    refused = refused_for_quality(calls)
    if refused < NOTICEABLE * len(calls) or not refused:
        return []
    return [
        f"min_quality {policy.min_quality:.2f} refused the stored answer of {refused} calls: a slower decay or a lower"
        " floor would serve them."
    ]
