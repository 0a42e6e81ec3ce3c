"""Which work on memory comes round in a server."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from memory.hygiene.decay import Fading
from memory.hygiene.duplicates import Merging
from memory.hygiene.run import Hygiene
from memory.memories.memories import Memories
from proxy.asking import Asks
from proxy.config import HygieneSettings, MemorySettings
from proxy.metrics import Metrics
from proxy.remembering.schedule import Counts, Round, Schedule, in_thread
from proxy.remembering.triage import Triage
from store.database import Database
from store.embedder import EmbedderSource

HYGIENE: Final = "hygiene"
BATCH: Final = "batch"
TRIAGE: Final = "triage"
NOTIFICATIONS: Final = "notifications"
GAPS: Final = "gaps"


def build_schedule(
    settings: MemorySettings,
    database: Database,
    memories: Memories,
    asking: Asks,
    embedder: EmbedderSource,
    metrics: Metrics,
    outcome: Callable[[BaseException | None], None],
    batch: Callable[[], Awaitable[Counts]] | None = None,
    further: Sequence[Round] = (),
) -> Schedule:
    """Hygiene always, triage with a model, and reading what was not read yet where there is something to do it.

    Args:
        outcome: told of each failure, and with None of each round that worked.
        batch: reads interactions that the present extractor has not read; gives what it did, by name.
        further: what else comes round.
    """
    stop = threading.Event()
    hygiene = Hygiene(
        database,
        memories,
        embedder,
        fading=_fading(settings.hygiene),
        merging=Merging(settings.hygiene.merge_at, settings.hygiene.merge_alone),
        stopping=stop.is_set,
    )
    rounds = [Round(HYGIENE, settings.hygiene.every, in_thread(hygiene.run))]
    if batch is not None and settings.extraction.enabled and settings.extraction.batch > 0:
        rounds.append(Round(BATCH, settings.extraction.batch, batch))
    if settings.triage.model is not None:
        triage = Triage(settings.triage, memories, database, asking, metrics, stop.is_set)
        rounds.append(Round(TRIAGE, settings.triage.every, triage.run))
    return Schedule([*rounds, *further], metrics, outcome, stop)


def _fading(settings: HygieneSettings) -> Fading:
    return Fading(settings.decay, settings.idle, settings.floor)
