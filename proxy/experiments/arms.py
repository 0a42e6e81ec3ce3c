"""Arms of an experiment side by side: hit rate, error, latency and cost, each with the interval it lies in. Pure.

Calls of one unit are alike, so a thousand calls of three users say less than a thousand of five hundred: intervals of
hit rate and cost are made from the spread between units. Those of error and latency treat calls as independent.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cache.budget import Array, beta_cdf, beta_quantile
from memory.statistics.trials import DRAWN, Unit, Verdicts

CONFIDENCE: Final = 0.95
PRIOR: Final = 0.5
"""Jeffreys's prior of a share: Beta(0.5, 0.5)."""
DRAWS: Final = 100_000
"""Of each posterior, for comparing arms."""
QUANTILES: Final = {"p50": 0.50, "p95": 0.95}

_SEED: Final = 7
_NORMAL: Final = 1.959964
"""97.5 % of a normal distribution lies below."""

Row = dict[str, Any]


def figures_of(units: Sequence[Unit], verdicts: Sequence[Verdicts]) -> Row:
    """One arm's figures but for latency. Shares in [0, 1], money in US dollars."""
    calls, hits = _column(units, "calls"), _column(units, "hits")
    n = int(calls.sum())
    return {
        "calls": n,
        "units": len(units),
        "failures": int(_column(units, "failures").sum()),
        "hits": int(hits.sum()),
        "exact_hits": int(_column(units, "exact").sum()),
        "semantic_hits": int(_column(units, "semantic").sum()),
        "hit_rate": _told(share_of(hits, calls)),
        "error": error_of(verdicts),
        "cost_usd": {
            name: {"total": round(float(_column(units, name).sum()), 6), "per_call": per_call(units, name)}
            for name in ("spent", "saved")
        },
    }


def share_of(parts: Array, wholes: Array) -> tuple[float, float]:
    """The posterior of a share over units, as the two parameters of its Beta distribution.

    The calls count as so many independent ones as would give the spread that is seen between units (design effect,
    Kish 1965; never more than there are). One unit alone counts as one call.
    """
    n = float(wholes.sum())
    if not n:
        return PRIOR, PRIOR
    share = float(parts.sum()) / n
    effective = n / _design_effect(parts, wholes, share) if len(wholes) > 1 else 1.0
    return PRIOR + share * effective, PRIOR + (1 - share) * effective


def _design_effect(parts: Array, wholes: Array, share: float) -> float:
    """Variance of the ratio over units, by that of as many independent calls; 1 at least."""
    units, n = len(wholes), float(wholes.sum())
    between = units / (units - 1) * float(((parts - share * wholes) ** 2).sum()) / n**2
    alone = share * (1 - share) / n
    return max(1.0, between / alone) if alone else 1.0


def error_of(verdicts: Sequence[Verdicts]) -> Row:
    """Wrong answers per semantic hit, from a sample of would-be hits where there is one.

    Each label of the sample stands for 1 / propensity hits. Feedback is chosen by those who give it: it is counted
    beside, and is the estimate only where there is nothing else; ``basis`` says which.
    """
    drawn = [one for one in verdicts if one.source in DRAWN]
    said = [one for one in verdicts if one.source not in DRAWN]
    basis = drawn or said
    weights = np.array([one.count / (one.propensity if drawn else 1.0) for one in basis])
    squares = np.array([one.count / (one.propensity if drawn else 1.0) ** 2 for one in basis])
    wrong = np.array([not one.correct for one in basis], bool)
    told: Row = {"rate": None, "low": None, "high": None}
    if basis:
        share = float(weights[wrong].sum() / weights.sum())
        effective = float(weights.sum() ** 2 / squares.sum())
        posterior = PRIOR + share * effective, PRIOR + (1 - share) * effective
        told = {**_told(posterior), "rate": round(share, 6)}
    return {
        **told,
        "basis": "audits" if drawn else "feedback" if said else None,
        "audits": _counted(drawn),
        "feedback": _counted(said),
    }


