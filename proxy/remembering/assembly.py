"""The parts of memory in one server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.config import Settings
from proxy.health import Health
from proxy.live.running import Live
from proxy.metrics import Metrics
from proxy.upstreams.base import Upstream
from store.database import Database
from store.embedder import Embedder
from store.jobs import Jobs


@dataclass
class Remembering:
    """What learns from calls, and what is learned."""

    jobs: Jobs


def build_remembering(
    settings: Settings,
    database: Database,
    live: Live,
    upstreams: Mapping[str, Upstream],
    embedder: Callable[[], Embedder | None],
    metrics: Metrics,
    health: Health,
) -> Remembering:
    """Put the parts together. Opens nothing and starts nothing."""
    return Remembering(jobs=Jobs(database))
