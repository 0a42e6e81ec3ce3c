"""How well flows fit a problem: 0.5 of meaning, 0.3 of keywords, 0.2 of recency, each in [0, 1]. Pure.

- meaning: the cosine of the problem's vector and the nearer one of the flow's two, of its title and of title,
  description and keywords together; what is opposed counts as nothing.
- keywords: see ``memory.flows.keywords``.
- recency: halves every 90 days since the flow was matched last, or its version was published.

A flow of another project, or of another domain where both have one, is no candidate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memory.flows.keywords import ENOUGH

SEMANTIC: Final = 0.5
KEYWORD: Final = 0.3
RECENCY: Final = 0.2
HALF_LIFE: Final = 90 * 86400.0
"""Seconds after which a flow's recency is half of what it was."""
DIGITS: Final = 6
"""Of a score: sums of fractions meet a limit that is written as 0.75."""

Floats = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Score:
    """One flow beside a problem."""

    at: int
    """The flow's place among the candidates."""
    score: float
    semantic: float
    keyword: float
    recency: float


class Candidates:
    """Flows as scoring needs them. Immutable.

    Args:
        keywords: of each, the stems (``memory.flows.keywords.stems``).
        projects: of each; empty: of every project.
        domains: of each.
        vectors: two for each, the title's and the whole's, of shape (2 x flows, dimension); None where there are none.
    """

    def __init__(
        self,
        keywords: Sequence[frozenset[str]],
        projects: Sequence[str],
        domains: Sequence[str | None],
        vectors: Vectors | None,
    ) -> None:
        self._size = len(keywords)
        lists: dict[str, list[int]] = {}
        for at, words in enumerate(keywords):
            for stem in words:
                lists.setdefault(stem, []).append(at)
        self._stems: Mapping[str, npt.NDArray[np.intp]] = {
            stem: np.array(found, dtype=np.intp) for stem, found in lists.items()
        }
        self._projects = np.array(projects, dtype=object)
        self._domains = np.array([domain or "" for domain in domains], dtype=object)
        self.vectors = vectors

    def __len__(self) -> int:
        return self._size

    def best(
        self, words: Collection[str], vector: Vectors | None, project: str, domain: str | None, ages: Floats
    ) -> Score | None:
        """The best for a problem, the earliest of equals; None where no flow is a candidate.

        Args:
            words: the problem's stems (``memory.context.terms.terms``).
            vector: the problem's, of length 1; None where meaning cannot be compared.
            ages: seconds since each flow was matched last.
        """
        if not self._size:
            return None
        fits = (self._projects == "") | (self._projects == project)
        if domain:
            fits &= (self._domains == "") | (self._domains == domain)
        if not fits.any():
            return None
        semantic, keyword, recency = self._meaning(vector), self._named(words), recencies(ages)
        score = np.round(SEMANTIC * semantic + KEYWORD * keyword + RECENCY * recency, DIGITS)
        at = int(np.argmax(np.where(fits, score, -1.0)))
        return Score(at, float(score[at]), float(semantic[at]), float(keyword[at]), float(recency[at]))

    def _meaning(self, vector: Vectors | None) -> Floats:
        if vector is None or self.vectors is None:
            return np.zeros(self._size)
        cosines = (self.vectors @ vector).reshape(self._size, 2).max(axis=1)
        return np.asarray(np.clip(cosines, 0.0, 1.0), dtype=np.float64)

    def _named(self, words: Collection[str]) -> Floats:
        found = [self._stems[word] for word in words if word in self._stems]
        if not found:
            return np.zeros(self._size)
        counts = np.bincount(np.concatenate(found), minlength=self._size)
        return np.asarray(np.minimum(1.0, counts / ENOUGH), dtype=np.float64)


def recencies(ages: Floats) -> Floats:
    """What ages in seconds make, in [0, 1]."""
    return np.asarray(0.5 ** (np.maximum(ages, 0.0) / HALF_LIFE), dtype=np.float64)
