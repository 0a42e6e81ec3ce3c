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
KEPT = 24 * 3600.0
"""Seconds that a retired answer stays in SQL; its interaction stays in the log."""

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
        except Exception as error:  # noqa: BLE001  whatever one round meets, the next must come
            services.health.failed(error, None if isinstance(error, StoreError | EmbedderError) else "database")


def _checkpoint(services: Services) -> None:
    try:
        services.database.checkpoint()
        services.health.worked("checkpoint")
    except StoreError as error:
        services.health.failed(error, "checkpoint")


def sweep(services: Services, now: float) -> int:
    """Retire expired answers, take replaced ones out of the index, and mend it; gives how many were retired.

    The index loses a vector before SQL notes it: what is interrupted between the two is done again.
    """
    entries, semantic = services.entries, services.semantic
    retired = 0
    while done := entries.retire(now, BATCH):
        retired += done
    while semantic.is_open and (rows := entries.leaving(BATCH)):
        semantic.forget(rows)
        entries.mark_left([id_ for id_, _, _ in rows])
    entries.purge(now - KEPT)
    if semantic.mend():
        services.health.worked("embedder", "vectors")
    return retired
