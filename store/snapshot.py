"""Reads a database as it is at one moment, beside a server that writes to it, and in bounded memory."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from store.database import BUSY_SECONDS
from store.errors import DatabaseError

PAGE: Final = 100
"""Rows held at once."""


class Snapshot:
    """One moment of a database, for reading only."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, statement: sa.Executable) -> Iterator[dict[str, Any]]:
        """The rows of a query, one by one. Raises ``DatabaseError``."""
        with _failing():
            for row in self._connection.execution_options(yield_per=PAGE).execute(statement).mappings():
                yield dict(row)

    def count(self, statement: sa.Select[Any]) -> int:
        """How many rows a query has. Raises ``DatabaseError``."""
        with _failing():
            return int(self._connection.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0)


@contextlib.contextmanager
def snapshot(path: Path) -> Iterator[Snapshot]:
    """The database as it is now, whatever is written meanwhile. It is not brought up to date, nor locked.

    Raises:
        DatabaseError: there is none, or it cannot be read.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)

    engine = sa.create_engine("sqlite://", creator=connect)
    try:
        with _failing(), engine.connect() as connection:
            # Of the driver's own accord a read begins no transaction: all queries are to see the same moment.
            connection.exec_driver_sql("BEGIN")
            yield Snapshot(connection)
    finally:
        engine.dispose()


@contextlib.contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error
