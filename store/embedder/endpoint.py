"""An embedder behind an OpenAI-compatible `/embeddings` endpoint."""

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import orjson

from store.embedder.base import EmbedderError, EmbedderSpec, Vectors, unit_rows
from store.embedder.models import slugify

_TIMEOUT_SECONDS = 10.0
_TEXTS_PER_CALL = 128
_LARGEST_ANSWER_BYTES = 64 * 1024 * 1024


class EndpointEmbedder:
    """Embeds over HTTP. Making one calls nobody; `dimension` makes a call unless one has answered before.

    The server's model has a window that the API does not tell: `fits` takes `endpoint_chars` UTF-8 bytes
    for it (a token holds at least one byte).
    """

    def __init__(self, spec: EmbedderSpec, timeout: float = _TIMEOUT_SECONDS) -> None:
        """`timeout`: seconds one call may take from start to end. Raises EmbedderError for a bad URL."""
        base = (spec.api_base or "").rstrip("/")
        self._url = f"{base}/embeddings"
        self._id = _endpoint_id(spec.model, base)
        self._model = spec.model
        self._window = spec.endpoint_chars
        self._timeout = timeout
        self._dimension: int | None = None
        self._lock = threading.Lock()
        self._client = _client(spec.api_key, timeout)

    @property
    def id(self) -> str:
        return self._id

    @property
    def dimension(self) -> int:
        return self._dimension or self._embed_some(["dimension"]).shape[1]

    @property
    def window(self) -> int:
        return self._window

    def fits(self, text: str) -> bool:
        if len(text) > self._window:
            return False
        try:
            return len(text.encode()) <= self._window
        except UnicodeEncodeError:
            return False  # a lone surrogate: not text that could be sent

    def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        starts = range(0, len(texts), _TEXTS_PER_CALL)
        return np.concatenate([self._embed_some(texts[start : start + _TEXTS_PER_CALL]) for start in starts])

    def close(self) -> None:
        """Closes the connections that are kept open between calls."""
        self._client.close()

    def _embed_some(self, texts: Sequence[str]) -> Vectors:
        rows = _rows_of(self._post(texts), len(texts))
        vectors = unit_rows(rows)
        with self._lock:
            if self._dimension is None:
                self._dimension = vectors.shape[1]
        if vectors.shape[1] != self._dimension:
            raise EmbedderError(f"the embeddings endpoint changed its dimension to {vectors.shape[1]}")
        return vectors

    def _post(self, texts: Sequence[str]) -> Any:
        body = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        deadline = time.monotonic() + self._timeout
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                if response.status_code != httpx2.codes.OK:
                    raise EmbedderError(f"the embeddings endpoint answered {response.status_code}")
                return orjson.loads(_read(response, deadline))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise EmbedderError(f"the embeddings endpoint failed: {type(error).__name__}") from error


def _client(api_key: str | None, timeout: float) -> httpx2.Client:
    try:
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        return httpx2.Client(headers=headers, timeout=timeout)
    except ValueError as error:
        # Not chained: the cause would quote the key.
        raise EmbedderError(f"api_key or the proxy settings are not usable: {type(error).__name__}") from None


def _read(response: httpx2.Response, deadline: float) -> bytes:
    # The client's own timeout starts anew with each chunk; a server that drips would hold the thread.
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if time.monotonic() > deadline:
            raise EmbedderError("the embeddings endpoint took too long")
        if len(body) > _LARGEST_ANSWER_BYTES:
            raise EmbedderError("the embeddings endpoint answered too much")
    return bytes(body)


def _rows_of(answer: Any, count: int) -> Vectors:
    try:
        # An index may be left out; the order is then the request's.
        rows = {item.get("index", place): item["embedding"] for place, item in enumerate(answer["data"])}
        if len(answer["data"]) != count or set(rows) != set(range(count)):
            raise EmbedderError(f"the embeddings endpoint answered {len(rows)} vectors to {count} texts")
        with np.errstate(over="ignore"):  # becomes infinite, which `unit_rows` refuses
            matrix: Vectors = np.array([rows[place] for place in range(count)], dtype=np.float32)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise EmbedderError("the embeddings endpoint's answer is not a list of embeddings") from error
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise EmbedderError("the embeddings endpoint's answer holds no vectors")
    return matrix


def _endpoint_id(model: str, base: str) -> str:
    try:
        parts = urlsplit(base)
    except ValueError as error:
        raise EmbedderError(f"api_base is not a URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise EmbedderError("api_base is not an http or https URL")
    # With the path, as one host may serve several deployments; without credentials.
    place = f"{parts.netloc.rpartition('@')[2].lower()}{parts.path}\n{model}"
    return f"{slugify(model)}-endpoint-{hashlib.sha256(place.encode()).hexdigest()[:12]}"
