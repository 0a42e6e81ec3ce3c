"""Epochs of namespaces: raising one makes everything stored before unreachable at once, whatever its number.

The epoch is part of what a call is matched on. What older epochs hold is retired later, in batches.
"""

from __future__ import annotations

import threading

import sqlalchemy as sa

from store.database import Database
from store.tables import epochs


class Epochs:
    """The epoch of each namespace: 0 until it is first raised. Safe for threads."""

    def __init__(self, database: Database) -> None:
        """Read them. Raises ``DatabaseError``."""
        self._database = database
        self._lock = threading.Lock()
        rows = database.query(sa.select(epochs.c.namespace, epochs.c.epoch, epochs.c.at))
        self._current = {row["namespace"]: row["epoch"] for row in rows}
        # Whether a stopped server had retired all of them is not known: looking again finds nothing, and costs once.
        self._behind = {row["namespace"]: row["at"] for row in rows}

    def of(self, namespace: str) -> int:
        """The epoch in force."""
        return int(self._current.get(namespace, 0))

    def bump(self, namespace: str, now: float) -> int:
        """Raise a namespace's epoch; gives the new one, which survives a restart. Raises ``DatabaseError``."""
        with self._lock:
            epoch = self.of(namespace) + 1

            def work(connection: sa.Connection) -> None:
                connection.execute(sa.delete(epochs).where(epochs.c.namespace == namespace))
                connection.execute(sa.insert(epochs).values(namespace=namespace, epoch=epoch, at=now))

            self._database.transact(work)
            self._current[namespace] = epoch
            self._behind[namespace] = now
            return epoch

    def forget(self, namespace: str) -> None:
        """Begin at 0 again, where a namespace has nothing stored any more. Raises ``DatabaseError``."""
        with self._lock:

            def work(connection: sa.Connection) -> None:
                connection.execute(sa.delete(epochs).where(epochs.c.namespace == namespace))

            self._database.transact(work)
            self._current.pop(namespace, None)
            self._behind.pop(namespace, None)

    def behind(self) -> list[tuple[str, float]]:
        """Namespaces whose older epochs are still to be retired, and when the present one began."""
        with self._lock:
            return list(self._behind.items())

    def caught_up(self, namespace: str, at: float) -> None:
        """Note that nothing stored before ``at`` is active any more."""
        with self._lock:
            if self._behind.get(namespace) == at:
                del self._behind[namespace]
