"""Fits the mix of the verifier's signals to a namespace's labels: a signal that does not help here is not used here.

Logistic regression with the shipped mix as its starting point: logit = b + g * (shipped logit) + z . d, where z are
the standardised signals. Scale and offset are free, the correction d is drawn towards 0 by a ridge. How strongly is
chosen by cross-validation, in which an infinite ridge (the shipped mix, rescaled) takes part: it stays unless another
is better by more than chance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from cache.budget import Array, Flags
from cache.verifier import Mix

LEAST_LABELS: Final = 60
LEAST_OF_EACH: Final = 10
"""Labels of either outcome, below which nothing is fitted."""
RIDGES: Final = (2.0, 10.0, 50.0)
FOLDS: Final = 5
_STEPS: Final = 12


def refit(signals: Array, correct: Flags, shipped: Mix) -> Mix | None:
    """A mix that predicts these labels better than the shipped one, or None.

    Args:
        signals: shape (n, k). correct: shape (n,), what the labels say, in the order in which they came.

    "Better" is a lower log-loss, cross-validated, by more than one standard error of the difference.
    """
    correct = np.asarray(correct, bool)
    rights = int(np.count_nonzero(correct))
    if len(correct) < LEAST_LABELS or min(rights, len(correct) - rights) < LEAST_OF_EACH:
        return None
    rows, spread, centre = _rows(signals, shipped)
    losses = {ridge: _held_out_losses(rows, correct, ridge) for ridge in (np.inf, *RIDGES)}
    best = min(RIDGES, key=lambda ridge: float(np.mean(losses[ridge])))
    gain = losses[np.inf] - losses[best]
    if np.mean(gain) <= np.std(gain) / np.sqrt(len(gain)):
        return None
    offset, scale, *correction = _fit(rows, correct, best)
    # Back from standardised signals to those that a mix weighs.
    change = np.asarray(correction) / spread
    weights = max(scale, 0.0) * np.asarray(shipped.weights) + change
    bias = offset + max(scale, 0.0) * shipped.bias - float(change @ centre)
    return replace(shipped, weights=tuple(float(weight) for weight in weights), bias=float(bias))


def _rows(signals: Array, shipped: Mix) -> tuple[Array, Array, Array]:
    """[1, shipped logit, standardised signals], and the spread and centre they were standardised with."""
    centre, spread = signals.mean(axis=0), signals.std(axis=0)
    spread = np.where(spread > 1e-9, spread, np.inf)  # one that never varies is left out
    shipped_logit = signals @ np.asarray(shipped.weights) + shipped.bias
    return np.column_stack([np.ones(len(signals)), shipped_logit, (signals - centre) / spread]), spread, centre


def _held_out_losses(rows: Array, correct: Flags, ridge: float) -> Array:
    fold = np.arange(len(correct)) % FOLDS
    losses = np.empty(len(correct))
    for held in range(FOLDS):
        inside, outside = fold != held, fold == held
        logit = rows[outside] @ _fit(rows[inside], correct[inside], ridge)
        losses[outside] = np.logaddexp(0.0, np.where(correct[outside], -logit, logit))
    return losses


def _fit(rows: Array, correct: Flags, ridge: float) -> Array:
    """Coefficients of the penalised logistic regression, by Newton's method; an infinite ridge fits no correction."""
    columns = rows.shape[1]
    free = 2 if np.isinf(ridge) else columns
    rows = rows[:, :free]
    # A little ridge towards (0, 1) on offset and scale too, so that separable labels have an answer.
    penalty = np.array([0.01, 0.1] + [ridge] * (free - 2))
    start = np.zeros(free)
    start[1] = 1.0
    found = start.copy()
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        slope = rows.T @ (chance - correct) + penalty * (found - start)
        curvature = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        found = found - step / max(1.0, float(np.abs(step).max()) / 3)  # no leap: far out the curvature vanishes
        if float(np.abs(step).max()) < 1e-6:
            break
    return np.pad(found, (0, columns - free))
