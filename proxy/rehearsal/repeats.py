"""What the log's exact repetitions say about lifetimes, classes and the quality floor. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cache.classes import classes_of
from cache.decision import Reason
from cache.policy import Policy
from proxy.rehearsal.log import Logged

HOUR: Final = 3600.0
LIFETIMES: Final = tuple(hours * HOUR for hours in (1, 3, 6, 12, 24, 48, 72, 168, 336, 720))
"""Lifetimes that are compared, seconds."""
PLENTY: Final = 0.95
"""Of the repeats that the longest lifetime would answer: a shorter one that answers so many is long enough."""
WORTH: Final = 1.05
"""A longer lifetime is worth naming where it answers so many times the repeats of the present one."""
FRESH_QUALITY: Final = 0.9
"""What a new answer's quality is, as a rule: see ``cache.answers.prior``."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What a lifetime would answer."""

    ttl: float
    """Seconds."""
    answered: int
    """Exact repeats that come within it."""
    best: int
    """Those that the longest lifetime which the log can tell of would answer."""


@dataclass(frozen=True, slots=True)
class ClassCost:
    """Calls that a class keeps from a tier, and how many of them were asked before."""

    name: str
    calls: int
    repeats: int


def suggested_ttl(calls: Sequence[Logged], policy: Policy) -> tuple[Lifetime, Lifetime] | None:
    """(the present lifetime, a better one); None where the log shows none better, or has no repeats.

    A lifetime longer than the log cannot be judged by it; one at whose end a new answer's quality x decay is below the
    policy's floor would be no lifetime.
    """
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for call in calls:
        times[call.namespace, call.exact_key].append(call.at)
    span = calls[-1].at - calls[0].at if calls else 0.0
    useful = [ttl for ttl in LIFETIMES if ttl <= max(span, HOUR) and _serves_until(ttl, policy)]
    known = {ttl: sum(_answered(at, ttl) for at in times.values()) for ttl in {*useful, policy.ttl}}
    best = max(known.values())
    if not useful or not best:
        return None
    now = Lifetime(policy.ttl, known[policy.ttl], best)
    shortest = min(ttl for ttl, answered in known.items() if answered >= PLENTY * best)
    longer = shortest > policy.ttl and known[shortest] >= WORTH * max(1, now.answered)
    # A log that is hardly longer than the lifetime says nothing about shorter ones.
    shorter = shortest < policy.ttl and span >= 2 * policy.ttl
    return (now, Lifetime(shortest, known[shortest], best)) if longer or shorter else None


def costly_classes(calls: Sequence[Logged], policy: Policy, most: int = 3) -> list[ClassCost]:
    """The classes that keep most repeated calls from the cache, the costliest first."""
    seen: set[tuple[str, str]] = set()
    barred: Counter[str] = Counter()
    repeats: Counter[str] = Counter()
    for call in calls:
        key = (call.namespace, call.exact_key)
        for name in classes_of(call.body, policy):
            if policy.classes.get(name, policy.tiers) < policy.tiers:
                barred[name] += 1
                repeats[name] += key in seen and not call.hit
        seen.add(key)
    costs = [ClassCost(name, barred[name], repeats[name]) for name in barred if repeats[name]]
    return sorted(costs, key=lambda cost: (-cost.repeats, cost.name))[:most]


def refused_for_quality(calls: Sequence[Logged]) -> int:
    """Calls that missed because the stored answer stood too low."""
    return sum(call.reason == Reason.LOW_QUALITY for call in calls)


def _answered(at: Sequence[float], ttl: float) -> int:
    """Repeats of one call that come while an answer to it lives; a hit does not extend its life."""
    answered, stored = 0, -math.inf
    for moment in at:
        if moment - stored < ttl:
            answered += 1
        else:
            stored = moment
    return answered


def _serves_until(age: float, policy: Policy) -> bool:
    return FRESH_QUALITY * policy.decay.at(age) >= policy.min_quality
