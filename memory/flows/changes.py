"""Counts the changes of each namespace's flows, so that who holds a copy of them knows when it is old."""

from __future__ import annotations

import threading
from typing import Any

import sqlalchemy as sa

from store.database import Database


class Changes:
    """Usable from any thread."""

    def __init__(self, database: Database) -> None:
        self._versions: dict[str, int] = {}
        self._of_all = 0
        self._lock = threading.Lock()
        self._mark = f"flows changed {id(self)}"
        # A connection comes back after its commit: counted earlier, a reader could keep the old state as the new one.
        sa.event.listen(database.engine, "checkin", self._count)

    def version(self, namespace: str) -> int:
        """Rises after each committed change."""
        return self._versions.get(namespace, 0) + self._of_all

    def touch(self, connection: sa.Connection, namespace: str) -> None:
        """Count the transaction as a change, once it is committed."""
        connection.info.setdefault(self._mark, set()).add(namespace)

    def all(self) -> None:
        """Count a change of every namespace."""
        with self._lock:
            self._of_all += 1

    def _count(self, _: Any, record: Any) -> None:
        touched: set[str] = record.info.pop(self._mark, set())
        if touched:
            with self._lock:
                for namespace in touched:
                    self._versions[namespace] = self._versions.get(namespace, 0) + 1
