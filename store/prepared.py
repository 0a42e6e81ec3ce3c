"""Statements that stand on a call's path: compiled once for each kind of database, and run on its driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from store.driver import Row


class Compiled(NamedTuple):
    """A statement in one driver's words."""

    text: str
    order: tuple[str, ...]
    """Names of its placeholders, as they stand there."""
    defaults: Mapping[str, Any]
    """The statement's own literals."""

    def row(self, values: Mapping[str, Any]) -> Row:
        """Values in the placeholders' order; what is missing takes the statement's own literal, else NULL."""
        defaults = self.defaults
        return tuple([values[name] if name in values else defaults[name] for name in self.order])


class Prepared:
    """A statement that is compiled when it first runs on a kind of database."""

    def __init__(self, statement: sa.ClauseElement) -> None:
        # What an insert gives back, a generated id, nobody asks for.
        self._statement = statement.inline() if isinstance(statement, sa.Insert) else statement
        self._compiled: dict[str, Compiled] = {}

    def on(self, dialect: sa.Dialect) -> Compiled:
        """As this dialect says it, whose placeholders go by position."""
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            made: Any = self._statement.compile(dialect=dialect)
            compiled = Compiled(str(made), tuple(made.positiontup or ()), dict(made.params))
            self._compiled[dialect.name] = compiled
        return compiled

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> sa.CursorResult[Any]:
        """Run it within a transaction."""
        compiled = self.on(connection.dialect)
        return connection.exec_driver_sql(compiled.text, compiled.row(values))


Statement = tuple[Prepared | str, Sequence[Mapping[str, Any] | Row]]
"""A statement and its rows, by name; of one that is a driver's own text, by position. Several rows: executemany."""
