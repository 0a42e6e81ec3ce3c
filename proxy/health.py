"""Which parts work. A part that fails breaks no call; it is counted, logged once, and shown in readiness."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cache.verifier import VerifierError
from proxy.metrics import Metrics
from store.embedder import EmbedderError
from store.errors import VectorIndexError

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Part:
    """One part's state."""

    ok: bool = True
    failures: int = 0
    error: str | None = None
    since: float | None = None


PARTS = (
    *("embedder", "vectors", "verifier", "database", "entries", "labels", "log", "checkpoint", "memory", "sources"),
    *("notifications", "backups"),
)
"""Embedder, vector index and verifier of the semantic tier; reading SQL; writing entries, labels, log, checkpoints;
what is learned behind the answers; reading sources and the index of their pieces; telling people; the last backup
that was asked for."""


class Health:
    """The state of each part that calls can get by without."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.parts = {name: Part() for name in PARTS}
        self.starting = {"embedder"}
        """Parts that are not up yet."""

    def failed(self, error: BaseException, part: str | None = None) -> None:
        """Note a failure; the part is told from the error where it is not named."""
        name = part or _part_of(error)
        state = self.parts[name]
        self._metrics.failures.labels(name).inc()
        if state.ok:
            # The error's own text may quote a value; its kind and ours are enough for a log line.
            _log.error("part failed; calls go on without it", part=name, error=type(error).__name__)
            state.since = time.time()
        state.ok, state.error = False, type(error).__name__
        state.failures += 1

    def worked(self, *parts: str) -> None:
        """Note that parts did their work."""
        for name in parts:
            state = self.parts[name]
            if not state.ok:
                _log.info("part works again", part=name)
                state.ok, state.error, state.since = True, None, None

    def told_of(self, part: str) -> Callable[[BaseException | None], None]:
        """What notes each outcome of a part's work: an error, or None."""

        def told(error: BaseException | None) -> None:
            if error is None:
                self.worked(part)
            else:
                self.failed(error, part)

        return told

    def started(self, part: str) -> None:
        """Note that a part is up."""
        self.starting.discard(part)

    @property
    def status(self) -> str:
        """``starting`` until every part is up, ``degraded`` while one fails, else ``ready``."""
        if self.starting:
            return "starting"
        return "ready" if all(part.ok for part in self.parts.values()) else "degraded"


def _part_of(error: BaseException) -> str:
    # A tier that takes too long waits for the embedder as a rule.
    if isinstance(error, EmbedderError | TimeoutError):
        return "embedder"
    if isinstance(error, VerifierError):
        return "verifier"
    return "vectors" if isinstance(error, VectorIndexError) else "database"
