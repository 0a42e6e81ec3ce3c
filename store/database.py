"""The SQL database: migrations, the writer, ordinary reads, and prepared ones for the hot path.

Ordinary reads go through SQLAlchemy's engine. The few that stand on a call's path are compiled once and run on the
driver itself, which costs a fifth of the time. What SQLite and PostgreSQL do differently is in ``store.driver``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from store.driver import Driver
from store.errors import DatabaseError
from store.prepared import Prepared
from store.sqlite import BUSY_SECONDS, Durability, SQLite
from store.writer import Writer

__all__ = ["BUSY_SECONDS", "HEAD", "MIGRATIONS", "Database", "Durability", "Prepared", "failing"]

HEAD = "0006"
"""Newest migration. Lets a start whose tables are current skip Alembic (a test holds it to the scripts)."""

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A database that is read and written.

    Args:
        where: a file of SQLite's, or any driver.
        alone: be its one server; see ``Driver.hold``.

    Raises:
        DatabaseError: it cannot be opened or brought up to date, or another server has it.
    """

    def __init__(self, where: Path | Driver, durability: Durability = "process", *, alone: bool = False) -> None:
        self.driver: Driver = SQLite(where, durability) if isinstance(where, Path) else where
        self.engine: sa.Engine = self.driver.engine()
        try:
            if alone:
                self.driver.hold()
            self._migrate()
        except DatabaseError:
            self._let_go()
            raise
        except Exception as error:
            self._let_go()
            cause = getattr(error, "orig", error)
            raise DatabaseError(f"cannot open the database {self.driver.shown}: {cause}") from error
        self._reads = self.driver.reads(self.engine)
        self.writer = Writer(self.driver)

    def read(self, statement: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run a prepared read. Raises ``DatabaseError``."""
        compiled = statement.on(self.driver.dialect)
        with failing(*self.driver.errors):
            return self._reads.fetch(compiled.text, compiled.row(values))

    def query(self, statement: sa.Executable, **values: Any) -> list[dict[str, Any]]:
        """Run an ordinary read through SQLAlchemy; rows as dicts. Raises ``DatabaseError``."""
        with failing():
            return _unless_cut(lambda: self._rows(statement, values))

    def stream(self, statement: sa.Executable) -> Iterator[tuple[Any, ...]]:
        """Run a read whose rows are taken one by one, as far as they are wanted. Raises ``DatabaseError``."""
        with failing(), self.engine.connect() as connection:
            connection.exec_driver_sql(self.driver.begin_reading)
            # Closed by name: a server keeps a cursor of its own for it.
            with contextlib.closing(connection.execution_options(yield_per=1000).execute(statement)) as rows:
                for row in rows:
                    yield tuple(row)

    def transact(self, work: Callable[[sa.Connection], None]) -> None:
        """Write in one transaction, beside the writer. Nobody else writes meanwhile: what ``work`` reads still holds
        when it is committed.

        Raises ``DatabaseError``.
        """
        with failing(), contextlib.ExitStack() as stack:
            work(_unless_cut(lambda: self._begun(stack)))

    def upkeep(self) -> None:
        """Do what is due every second; it holds up neither readers nor the writer. Raises ``DatabaseError``."""
        with failing(*self.driver.errors):
            self.driver.upkeep(self._reads)

    def erase(self) -> bool:
        """Take what was deleted off the disk; False where a reader stood in the way. Raises ``DatabaseError``."""
        with failing(*self.driver.errors):
            return self.driver.erase()

    def close(self) -> None:
        """Write what is queued and close every connection."""
        self.writer.close()
        self._reads.close()
        self._let_go()

    def _rows(self, statement: sa.Executable, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement, values).mappings()]

    def _begun(self, stack: contextlib.ExitStack) -> sa.Connection:
        with contextlib.ExitStack() as attempt:
            connection = attempt.enter_context(self.engine.begin())
            connection.exec_driver_sql(self.driver.begin)
            stack.push(attempt.pop_all())
            return connection

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            if revision(connection) == HEAD:
                return
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with self.engine.begin() as connection:
            # A start killed half way must leave all tables or none; of two starts at once, one waits.
            connection.exec_driver_sql(self.driver.begin)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def _let_go(self) -> None:
        self.engine.dispose()
        self.driver.close()


def _unless_cut(action: Callable[[], T]) -> T:
    """Once more, where the connection had been cut: nothing has been done yet."""
    try:
        return action()
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return action()


def revision(connection: sa.Connection) -> str | None:
    """The newest migration that a database has; None where it has none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


@contextlib.contextmanager
def failing(*errors: type[Exception]) -> Iterator[None]:
    """Tells of SQLAlchemy's errors and these as ``DatabaseError``."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error
    except errors as error:
        raise DatabaseError(f"{type(error).__name__}: {error.__cause__ or error}") from error
