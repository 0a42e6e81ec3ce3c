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
MENDING = 20.0
"""Seconds of a sweep in which prompts without a vector are embedded: an import leaves hours of that."""
BATCH = 500
KEPT = 24 * 3600.0
"""Seconds that a retired answer stays in SQL; its interaction stays in the log."""
LABELS_KEPT = 50_000
"""Labels of a namespace that stay: more than a cut is ever learned from."""

_log = structlog.get_logger(__name__)


async def maintain(services: Services) -> None:
    """Run until cancelled. A failure is counted and tried again next time."""
    swept = time.monotonic()
    while True:
        await asyncio.sleep(FLUSH)
        try:
            services.entries.flush()
            await asyncio.to_thread(_checkpoint, services)
            if time.monotonic() - swept >= SWEEP or services.evictor.is_urgent():
                swept = time.monotonic()
                await asyncio.to_thread(sweep, services, time.time())
        except Exception as error:  # noqa: BLE001  whatever one round meets, the next must come
            services.health.failed(error, None if isinstance(error, StoreError | EmbedderError) else "database")


def _checkpoint(services: Services) -> None:
    try:
        services.database.upkeep()
        services.health.worked("checkpoint")
    except StoreError as error:
        services.health.failed(error, "checkpoint")


def sweep(services: Services, now: float) -> int:
    """Retire and evict answers, take them out of the index, and mend it; gives how many had expired.

    The index loses a vector before SQL notes it: what is interrupted between the two is done again.
    """
    entries, semantic = services.entries, services.semantic
    services.invalidation.retire_epochs()
    grace = {name: policy.serve_stale_for for name, policy in services.policies.named.items() if policy.serve_stale_for}
    retired = 0
    while done := entries.retire(now, BATCH, grace):
        retired += done
    services.evictor.enforce(now)
    services.labels.prune(LABELS_KEPT)
    clear(services, now)
    if semantic.mend(patience=MENDING):
        services.health.worked("embedder", "vectors")
    services.remembering.library.mend(MENDING)
    return retired


def clear(services: Services, now: float) -> None:
    """Take answers that are out of service out of the vector index, then delete the rows of those long gone."""
    entries, semantic = services.entries, services.semantic
    while semantic.is_open and (rows := entries.leaving(BATCH)):
        semantic.forget(rows)
        entries.mark_left([id_ for id_, _, _ in rows])
    entries.purge(now - KEPT)
