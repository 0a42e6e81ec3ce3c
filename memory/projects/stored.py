"""The registry's rows: projects as they stand in SQL, and as callers and the audit have them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import read_json
from memory.projects.names import Definition, Root
from store.tables import project_names, projects

MADE: Final = "created_at"
"""In the audit of a registration that is undone, beside what ``as_shown`` gives."""


@dataclass(frozen=True, slots=True)
class Project:
    """A registered project. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``."""

    id: str
    aliases: tuple[str, ...]
    description: str
    roots: tuple[Root, ...]
    created_at: str
    updated_at: str

    @property
    def definition(self) -> Definition:
        """What an operator wrote of it."""
        return Definition(self.id, self.aliases, self.description, self.roots)


def leads(connection: sa.Connection, names: Iterable[str]) -> dict[str, str]:
    """Of these names, folded, those that lead to a project at this moment, and to which."""
    wanted = project_names.c.name.in_(sorted(set(names)))
    found = connection.execute(sa.select(project_names.c.name, project_names.c.project_id).where(wanted))
    return {row.name: row.project_id for row in found}


def as_json(roots: Iterable[Root]) -> list[dict[str, Any]]:
    """Roots as callers write and get them."""
    return [asdict(root) for root in roots]


def as_shown(definition: Definition) -> dict[str, Any]:
    """A definition as callers get it, and as the audit keeps it."""
    return {
        "id": definition.id,
        "aliases": list(definition.aliases),
        "description": definition.description,
        "ingest_roots": as_json(definition.roots),
    }


def stored(connection: sa.Connection, id_: str) -> Project | None:
    """A project as it stands at this moment."""
    row = connection.execute(sa.select(projects).where(projects.c.id == id_)).mappings().first()
    of_it = sa.select(project_names.c.shown).where(project_names.c.project_id == id_, project_names.c.position > 0)
    aliases = connection.scalars(of_it.order_by(project_names.c.position)).all()
    return as_project(dict(row), aliases) if row is not None else None


def erase(connection: sa.Connection, id_: str) -> None:
    """Let a project be none any more."""
    connection.execute(sa.delete(project_names).where(project_names.c.project_id == id_))
    connection.execute(sa.delete(projects).where(projects.c.id == id_))


def write(connection: sa.Connection, definition: Definition, now: str, made: str | None = None) -> None:
    """Keep a definition. ``made``: when it was registered, where that is not now."""
    columns = {
        "description": definition.description,
        "ingest_roots": json.dumps(as_json(definition.roots), ensure_ascii=False),
        "updated_at": now,
    }
    known = connection.execute(sa.update(projects).where(projects.c.id == definition.id).values(**columns)).rowcount
    if not known:
        connection.execute(sa.insert(projects).values(id=definition.id, created_at=made or now, **columns))
    connection.execute(sa.delete(project_names).where(project_names.c.project_id == definition.id))
    shown = (definition.id, *definition.aliases)
    rows = [
        {"name": name, "project_id": definition.id, "position": at, "shown": shown[at]}
        for at, name in enumerate(definition.folded)
    ]
    connection.execute(sa.insert(project_names), rows)


def as_project(row: Mapping[str, Any], aliases: Sequence[str]) -> Project:
    """A row as a project; damaged roots read as none."""
    roots = _as_roots(read_json(row["ingest_roots"], list))
    return Project(row["id"], tuple(aliases), row["description"], roots, row["created_at"], row["updated_at"])


def as_definition(shown: Mapping[str, Any]) -> Definition:
    """What ``as_shown`` gave."""
    return Definition(shown["id"], tuple(shown["aliases"]), shown["description"], _as_roots(shown["ingest_roots"]))


def _as_roots(given: Iterable[Any]) -> tuple[Root, ...]:
    known = (root for root in given if isinstance(root, dict) and "source" in root)
    return tuple(Root(root["source"], root.get("subpath") or "", root.get("label") or "") for root in known)
