"""Reads a database as it is at one moment, beside a server that writes to it, and in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from store.database import failing
from store.driver import Driver

PAGE: Final = 100
"""Rows held at once."""


class Snapshot:
    """One moment of a database, for reading only."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def rows(self, statement: sa.Executable) -> Iterator[dict[str, Any]]:
        """The rows of a query, one by one. Raises ``DatabaseError``."""
        with failing():
            for row in self._connection.execution_options(yield_per=PAGE).execute(statement).mappings():
                yield dict(row)

    def count(self, statement: sa.Select[Any]) -> int:
        """How many rows a query has. Raises ``DatabaseError``."""
        with failing():
            return int(self._connection.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0)


@contextlib.contextmanager
def snapshot(driver: Driver) -> Iterator[Snapshot]:
    """The database as it is now, whatever is written meanwhile. It is not brought up to date, nor locked.

    Raises:
        DatabaseError: there is none, or it cannot be read.
    """
    engine = driver.engine(reading=True)
    try:
        with failing(), engine.connect() as connection:
            # Of the driver's own accord a read begins no transaction: all queries are to see the same moment.
            connection.exec_driver_sql(driver.begin_reading)
            yield Snapshot(connection)
    finally:
        engine.dispose()
