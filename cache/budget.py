"""The cut under an error budget: the loosest one that the labels prove to be within it. Pure.

A *label* says whether a stored answer was right for another prompt; its *score* is the verifier's. ``learn_cut``
tests cuts from strict to loose and keeps the loosest whose upper bound on the share of wrong answers among the
candidates scored strictly above it stays within the budget (fixed-sequence testing: Learn then Test, arXiv
2110.01052). As each test is made only when all stricter ones passed, the chance that any test passes wrongly is at most
1 - confidence, whatever the number of cuts.

That promise is one of a single calibration on exchangeable traffic. Calibrating again and again on the same labels
peeks, and traffic drifts: a cut is a decision to be watched (``cache.calibration``), not a proof for ever.
"""

from __future__ import annotations

import bisect
import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CONFIDENCE: Final = 0.95
BAND: Final = 50
"""Labels of one stratum of scores."""
GROWTH: Final = 1.1
"""Each cut tested has this many times the labels above the one before it."""
ALLOWED: Final = 0.25
"""The sequence starts at the strictest cut where so many budgets of wrong labels would pass: a start with fewer labels
fails by one unlucky label, one with more begins where errors are many."""
MOST_NOISE: Final = 0.5
"""Labels whose two error rates add up to more say too little to be used."""


class Bounds(NamedTuple):
    """Lower and upper confidence bound of a share, each one-sided, in [0, 1]."""

    lower: float
    upper: float


class LabelError(NamedTuple):
    """How often a label is itself mistaken.

    false_same: P(label says right | truly wrong). Give an upper bound: it hides wrong answers.
    false_different: P(label says wrong | truly right). Give a *lower* bound, 0 where nothing is known: it is
        subtracted from what is seen, so too high a figure would explain true errors away.
    """

    false_same: float = 0.0
    false_different: float = 0.0

    @property
    def usable(self) -> bool:
        """Do labels with these errors say enough to prove anything?"""
        return self.false_same + self.false_different <= MOST_NOISE

    def seen(self, share: float) -> float:
        """The share of labels that say wrong where this share truly is: e (1 - fs) + (1 - e) fd."""
        return share * (1 - self.false_same) + (1 - share) * self.false_different

    def true(self, seen: float) -> float:
        """The share truly wrong where this share of labels says so, in [0, 1]; the inverse of ``seen``."""
        share = (seen - self.false_different) / (1 - self.false_same - self.false_different)
        return min(1.0, max(0.0, share))


class Sample(NamedTuple):
    """Labelled candidates, one row each.

    scores: the verifier's, higher is surer; wrong: what the label says; propensity: the probability, in (0, 1], with
    which a candidate at this place got a label (1 for a miss and in shadow mode, the audit rate for an audited hit).
    """

    scores: Array
    wrong: Flags
    propensity: Array


class Cut(NamedTuple):
    """Serve what scores strictly above ``value``.

    bound: upper confidence bound of the share of wrong answers among that; labels, wrong: how many labels lie above
    it and how many of those say wrong; share: the estimate that the bound belongs to, the labels' own error taken out.
    """

    value: float
    bound: float
    labels: int
    wrong: int
    share: float


def clopper_pearson(wrong: float, n: float, confidence: float = CONFIDENCE) -> Bounds:
    """Clopper and Pearson's bounds for a binomial share (Biometrika 26, 1934), exact for whole numbers.

    ``wrong`` and ``n`` may be fractions, as effective counts are. No labels: (0, 1).
    """
    if not 0 <= wrong <= n:
        raise ValueError(f"{wrong} wrong of {n} is no share")
    doubt = 1 - confidence
    lower = 0.0 if wrong <= 0 else beta_quantile(doubt, wrong, n - wrong + 1)
    upper = 1.0 if wrong >= n else beta_quantile(confidence, wrong + 1, n - wrong)
    return Bounds(lower, upper)


def learn_cut(
    sample: Sample, max_error_rate: float, confidence: float = CONFIDENCE, error: LabelError | None = None
) -> Cut | None:
    """The loosest cut proven to be within the budget, or None: no such cut, no semantic hit.

    Labels come at different rates (audits are a sample of the hits, misses are all labelled), so a plain share of
    the labels would be that of the misses. Each label therefore stands for the traffic of its *stratum*, some
    ``BAND`` labels next to each other in score: weight = sum(1 / propensity) / labels of the stratum. Within one the
    labels are taken as alike whatever their propensity, because given the score (and exchangeable traffic) being
    labelled does not depend on being right; so labels won while a region was still missed go on counting after it is
    served. The bound of the weighted share is that of Fay and Feuer for directly standardised rates (Statistics in
    Medicine 16, 1997), with beta in place of gamma: every doubt is as large as if the next wrong answer came with the
    largest weight. With equal weights it is Clopper and Pearson's.

    Which cuts are tested, and where the sequence starts, follows from scores and propensities alone: the first cut is
    the strictest that would pass with an error of ``ALLOWED`` budgets (without error, where all labels are too few for
    that). Labels of one score stand or fall together.
    """
    error = error or LabelError()
    if not error.usable or not len(sample.scores):
        return None
    tests = _Tests.of(sample)
    budget = error.seen(max_error_rate)
    kept = None
    for at in tests.sequence(error.seen(0.0), budget, 1 - confidence):
        if not tests.passes(at, budget, 1 - confidence):
            break
        kept = at
    return None if kept is None else tests.cut(kept, confidence, error)


