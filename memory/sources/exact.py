"""The vectors of a small shelf in memory, all of which are compared: exact, and sooner done than asking the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memory.sources.chunk_notes import Place
from store.vectors import Vector

MOST: Final = 20_000
"""Pieces of a shelf that is held so; beyond, the index is faster. Each takes 1.5 KiB with 384 dimensions."""


@dataclass(frozen=True, slots=True)
class _Audience:
    ids: list[str]
    vectors: npt.NDArray[np.float32]
    """Of length 1, in the order of projects, then ids."""
    projects: Mapping[str, slice]


class Exact:
    """What there was at one moment. Immutable.

    Args:
        audiences: by source; pieces of others are left out.
        moment: names the moment.
    """

    def __init__(self, held: Iterable[tuple[Place, Vector]], audiences: Mapping[str, str], moment: int) -> None:
        self.moment = moment
        together: dict[str, list[tuple[Place, Vector]]] = {}
        for place, vector in held:
            if place.source in audiences:
                together.setdefault(audiences[place.source], []).append((place, vector))
        self._audiences = {audience: _ordered(found) for audience, found in together.items()}

    def search(self, audience: str, project: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        """Ids of the k nearest for an audience with their cosines, the nearest first; of a project's own where one is
        given."""
        held = self._audiences.get(audience)
        rows = None if held is None else held.projects.get(project) if project else slice(0, len(held.ids))
        if held is None or rows is None:
            return []
        cosines = held.vectors[rows] @ _unit(vector)
        best = np.argpartition(cosines, -k)[-k:] if k < len(cosines) else np.arange(len(cosines))
        best = best[np.argsort(-cosines[best], kind="stable")]
        # Rounding puts equal vectors a little above 1.
        return [
            (held.ids[rows.start + at], min(1.0, cosine))
            for at, cosine in zip(best.tolist(), cosines[best].tolist(), strict=True)
        ]


def _ordered(found: list[tuple[Place, Vector]]) -> _Audience:
    found.sort(key=lambda one: (one[0].project, one[0].id))
    projects: dict[str, slice] = {}
    for at, (place, _) in enumerate(found):
        first = projects[place.project].start if place.project in projects else at
        projects[place.project] = slice(first, at + 1)
    vectors = np.stack([_unit(vector) for _, vector in found])
    return _Audience([place.id for place, _ in found], vectors, projects)


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    unit: Vector = (vector / length if length > 0 else vector).astype(np.float32, copy=False)
    return unit