def per_call(units: Sequence[Unit], name: str) -> Row:
    """Mean per call, with the interval that the spread between units gives; None where one unit is all there is."""
    values, calls = _column(units, name), _column(units, "calls")
    n = float(calls.sum())
    if not n:
        return {"mean": None, "low": None, "high": None}
    mean = float(values.sum()) / n
    if len(units) < 2:
        return {"mean": round(mean, 9), "low": None, "high": None}
    variance = len(units) / (len(units) - 1) * float(((values - mean * calls) ** 2).sum()) / n**2
    width = _NORMAL * math.sqrt(variance)
    return {"mean": round(mean, 9), "low": round(max(0.0, mean - width), 9), "high": round(mean + width, 9)}


def ranks_of(n: int, share: float) -> tuple[int, int | None, int | None]:
    """Rank of a quantile among n values, from 1, and the ranks between which the true one lies.

    Distribution-free (order statistics; the number of values below the true quantile is binomial). None where so few
    values give no bound.
    """

    def below(k: int) -> float:
        """P(at most k of n values lie below the true quantile)."""
        return 1.0 if k >= n else beta_cdf(1 - share, n - k, k + 1)

    doubt = (1 - CONFIDENCE) / 2
    low = bisect.bisect_left(range(n + 1), doubt, key=below)
    high = bisect.bisect_left(range(n + 1), 1 - doubt, key=below) + 1
    return max(1, math.ceil(n * share)), low or None, high if high <= n else None


def latency_of(n: int, at: Callable[[Sequence[int]], Mapping[int, float]]) -> Row:
    """p50 and p95 in milliseconds, each with its interval; ``at`` gives values by rank."""
    if not n:
        return {name: {"value": None, "low": None, "high": None} for name in QUANTILES}
    wanted = {name: ranks_of(n, share) for name, share in QUANTILES.items()}
    values = at([rank for ranks in wanted.values() for rank in ranks if rank is not None])
    return {
        name: {
            key: None if rank is None else round(values[rank], 3)
            for key, rank in zip(("value", "low", "high"), ranks, strict=True)
        }
        for name, ranks in wanted.items()
    }


def compare(arms: Mapping[str, Sequence[Unit]]) -> list[Row]:
    """Each arm's hit rate against the first one's: the probability that it is higher, and by how much."""
    first, *others = arms
    # Seeded: the same log gives the same figures.
    random = np.random.default_rng(_SEED)
    drawn = {
        name: random.beta(*share_of(_column(units, "hits"), _column(units, "calls")), DRAWS)
        for name, units in arms.items()
    }
    told = []
    for name in others:
        more = drawn[name] - drawn[first]
        low, middle, high = map(float, np.quantile(more, [(1 - CONFIDENCE) / 2, 0.5, (1 + CONFIDENCE) / 2]))
        told.append(
            {
                "arm": name,
                "against": first,
                "higher_hit_rate": round(float(np.mean(more > 0)), 4),
                "difference": {"median": round(middle, 4), "low": round(low, 4), "high": round(high, 4)},
            }
        )
    return told


def _told(posterior: tuple[float, float]) -> Row:
    """Mean of the data and the equal-tailed credible interval."""
    a, b = posterior
    doubt = (1 - CONFIDENCE) / 2
    seen = a + b - 2 * PRIOR
    return {
        "rate": round((a - PRIOR) / seen, 6) if seen > 0 else None,
        "low": round(beta_quantile(doubt, a, b), 6) if seen > 0 else None,
        "high": round(beta_quantile(1 - doubt, a, b), 6) if seen > 0 else None,
    }


def _counted(verdicts: Sequence[Verdicts]) -> Row:
    return {
        "right": sum(one.count for one in verdicts if one.correct),
        "wrong": sum(one.count for one in verdicts if not one.correct),
    }


def _column(units: Sequence[Unit], name: str) -> Array:
    return np.array([getattr(unit, name) for unit in units], float)
