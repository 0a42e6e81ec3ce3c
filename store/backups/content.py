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

from store.backups.copying import connect
from store.database import MIGRATIONS
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


def look(path: Path) -> Content:
    """Check a database's every page, and count its rows."""
    try:
        with _engine(path).connect() as connection:
            found = connection.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars().all()
            if list(found) != ["ok"]:
                return Content(tuple(f"integrity check: {complaint}" for complaint in found))
            return Content((), _schema(connection), _rows(connection))
    except sa.exc.SQLAlchemyError as error:
        return Content((f"SQLite cannot read it: {error.__cause__ or error}",))


def registry(path: Path) -> str:
    """The registered projects, as JSON for people; an empty list where the tables are not there yet."""
    with _engine(path).connect() as connection:
        if not sa.inspect(connection).has_table(projects.name):
            return _told([])
        rows = connection.execute(sa.select(projects).order_by(projects.c.id)).mappings()
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


def _schema(connection: sa.Connection) -> str:
    versions = sa.table("alembic_version", sa.column("version_num"))
    if not sa.inspect(connection).has_table(versions.name):
        return ""
    return str(connection.scalar(sa.select(versions.c.version_num)) or "")


def _rows(connection: sa.Connection) -> dict[str, int]:
    names = sorted(sa.inspect(connection).get_table_names())
    return {name: connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name))) or 0 for name in names}
