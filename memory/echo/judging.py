"""Weighs evidence: logistic regressions whose weights stand in ``weights/echo.json``, trained by ``benchmarks.memory``.

With an embedder the nearness of the memory to what was said joins in. It is asked last, and only where it could still
decide: most memories of a pool are dismissed by their words.
"""

from __future__ import annotations

import functools
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cachetools import LRUCache

from memory.echo.evidence import Evidence
from store.embedder import Embedder, EmbedderError, EmbedderSource, no_embedder

NEAR: Final = "near"
"""Cosine of a memory with the stretch that says most of it, alone or behind the prompt; the larger."""
MOST_CHARS: Final = 1500
"""Characters of a text that are embedded, and of the prompt before it."""
PROMPT_CHARS: Final = 300

_MEMORIES: LRUCache[tuple[str, str], Any] = LRUCache(4096)
_LOCK = threading.Lock()
_FILE: Final = Path(__file__).parent / "weights" / "echo.json"


@dataclass(frozen=True, slots=True)
class Model:
    """A logistic regression; from ``threshold`` on it says yes, where all features have the ``least`` they must."""

    intercept: float
    weights: Mapping[str, float]
    threshold: float
    least: Mapping[str, float]

    def probability(self, values: Mapping[str, float]) -> float:
        """In (0, 1)."""
        total = self.intercept + sum(weight * values[name] for name, weight in self.weights.items())
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, total))))

    def accepts(self, values: Mapping[str, float]) -> bool:
        """Is it likely enough?"""
        enough = all(values[name] >= bound for name, bound in self.least.items())
        return enough and self.probability(values) >= self.threshold


@functools.cache
def model(name: str) -> Model:
    """A model of the file: ``echo`` or ``usage``, and each with ``_words`` for judging without vectors."""
    known: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))["models"][name]
    return Model(known["intercept"], known["weights"], known["threshold"], known["least"])


class Nearness:
    """Cosines between memories and stretches of one text; each text is embedded once, memories are kept longer."""

    def __init__(self, embedder: Embedder, prompt: str) -> None:
        self._embedder = embedder
        self._prompt = prompt[-PROMPT_CHARS:].strip()
        self._vectors: dict[str, Any] = {}

    def of(self, memory: str, stretch: str) -> float:
        """In [-1, 1]. Raises ``EmbedderError``."""
        if not stretch.strip() or not memory.strip():
            return 0.0
        known = self._kept(memory)
        alone = float(known @ self._vector(stretch))
        return max(alone, float(known @ self._vector(f"{self._prompt} {stretch}"))) if self._prompt else alone

    def _kept(self, memory: str) -> Any:
        """A memory's vector; the same memories are looked for in one answer after another."""
        key = (self._embedder.id, memory[:MOST_CHARS])
        with _LOCK:
            vector = _MEMORIES.get(key)
        if vector is None:
            vector = self._embedder.embed([key[1]])[0]
            with _LOCK:
                _MEMORIES[key] = vector
        return vector

    def _vector(self, text: str) -> Any:
        cut = text[:MOST_CHARS]
        if cut not in self._vectors:
            self._vectors[cut] = self._embedder.embed([cut])[0]
        return self._vectors[cut]


class Judge:
    """Decides by one kind of model on the memories that one text may hold.

    Args:
        kind: ``echo`` or ``usage``.
    """

    def __init__(self, kind: str, prompt: str, embedder: EmbedderSource = no_embedder) -> None:
        loaded = embedder()
        self._near = Nearness(loaded, prompt) if loaded is not None else None
        self._kind = kind

    def accepts(self, memory: str, evidence: Evidence, extra: Mapping[str, float] | None = None) -> bool:
        """Does the evidence, and nearness where it can still decide, suffice?"""
        values = {**evidence.values, **(extra or {})}
        if self._near is not None:
            with_vectors = model(self._kind)
            if not with_vectors.accepts({**values, NEAR: 1.0}):
                return False
            try:
                return with_vectors.accepts({**values, NEAR: self._near.of(memory, evidence.stretch)})
            except EmbedderError:
                # An endpoint that is down: the words are still there.
                self._near = None
        return model(f"{self._kind}_words").accepts(values)
