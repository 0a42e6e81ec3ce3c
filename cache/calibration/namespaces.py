"""Calibrations of all namespaces under one verifier: labels in, what may be served out."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import replace

from cache.budget import LabelError
from cache.calibration.admission import Admission, Priors
from cache.calibration.drift import Novelty
from cache.calibration.ledger import Ledger
from cache.verifier import Scale
from store.labels import Label


class Calibrations:
    """Thread-safe. Nothing is shared across namespaces.

    Args:
        verifier: whose scores these are; labels of another are left aside.
        priors: cut by budget on the scale of its shipped mix; empty where none was measured: shadow mode until there
            are labels.
        error: how often a label is mistaken.
        budgets: those in use. One asked for later begins with what the labels at hand say, alarms among it.
        by_entry: does each entry's record count? Scores must then be made with ``Admission.score``.
        probation: does a shipped cut begin with audits of all its hits? Otherwise only a doubt calls for more audits.
    """

    def __init__(
        self,
        verifier: Scale,
        priors: Priors,
        error: LabelError | None = None,
        budgets: Iterable[float] = (),
        by_entry: bool = False,
        probation: bool = False,
    ) -> None:
        self._verifier = verifier
        self._priors: Priors = dict(priors)
        self._error = error or LabelError()
        self._budgets = tuple(budgets)
        self._by_entry = by_entry
        self._probation = probation
        self._ledgers: dict[str, Ledger] = {}
        self._looks: dict[str, Novelty] = {}
        self._lock = threading.Lock()
        self._looking = threading.Lock()

    def of(self, namespace: str, max_error_rate: float, audit_rate: float = 0.0) -> Admission:
        """What may be served now. ``audit_rate``: the policy's, in [0, 1]; the admission's is never below it."""
        # Without the lock where it can be: learning a cut holds it for milliseconds, and calls ask on their way.
        ledger = self._ledgers.get(namespace)
        admission = ledger.known(max_error_rate) if ledger else None
        if admission is None:
            with self._lock:
                admission = self._ledger(namespace).of(max_error_rate)
        return replace(admission, audit_rate=max(audit_rate, admission.audit_rate))

    def told(self, label: Label) -> None:
        """Take in a new label."""
        if label.verifier == self._verifier.id and _sound(label, len(self._verifier.mix.weights)):
            with self._lock:
                self._ledger(label.namespace).told(label)

    def learn(self, namespace: str, labels: Iterable[Label]) -> None:
        """Begin a namespace anew with the labels that were kept, oldest first."""
        with self._lock:
            self._ledgers.pop(namespace, None)
        for label in labels:
            if label.namespace == namespace:
                self.told(label)

    def adopt(self, budgets: Iterable[float]) -> None:
        """Take up budgets that policies now ask for: their cuts are learned here, not on the way of the first call.

        Those in use before are kept: their alarms must not be forgotten. Takes milliseconds for each namespace.
        """
        self._budgets = tuple(dict.fromkeys((*self._budgets, *budgets)))
        for namespace in list(self._ledgers):
            with self._lock:
                ledger = self._ledger(namespace)
                for budget in self._budgets:
                    ledger.of(budget)

    def seen(self, namespace: str, prompt: str, similarity: float, score: float) -> bool:
        """Take in a request's nearest candidate, labelled or not; True where traffic has changed its looks.

        Cuts then stay, and have to prove themselves again under audits.
        """
        with self._looking:
            changed = self._looks.setdefault(namespace, Novelty()).seen(prompt, (similarity, score))
        if changed:
            with self._lock:
                self._ledger(namespace).doubt()
        return changed

    def _ledger(self, namespace: str) -> Ledger:
        ledger = self._ledgers.get(namespace)
        if ledger is None:
            ledger = self._ledgers[namespace] = Ledger(
                self._verifier.mix, self._priors, self._error, self._by_entry, self._probation
            )
            for budget in self._budgets:
                ledger.of(budget)
        return ledger


def _sound(label: Label, signals: int) -> bool:
    """Are its numbers such as a mix can weigh?"""
    return (
        len(label.signals) == signals
        and all(math.isfinite(value) for value in label.signals)
        and 0 < label.propensity <= 1
    )
