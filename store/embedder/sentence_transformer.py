"""A model that does not export, run as it is with sentence-transformers (and torch)."""

import threading
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from store.embedder.base import EmbedderError, EmbedderSpec, Vectors, unit_rows
from store.embedder.models import Source, embedder_id, label_of, loadable

_NO_WINDOW = 2**31 - 1


class SentenceTransformerEmbedder:
    """Embeds in float32 with torch: several times slower than an export, and it keeps torch in memory."""

    def __init__(self, source: Source, spec: EmbedderSpec) -> None:
        """Raises EmbedderError if the model cannot be loaded."""
        self._model, digest = _load(loadable(source), spec.threads)
        self._id = embedder_id(source.slug, label_of(False), source.digest or digest)
        # The tokenizer changes its own settings while it works.
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimension(self) -> int:
        return int(self._model.get_embedding_dimension())

    @property
    def window(self) -> int:
        longest = self._model.max_seq_length
        return int(longest) if longest is not None and np.isfinite(longest) else _NO_WINDOW

    def fits(self, text: str) -> bool:
        tokenizer = self._model.tokenizer
        with self._lock:
            try:
                ids = _token_ids(tokenizer, text)
            except (TypeError, ValueError):
                return False  # a lone surrogate: not text that could be embedded
        return len(ids) <= self.window and _unknown_token(tokenizer) not in ids

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        with self._lock:
            try:
                # One by one: padding to a neighbour's length would move a vector's last digits.
                found = self._model.encode(list(texts), batch_size=1, show_progress_bar=False)
            except Exception as error:  # any model may be configured, with errors of its own
                raise EmbedderError(f"a text could not be embedded: {type(error).__name__}") from error
        return unit_rows(found)


def _load(location: str, threads: int) -> tuple[Any, str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from store.embedder.loading import digest_of, load_model

        torch.set_num_threads(threads)
        model = load_model(location)
        return model, digest_of(model)


# A model of static vectors holds a bare `tokenizers.Tokenizer`, the others hold a transformers one.


def _token_ids(tokenizer: Any, text: str) -> Sequence[int]:
    ids: Sequence[int] = tokenizer(text)["input_ids"] if callable(tokenizer) else tokenizer.encode(text).ids
    return ids


def _unknown_token(tokenizer: Any) -> int | None:
    if callable(tokenizer):
        return getattr(tokenizer, "unk_token_id", None)
    token = getattr(tokenizer.model, "unk_token", None)
    return None if token is None else tokenizer.token_to_id(token)
