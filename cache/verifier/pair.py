"""The pair encoder at work: one logit for two prompts read together, through onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

from cache.verifier.base import Array, Pair, VerifierError
from cache.verifier.reading import Reader, arrays

UNREADABLE = -12.0
"""The logit of two prompts that are too long to be read where they differ: surely not the same."""


class PairEncoder:
    """The logit that one prompt's answer is right for the other.

    Args:
        model: the ONNX file's content; it takes ``ids`` and ``kinds`` as ``cache.verifier.reading`` makes them.
        reader: makes them.
        threads: that one run may use.
    """

    def __init__(self, model: bytes, reader: Reader, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library raises bare exceptions for unreadable files
            raise VerifierError(f"the pair encoder cannot be loaded: {error}") from error
        self._reader = reader

    def logits(self, pairs: Sequence[Pair]) -> Array:
        """One logit a pair, shape (n,). Raises ``VerifierError``."""
        # One by one: int8 activations have one scale for a whole batch, so a pair's logit would depend on the others.
        return np.array([self._logit(pair) for pair in pairs], dtype=np.float64)

    def _logit(self, pair: Pair) -> float:
        try:
            read = self._reader.pair(pair.new, pair.stored)
            if read is None:
                return UNREADABLE
            ids, kinds = arrays([read[0]], [read[1]])
            return float(self._session.run(None, {"ids": ids, "kinds": kinds})[0][0])
        except Exception as error:  # the libraries' own errors have no common base
            raise VerifierError(f"a pair could not be scored: {type(error).__name__}") from error
