"""Hit rate against error: what labels say about a cut or a threshold, and what replay says it would serve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from cache.budget import CONFIDENCE, LabelError, Sample, bound_above, clopper_pearson
from cache.calibration.window import SAMPLED
from cache.verifier import Verifier
from proxy.rehearsal.run import Replayed
from store.labels import Label

Kind = Literal["score", "similarity"]
KINDS: Final[tuple[Kind, ...]] = ("score", "similarity")

CUTS: Final = (0.5, 0.7, 0.8, 0.85, 0.9, 0.95)
"""Verifier scores that are always tried."""
THRESHOLDS: Final = (0.85, 0.9, 0.95, 0.98)
"""Cosines that are always tried."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Labels as a cut is learned from them, by the verifier's score and by plain similarity."""

    score: Sample
    similarity: Sample

    def of(self, kind: Kind) -> Sample:
        """On one scale."""
        return self.score if kind == "score" else self.similarity

    def __len__(self) -> int:
        return len(self.score.scores)


@dataclass(frozen=True, slots=True)
class Point:
    """One cut or threshold."""

    kind: Kind
    value: float
    """Served are scores strictly above it, or similarities from it on."""
    calls: int
    hits: int
    """Of either tier, among these calls."""
    by_meaning: int
    labels: int
    """Labelled candidates above it."""
    wrong: int
    error: float | None
    """Wrong answers per hit by meaning, as estimated from the labels; None where there are none above it."""
    at_most: float | None
    """Its 95 % upper bound."""
    proven: bool
    """Is the bound within the budget?"""

    def rates(self) -> tuple[float, float, float]:
        """Hit rate, and its 95 % bounds, were the calls drawn at random."""
        bounds = clopper_pearson(self.hits, self.calls)
        return self.hits / max(1, self.calls), bounds.lower, bounds.upper


@dataclass(frozen=True, slots=True)
class Pick:
    """The loosest value that labels prove to be within the budget."""

    kind: Kind
    value: float
    held_out: bool
    """Was it chosen on the first part of the labels alone, so that the rest can judge it?"""


def samples(labels: Sequence[Label], verifier: Verifier | None) -> Samples:
    """Labels that were drawn at random: what people chose to complain of is no sample."""
    if verifier is None or not labels:
        none = Sample(np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0))
        return Samples(none, none)
    width = len(verifier.mix.weights)
    kept = [label for label in labels if label.source in SAMPLED and len(label.signals) == width]
    signals = np.array([label.signals for label in kept], dtype=np.float64).reshape(len(kept), width)
    wrong = np.array([not label.correct for label in kept], dtype=bool)
    propensity = np.array([label.propensity for label in kept], dtype=np.float64)
    cosine = np.array([label.similarity for label in kept], dtype=np.float64)
    scores = verifier.mix.score(signals)
    return Samples(Sample(scores, wrong, propensity), Sample(cosine, wrong, propensity))


def labels_needed(max_error: float, error: LabelError) -> int:
    """Labels above a cut, all of them right, that prove the budget."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - error.seen(max_error)))


def point(
    kind: Kind, value: float, replayed: Sequence[Replayed], labels: Samples, max_error: float, error: LabelError
) -> Point:
    """What a value would serve of these calls, and what these labels say of it."""
    known = bound_above(labels.of(kind), _edge(kind, value), error=error)
    hits = [one.hit for one in replayed if one.hit is not None]
    return Point(
        kind=kind,
        value=value,
        calls=len(replayed),
        hits=len(hits),
        by_meaning=sum(hit.tier == "semantic" for hit in hits),
        labels=known.labels if known else 0,
        wrong=known.wrong if known else 0,
        error=known.share if known else None,
        at_most=known.bound if known else None,
        proven=known is not None and known.bound <= max_error,
    )


def _edge(kind: Kind, value: float) -> float:
    """Labels strictly above it are those served: a threshold admits what equals it."""
    return value if kind == "score" else math.nextafter(value, -math.inf)
