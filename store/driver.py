"""What ``Database`` asks of SQLite and of PostgreSQL; each answers in a module of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

Row = tuple[Any, ...]
"""Values in the order of a statement's placeholders."""


class Reads(Protocol):
    """Runs compiled reads, from any thread."""

    def fetch(self, text: str, row: Row) -> list[Row]:
        """All rows. Raises one of the driver's ``errors``."""

    def close(self) -> None:
        """Close what it has open, once nobody reads there any more."""


class Driver(Protocol):
    """One kind of SQL database, at one place.

    Transactions that write exclude each other, whoever makes them: what one has read holds until it commits.
    """

    dialect: sa.Dialect
    """Compiles for the driver: placeholders by position."""
    begin: str
    """Begins a transaction that writes; it waits for those of others."""
    begin_reading: str
    """Begins a transaction all of whose reads see one moment."""
    errors: tuple[type[Exception], ...]
    """What using it raises."""
    bad_row: tuple[type[Exception], ...]
    """What a write may raise that spoils no other write beside it."""

    @property
    def shown(self) -> str:
        """Where the database is, for people; without secrets."""

    def exists(self) -> bool:
        """Has anything ever been kept there? Raises ``DatabaseError``: it cannot be reached."""

    def engine(self, *, reading: bool = False) -> sa.Engine:
        """SQLAlchemy's engine. With ``reading``, what would write fails, and nothing is left behind."""

    def reads(self, engine: sa.Engine) -> Reads:
        """What runs compiled reads; ``engine`` is one of this driver's."""

    def connect(self) -> Any:
        """The writer's own connection."""

    def write(self, connection: Any, statements: Sequence[tuple[str, Sequence[Row]]]) -> Any:
        """Run statements, each with its rows, in one transaction.

        Returns:
            The connection to go on with: another one where this one had been cut before anything was written.

        Raises:
            one of ``bad_row`` and nothing is written, or anything else and the connection is of no more use.
        """

    def hold(self) -> None:
        """Be the one server of this database until ``close``. Raises ``DatabaseError``: another one is."""

    def upkeep(self, reads: Reads) -> None:
        """What is due every second, beside readers and the writer. Raises one of ``errors`` or ``DatabaseError``."""

    def erase(self) -> bool:
        """Take what was deleted off the disk, as far as that can be done; False where a reader stood in the way.

        Raises one of ``errors``.
        """

    def close(self) -> None:
        """Let go of what ``hold`` took."""
