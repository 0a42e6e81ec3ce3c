"""Recall of what may be reused at a given rate of wrong answers. Pure.

Served is what scores strictly above a cut, so that equal scores stand or fall together. The cut for a rate is the
smallest one at which no larger share of the pairs that must not be shared is served.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from benchmarks.decisions.scorers import Flags
from cache.verifier import Array

RATES = (0.005, 0.01, 0.02, 0.05)


def cut_at(scores: Array, same: Flags, rate: float) -> float:
    """The smallest cut with at most ``rate`` of the pairs that must not be shared scored strictly above it.

    Minus infinity where all that is not vetoed may be served; NaN without such pairs.
    """
    wrong = -np.sort(-scores[~same])
    if not len(wrong):
        return math.nan
    allowed = math.floor(rate * len(wrong) + 1e-9)
    return float(wrong[allowed]) if allowed < len(wrong) else -math.inf


def share_above(scores: Array, cut: float) -> float:
    """The share scored strictly above a cut; NaN of nothing, or for no cut."""
    return float(np.mean(scores > cut)) if len(scores) and not math.isnan(cut) else math.nan


def recall_at(scores: Array, same: Flags, rate: float) -> float:
    """The share of reusable pairs served at the cut for a rate, in [0, 1]; NaN where either kind is lacking."""
    return share_above(scores[same], cut_at(scores, same, rate))


def curve(scores: Array, same: Flags) -> tuple[Array, Array]:
    """(false hit rate, recall) at every cut that tells two scores apart, strict to loose."""
    cuts = np.unique(scores[np.isfinite(scores)])[::-1]
    cuts = np.append(cuts, -math.inf)
    return _above(scores[~same], cuts), _above(scores[same], cuts)


class Bin(NamedTuple):
    """One range of scores: how many pairs, their mean score, the share that may be reused."""

    low: float
    high: float
    pairs: int
    mean: float
    correct: float


def calibration(scores: Array, same: Flags, bins: int = 10) -> list[Bin]:
    """Scores in [0, 1] beside the share that is right, in equal ranges; vetoed and missing scores left out."""
    known = np.isfinite(scores)
    scores, same = scores[known], same[known]
    place = np.minimum((scores * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(np.count_nonzero(inside))
        mean, correct = (float(values[inside].mean()) if count else math.nan for values in (scores, same))
        found.append(Bin(number / bins, (number + 1) / bins, count, mean, correct))
    return found


def _above(scores: Array, cuts: Array) -> Array:
    ordered = np.sort(scores)
    return (len(ordered) - np.searchsorted(ordered, cuts, side="right")) / max(1, len(ordered))
