"""The plainest verifier: similarity alone. What every other one is measured against."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cache.verifier.base import Array, Mix, Pair

_STEEPNESS, _MIDDLE = 20.0, 0.85


class CosineVerifier:
    """Scores a pair by its cosine, spread over [0, 1]; the order of pairs is the cosine's."""

    id = "cosine"
    floor = 0.5
    mix = Mix((1.0, 0.0))

    def signals(self, pairs: Sequence[Pair]) -> Array:
        """Log-odds linear in the cosine, and the cosine."""
        cosine = np.array([pair.similarity for pair in pairs], dtype=np.float64)
        return np.column_stack([_STEEPNESS * (cosine - _MIDDLE), cosine])
