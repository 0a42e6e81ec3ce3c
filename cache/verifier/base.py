"""What a verifier is: it scores how likely a stored answer is right for a new prompt.

VerifierError                pairs could not be scored, or a verifier could not be made ready: the call is a miss
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class VerifierError(Exception):
    """Pairs could not be scored, or a verifier could not be made ready."""


class Pair(NamedTuple):
    """A new prompt beside a stored one."""

    new: str
    stored: str
    similarity: float
    """Cosine of their embeddings, in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Signals to one score: sigmoid(signals @ weights + bias)."""

    weights: tuple[float, ...]
    bias: float = 0.0

    def score(self, signals: Array) -> Array:
        """Scores in [0, 1], shape (n,), of signals of shape (n, len(weights))."""
        return sigmoid(signals @ np.asarray(self.weights) + self.bias)


class Scale(Protocol):
    """What labels and cuts need to know of a verifier; no weights are needed for it."""

    @property
    def id(self) -> str:
        """Names the scale of the score: cuts, priors and labels belong to one id."""
        ...

    @property
    def mix(self) -> Mix:
        """The shipped way from signals to a score."""
        ...


@dataclass(frozen=True, slots=True)
class PlainScale:
    """A scale known by its numbers; see ``Scale``."""

    id: str
    mix: Mix


class Verifier(Scale, Protocol):
    """Scores pairs of prompts. Thread-safe and synchronous: callers run it in a thread."""

    @property
    def floor(self) -> float:
        """Cosine below which no pair is worth scoring: its score could not pass any cut."""
        ...

    def signals(self, pairs: Sequence[Pair]) -> Array:
        """What the mix weighs, shape (n, len(mix.weights)).

        Column 0 is the log-odds of the shipped score, column 1 the cosine. Raises ``VerifierError``.
        """
        ...


class VerifierAround:
    """What a verifier around another has in common with it: id, floor and mix; ``signals`` is left to add."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    @property
    def id(self) -> str:
        """See ``Verifier``."""
        return self._verifier.id

    @property
    def floor(self) -> float:
        """See ``Verifier``."""
        return self._verifier.floor

    @property
    def mix(self) -> Mix:
        """See ``Verifier``."""
        return self._verifier.mix


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    positive = 1.0 / (1.0 + np.exp(-np.abs(x)))
    return np.where(x >= 0, positive, 1.0 - positive)


def log_odds(p: Array) -> Array:
    """log(p / (1 - p)); probabilities nearer to 0 or 1 than 1e-6 count as that."""
    clipped = np.clip(p, 1e-6, 1.0 - 1e-6)
    return np.log(clipped / (1.0 - clipped))
