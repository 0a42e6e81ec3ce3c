"""Where the database of a backup goes when it is restored."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import sqlalchemy as sa

from store.backups.content import Content, connect, look
from store.database import BUSY_SECONDS
from store.errors import BackupError
from store.tables import audit

BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database: another one's would be taken for the new one's."""


class Target(Protocol):
    """Where the database of a backup goes: a file of SQLite's here, a server in ``store.backups.postgres``."""

    sql: str
    """Which of ``manifest.DATABASES`` it takes."""

    def exists(self) -> bool:
        """Is anything there that would be lost?"""

    def forgotten_since(self, created_at: str) -> int:
        """Receipts of what was forgotten since then."""

    def quiesce(self) -> None:
        """See that nobody uses what is there. Raises ``BackupError``."""

    def stage(self, path: Path) -> Path | None:
        """Where the backup's file is to be copied first, for ``path`` in the place of the restore; None: nowhere."""

    def put(self, backup: Path, journal: Mapping[str, Any], place: Path) -> None:
        """Put the database of a backup there, so far as that cannot be done again and again.

        Raises ``BackupError``: nothing has changed.
        """

    def arrived(self, journal: Mapping[str, Any]) -> bool:
        """Did ``put`` come to its end, as far as anybody can tell?"""

    def finish(self, staged: Path) -> bool:
        """Do what can be done again and again; False where an earlier try did it. Raises ``OSError``."""

    def check(self) -> Content | None:
        """What is there now; None where that was looked at before."""


class SQLiteTarget:
    """The SQLite file of a data directory: copied beside it, it takes its place in one step."""

    sql = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        return self._path.exists()

    def forgotten_since(self, created_at: str) -> int:
        if not self.exists():
            return 0
        counted = sa.select(sa.func.count()).where(audit.c.action == "forget", audit.c.at >= created_at)
        engine = sa.create_engine("sqlite://", creator=lambda: connect(self._path))
        try:
            with engine.connect() as connection:
                return connection.scalar(counted) or 0
        except sa.exc.SQLAlchemyError:
            # Of an early schema, or damaged: it knows of none.
            return 0
        finally:
            engine.dispose()

    def quiesce(self) -> None:
        """Have the old database without a log: at no moment does one lie beside the wrong database.

        It fails while another has the database open, who would delete the new one's log when it is done.
        """
        if not self.exists():
            return
        try:
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE").fetchall()
        except sqlite3.Error as error:
            # The low byte is the kind; an error of the driver's own has none.
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                raise BackupError(
                    "nothing was restored: another process reads the database (reprise stats, a shell of SQLite?)"
                ) from error
            # Too damaged for that; it is about to go.

    def stage(self, path: Path) -> Path | None:
        return path / self._path.name

    def put(self, backup: Path, journal: Mapping[str, Any], place: Path) -> None:
        """The journal is enough: ``finish`` does it."""

    def arrived(self, journal: Mapping[str, Any]) -> bool:
        return True

    def finish(self, staged: Path) -> bool:
        if not (staged / self._path.name).exists():
            return False
        for ending in BESIDE:
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        os.replace(staged / self._path.name, self._path)
        return True

    def check(self) -> Content | None:
        return look(self._path)
