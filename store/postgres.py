"""PostgreSQL, on a server: a pool of connections for reads, one for the writer, one that holds the database.

psycopg is imported here and nowhere else, so that only those who configured PostgreSQL need it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

import store.dialects  # noqa: F401  what the types of columns are there
from store.driver import Reads, Row
from store.errors import DatabaseError
from store.postgres_values import adapters
from store.sqlite import Durability

LOCK_SECONDS: Final = 5
"""How long a statement waits for another's lock."""
STATEMENT_SECONDS: Final = 60
"""How long one may run: none that stands on a call's path takes a hundredth of it."""
CONNECT_SECONDS: Final = 3
SILENT_SECONDS: Final = 10
"""After which a network that takes nothing any more counts as cut."""
REST_SECONDS: Final = 1.0
"""After a connection could not be made, nobody waits for another try so long: calls go on without the database."""
MOST_CONNECTIONS: Final = 32
KEPT_CONNECTIONS: Final = 8

CLASS: Final = 0x52657072
"""The first key of our advisory locks; the second says which."""
SERVING: Final = 1
WRITING: Final = 2

ENCODING: Final = "UTF8"


class Dialect(PGDialect_psycopg):
    """psycopg's, but for integers: it tells of each how large it is, and a cast would bound what they may be."""

    supports_statement_cache = True
    colspecs = {**PGDialect_psycopg.colspecs, sa.Integer: sa.Integer, sa.BigInteger: sa.BigInteger}


sa.dialects.registry.register("postgresql.reprise", __name__, "Dialect")


