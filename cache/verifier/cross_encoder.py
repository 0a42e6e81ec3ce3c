"""Any sentence-transformers CrossEncoder as a verifier, run in torch."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cache.verifier.base import Array, Mix, Pair, VerifierError

MIX: Final = Mix((1.0, 0.0))


def cross_encoder_id(name: str) -> str:
    """The id of the verifier that is made of this model."""
    return f"cross-encoder:{re.sub(r'[^a-z0-9._-]+', '-', name.lower())}"


class CrossEncoderVerifier:
    """Scores pairs with a cross-encoder that gives one logit or probability a pair.

    Nothing is known of where its scores may be cut: calls are forwarded (shadow mode) until the namespace's own labels
    give a cut.
    """

    floor = 0.5

    def __init__(self, name: str) -> None:
        """Load a model by its name on the Hugging Face hub, or from a folder. Raises ``VerifierError``."""
        # Imports torch: seconds, and only where such a model is configured.
        from sentence_transformers import CrossEncoder
        from torch.nn import Identity

        self.id, self.mix = cross_encoder_id(name), MIX
        self._lock = threading.Lock()
        try:
            # Logits: the model's own activation may have squeezed them already.
            self._model: Any = CrossEncoder(name, activation_fn=Identity())
        except Exception as error:  # the library's errors have no common base
            raise VerifierError(f"the cross-encoder {name} cannot be loaded: {error}") from error

    def signals(self, pairs: Sequence[Pair]) -> Array:
        """The model's logits, and the cosine."""
        if not pairs:
            return np.empty((0, 2))
        try:
            with self._lock:
                raw = self._model.predict(
                    [(pair.stored, pair.new) for pair in pairs], convert_to_numpy=True, show_progress_bar=False
                )
        except Exception as error:  # the library's errors have no common base
            raise VerifierError(f"pairs could not be scored: {type(error).__name__}") from error
        scores = np.asarray(raw, dtype=np.float64)
        if scores.ndim != 1 or not np.all(np.isfinite(scores)):
            raise VerifierError("the cross-encoder does not give one number a pair")
        return np.column_stack([scores, [pair.similarity for pair in pairs]])
