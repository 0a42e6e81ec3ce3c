"""Embeddings computed once and kept between runs, and an embedder that gives them back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import platformdirs

from benchmarks.decisions.kept import WRITTEN_AT_ONCE, KeptRows, Rows, key_of
from store.embedder import Embedder, EmbedderSpec, load_embedder

THREADS = 2


def default_cache() -> Path:
    """Where benchmarks keep what is slow to compute."""
    return platformdirs.user_cache_path("reprise") / "benchmarks"


class KeptEmbedder:
    """``store.embedder.Embedder`` over kept vectors. A text that is not kept yet is embedded, and kept."""

    def __init__(self, embedder: Embedder, cache: Path) -> None:
        self._embedder = embedder
        self._kept = KeptRows(cache / "embeddings" / embedder.id)
        self._fits: dict[str, bool] = {}

    @property
    def id(self) -> str:
        return self._embedder.id

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def window(self) -> int:
        return self._embedder.window

    def fits(self, text: str) -> bool:
        if text not in self._fits:
            self._fits[text] = self._embedder.fits(text)
        return self._fits[text]

    def embed(self, texts: Sequence[str]) -> Rows:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        self.prepare(texts)
        return self._kept.rows([key_of(text) for text in texts])

    def prepare(self, texts: Iterable[str]) -> int:
        """Embed and keep what is not kept yet; gives how many that were."""
        by_key = {key_of(text): text for text in texts}
        missing = self._kept.missing(by_key)
        for start in range(0, len(missing), WRITTEN_AT_ONCE):
            keys = missing[start : start + WRITTEN_AT_ONCE]
            self._kept.add(keys, self._embed_side_by_side([by_key[key] for key in keys]))
        return len(missing)

    def flush(self) -> None:
        """Write what is kept in memory only."""
        self._kept.flush()

    def _embed_side_by_side(self, texts: Sequence[str]) -> Rows:
        # The model runs outside Python's lock, one text at a time: a vector must not depend on its neighbours.
        parts = [texts[start::THREADS] for start in range(min(THREADS, len(texts)))]
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        with ThreadPoolExecutor(THREADS) as threads:
            for start, part in enumerate(threads.map(self._embedder.embed, parts)):
                rows[start::THREADS] = part
        return rows


def kept_embedder(cache: Path | None = None) -> KeptEmbedder:
    """The product's own default embedder. Raises ``EmbedderError``."""
    return KeptEmbedder(load_embedder(EmbedderSpec()), cache or default_cache())


def similarities(embedder: Embedder, pairs: Sequence[tuple[str, str]]) -> Rows:
    """Cosine of each two texts, shape (n,), in [-1, 1]."""
    if not pairs:
        return np.empty(0, dtype=np.float32)
    first, second = (embedder.embed(texts) for texts in zip(*pairs, strict=True))
    # Rounding puts equal vectors a little above 1.
    cosines: Rows = np.clip(np.einsum("ij,ij->i", first, second), -1.0, 1.0)
    return cosines
