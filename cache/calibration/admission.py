"""What serving by meaning stands on in one namespace at one budget: a mix, a cut and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cache.calibration.records import Records
from cache.verifier import Array, Mix

Source = Literal["prior", "learned", "none"]
Priors = Mapping[float, float]
"""Cut by budget, for one verifier id: measured on public data, on the scale of its shipped mix."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Serve a candidate only if ``mix`` scores it strictly above ``cut``, and not in shadow mode.

    source: where the cut comes from. shadow: decide, log and label, serve nothing. labels: labelled candidates above
    the cut. bound: upper confidence bound of the share of wrong among those; None where nothing is known yet.
    alarm: why nothing is served that was served before, in words. audit_rate: the share of would-be hits to forward
    all the same, in [0, 1]; never below the one asked for, higher where little is known.
    """

    mix: Mix
    cut: float | None
    source: Source
    shadow: bool = False
    labels: int = 0
    bound: float | None = None
    alarm: str | None = None
    audit_rate: float = 1.0

    records: Records | None = None
    """How each entry's answers have fared, where that counts; ``mix`` then weighs it last, after the signals."""

    def score(self, signals: Array, entry_key: str) -> float:
        """The score of one candidate, in [0, 1]: what ``cut`` is held against.

        Args:
            signals: the verifier's for it, shape (k,). entry_key: of the stored answer.
        """
        own = [] if self.records is None else [self.records.log_odds(entry_key)]
        return float(self.mix.score(np.array([[*signals, *own]]))[0])

    def admits(self, score: float) -> bool:
        """Would this score be served, shadow mode apart? Not a number is not served."""
        return self.cut is not None and score > self.cut


def prior_cut(priors: Priors, max_error_rate: float) -> float | None:
    """The cut of the loosest shipped budget that is no looser than the one asked for; None below all of them."""
    cuts = prior_cuts(priors, max_error_rate)
    return cuts[0] if cuts else None


def prior_cuts(priors: Priors, max_error_rate: float) -> list[float]:
    """The cuts of the shipped budgets that are no looser than the one asked for, loosest first; none below all."""
    return sorted({cut for budget, cut in priors.items() if budget <= max_error_rate})
