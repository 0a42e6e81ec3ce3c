"""Where the configuration has SQL kept: in the data directory, or on a PostgreSQL server."""

from __future__ import annotations

from proxy.config import Settings
from store.directory import DataDirectory
from store.driver import Driver
from store.errors import DatabaseError
from store.sqlite import SQLite


def driver_of(settings: Settings, directory: DataDirectory) -> Driver:
    """The database of a data directory. Raises ``DatabaseError``: it is on a server, and cannot be spoken to."""
    url = settings.store.sql
    if url is None:
        return SQLite(directory.database, settings.store.durability)
    try:
        # Only who configured it needs its library.
        from store.postgres import PostgreSQL
    except ImportError as error:
        raise DatabaseError(
            "store.sql names a PostgreSQL database, and psycopg is not installed: pip install 'reprise-llm[postgres]'"
        ) from error
    return PostgreSQL(url.get_secret_value(), settings.store.durability)
