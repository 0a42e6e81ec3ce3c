"""Who judges the semantic candidates of a namespace: the verifier, the mix of its signals, the cut in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from cache.calibration import Calibrations
from cache.decision import Candidate, Judged
from cache.policy import Policy
from cache.verifier import Mix, Pair, Verifier, VerifierError


@dataclass(frozen=True, slots=True)
class Judge:
    """A verifier with the cut in force for one namespace and one policy."""

    verifier: Verifier
    embedder: str
    """Id of the embedder whose similarities are judged."""
    mix: Mix
    cut: float | None
    """Scores strictly above it are admitted; None: no cut keeps the budget."""
    shadow: bool
    """Decide, but serve nothing by meaning."""
    audit_rate: float
    """Share of would-be hits that is forwarded all the same."""

    def judge(self, text: str, candidate: Candidate) -> Judged:
        """Score one candidate for a new prompt, by the weakest of its turns. Raises ``VerifierError``."""
        assert candidate.entry.prompt is not None
        pairs = [Pair(text, candidate.entry.prompt, candidate.similarity)]
        pairs += [Pair(turn.new, turn.stored, turn.similarity) for turn in candidate.turns]
        signals = self.verifier.signals(pairs)
        scores = self.mix.score(signals)
        if not np.isfinite(scores).all():
            raise VerifierError("the verifier gave no number")
        # A history is as like another as the turn that is least so.
        weakest = int(np.argmin(scores))
        score, weighed = float(scores[weakest]), tuple(map(float, signals[weakest]))
        return Judged(candidate.entry, candidate.similarity, score, weighed, self.verifier.id, self.embedder)


class Judges(Protocol):
    """Gives each call its judge."""

    @property
    def floor(self) -> float:
        """Cosine below which no candidate is worth judging."""
        ...

    def of(self, namespace: str, policy: Policy) -> Judge:
        """The judge of a namespace's calls under a policy without a fixed threshold."""
        ...

    def seen(self, namespace: str, text: str, judged: Judged) -> None:
        """Take note of a call and the candidate that came nearest to being served."""
        ...


class LearnedJudges:
    """Cuts learned by namespace and budget, shipped ones until then."""

    def __init__(self, verifier: Verifier, embedder: str, calibrations: Calibrations) -> None:
        self.verifier = verifier
        self.embedder = embedder
        self.calibrations = calibrations
        self.floor = verifier.floor

    def of(self, namespace: str, policy: Policy) -> Judge:
        """See ``Judges``."""
        now = self.calibrations.of(namespace, policy.max_error_rate, policy.audit_rate)
        shadow = now.shadow or policy.shadow
        return Judge(self.verifier, self.embedder, now.mix, now.cut, shadow, now.audit_rate)

    def seen(self, namespace: str, text: str, judged: Judged) -> None:
        """See ``Judges``."""
        self.calibrations.seen(namespace, text, judged.similarity, judged.score)


class FixedJudges:
    """The same cut for every namespace, never learned: for measuring, and for tests."""

    def __init__(self, verifier: Verifier, cut: float | None, embedder: str = "") -> None:
        self._verifier = verifier
        self._cut = cut
        self._embedder = embedder
        self.floor = verifier.floor

    def of(self, namespace: str, policy: Policy) -> Judge:
        """See ``Judges``."""
        mix = self._verifier.mix
        return Judge(self._verifier, self._embedder, mix, self._cut, policy.shadow, policy.audit_rate)

    def seen(self, namespace: str, text: str, judged: Judged) -> None:
        """Nothing is learned."""
