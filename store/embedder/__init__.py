"""Texts to unit vectors: a local model through ONNX, or an endpoint.

Importing this package loads neither onnxruntime nor torch; `load_embedder` loads what its spec needs.
"""

import logging
from pathlib import Path

from store.embedder.artifact import default_cache_dir, find_artifact, read_artifact
from store.embedder.base import (
    DEFAULT_MODEL,
    DamagedExportError,
    Embedder,
    EmbedderError,
    EmbedderSource,
    EmbedderSpec,
    NotExportableError,
    Vectors,
    no_embedder,
)
from store.embedder.models import Source, find_model, label_of

__all__ = [
    "DEFAULT_MODEL",
    "DamagedExportError",
    "Embedder",
    "EmbedderError",
    "EmbedderSource",
    "EmbedderSpec",
    "NotExportableError",
    "Vectors",
    "default_cache_dir",
    "load_embedder",
    "no_embedder",
]

_log = logging.getLogger(__name__)


def load_embedder(spec: EmbedderSpec, cache_dir: Path | None = None) -> Embedder:
    """The embedder that `spec` asks for.

    A local model is exported on its first use, which takes seconds, into `cache_dir` (default:
    REPRISE_MODEL_CACHE, else the user's cache folder); later starts read that export. One that does not
    export runs in torch. Raises EmbedderError.
    """
    if spec.api_base is not None:
        from store.embedder.endpoint import EndpointEmbedder

        return EndpointEmbedder(spec)
    source = find_model(spec.model)
    try:
        return _load_export(source, spec, cache_dir or default_cache_dir())
    except NotExportableError as error:
        _log.warning("running %s in torch, several times slower: %s", spec.model, error)
    from store.embedder.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(source, spec)


def _load_export(source: Source, spec: EmbedderSpec, cache_dir: Path) -> Embedder:
    from store.embedder.export import export_model
    from store.embedder.onnx import OnnxEmbedder

    folder = find_artifact(cache_dir, source, label_of(spec.quantize))
    if folder is not None:
        try:
            return OnnxEmbedder(read_artifact(folder), spec.threads)
        except DamagedExportError as error:
            _log.warning("exporting %s again: %s", spec.model, error)
    folder = export_model(source, cache_dir, quantize=spec.quantize)
    return OnnxEmbedder(read_artifact(folder), spec.threads)
