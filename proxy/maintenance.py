"""What a server does beside its calls: hit counts, checkpoints, expired answers, the vector index."""

from __future__ import annotations

import asyncio
import time

import structlog

from proxy.services import Services
from store.embedder import EmbedderError
from store.errors import StoreError

FLUSH = 1.0
"""Seconds between two writings of hit counts: what a killed process may lose of them."""
SWEEP = 30.0
"""Seconds between two sweeps."""
BATCH = 500

_log = structlog.get_logger(__name__)


async def maintain(services: Services) -> None:
    """Run until cancelled. A failure is counted and tried again next time."""
    swept = time.monotonic()
    while True:
        await asyncio.sleep(FLUSH)
        try:
            services.entries.flush()
            await asyncio.to_thread(_checkpoint, services)
            if time.monotonic() - swept >= SWEEP:
                swept = time.monotonic()
                await asyncio.to_thread(sweep, services, time.time())
        except (StoreError, EmbedderError) as error:
            services.health.failed(error)


def _checkpoint(services: Services) -> None:
    try:
        services.database.checkpoint()
        services.health.worked("checkpoint")
    except StoreError as error:
        services.health.failed(error, "checkpoint")


def sweep(services: Services, now: float) -> int:
    """Retire expired answers and write to the index what a failure left out; gives how many were retired."""
    retired = 0
    while rows := services.entries.retire(now, BATCH):
        retired += len(rows)
        if services.index is not None:
            for id_, partition, embedder in rows:
                if embedder is not None:
                    services.index.remove(partition, embedder, [id_])
    if services.indexer is not None:
        services.mend()
        services.health.worked("embedder", "vectors")
    return retired
