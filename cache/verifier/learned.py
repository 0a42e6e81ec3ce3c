"""The shipped verifiers: similarity as the base, which doubts, and a pair encoder where there is one, only correct.

log-odds = bias + cosine x weight + encoder's logit x weight - doubts x weight - words apart x weight. Five numbers,
chosen on sources that the encoder had not seen: trees fitted to the same signals did better on the sources they were
fitted to and far worse on others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cache import guards
from cache.verifier.base import Array, Mix, Pair
from cache.verifier.pair import PairEncoder

MOST_DOUBTS: Final = 2.0
"""Doubts of one pair that count."""
_GUARDS: Final = len(guards.GUARDS)
_MEASURES: Final = guards.DOUBTS[_GUARDS:]
_APART: Final = guards.DOUBTS.index("apart")


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each signal counts, in log-odds."""

    cosine: float
    encoder: float
    doubt: float
    apart: float
    """Of the share of content words that the prompts do not share."""
    bias: float


def shipped_mix(with_encoder: bool) -> Mix:
    """The mix of a learned verifier's signals: the first one, its own log-odds, is the score."""
    return Mix((1.0, *(0.0 for _ in range(2 + len(_MEASURES) + with_encoder))))


class LearnedVerifier:
    """Scores pairs by weighed signals.

    Args:
        id: see ``Verifier``.
        weights: of the signals.
        encoder: None for the form that needs no weights beyond the embedder's.
        floor: see ``Verifier``.
    """

    def __init__(self, id: str, weights: Weights, encoder: PairEncoder | None, floor: float) -> None:
        self.id = id
        self.floor = floor
        self.mix = shipped_mix(encoder is not None)
        self._weights = weights
        self._encoder = encoder

    def signals(self, pairs: Sequence[Pair]) -> Array:
        """Shipped log-odds, cosine, doubts (at most MOST_DOUBTS), the guards' measures, and the encoder's logit."""
        if not pairs:
            return np.empty((0, len(self.mix.weights)))
        cosine = np.array([pair.similarity for pair in pairs], dtype=np.float64)
        found = np.array([guards.doubts(pair.new, pair.stored) for pair in pairs], dtype=np.float64)
        doubts = np.minimum(found[:, :_GUARDS].sum(axis=1), MOST_DOUBTS)
        weights = self._weights
        log_odds = weights.bias + weights.cosine * cosine - weights.doubt * doubts - weights.apart * found[:, _APART]
        known = [cosine, doubts, *found[:, _GUARDS:].T]
        if self._encoder is not None:
            logits = self._encoder.logits(pairs)
            log_odds = log_odds + weights.encoder * logits
            known.append(logits)
        return np.column_stack([log_odds, *known])
