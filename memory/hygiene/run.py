"""One round of hygiene: what has expired goes, what is idle fades, what is new is compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from memory.hygiene.comparing import Comparing
from memory.hygiene.counts import Counts
from memory.hygiene.decay import Decay, Fading
from memory.hygiene.duplicates import Merging
from memory.hygiene.expiry import Expiry
from memory.hygiene.pace import Pace
from memory.interactions import stamp_at
from memory.memories.memories import Memories
from store.database import Database
from store.embedder import EmbedderError, EmbedderSource, no_embedder
from store.errors import StoreError
from store.tables import memories as table

_ANY: Final = sa.select(table.c.id).limit(1)


class Hygiene:
    """Looks memories over. Blocks; one run at a time.

    Args:
        embedder: None while there is none; then only time does its work.
        clock: seconds since 1970.
        stopping: asked between transactions, all of them short; what is left over is done by the next run.
    """

    def __init__(
        self,
        database: Database,
        memories: Memories,
        embedder: EmbedderSource = no_embedder,
        *,
        fading: Fading = Fading(),
        merging: Merging = Merging(),
        clock: Callable[[], float] = time.time,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        pace = Pace(memories, stopping)
        self._steps: tuple[Callable[[], Counts], ...] = (
            Expiry(database, memories, clock, pace).run,
            Decay(database, memories, fading, clock, pace).run,
            Comparing(database, memories, embedder, merging, lambda: _now(clock), pace).run,
        )

    def run(self) -> Counts:
        """What was done, by name. A step that fails does not keep the others from their work.

        Raises:
            DatabaseError, EmbedderError: the first failure, after all steps.
        """
        counts: Counts = {}
        if not self._database.query(_ANY):
            return counts
        failure: StoreError | EmbedderError | None = None
        for step in self._steps:
            try:
                counts.update(step())
            except (StoreError, EmbedderError) as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return counts


def _now(clock: Callable[[], float]) -> str:
    return stamp_at(clock())