class PostgreSQL:
    """A database on a server; see ``store.driver.Driver``.

    Args:
        url: as libpq takes it: ``postgresql://user:password@host:port/database?sslmode=...``.
        durability: with ``power`` a commit has reached the server's disk, whatever is set there; with ``process`` it
            does what the server does by default.

    Raises:
        DatabaseError: the address cannot be read.
    """

    dialect: sa.Dialect = Dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    # Whoever writes holds the same lock, as with SQLite: what was read in between stays as it was.
    begin = f"BEGIN; SELECT pg_advisory_xact_lock({CLASS}, {WRITING})"
    begin_reading = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    errors: tuple[type[Exception], ...] = (psycopg.Error, sa.exc.TimeoutError)
    # From the driver: half a surrogate pair, an integer beyond 64 bits.
    bad_row: tuple[type[Exception], ...] = (psycopg.Error, UnicodeError, OverflowError)

    def __init__(self, url: str, durability: Durability = "process") -> None:
        try:
            self._given = conninfo_to_dict(url)
        except psycopg.Error as error:
            # Its text quotes what was given.
            raise DatabaseError("the address of the PostgreSQL database cannot be read") from error
        # Of a statement that failed, whoever sent it is told.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        self._durable = {"synchronous_commit": "on"} if durability == "power" else {}
        self._hold: _Hold | None = None
        self._rested = 0.0

    @property
    def shown(self) -> str:
        given = self._given
        return f"{given.get('host', 'localhost')}:{given.get('port', 5432)}/{given.get('dbname', '')} (PostgreSQL)"

    @property
    def parameters(self) -> dict[str, Any]:
        """How libpq's own programs connect, the password among it."""
        return dict(self._given)

    def exists(self) -> bool:
        try:
            with contextlib.closing(self.connect()) as connection:
                found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        except self.errors as error:
            raise DatabaseError(f"the database {self.shown} cannot be reached: {error}") from error
        return found is not None and found[0] is not None

    def engine(self, *, reading: bool = False) -> sa.Engine:
        def connect() -> psycopg.Connection[Any]:
            return self.connect(reading=reading)

        return sa.create_engine(
            "postgresql+reprise://",
            creator=connect,
            paramstyle="format",
            isolation_level="AUTOCOMMIT",
            pool_size=KEPT_CONNECTIONS,
            max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
            pool_timeout=LOCK_SECONDS,
            pool_recycle=1800,
            # Also of inserts, of which a closed cursor of psycopg's does not tell.
            execution_options={"preserve_rowcount": True},
        )

    def reads(self, engine: sa.Engine) -> Reads:
        return PoolReads(engine)

    def connect(self, *, reading: bool = False) -> psycopg.Connection[Any]:
        """A connection that begins no transaction of its own accord. Raises ``psycopg.Error``, ``DatabaseError``."""
        if time.monotonic() < self._rested:
            raise psycopg.OperationalError("the database could not be reached a moment ago")
        if self._hold is not None:
            self._hold.keep()
        try:
            return self._connect({"default_transaction_read_only": "on"} if reading else {})
        except psycopg.OperationalError:
            self._rested = time.monotonic() + REST_SECONDS
            raise

    def write(self, connection: Any, statements: Sequence[tuple[str, Sequence[Row]]]) -> Any:
        if self._hold is not None:
            self._hold.require()
        connection = self._begun(connection)
        try:
            # All of it goes out at once: the commit is the one thing to wait for.
            with connection.pipeline(), connection.cursor() as cursor:
                for statement, rows in statements:
                    if len(rows) == 1:
                        cursor.execute(statement, rows[0])
                    else:
                        cursor.executemany(statement, rows)
                cursor.execute("COMMIT")
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        return connection

    def hold(self) -> None:
        if self._hold is None:
            hold = _Hold(self._connect, self.shown)
            hold.keep()
            self._hold = hold

    def upkeep(self, reads: Reads) -> None:
        """See that the database is still held: its server may have been started anew meanwhile."""
        if self._hold is not None:
            self._hold.keep()

    def erase(self) -> bool:
        """Make room of deleted rows, and forget what the planner remembers of their words.

        What was written over them, the log of the server and its backups are beyond our reach.
        """
        with contextlib.closing(self._connect({"statement_timeout": "0"})) as connection:
            connection.execute("VACUUM (ANALYZE)")
        return True

    def close(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _connect(self, settings: dict[str, str] | None = None) -> psycopg.Connection[Any]:
        settings = {
            "lock_timeout": f"{LOCK_SECONDS}s",
            "statement_timeout": f"{STATEMENT_SECONDS}s",
            "timezone": "UTC",
            **self._durable,
            **(settings or {}),
        }
        options = " ".join(
            [str(self._given.get("options") or ""), *(f"-c {name}={value}" for name, value in settings.items())]
        )
        usual: dict[str, Any] = {
            "connect_timeout": CONNECT_SECONDS,
            "keepalives_idle": SILENT_SECONDS,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": SILENT_SECONDS * 1000,
            "application_name": f"reprise on {socket.gethostname()}, process {os.getpid()}",
        }
        ours = {"options": options.strip(), "client_encoding": ENCODING}
        return psycopg.connect(make_conninfo(**{**usual, **self._given, **ours}), autocommit=True, context=adapters())

    def _begun(self, connection: Any) -> Any:
        """The connection, in a transaction; another one where it was cut while nobody used it."""
        if connection is not None:
            try:
                connection.execute(self.begin)
                return connection
            except psycopg.Error:
                if not connection.closed:
                    connection.rollback()
                    raise
        connection = self.connect()
        try:
            connection.execute(self.begin)
        except BaseException:
            connection.close()
            raise
        return connection


class PoolReads:
    """Reads on the engine's pool; see ``store.driver.Reads``."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def fetch(self, text: str, row: Row) -> list[Row]:
        try:
            return self._fetch(text, row)
        except _Cut:
            # All that lay in the pool were cut with it.
            self._engine.dispose()
            return self._fetch(text, row)

    def close(self) -> None:
        """The engine closes its pool."""

    def _fetch(self, text: str, row: Row) -> list[Row]:
        borrowed = self._engine.raw_connection()
        try:
            connection: Any = borrowed.driver_connection
            try:
                rows: list[Row] = connection.execute(text, row).fetchall()
                return rows
            except psycopg.Error as error:
                if not connection.closed:
                    raise
                borrowed.invalidate()
                raise _Cut(str(error)) from error
        finally:
            borrowed.close()


class _Cut(psycopg.OperationalError):
    """A connection was cut, maybe long ago."""


class _Hold:
    """The lock that makes a process the one server of a database, on a connection of its own.

    It is the server's: one that was killed leaves none behind.
    """

    def __init__(self, connect: Any, shown: str) -> None:
        self._connect = connect
        self._shown = shown
        self._connection: psycopg.Connection[Any] | None = None
        self._refusal: str | None = None
        self._lock = threading.Lock()

    def keep(self) -> None:
        """Have the lock, now. Raises ``DatabaseError``: another has it; ``psycopg.Error``: nobody can tell."""
        with self._lock:
            if self._connection is not None:
                try:
                    self._connection.execute("SELECT 1")
                    return
                except psycopg.Error:
                    self._connection.close()
                    self._connection = None
            self._take()

    def require(self) -> None:
        """Raises ``DatabaseError`` while another has it."""
        if self._refusal is not None:
            raise DatabaseError(self._refusal)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _take(self) -> None:
        connection = self._connect()
        row = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (CLASS, SERVING)).fetchone()
        if not row[0]:
            other = connection.execute(_HOLDER, (CLASS, SERVING)).fetchone()
            connection.close()
            who = f" ({other[0]})" if other and other[0] else ""
            self._refusal = f"the database {self._shown} is served by another Reprise{who}: one server per database"
            raise DatabaseError(self._refusal)
        self._connection, self._refusal = connection, None


_HOLDER: Final = (
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s"
    " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
