"""What a rehearsal comes to: hit rates beside each other, how often hits are wrong, what is saved, what changed."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cache.budget import clopper_pearson
from cache.decision import Bypass, Hit
from proxy.rehearsal.log import Log, Logged
from proxy.rehearsal.run import Replayed
from proxy.rehearsal.truth import Truth, Verdict
from proxy.usage import response_text

TIERS: Final = ("exact", "semantic")
SHOWN_CHARS: Final = 600
"""Characters of an answer that a report shows."""

BLIND: Final = (
    "Of a logged hit it is not known what the upstream would have said: hits of calls that were answered by meaning"
    " count as unknown, unless labels or ratings tell. So the known ones are mostly those newly hit."
)
FROZEN: Final = "Cuts are those in force now; the rehearsal learns nothing, and starts with what was stored before."


@dataclass(frozen=True, slots=True)
class Judged:
    """A call that would have been answered from the cache, and whether rightly."""

    replayed: Replayed
    hit: Hit
    verdict: Verdict


def judge(replayed: Sequence[Replayed], truth: Truth, progress: Callable[[int, int], None]) -> list[Judged]:
    """Every hit with its verdict; what an embedder cannot tell is unknown."""
    hits = [(one, one.hit) for one in replayed if one.hit is not None]
    found = []
    for done, (one, hit) in enumerate(hits, 1):
        assert hit is not None
        found.append(Judged(one, hit, truth.verdict(one.logged, hit)))
        progress(done, len(hits))
    return found


def report(log: Log, replayed: Sequence[Replayed], judged: Sequence[Judged], worst: int) -> dict[str, Any]:
    """All of it, as JSON."""
    return {
        "calls": len(replayed),
        "left_out": log.left_out,
        "logged": _rates(len(replayed), Counter(one.logged.tier for one in replayed if one.logged.hit)),
        "replayed": _rates(len(replayed), Counter(one.hit.tier for one in replayed if one.hit)),
        "same_outcome": _same(replayed),
        "wrong": {tier: error_of([one for one in judged if one.hit.tier == tier]) for tier in TIERS},
        "saved": _saved(replayed),
        "changes": _changes(replayed),
        "worst": [_shown(one) for one in _worst(judged)[:worst]],
        "notes": [BLIND, FROZEN],
    }


def error_of(judged: Sequence[Judged]) -> dict[str, Any]:
    """Wrong answers per hit whose truth is known, with both one-sided 95 % bounds; how many hits are unknown."""
    told = [one.verdict.correct for one in judged if one.verdict.correct is not None]
    wrong = told.count(False)
    bounds = clopper_pearson(wrong, len(told))
    return {
        "hits": len(judged),
        "known": len(told),
        "wrong": wrong,
        "unknown": len(judged) - len(told),
        "error": round(wrong / len(told), 4) if told else None,
        "low": round(bounds.lower, 4) if told else None,
        "high": round(bounds.upper, 4) if told else None,
        "known_from": dict(Counter(one.verdict.source for one in judged)),
    }


def same_outcome(one: Replayed) -> bool:
    """Does the rehearsal answer the call from the tier that the log says?"""
    logged = one.logged
    if logged.collapsed or one.joined:
        # Calls that share a flight are a matter of milliseconds.
        return not logged.hit or one.hit is not None
    return _outcome(logged) == _outcome_of(one)


def _rates(calls: int, by_tier: Counter[str]) -> dict[str, Any]:
    hits = sum(by_tier.values())
    return {
        "hits": hits,
        "hit_rate": round(hits / calls, 4) if calls else 0.0,
        "tiers": {tier: {"hits": by_tier[tier], "hit_rate": round(by_tier[tier] / max(1, calls), 4)} for tier in TIERS},
    }


def _same(replayed: Sequence[Replayed]) -> dict[str, Any]:
    same = sum(map(same_outcome, replayed))
    return {"calls": same, "share": round(same / len(replayed), 4) if replayed else None}


def _outcome(logged: Logged) -> str:
    if logged.hit:
        return logged.tier
    return "bypass" if logged.status == "bypass" else "miss"


def _outcome_of(one: Replayed) -> str:
    if one.hit is not None:
        return one.hit.tier
    return "bypass" if isinstance(one.decision, Bypass) else "miss"


def _saved(replayed: Sequence[Replayed]) -> dict[str, Any]:
    """US dollars and milliseconds, logged and replayed.

    A call of the other outcome is taken to last as long as the median call that had it.
    """
    hits, misses = _median(replayed, True), _median(replayed, False)
    waited = [one.logged.latency for one in replayed if one.logged.latency is not None]
    now = [_waits(one, hits, misses) for one in replayed if one.logged.latency is not None]
    prices = [one for one in replayed if one.logged.cost is not None]
    spared_before = [one for one in prices if one.logged.hit or one.logged.collapsed]
    spared_now = [one for one in prices if one.hit is not None or one.joined]
    return {
        "cost_usd": {
            "logged": round(sum(one.logged.cost or 0.0 for one in spared_before), 6),
            "replayed": round(sum(one.logged.cost or 0.0 for one in spared_now), 6),
            "calls_without_price": len(replayed) - len(prices),
        },
        "mean_latency_ms": {
            "logged": round(statistics.fmean(waited), 2) if waited else None,
            "replayed": round(statistics.fmean(now), 2) if now else None,
        },
    }


def _median(replayed: Sequence[Replayed], hit: bool) -> float | None:
    known = [one.logged.latency for one in replayed if one.logged.hit is hit and one.logged.latency is not None]
    return statistics.median(known) if known else None


def _waits(one: Replayed, hits: float | None, misses: float | None) -> float:
    logged, hit = one.logged, one.hit is not None
    typical = hits if hit else misses
    return logged.latency or 0.0 if hit is logged.hit or typical is None else typical


def _changes(replayed: Sequence[Replayed]) -> dict[str, Any]:
    moved = [one for one in replayed if not same_outcome(one)]
    kinds = Counter(
        ((_outcome(one.logged), one.logged.reason), (_outcome_of(one), one.decision.reason)) for one in moved
    )
    return {
        "newly_hit": sum(one.hit is not None and not one.logged.hit for one in moved),
        "no_longer_hit": sum(one.hit is None and one.logged.hit for one in moved),
        "by_reason": [
            {
                "logged": {"outcome": before[0], "reason": before[1]},
                "replayed": {"outcome": after[0], "reason": str(after[1])},
                "calls": count,
            }
            for (before, after), count in kinds.most_common()
        ],
    }


def _worst(judged: Sequence[Judged]) -> list[Judged]:
    """Wrong hits, the clearest first, and of these the ones that the verifier was surest of."""
    wrong = [one for one in judged if one.verdict.correct is False]
    return sorted(wrong, key=lambda one: (-one.verdict.confidence, -_surety(one.hit), one.replayed.logged.id))


def _surety(hit: Hit) -> float:
    return hit.judged.score if hit.judged is not None else hit.similarity


def _shown(one: Judged) -> dict[str, Any]:
    logged, hit, verdict = one.replayed.logged, one.hit, one.verdict
    return {
        "interaction": logged.id,
        "tier": hit.tier,
        "prompt": logged.prompt,
        "stored_prompt": hit.entry.prompt,
        "served": response_text(hit.entry.answer)[:SHOWN_CHARS],
        "right": response_text(verdict.right)[:SHOWN_CHARS] if verdict.right is not None else None,
        "similarity": round(hit.similarity, 4),
        "score": round(hit.judged.score, 4) if hit.judged is not None else None,
        "known_from": verdict.source,
        "why": verdict.why,
        "was_hit": logged.hit,
    }