def bound_above(
    sample: Sample, value: float, confidence: float = CONFIDENCE, error: LabelError | None = None
) -> Cut | None:
    """What the labels say about a cut given beforehand, within the budget or not; None without labels above it."""
    above = int(np.count_nonzero(sample.scores > value))
    if not above:
        return None
    return _Tests.of(sample).cut(above - 1, confidence, error or LabelError(), value)


def stratum_weights(scores: Array, propensity: Array, band: int = BAND) -> Array:
    """How many candidates each label stands for, >= 1. Scores in descending order; ties are never parted."""
    if not len(scores):
        return np.ones(0)
    starts = np.arange(0, max(1, len(scores) - band // 2), band)
    # A stratum that would begin within a run of equal scores begins with that score.
    starts = np.unique(np.searchsorted(-scores, -scores[starts], side="left"))
    sizes = np.diff(np.append(starts, len(scores)))
    return np.repeat(np.add.reduceat(1 / propensity, starts) / sizes, sizes)


class _Tests(NamedTuple):
    """For every prefix of the labels in descending order of score: what its weighted share is known by.

    share, spread, heaviest: of the share of wrong, sum(w x), sum(w^2 x) and max(w), w the normalised weights.
    """

    scores: Array
    wrong: Flags
    share: Array
    spread: Array
    heaviest: Array

    @classmethod
    def of(cls, sample: Sample) -> _Tests:
        order = np.argsort(-sample.scores, kind="stable")
        scores, wrong = sample.scores[order], sample.wrong[order]
        weights = stratum_weights(scores, sample.propensity[order])
        total = np.cumsum(weights)
        share = np.cumsum(weights * wrong) / total
        spread = np.cumsum(weights**2 * wrong) / total**2
        return cls(scores, wrong, share, spread, np.maximum.accumulate(weights) / total)

    def sequence(self, floor: float, budget: float, doubt: float) -> list[int]:
        """Index of the last label above each cut tested, strict to loose; ``floor``: wrong labels without any error."""
        grid = self._grid()
        for part in (ALLOWED, 0.0):
            wrong = floor + part * (budget - floor)
            start = bisect.bisect_left(grid, True, key=lambda at: self._could_pass(at, wrong, budget, doubt))
            if start < len(grid):
                return grid[start:]
        return []

    def _could_pass(self, at: int, wrong: float, budget: float, doubt: float) -> bool:
        """Would this share of wrong pass, all labels having the largest weight?"""
        size = 1 / float(self.heaviest[at])
        return _passes(wrong * size + 1, size, budget, doubt)

    def _grid(self) -> list[int]:
        counts, ends = 20.0, []
        while counts < len(self.scores):
            ends.append(int(counts) - 1)
            counts *= GROWTH
        ends.append(len(self.scores) - 1)
        last = np.searchsorted(-self.scores, -self.scores[ends], side="right") - 1
        return [int(at) for at in np.unique(last)]

    def passes(self, at: int, budget: float, doubt: float) -> bool:
        """Is a share of wrong above the budget refuted?"""
        return _passes(*self._beta(at), budget, doubt)

    def cut(self, at: int, confidence: float, error: LabelError, value: float | None = None) -> Cut:
        """The cut just below label ``at``."""
        shape, size = self._beta(at)
        upper = 1.0 if size - shape + 1 <= 0 else beta_quantile(confidence, shape, size - shape + 1)
        if value is None:
            # Halfway to the next label, so that a score known to the last digit does not decide.
            value = (self.scores[at] + self.scores[at + 1]) / 2 if at + 1 < len(self.scores) else self.scores[at]
            value = min(float(value), math.nextafter(self.scores[at], -math.inf))
        wrong = int(np.count_nonzero(self.wrong[: at + 1]))
        return Cut(float(value), error.true(upper), at + 1, wrong, error.true(float(self.share[at])))

    def _beta(self, at: int) -> tuple[float, float]:
        """Effective wrong labels + 1, and effective labels."""
        mean = self.share[at] + self.heaviest[at]
        variance = self.spread[at] + self.heaviest[at] ** 2
        return float(mean**2 / variance), float(mean / variance)


def _passes(shape: float, size: float, budget: float, doubt: float) -> bool:
    """P(at most shape - 1 wrong of size | share = budget) <= doubt."""
    rest = size - shape + 1
    return rest > 0 and 1 - beta_cdf(budget, shape, rest) <= doubt


def beta_cdf(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), a, b > 0."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # The fraction converges fast on one side of the mean only; the other side is the other tail.
    return _beta_tail(x, a, b) if x <= (a + 1) / (a + b + 2) else 1 - _beta_tail(1 - x, b, a)


def _beta_tail(x: float, a: float, b: float) -> float:
    """I_x(a, b) by its continued fraction (DLMF 8.17.22) in Lentz's form."""
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 1000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = fraction
        for term in (even, odd):
            d = 1 / _away(1 + term * d)
            c = _away(1 + term / c)
            fraction *= c * d
        if abs(fraction - before) <= 1e-14 * abs(fraction):
            break
    return min(1.0, front * fraction)


@lru_cache(maxsize=4096)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """The x in [0, 1] with I_x(a, b) = probability; a, b > 0."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if beta_cdf(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _away(value: float) -> float:
    """The value, kept away from 0."""
    return value if abs(value) > 1e-300 else 1e-300
