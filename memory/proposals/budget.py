"""How often a model may be asked, by namespace and UTC day. Each call is counted before it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from store.database import Database
from store.dialects import insert
from store.tables import model_calls

ANALYSIS: Final = "analysis"


class Budget:
    """Counts calls, and says when no more may be made. In SQL, so that it holds over processes and restarts.

    Args:
        most: calls by namespace and day.
        clock: seconds since 1970.
        purpose: what the calls are for; each purpose is counted on its own.
    """

    def __init__(
        self, database: Database, most: int, clock: Callable[[], float] = time.time, purpose: str = ANALYSIS
    ) -> None:
        self._database = database
        self._most = most
        self._clock = clock
        self._purpose = purpose

    def take(self, namespace: str) -> bool:
        """Count one more call; False where it may not be made, and then nothing is counted.

        Raises:
            DatabaseError: it cannot be counted, so it may not be made.
        """
        if self._most <= 0:
            return False
        first = {"namespace": namespace, "day": self.today(), "purpose": self._purpose, "calls": 1}
        # One statement: two callers never both take the last call.
        counted = (
            insert(model_calls)
            .values(first)
            .on_conflict_do_update(
                index_elements=[model_calls.c.namespace, model_calls.c.day, model_calls.c.purpose],
                set_={"calls": model_calls.c.calls + 1},
                where=model_calls.c.calls < self._most,
            )
            .returning(model_calls.c.calls)
        )
        done: list[int | None] = []
        self._database.transact(lambda connection: done.append(connection.scalar(counted)))
        # Nothing comes back where nothing was written.
        return done[0] is not None

    def spent(self, namespace: str) -> int:
        """Calls counted today."""
        of_today = sa.select(model_calls.c.calls).where(
            model_calls.c.namespace == namespace,
            model_calls.c.day == self.today(),
            model_calls.c.purpose == self._purpose,
        )
        rows = self._database.query(of_today)
        return int(rows[0]["calls"]) if rows else 0

    def left(self, namespace: str) -> int:
        """Calls that may be made today yet."""
        return max(0, self._most - self.spent(namespace))

    def today(self) -> str:
        """The UTC day, ``YYYY-MM-DD``."""
        return self._now().date().isoformat()

    def tomorrow(self) -> float:
        """When the next UTC day begins, in seconds since 1970."""
        midnight = self._now().replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight + timedelta(days=1)).timestamp()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
