"""What serving by meaning stands on: the verifier, and what the labels of each namespace made of its scores."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog

from cache.agreement import FALSE_DIFFERENT, FALSE_SAME
from cache.budget import LabelError
from cache.calibration import Calibrations
from cache.judges import LearnedJudges
from cache.lookup import Cache
from cache.quality import AUDIT_AGREED, AUDIT_DISAGREED
from cache.verifier import load_verifier, priors_of, scale_of
from proxy.config import VerifierSettings
from proxy.labels.feedback import weigh
from store.entries import Entries
from store.labels import Label, Labels

LABEL_ERROR = LabelError(FALSE_SAME.upper, FALSE_DIFFERENT.lower)
"""Of labels made by comparing answers, as far as the examples say: what hides wrong answers counts at its worst."""

_log = structlog.get_logger(__name__)


RESTORED = 20_000
"""Labels of a namespace that are read at the start: the window keeps the dear ones, and they may be old."""


class Learning:
    """Opens the verifier beside an embedder, restores what labels taught, and takes in new ones.

    Args:
        budgets: the error budgets of all policies.
        error: how often a label that was made by comparing answers is mistaken.
    """

    def __init__(
        self,
        settings: VerifierSettings,
        budgets: Iterable[float],
        labels: Labels,
        entries: Entries,
        cache: Cache,
        error: LabelError = LABEL_ERROR,
        *,
        probation: bool = False,
    ) -> None:
        self._probation = probation
        self._settings = settings
        self._budgets = sorted(set(budgets))
        self._labels = labels
        self._entries = entries
        self._cache = cache
        self._error = error
        self.judges: LearnedJudges | None = None

    def open(self, embedder: str) -> None:
        """Load the verifier and let it judge the semantic candidates found with this embedder.

        Raises:
            VerifierError: it cannot be made ready.
            DatabaseError: the labels cannot be read.
        """
        name = self._settings.model
        verifier = load_verifier(name, self._settings.threads)
        priors = priors_of(name, embedder)
        if not priors:
            _log.warning(
                "shadow mode: no cut was measured for this verifier with this embedder, so nothing is served by meaning"
                " until enough labels of your own traffic give one; to serve at once, set a similarity_threshold",
                verifier=name,
                embedder=embedder,
                key="cache.policies.<name>.similarity_threshold",
            )
        calibrations = Calibrations(verifier, priors, self._error, self._budgets, probation=self._probation)
        restore(calibrations, self._labels, verifier.id, embedder)
        self.judges = LearnedJudges(verifier, embedder, calibrations)
        self._cache.judges = self.judges

    def adopt(self, budgets: Iterable[float]) -> None:
        """Take up the error budgets of changed policies: from now on there are cuts for them. Call it off the loop."""
        self._budgets = sorted(set(budgets))
        if self.judges is not None:
            self.judges.calibrations.adopt(self._budgets)

    def standing(self, namespace: str | None) -> dict[str, Any]:
        """By namespace: labels by source, and what may be served under each error budget of a policy.

        Args:
            namespace: the only one to tell of; None for all that have labels.

        Raises:
            DatabaseError: the labels cannot be read.
        """
        if self.judges is None:
            return {}
        judges = self.judges
        return standing(self._labels, judges.calibrations, judges.verifier.id, self._budgets, namespace)

    def forget(self, namespace: str) -> None:
        """Begin a namespace anew, without labels."""
        if self.judges is not None:
            self.judges.calibrations.learn(namespace, ())

    def told(self, label: Label) -> None:
        """Take in a label that was just made. What an audit found moves its entry's quality too, and blocks for SQL."""
        if self.judges is not None and label.embedder == self.judges.embedder:
            self.judges.calibrations.told(label)
        if label.source == "audit":
            evidence = (AUDIT_AGREED if label.correct else AUDIT_DISAGREED).elsewhere()
            weigh(self._entries, label.entry_id, evidence, label.interaction_id or label.id)


def at_rest(
    settings: VerifierSettings, budgets: Iterable[float], labels: Labels, embedder: str, *, probation: bool = False
) -> tuple[Calibrations, str]:
    """What ``Learning.open`` would begin with, without loading any weights; and the verifier's id.

    A running server may know more: an alarm is forgotten by a restart until the labels raise it again.

    Raises:
        VerifierError: there is no such verifier.
        DatabaseError: the labels cannot be read.
    """
    scale = scale_of(settings.model)
    priors = priors_of(settings.model, embedder)
    calibrations = Calibrations(scale, priors, LABEL_ERROR, sorted(set(budgets)), probation=probation)
    restore(calibrations, labels, scale.id, embedder)
    return calibrations, scale.id


def restore(calibrations: Calibrations, labels: Labels, verifier: str, embedder: str) -> None:
    """Teach what labels taught before: those of this verifier and embedder. Raises ``DatabaseError``."""
    for namespace in labels.namespaces():
        calibrations.learn(namespace, reversed(labels.recent(namespace, verifier, RESTORED, embedder)))


def standing(
    labels: Labels, calibrations: Calibrations, verifier: str, budgets: Iterable[float], namespace: str | None
) -> dict[str, Any]:
    """What ``Learning.standing`` tells. Raises ``DatabaseError``."""
    namespaces = labels.namespaces() if namespace is None else [namespace]
    return {name: _standing_of(labels, calibrations, verifier, budgets, name) for name in namespaces}


def _standing_of(
    labels: Labels, calibrations: Calibrations, verifier: str, budgets: Iterable[float], namespace: str
) -> dict[str, Any]:
    counts = labels.counts(namespace)
    found: dict[str, Any] = {
        "verifier": verifier,
        "labels": {source: {"right": right, "wrong": wrong} for source, (right, wrong) in counts.items()},
    }
    for budget in budgets:
        now = calibrations.of(namespace, budget)
        found[f"{budget:g}"] = {
            "cut": now.cut,
            "source": now.source,
            "shadow": now.shadow,
            "labels_above": now.labels,
            "error_at_most": now.bound,
            "alarm": now.alarm,
        }
    return found
