"""A closed loop without a server: requests come with a candidate each, calibration decides, labels flow back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cache.budget import LabelError
from cache.calibration import Admission, Calibrations, Priors
from cache.verifier import Mix, Pair
from store.labels import Label

NAMESPACE = "bench"


@dataclass(frozen=True)
class Candidates:
    """Requests, each with the candidate it would find: row i of every array."""

    prompts: Sequence[str]
    signals: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    sources: npt.NDArray[Any]

    def of(self, rows: npt.NDArray[Any]) -> Candidates:
        """These rows, in this order."""
        prompts = [self.prompts[row] for row in rows]
        return Candidates(prompts, self.signals[rows], self.correct[rows], self.sources[rows])


@dataclass(frozen=True)
class Setting:
    """How a run is made."""

    budget: float
    audit_rate: float = 0.02
    audits: bool = True
    """False: hits are never labelled, whatever calibration asks for."""
    noise: LabelError = field(default_factory=LabelError)
    """How often a label is mistaken."""
    told_noise: LabelError = field(default_factory=LabelError)
    """What calibration is told about that."""
    probation: bool = True
    """Does a first cut begin with audits of all its hits?"""
    looks: bool = True
    """Is calibration shown every request, labelled or not?"""


@dataclass
class Outcome:
    """Counts of one run."""

    requests: int = 0
    hits: int = 0
    wrong: int = 0
    audits: int = 0
    estimated: float = 0.0
    """Wrong hits as estimated from audits: each stands for (1 - p) / p hits that were served."""
    labels: int = 0
    shadow: int = 0
    alarms: list[tuple[int, int, int]] = field(default_factory=list)
    """Request, hits and wrong hits so far, at each alarm."""
    changes: int = 0
    """Times that traffic was seen to have changed."""
    learned_at: int | None = None
    by_source: dict[str, list[int]] = field(default_factory=dict)
    """Requests, hits, wrong by source."""

    @property
    def error(self) -> float:
        """Wrong per hit."""
        return self.wrong / self.hits if self.hits else 0.0


class FixedSignals:
    """A verifier whose signals are known beforehand."""

    id = "fixed"
    floor = 0.0

    def __init__(self, mix: Mix) -> None:
        self.mix = mix

    def signals(self, pairs: Sequence[Pair]) -> npt.NDArray[np.float64]:
        """Never asked for."""
        raise NotImplementedError


def run(candidates: Candidates, mix: Mix, priors: Priors, setting: Setting, seed: int) -> Outcome:
    """Let the requests come one by one."""
    rng = np.random.default_rng(seed)
    calibrations = Calibrations(
        FixedSignals(mix), priors, setting.told_noise, budgets=(setting.budget,), probation=setting.probation
    )
    outcome = Outcome()
    scores: dict[Mix, npt.NDArray[np.float64]] = {mix: mix.score(candidates.signals)}
    alarm: str | None = None
    for at, prompt in enumerate(candidates.prompts):
        if setting.looks:
            similarity = float(candidates.signals[at, 1])
            outcome.changes += calibrations.seen(NAMESPACE, prompt, similarity, float(candidates.signals[at, 0]))
        admission = calibrations.of(NAMESPACE, setting.budget, setting.audit_rate)
        if admission.mix not in scores:
            scores = {mix: scores[mix], admission.mix: admission.mix.score(candidates.signals)}
        score = float(scores[admission.mix][at])
        if admission.alarm is not None and alarm is None:
            outcome.alarms.append((at, outcome.hits, outcome.wrong))
        alarm = admission.alarm
        if admission.source == "learned" and outcome.learned_at is None:
            outcome.learned_at = at
        source, propensity = _serve(admission, score, setting, rng)
        _count(outcome, candidates, at, admission, source, propensity)
        if source is not None:
            calibrations.told(_label(candidates, at, score, source, propensity, setting, rng))
    return outcome


def _serve(admission: Admission, score: float, setting: Setting, rng: np.random.Generator) -> tuple[str | None, float]:
    """Source and propensity of the label that this request gives; no source where it is served."""
    if not admission.admits(score):
        return "miss", 1.0
    if admission.shadow:
        return "shadow", 1.0
    if setting.audits and rng.random() < admission.audit_rate:
        return "audit", admission.audit_rate
    return None, 1.0


def _count(
    outcome: Outcome, candidates: Candidates, at: int, admission: Admission, source: str | None, propensity: float
) -> None:
    wrong = not candidates.correct[at]
    outcome.requests += 1
    outcome.labels += source is not None
    outcome.shadow += admission.shadow
    row = outcome.by_source.setdefault(str(candidates.sources[at]), [0, 0, 0])
    row[0] += 1
    if source is None:
        outcome.hits += 1
        outcome.wrong += wrong
        row[1] += 1
        row[2] += wrong
    elif source == "audit":
        outcome.audits += 1
        outcome.estimated += wrong * (1 - propensity) / propensity


def _label(
    candidates: Candidates, at: int, score: float, source: str, propensity: float, setting: Setting, rng: Any
) -> Label:
    correct = bool(candidates.correct[at])
    mistaken = rng.random() < (setting.noise.false_different if correct else setting.noise.false_same)
    signals = tuple(candidates.signals[at].tolist())
    return Label(
        id=f"lab_{at}",
        at=float(at),
        namespace=NAMESPACE,
        verifier=FixedSignals.id,
        embedder="bench",
        prompt_key=f"p{at}",
        entry_key=f"e{at}",
        entry_id=f"e{at}",
        prompt=candidates.prompts[at],
        stored_prompt="",
        similarity=signals[1],
        score=score,
        signals=signals,
        correct=correct != mistaken,
        source=source,  # type: ignore[arg-type]
        method="meaning",
        propensity=propensity,
    )
