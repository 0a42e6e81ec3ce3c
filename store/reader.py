"""The database opened for reading alone: beside a running server, or after it, without leaving a trace."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import sqlalchemy as sa

from store.database import BUSY_SECONDS, HEAD, Database
from store.errors import DatabaseError


class ReadOnlyDatabase(Database):
    """``Database`` without a writer; what would write fails."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises ``DatabaseError``: there is none, or its tables are of another release."""
        self.path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._in_use: list[threading.Lock] = []
        self.engine = sa.create_engine("sqlite://", creator=self._connect, poolclass=sa.pool.QueuePool)
        try:
            found = self.query(sa.text("SELECT version_num FROM alembic_version"))
        except DatabaseError:
            self.engine.dispose()
            raise
        if [row["version_num"] for row in found] != [HEAD]:
            self.engine.dispose()
            raise DatabaseError(f"the tables of {path} are of another release: start `reprise serve` on it once")

    def close(self) -> None:
        """Close every connection."""
        self._close_readers()
        self.engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        # A log that nobody has moved into the database yet must be read too, which needs its shared index; where all
        # has been moved and nobody writes, the file alone is read, and nothing is created beside it.
        log = self.path.with_name(f"{self.path.name}-wal")
        how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        return connection
