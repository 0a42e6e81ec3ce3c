"""Finds the flow that fits a problem best, among those in use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from memory.context.terms import terms
from memory.flows.copies import Copies, Held
from store.embedder import Embedder, EmbedderError, EmbedderSource, no_embedder
from store.embedder.base import Vectors

MOST_CHARS: Final = 4000
"""Of a problem that are read; no embedder that is shipped reads more."""


@dataclass(frozen=True, slots=True)
class Match:
    """The best flow for a problem, and why; all shares in [0, 1]."""

    flow_id: str
    version: int
    title: str
    score: float
    """0.5 semantic + 0.3 keyword + 0.2 recency."""
    semantic: float
    keyword: float
    recency: float
    by_meaning: bool = True
    """False: there was no embedder, and ``semantic`` is 0 for want of one."""


class Matcher:
    """Matches problems with flows. Usable from any thread.

    Args:
        embedder: the one in use; None while there is none.
        told: notes that flows could not be embedded, or that they can again.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        copies: Copies,
        embedder: EmbedderSource = no_embedder,
        told: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._copies = copies
        self._embedder = embedder
        self._told = told
        self._clock = clock
        self._failing = False

    def best(self, namespace: str, project: str, text: str, domain: str | None = None) -> Match | None:
        """The flow in use that fits best, however badly; None where none is a candidate or the text is blank.

        Args:
            project: its flows, and those of every project, are candidates.
            domain: what the problem is filed under; flows of another domain are none. None: that is not known.

        Raises:
            DatabaseError: the flows cannot be read.
        """
        asked = text.strip()[:MOST_CHARS]
        held = self._copies.current(namespace) or self._copies.of(namespace)
        if not asked or not len(held.candidates):
            return None
        held, vector = self._by_meaning(namespace, held, asked)
        found = held.candidates.best(terms(asked), vector, project, domain, self._clock() - held.used)
        if found is None:
            return None
        one = held.outlines[found.at]
        shares = found.score, found.semantic, found.keyword, found.recency
        return Match(one.id, one.version, one.title, *shares, by_meaning=vector is not None)

    def _by_meaning(self, namespace: str, held: Held, asked: str) -> tuple[Held, Vectors | None]:
        """The flows with vectors, and the problem's; None where there is no embedder that works."""
        embedder: Embedder | None = self._embedder()
        if embedder is None:
            return held, None
        try:
            held = self._copies.of(namespace, embedder)
            # Alone: an embedder that knows the texts of late knows it by itself.
            vector: Vectors = embedder.embed([asked])[0]
        except EmbedderError as error:
            self._failing = True
            self._told(error)
            return held, None
        if self._failing:
            self._failing = False
            self._told(None)
        return held, vector
