"""Parts of a cache that note what they are asked and leave no trace: with them a decision can be watched."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from cache.call import Call
from cache.decision import Candidate, Judged
from cache.identity import Scope
from cache.judges import Judge, Judges
from cache.neighbours import Neighbours
from cache.policy import Policy
from cache.verifier import Array, Pair, Verifier, VerifierAround
from store.vectors import Vector


class NotingNeighbours(Neighbours):
    """Neighbours that note the candidates they gave."""

    def __init__(self, neighbours: Neighbours) -> None:
        vars(self).update(vars(neighbours))
        self.found: list[Candidate] = []

    def nearest(self, call: Call, vector: Vector, least: float) -> list[Candidate]:
        self.found = super().nearest(call, vector, least)
        return self.found

    def near(self, vector: Vector, scope: Scope, k: int) -> list[Candidate]:
        """The nearest entries of a partition, whatever else differs."""
        scored = self._index.query(scope.partition, self.embedder_id, vector, k)
        known = self._entries.by_ids([id_ for id_, _ in scored])
        return [
            Candidate(known[id_], similarity, "semantic")
            for id_, similarity in scored
            if id_ in known and known[id_].partition == scope.partition
        ]


class NotingVerifier(VerifierAround):
    """A verifier that notes the pairs it was asked about."""

    def __init__(self, verifier: Verifier, asked: list[tuple[str, str]]) -> None:
        super().__init__(verifier)
        self._asked = asked

    def signals(self, pairs: Sequence[Pair]) -> Array:
        self._asked += [(pair.new, pair.stored) for pair in pairs]
        return self._verifier.signals(pairs)


class SilentJudges:
    """Judges that take note of no call, and remember what they were asked."""

    def __init__(self, judges: Judges) -> None:
        self._judges = judges
        self.floor = judges.floor
        self.asked: list[tuple[str, str]] = []

    def of(self, namespace: str, policy: Policy) -> Judge:
        judge = self._judges.of(namespace, policy)
        return dataclasses.replace(judge, verifier=NotingVerifier(judge.verifier, self.asked))

    def seen(self, namespace: str, text: str, judged: Judged) -> None:
        """An explanation is no traffic."""


class QuietWatch:
    """Keeps the failures of one explanation to itself."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def failed(self, error: Exception) -> None:
        self.failures.append(str(error) or type(error).__name__)

    def worked(self, *parts: str) -> None:
        """Nothing to tell."""
