"""What an embedder is: the protocol, its configuration, its error.

EmbedderError                a text could not be embedded, or an embedder could not be made ready
+-- NotExportableError       a model does not become an ONNX file that agrees with it
+-- DamagedExportError       an exported model on disk is incomplete, altered or from another format
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

DEFAULT_MODEL = "all-MiniLM-L6-v2"

Vectors = npt.NDArray[np.float32]


class EmbedderError(Exception):
    """A text could not be embedded, or an embedder could not be made ready."""


class NotExportableError(EmbedderError):
    """A model does not become an ONNX file that agrees with it; it can still be run as it is."""


class DamagedExportError(EmbedderError):
    """An exported model on disk is incomplete, altered or from another format; exporting again mends it."""


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Which embedder to load.

    model: a sentence-transformers model name, a folder that holds one, or the endpoint's model name.
    api_base: base URL of an OpenAI-compatible API (with its `/v1`); None runs the model in this process.
    api_key: sent to `api_base` as a bearer token.
    quantize: int8 weights (about half the time, a quarter of the memory) instead of float32.
    threads: threads that one embedding may use.
    endpoint_chars: longest text, in UTF-8 bytes, that the endpoint's model surely reads whole. Lower it
        for a model with a short window: a server that cuts its input does not say so.
    """

    model: str = DEFAULT_MODEL
    api_base: str | None = None
    api_key: str | None = field(default=None, repr=False)
    quantize: bool = True
    threads: int = 1
    endpoint_chars: int = 8_000


class Embedder(Protocol):
    """Turns texts into unit vectors. Thread-safe and synchronous: callers run it in a thread.

    A text's vector depends on that text alone, never on the texts it is embedded with.
    """

    @property
    def id(self) -> str:
        """Names the vector space, in [a-z0-9._-]: vectors under different ids are never compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of each vector. An endpoint answers after its first call and makes one if need be."""
        ...

    @property
    def window(self) -> int:
        """How many tokens the model reads, its special tokens included."""
        ...

    def fits(self, text: str) -> bool:
        """Whether the model reads the whole of `text`: nothing beyond the window, no unknown token.

        True is certain. False may be said early of a text that is far too long.
        """
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension). A longer text is read up to the window.

        Raises EmbedderError.
        """
        ...


EmbedderSource = Callable[[], Embedder | None]
"""Gives the embedder in use; None until one is loaded."""


def no_embedder() -> Embedder | None:
    """An ``EmbedderSource`` of nothing."""
    return None


def unit_rows(rows: npt.ArrayLike) -> Vectors:
    """The rows of a matrix scaled to length 1; raises EmbedderError for a zero or non-finite row."""
    matrix = np.asarray(rows, dtype=np.float32)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    # One comparison refuses zero, infinity and NaN alike.
    if not np.all((norms > 1e-12) & (norms < np.inf)):
        raise EmbedderError("an embedding is zero or not finite")
    unit: Vectors = matrix / norms
    return unit
