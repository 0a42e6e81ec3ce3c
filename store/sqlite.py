"""SQLite in WAL mode, in a file: one writer at a time, one reading connection per thread."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from store.driver import Reads, Row

BUSY_SECONDS = 5
"""How long a statement waits for another process's lock."""

MOST_WAL_PAGES = 20_000
"""Pages of 4 KiB that the write-ahead log may grow to before a commit itself moves them."""

Durability = Literal["process", "power"]


class SQLite:
    """A file; see ``store.driver.Driver``. Who serves it holds the data directory that it is in."""

    dialect: sa.Dialect = sqlite.dialect()
    begin = "BEGIN IMMEDIATE"
    begin_reading = "BEGIN"
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    # From the driver: half a surrogate pair, an integer beyond 64 bits.
    bad_row: tuple[type[Exception], ...] = (sqlite3.Error, UnicodeError, OverflowError)

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        self.path = path
        # NORMAL survives a killed process, FULL a power cut too (sqlite.org/pragma.html#pragma_synchronous).
        self._synchronous = "FULL" if durability == "power" else "NORMAL"

    @property
    def shown(self) -> str:
        return str(self.path)

    def exists(self) -> bool:
        return self.path.is_file()

    def engine(self, *, reading: bool = False) -> sa.Engine:
        if reading:
            return sa.create_engine("sqlite://", creator=self._connect_reading, poolclass=sa.pool.QueuePool)
        engine = sa.create_engine(f"sqlite:///{self.path}")
        sa.event.listen(engine, "connect", self._configure)
        return engine

    def reads(self, engine: sa.Engine) -> Reads:
        # One made for reading alone has its own way to connect.
        alone = engine.url.database is None
        return ThreadReads(self._connect_reading if alone else self.connect)

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=64)
        self._prepare(connection.execute)
        return connection

    def write(self, connection: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Row]]]) -> Any:
        try:
            connection.execute(self.begin)
            for statement, rows in statements:
                if len(rows) == 1:
                    connection.execute(statement, rows[0])
                else:
                    connection.executemany(statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return connection

    def hold(self) -> None:
        """The data directory is held already."""

    def upkeep(self, reads: Reads) -> None:
        """Move what the write-ahead log holds into the database."""
        reads.fetch("PRAGMA wal_checkpoint(PASSIVE)", ())

    def erase(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted; the database itself is overwritten at once."""
        with contextlib.closing(self.connect()) as connection:
            # It holds up writers while it waits for readers.
            connection.execute("PRAGMA busy_timeout=200")
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy

    def close(self) -> None:
        """Nothing is held."""

    def pragmas(self) -> list[str]:
        """What every connection begins with."""
        return [
            f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
            f"PRAGMA synchronous={self._synchronous}",
            # Checkpoints sync the disk; ``upkeep`` does them beside the calls. This is for when it does not.
            f"PRAGMA wal_autocheckpoint={MOST_WAL_PAGES}",
            "PRAGMA foreign_keys=ON",
            # Deleted words are overwritten, not merely unlinked.
            "PRAGMA secure_delete=ON",
        ]

    def _configure(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        _teach(cast(sqlite3.Connection, connection))
        cursor = connection.cursor()
        self._prepare(cursor.execute)
        cursor.close()

    def _prepare(self, execute: Callable[[str], Any]) -> None:
        for pragma in self.pragmas():
            execute(pragma)
        # Two first starts at once: the switch to WAL alone does not wait for the other's lock.
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def _connect_reading(self) -> sqlite3.Connection:
        # A log that nobody has moved into the database yet must be read too, which needs its shared index; where all
        # has been moved and nobody writes, the file alone is read, and nothing is created beside it.
        log = self.path.with_name(f"{self.path.name}-wal")
        how = "mode=ro" if log.exists() else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
        )
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
        _teach(connection)
        return connection


class ThreadReads:
    """One connection per thread; see ``store.driver.Reads``."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._in_use: list[threading.Lock] = []
        """Held while a reader works; as many as readers."""

    def fetch(self, text: str, row: Row) -> list[Row]:
        connection = self._reader()
        with self._local.in_use:
            return connection.execute(text, row).fetchall()

    def close(self) -> None:
        for connection, in_use in zip(self._readers, self._in_use, strict=True):
            # A thread whose task was cancelled goes on: closing under it would end the process.
            with in_use:
                connection.close()
        self._readers.clear()
        self._in_use.clear()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection, self._local.in_use = connection, threading.Lock()
            self._readers.append(connection)
            self._in_use.append(self._local.in_use)
        return connection


def _teach(connection: sqlite3.Connection) -> None:
    # SQLite's own knows ASCII only; searches ignore case in every language.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
