"""Experiments in SQL: when each began, and which arm was kept when it was stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from store.database import Database
from store.dialects import insert
from store.tables import experiments


@dataclass(frozen=True, slots=True)
class Known:
    """What is kept of an experiment; times in seconds since 1970."""

    name: str
    started_at: float
    """When a server first ran it."""
    stopped_at: float | None = None
    kept: str | None = None
    """The arm that all matching calls get since then."""


class KnownExperiments:
    """The table of experiments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Known]:
        """Every experiment that ever ran here, by name. Raises ``DatabaseError``."""
        rows = self._database.query(sa.select(experiments).order_by(experiments.c.started_at, experiments.c.name))
        return {row["name"]: Known(**row) for row in rows}

    def kept(self) -> dict[str, str]:
        """The arm kept of each experiment that was stopped. Raises ``DatabaseError``."""
        return {name: known.kept for name, known in self.all().items() if known.kept is not None}

    def begin(self, names: Iterable[str], at: float) -> None:
        """Note that these run; those known already stay as they are. Raises ``DatabaseError``."""
        new = [{"name": name, "started_at": at} for name in names if name not in self.all()]
        if new:
            new_ones = insert(experiments).on_conflict_do_nothing()
            self._database.transact(lambda connection: _execute(connection, new_ones, new))

    def stop(self, name: str, kept: str, at: float) -> None:
        """Keep one arm from now on. Stopped again, another arm may be kept. Raises ``DatabaseError``."""
        change = sa.update(experiments).where(experiments.c.name == name).values(stopped_at=at, kept=kept)
        self._database.transact(lambda connection: _execute(connection, change))


def _execute(connection: sa.Connection, statement: sa.Executable, rows: list[dict[str, object]] | None = None) -> None:
    connection.execute(statement, rows) if rows else connection.execute(statement)
