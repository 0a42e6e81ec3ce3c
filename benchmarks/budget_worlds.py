"""Traffic for the closed loop: what a world is, how its first cuts are measured, and simulated ones."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from benchmarks.budget_loop import Candidates
from cache.budget import Sample, learn_cut
from cache.calibration import Priors
from cache.verifier import Mix

BUDGETS = (0.005, 0.01, 0.02, 0.05)
_TRAPS = {
    "simulated, first cut measured on its like": 0.0005,
    "simulated, first cut measured on easier traffic": 0.01,
}
"""Share of wrong candidates that score like right ones; the traffic that first cuts are measured on has 0.0005."""


class World(NamedTuple):
    """Traffic to simulate, and what is shipped for it."""

    name: str
    candidates: Candidates
    mix: Mix
    priors: Priors
    oracle: dict[float, float]
    """By budget, the share of requests that the best cut in hindsight would serve."""

    @classmethod
    def of(cls, name: str, candidates: Candidates, mix: Mix, priors: Priors) -> World:
        """A world and the best that could be done in it."""
        order = np.argsort(-mix.score(candidates.signals), kind="stable")
        error = np.cumsum(~candidates.correct[order]) / np.arange(1, len(order) + 1)
        oracle = {}
        for budget in BUDGETS:
            within = np.flatnonzero(error <= budget)
            oracle[budget] = float((within[-1] + 1) / len(order)) if len(within) else 0.0
        return cls(name, candidates, mix, priors, oracle)


def margin(budget: float, hits: int = 1000) -> float:
    """The error to aim at so that 95 of 100 runs of so many hits stay within the budget in spite of chance."""
    return max(0.4 * budget, budget - 1.645 * math.sqrt(budget / hits))


def cuts_of(candidates: Candidates, mix: Mix) -> Priors:
    """Cut by budget as these candidates prove it, every source counting alike: a shipped prior in the making."""
    scores, wrong = mix.score(candidates.signals), ~candidates.correct
    _, of, counts = np.unique(candidates.sources, return_inverse=True, return_counts=True)
    propensity = counts[of] / counts.max()
    found = {}
    for budget in (0.001, 0.002, *BUDGETS, 0.1):
        cut = learn_cut(Sample(scores, wrong, propensity), margin(budget))
        if cut is not None:
            found[budget] = cut.value
    return found


def simulated() -> list[World]:
    """Normal scores, right ones three deviations above wrong ones, a second signal that helps a little, some traps."""
    mix = Mix((1.0, 0.0, 0.0))
    priors = cuts_of(_drawn(20_000, 0.0005, seed=1), mix)
    return [World.of(name, _drawn(20_000, traps, seed=2), mix, priors) for name, traps in _TRAPS.items()]


def _drawn(n: int, traps: float, seed: int) -> Candidates:
    rng = np.random.default_rng(seed)
    correct = rng.random(n) < 0.5
    log_odds = np.where(correct | (rng.random(n) < traps), rng.normal(3, 1.2, n), rng.normal(0, 1, n))
    signals = np.column_stack([log_odds, log_odds / 10, rng.normal(correct, 1.5)])
    prompts = [f"word{word}" for word in rng.integers(0, 300, n)]
    return Candidates(prompts, signals, correct, np.full(n, "simulated"))
