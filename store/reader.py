"""The database opened for reading alone: beside a running server, or after it, without leaving a trace."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from store.database import HEAD, Database
from store.driver import Driver
from store.errors import DatabaseError
from store.sqlite import SQLite


class ReadOnlyDatabase(Database):
    """``Database`` without a writer; what would write fails."""

    def __init__(self, where: Path | Driver) -> None:
        """Open it. Raises ``DatabaseError``: there is none, or its tables are of another release."""
        self.driver: Driver = SQLite(where) if isinstance(where, Path) else where
        self.engine = self.driver.engine(reading=True)
        self._reads = self.driver.reads(self.engine)
        try:
            found = self.query(sa.text("SELECT version_num FROM alembic_version"))
        except DatabaseError:
            self._let_go()
            raise
        known = "".join(row["version_num"] for row in found)
        if known != HEAD:
            self._let_go()
            told = f"the tables of {self.driver.shown} are of another release"
            if known > HEAD:
                raise DatabaseError(f"{told}, a newer one ({known}, here {HEAD}): use that")
            raise DatabaseError(
                f"{told}, an older one ({known}, here {HEAD}): start `reprise serve` of this on it once"
            )

    def close(self) -> None:
        """Close every connection."""
        self._reads.close()
        self._let_go()
