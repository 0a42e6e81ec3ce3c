"""What each budget makes of the labels of one namespace."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cache.budget import CONFIDENCE, Cut, LabelError, bound_above, clopper_pearson, learn_cut
from cache.calibration.admission import Admission, Priors, prior_cuts
from cache.calibration.drift import ErrorWatch
from cache.calibration.records import WEIGHT, Records
from cache.calibration.refit import LEAST_LABELS, refit
from cache.calibration.window import SAMPLED, Window
from cache.verifier import Mix
from store.labels import Label

EVERY: Final = 25
"""New labels after which a cut is learned again; a twentieth of them where that is more."""
PROBATION: Final = 0.6
"""Of a cut that nothing is known about the first PROBATION / budget would-be hits are all audited."""
TRUST: Final = 0.5
"""Of those after that, TRUST / (TRUST + budget x would-be hits) are."""
REFUTED: Final = 0.9
"""A cut is refused on trial where its error is above the budget with this confidence, and two labels say so."""
ENOUGH: Final = 5.0
"""The trial ends with ENOUGH / budget labels above the cut: from then on it must be proven."""


@dataclass(slots=True)
class _Budget:
    """What one budget stands on."""

    rate: float
    admission: Admission
    watch: ErrorWatch
    since: int = 0
    """Labels before this number are believed no more: traffic has become worse after them."""
    trial: int = 0
    """The cut is on trial over labels from this number on: since the first, or since traffic changed its looks."""
    settled: bool = False
    """Is it known already why nothing is served? Then the watch has nothing to add until a cut is proven."""
    served: tuple[Mix, float] | None = None
    """The last mix and cut in force: in shadow mode the watch goes on over them."""
    alarm: str | None = None
    refuted: float = -math.inf
    """The strictest shipped cut that labels have refuted: only stricter ones are left to fall back on."""
    due: int = 0
    """New labels since the cut was learned."""
    doubted: bool = False
    """Is there a reason to audit more than policy says: traffic has changed, a labelled hit was wrong, or probation?"""
    hits: float = 0.0
    """Would-be hits of the cut since its trial began, as estimated from those labelled."""

    @property
    def audit_rate(self) -> float:
        """The share of would-be hits that should be audited at least."""
        if not self.doubted:
            return 0.0
        return min(1.0, TRUST / (TRUST + max(0.0, self.rate * self.hits - PROBATION)))


class Ledger:
    """One namespace under one verifier. Not thread-safe: its owner holds a lock.

    Args:
        mix: the verifier's shipped one. priors: its shipped cuts. error: of the labels, however they were made.
        by_entry: does each entry's record count? probation: does a shipped cut begin with audits of all its hits?
    """

    def __init__(
        self, mix: Mix, priors: Priors, error: LabelError, by_entry: bool = False, probation: bool = False
    ) -> None:
        self._probation = probation
        self._records = Records() if by_entry else None
        self._shipped = self._mix = replace(mix, weights=(*mix.weights, WEIGHT)) if by_entry else mix
        self._priors = priors
        self._error = error
        self._labels = Window(len(self._shipped.weights))
        self._fit_at = LEAST_LABELS
        self._budgets: dict[float, _Budget] = {}

    def of(self, max_error_rate: float) -> Admission:
        """What may be served at this budget; ``audit_rate`` is the least that the ledger asks for."""
        budget = self._budgets.get(max_error_rate)
        if budget is None:
            budget = self._budgets[max_error_rate] = self._opened(max_error_rate)
        return budget.admission

    def known(self, max_error_rate: float) -> Admission | None:
        """What ``of`` says, where it has been asked before. Safe without the lock."""
        budget = self._budgets.get(max_error_rate)
        return budget.admission if budget else None

    def told(self, label: Label) -> None:
        """Take in a new label."""
        if self._records is not None:
            known = self._records.log_odds(label.entry_key)
            self._records.told(label)
            label = replace(label, signals=(*label.signals, known))
        self._labels.add(label, self._shipped)
        fitted = self._labels.count >= self._fit_at and self._fit()
        for budget in self._budgets.values():
            bad = self._watch(budget, label)
            budget.due += 1
            if fitted or bad or budget.due >= max(EVERY, len(self._labels) // 20):
                self._decide(budget)
            elif not budget.admission.shadow:
                budget.admission = replace(budget.admission, audit_rate=budget.audit_rate)

    def doubt(self) -> None:
        """Traffic has changed its looks: every cut has to prove itself again under audits."""
        for budget in self._budgets.values():
            budget.hits, budget.trial, budget.doubted = 0.0, self._labels.count + 1, True
            budget.admission = replace(budget.admission, audit_rate=budget.audit_rate)

    def _opened(self, rate: float) -> _Budget:
        """A budget that nobody asked for before, as if it had been in use while the labels at hand came in.

        Otherwise an alarm could be left behind by changing the budget a little.
        """
        nothing = Admission(self._shipped, None, "none", shadow=True, records=self._records)
        budget = _Budget(rate, nothing, ErrorWatch(self._error.seen(rate)), doubted=self._probation)
        for other in self._budgets.values():
            budget.doubted = budget.doubted or other.doubted
            budget.trial = max(budget.trial, other.trial)
        self._decide(budget)
        since: int | None = budget.since
        while since is not None and not budget.settled and budget.served is not None:
            since = self._first_alarm(budget, *budget.served, since)
            if since is not None:
                self._alarm(budget, since - 1)
                self._decide(budget)
        return budget

    def _first_alarm(self, budget: _Budget, mix: Mix, cut: float, since: int) -> int | None:
        """The number after that of the label with which the watch over a cut raises an alarm; None where none does."""
        alarms = (number + 1 for number, wrong in self._labels.above(mix, cut, since) if budget.watch.told(wrong))
        return next(alarms, None)

    def _watch(self, budget: _Budget, label: Label) -> bool:
        """Was this a would-be hit and wrong?"""
        if label.source not in SAMPLED or budget.served is None or budget.settled:
            return False
        mix, cut = budget.served
        if not float(mix.score(np.array([label.signals]))[0]) > cut:
            return False
        budget.hits += 1 / label.propensity
        budget.doubted = budget.doubted or not label.correct
        if budget.watch.told(not label.correct):
            self._alarm(budget, self._labels.count)
        return not label.correct

    def _alarm(self, budget: _Budget, number: int) -> None:
        """The error is above the budget, as label ``number`` has shown."""
        admission = budget.admission
        if admission.source == "prior" and admission.cut is not None and not budget.trial:
            # A shipped cut that does not suit this traffic: a stricter one may.
            self._refute(budget, admission.cut)
            if self._left(budget):
                return
        budget.alarm = "too many of the latest labelled hits were wrong"
        budget.settled = True
        if budget.admission.source == "learned" or budget.trial > 0:
            # Labels that proved the cut are of another traffic; those that refute a shipped one are of this.
            budget.since = number + 1

    def _decide(self, budget: _Budget) -> None:
        budget.due = 0
        learned = self._learn(budget)
        if learned is not None and self._refuted(budget, learned[0], learned[1].value):
            # What came before the change must not speak for what came after it.
            budget.since = max(budget.since, budget.trial)
            learned = self._learn(budget)
        if learned is not None:
            mix, cut = learned
            if budget.settled:
                budget.watch = ErrorWatch(self._error.seen(budget.rate))
            budget.alarm, budget.settled = None, False
            now = Admission(mix, cut.value, "learned", labels=cut.labels, bound=cut.bound)
        else:
            if budget.alarm is None and budget.admission.source == "learned":
                budget.alarm = "the labels no longer prove any cut to be within the budget"
            now = self._prior(budget)
        if budget.alarm is not None:
            now = Admission(self._shipped, None, "none", shadow=True, alarm=budget.alarm)
        elif now.cut is not None:
            budget.served = now.mix, now.cut
            budget.hits = self._hits(budget, now.mix, now.cut)
            now = replace(now, audit_rate=budget.audit_rate)
        budget.admission = replace(now, records=self._records)

    def _prior(self, budget: _Budget) -> Admission:
        """The loosest shipped cut that the labels do not refute, for as long as they are not enough to do without."""
        now = Admission(self._shipped, None, "none", shadow=True)
        sample = self._labels.sample(self._shipped, budget.since, unspent=False)
        for cut in self._left(budget):
            seen = bound_above(sample, cut, error=self._error)
            if seen is None:
                return Admission(self._shipped, cut, "prior")
            if self._refuted(budget, self._shipped, cut):
                self._refute(budget, cut)
                if budget.alarm is None and not self._left(budget):
                    budget.alarm = "too many labelled hits above the shipped cut were wrong"
                    budget.settled = True
            elif seen.labels * budget.rate <= ENOUGH or seen.bound <= budget.rate:
                return Admission(self._shipped, cut, "prior", labels=seen.labels, bound=seen.bound)
            now = Admission(self._shipped, None, "none", labels=seen.labels, bound=seen.bound)
        return now

    def _left(self, budget: _Budget) -> list[float]:
        """The shipped cuts that no label has refuted, loosest first."""
        return [cut for cut in prior_cuts(self._priors, budget.rate) if cut > budget.refuted]

    def _refute(self, budget: _Budget, cut: float) -> None:
        """Serve by this shipped cut no more; the watch begins anew over the next one, and doubts are about that."""
        budget.refuted = max(budget.refuted, cut)
        budget.watch = ErrorWatch(self._error.seen(budget.rate))
        for next_ in self._left(budget)[:1]:
            sample = self._labels.sample(self._shipped, budget.since, unspent=False)
            wrong = bool(sample.wrong[sample.scores > next_].any())
            budget.doubted = wrong or self._probation or budget.trial > 0

    def _refuted(self, budget: _Budget, mix: Mix, cut: float) -> bool:
        """Do the labels of the trial say that this cut is above the budget?"""
        sample = self._labels.sample(mix, max(budget.since, budget.trial), unspent=False)
        wrong = sample.wrong[sample.scores > cut]
        if np.count_nonzero(wrong) < 2 or len(wrong) * budget.rate > ENOUGH:
            return False
        lower = clopper_pearson(int(np.count_nonzero(wrong)), len(wrong), REFUTED).lower
        return lower > self._error.seen(budget.rate)

    def _hits(self, budget: _Budget, mix: Mix, cut: float) -> float:
        sample = self._labels.sample(mix, max(budget.since, budget.trial), unspent=False)
        return float(np.sum(1 / sample.propensity[sample.scores > cut]))

    def _learn(self, budget: _Budget) -> tuple[Mix, Cut] | None:
        """The cut of the mix that admits more; both tests together hold the confidence."""
        mixes = [self._shipped] if self._mix is self._shipped else [self._shipped, self._mix]
        best: tuple[float, Mix, Cut] | None = None
        for mix in mixes:
            sample = self._labels.sample(mix, budget.since, unspent=mix is not self._shipped)
            cut = learn_cut(sample, budget.rate, 1 - (1 - CONFIDENCE) / len(mixes), self._error)
            if cut is None:
                continue
            weights = 1 / sample.propensity
            admitted = float(weights[sample.scores > cut.value].sum() / weights.sum())
            if best is None or admitted > best[0]:
                best = admitted, mix, cut
        return None if best is None else best[1:]

    def _fit(self) -> bool:
        """Fit the mix anew, each time there are twice as many labels."""
        self._fit_at = self._labels.count * 2
        mix = refit(*self._labels.half(), self._shipped)
        self._mix = mix or self._shipped
        self._labels.spend(mix is not None)
        return True
