"""What a copy of the database holds, and whether SQLite finds it whole. For files that nobody writes to."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from store.database import BUSY_SECONDS, MIGRATIONS, revision
from store.tables import project_names, projects

MOST: Final = 5
"""Complaints of an integrity check that are told."""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in a database."""

    problems: tuple[str, ...]
    """Why it is not whole; empty where it is."""
    schema: str = ""
    """The newest migration that it has."""
    rows: Mapping[str, int] = ()  # type: ignore[assignment]
    """By table, how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds that was just made."""

    content: Content
    registry: str
    """The registered projects, as JSON for people; see ``registry``."""


def copied(path: Path) -> Copied:
    """Look at a copy that SQLite made of a database. Raises ``SQLAlchemyError``."""
    content = look(path)
    if content.problems:
        return Copied(content, "")
    with _engine(path).connect() as connection:
        return Copied(content, registry(connection))


def connect(path: Path, *, alone: bool = False) -> sqlite3.Connection:
    """A connection to a file of SQLite's that reads. Raises ``sqlite3.Error``.

    Args:
        alone: nobody writes to this file, so it needs neither locks nor a log beside it.
    """
    how = "mode=ro&immutable=1" if alone else "mode=ro"
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def look(path: Path) -> Content:
    """Check a database's every page, and count its rows."""
    try:
        with _engine(path).connect() as connection:
            found = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars().all()
            if list(found) != ["ok"]:
                return Content(tuple(f"integrity check: {complaint}" for complaint in found))
            return Content((), revision(connection) or "", rows_of(connection))
    except sa.exc.SQLAlchemyError as error:
        return Content((f"SQLite cannot read it: {error.__cause__ or error}",))


def registry(connection: sa.Connection) -> str:
    """The registered projects, as JSON for people; an empty list where the tables are not there yet."""
    if not sa.inspect(connection).has_table(projects.name):
        return _told([])
    rows = connection.execute(sa.select(projects).order_by(projects.c.id)).mappings().all()
    named = sa.select(project_names).order_by(project_names.c.project_id, project_names.c.position)
    names: dict[str, list[str]] = {}
    for row in connection.execute(named).mappings():
        if row["position"]:
            names.setdefault(row["project_id"], []).append(row["shown"])
    return _told([_project(dict(row), names.get(row["id"], [])) for row in rows])


def known_schemas() -> frozenset[str]:
    """The migrations that this Reprise can bring up to date: its own and all before."""
    return frozenset(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def _project(row: dict[str, Any], aliases: list[str]) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        row["ingest_roots"] = json.loads(row["ingest_roots"])
    return {"id": row.pop("id"), "aliases": aliases, **row}


def _told(found: list[dict[str, Any]]) -> str:
    return json.dumps({"projects": found}, indent=2, ensure_ascii=False) + "\n"


def _engine(path: Path) -> sa.Engine:
    def one() -> sqlite3.Connection:
        return connect(path, alone=True)

    # Nothing may stay open: the file is hashed and copied next.
    return sa.create_engine("sqlite://", creator=one, poolclass=sa.pool.NullPool)


def rows_of(connection: sa.Connection) -> dict[str, int]:
    """By table, how many."""
    names = sorted(sa.inspect(connection).get_table_names())
    return {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in names}
