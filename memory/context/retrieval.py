"""Pieces of documents for a prompt: found by meaning, then ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np

from memory.context.ranking import Ranked, Weights, rank, with_tags
from memory.context.terms import terms
from memory.sources.shelf import Found
from store.embedder import Embedder, EmbedderError
from store.vectors import Vector

LONG_CHARS: Final = 1400
"""A longer prompt that the embedder does not read whole is taken by its two ends: there stands what is asked."""
END_CHARS: Final = 700
LEAST_LOOKED_AT: Final = 48
"""Neighbours that are ranked at least: what is raised most may lie behind others."""
MOST_LOOKED_AT: Final = 4096
"""With tags to filter by, more and more are looked at until enough have them, up to so many."""


class Searchable(Protocol):
    """As much of ``memory.sources.shelf.Shelf`` as finding needs."""

    def search(self, namespace: str, project: str, vector: Vector, k: int) -> list[Found]:
        """The nearest pieces that the namespace may read; k of all, and k of the project's own."""
        ...

    def is_stocked(self) -> bool:
        """Is it worth searching?"""
        ...


class NotReadyError(EmbedderError):
    """There is no embedder yet."""


class Retriever:
    """Finds pieces. Usable from any thread; both methods block.

    Args:
        embedder: the one in use; None until it is ready.
        weights: those in force.
    """

    def __init__(
        self, shelf: Searchable, embedder: Callable[[], Embedder | None], weights: Callable[[], Weights] = Weights
    ) -> None:
        self._shelf = shelf
        self._embedder = embedder
        self._weights = weights

    def find(self, namespace: str, project: str, prompt: str, most: int, tags: Sequence[str] = ()) -> list[Ranked]:
        """The pieces that serve a prompt best, the best first.

        Args:
            project: the call's, by its id; empty for none.
            most: so many at most.
            tags: only of documents that have all of them.

        Raises:
            NotReadyError: there is no embedder yet.
            EmbedderError, StoreError: it failed.
        """
        if most < 1 or not self._shelf.is_stocked():
            return []
        embedder = self._embedder()
        if embedder is None:
            raise NotReadyError("the embedder is not ready")
        vector, looked_at = embedded(prompt, embedder), max(LEAST_LOOKED_AT, 2 * most)
        while True:
            found = self._shelf.search(namespace, project, vector, looked_at)
            kept = with_tags(found, tags) if tags else found
            if len(kept) >= most or len(found) < looked_at or looked_at >= MOST_LOOKED_AT or not tags:
                return rank(kept, terms(prompt), project, self._weights())[:most]
            looked_at *= 4


def embedded(prompt: str, embedder: Embedder) -> Vector:
    """A prompt's vector, length 1; of one that is too long, that of its ends together. Raises ``EmbedderError``."""
    # Half a surrogate pair is no text, and no reason to fail.
    prompt = prompt.encode("utf-8", "replace").decode()
    if len(prompt) <= LONG_CHARS or embedder.fits(prompt):
        whole: Vector = embedder.embed([prompt])[0]
        return whole
    both = np.sum(embedder.embed([prompt[:END_CHARS], prompt[-END_CHARS:]]), axis=0)
    length = float(np.linalg.norm(both))
    mean: Vector = (both / length if length > 0 else both).astype(np.float32)
    return mean
