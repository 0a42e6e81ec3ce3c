"""The SQL database: engine, migrations, the writer, and prepared reads for the hot path.

Ordinary reads go through SQLAlchemy's engine. The few that stand on a call's path are compiled once and run on the
driver itself, which costs a fifth of the time.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from store.errors import DatabaseError
from store.writer import Writer

HEAD = "0006"
"""Newest migration. Lets a start whose tables are current skip Alembic (a test holds it to the scripts)."""

BUSY_SECONDS = 5
"""How long a statement waits for another process's lock."""

MOST_WAL_PAGES = 20_000
"""Pages of 4 KiB that the write-ahead log may grow to before a commit itself moves them."""

MIGRATIONS = Path(__file__).parent / "migrations"

Durability = Literal["process", "power"]


class Prepared:
    """A statement compiled once for the driver; ``order`` names its placeholders, ``row`` puts values there."""

    def __init__(self, statement: sa.ClauseElement) -> None:
        compiled = statement.compile(dialect=sqlite_dialect.dialect())
        self.text = str(compiled)
        self._defaults: dict[str, Any] = dict(compiled.params)
        self.order: list[str] = list(getattr(compiled, "positiontup", None) or [])

    def row(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Values in the placeholders' order; what is missing takes the statement's own literal, else NULL."""
        defaults = self._defaults
        return tuple([values[name] if name in values else defaults[name] for name in self.order])


class Database:
    """SQLite in WAL mode under the data directory: one writer thread, one reading connection per thread."""

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        """Open the file and bring its tables up to date. Raises ``DatabaseError``."""
        self.path = path
        # NORMAL survives a killed process, FULL a power cut too (sqlite.org/pragma.html#pragma_synchronous).
        self._synchronous = "FULL" if durability == "power" else "NORMAL"
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._in_use: list[threading.Lock] = []
        """Held while a reader works; as many as readers."""
        self.engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(self.engine, "connect", self._configure)
        try:
            self._migrate()
        except Exception as error:
            self.engine.dispose()
            raise DatabaseError(f"cannot open the database {path}: {getattr(error, 'orig', error)}") from error
        self.writer = Writer(self._connect)

    def read(self, statement: Prepared, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run a prepared read on this thread's own connection. Raises ``DatabaseError``."""
        try:
            return self._fetch(statement.text, statement.row(values))
        except sqlite3.Error as error:
            raise DatabaseError(f"{type(error).__name__}: {error}") from error

    def query(self, statement: sa.Executable, **values: Any) -> list[dict[str, Any]]:
        """Run an ordinary read through SQLAlchemy; rows as dicts. Raises ``DatabaseError``."""
        try:
            with self.engine.connect() as connection:
                return [dict(row) for row in connection.execute(statement, values).mappings()]
        except sa.exc.SQLAlchemyError as error:
            raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error

    def stream(self, statement: sa.Executable) -> Iterator[tuple[Any, ...]]:
        """Run a read whose rows are taken one by one, as far as they are wanted. Raises ``DatabaseError``."""
        try:
            with self.engine.connect() as connection:
                for row in connection.execution_options(yield_per=1000).execute(statement):
                    yield tuple(row)
        except sa.exc.SQLAlchemyError as error:
            raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error

    def transact(self, work: Callable[[sa.Connection], None]) -> None:
        """Do rare administrative writes in one transaction, beside the writer (SQLite waits its turn).

        Raises ``DatabaseError``.
        """
        try:
            with self.engine.begin() as connection:
                work(connection)
        except sa.exc.SQLAlchemyError as error:
            raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error

    def checkpoint(self) -> None:
        """Move what the write-ahead log holds into the database, without holding up readers or the writer."""
        try:
            self._fetch("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            raise DatabaseError(f"{type(error).__name__}: {error}") from error

    def empty_log(self) -> bool:
        """Empty the write-ahead log, which still holds what was deleted; False where a reader stood in the way.

        Raises ``DatabaseError``.
        """
        try:
            with contextlib.closing(self._connect()) as connection:
                # It holds up writers while it waits for readers.
                connection.execute("PRAGMA busy_timeout=200")
                busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return not busy
        except sqlite3.Error as error:
            raise DatabaseError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Write what is queued and close every connection."""
        self.writer.close()
        self._close_readers()
        self.engine.dispose()

    def _migrate(self) -> None:
        with self.engine.begin() as connection:
            if _revision(connection) == HEAD:
                return
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            # The driver begins no transaction for DDL; a start killed half way must leave all tables or none.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(config, "head")

    def _configure(self, connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # SQLite's own knows ASCII only; searches ignore case in every language.
        cast(sqlite3.Connection, connection).create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        self._prepare(cursor.execute)
        cursor.close()

    def _pragmas(self) -> list[str]:
        return [
            f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
            f"PRAGMA synchronous={self._synchronous}",
            # Checkpoints sync the disk; ``checkpoint`` does them beside the calls. This is for when it does not.
            f"PRAGMA wal_autocheckpoint={MOST_WAL_PAGES}",
            "PRAGMA foreign_keys=ON",
            # Deleted words are overwritten, not merely unlinked.
            "PRAGMA secure_delete=ON",
        ]

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=64)
        self._prepare(connection.execute)
        return connection

    def _prepare(self, execute: Callable[[str], Any]) -> None:
        for pragma in self._pragmas():
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

    def _fetch(self, statement: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Run a read on this thread's own connection."""
        reader = self._reader()
        with self._local.in_use:
            return reader.execute(statement, values).fetchall()

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            self._local.connection, self._local.in_use = connection, threading.Lock()
            self._readers.append(connection)
            self._in_use.append(self._local.in_use)
        return connection

    def _close_readers(self) -> None:
        for connection, in_use in zip(self._readers, self._in_use, strict=True):
            # A thread whose task was cancelled goes on: closing under it would end the process.
            with in_use:
                connection.close()
        self._readers.clear()
        self._in_use.clear()


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
