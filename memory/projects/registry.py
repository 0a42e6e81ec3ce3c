"""The registry of projects: one for the whole server, by id and by every alias."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import read_json, stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, clean
from memory.projects.names import Definition, Root, checked, folded
from store.database import Database
from store.tables import project_names, projects

OBJECT: Final = "project"
"""What the audit calls them."""
MOST_SPELLED: Final = 4096
"""Spellings that are known at once; callers can write any."""
SERVER: Final = ""
"""The audit's namespace of what belongs to none."""


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


@dataclass(frozen=True, slots=True)
class _Held:
    """What SQL held when it was read last."""

    projects: Mapping[str, Project] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    """By folded name."""
    spelled: dict[str, str] = field(default_factory=dict)
    """What names led to lately, as they were written: folding costs more than finding."""


class Registry:
    """The projects. It may be used from any thread; reading costs no SQL once it has been read.

    Args:
        sources: names of the configured sources, now.
        queue: told of a project's id within the transaction that gives it names, so that rows under them are moved.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        trail: AuditTrail | None = None,
        *,
        sources: Callable[[], Collection[str]] = tuple,
        queue: Callable[[sa.Connection, str], None] = lambda connection, id_: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._trail = trail or AuditTrail(database, clock)
        self._sources = sources
        self._queue = queue
        self._clock = clock
        self._lock = threading.RLock()
        self._held: _Held | None = None
        self.version = 0
        """Rises with each committed change; begins at 0 with the process."""
        self.on_roots_changed: Callable[[frozenset[str]], None] = lambda sources: None
        """Told, after the commit, of the sources some of whose documents may belong to another project now."""

    # Reading

    def resolve(self, name: str | None) -> str:
        """The id of the project that goes by this name; a name that nobody registered as it is, cleaned of hidden
        characters and spare spaces; empty for none."""
        if not name:
            return ""
        held = self._now()
        found = held.spelled.get(name)
        if found is None:
            if len(held.spelled) >= MOST_SPELLED:
                held.spelled.clear()
            found = held.spelled[name] = held.ids.get(folded(name)) or clean(name)
        return found

    def names(self, name: str | None) -> tuple[str, ...]:
        """What the project of this name goes by, its id first; the name alone, as ``resolve`` gives it, where nobody
        registered it; nothing for none."""
        id_ = self.resolve(name)
        known = self._now().projects.get(id_)
        return (known.id, *known.aliases) if known is not None else (id_,) if id_ else ()

    def known(self, name: str | None) -> Project | None:
        """The project that goes by this name; None where nobody registered it."""
        return self._now().projects.get(self.resolve(name))

    def required(self, name: str) -> Project:
        """As ``known``. Raises ``Missing``."""
        found = self.known(name)
        if found is None:
            raise Missing(f"no project {name!r}")
        return found

    def all(self) -> list[Project]:
        """Every project, by id."""
        return list(self._now().projects.values())

    def owner(self, source: str, path: str) -> str:
        """The project that a document belongs to: the one whose root covers it most closely, the earlier registered
        of equals; empty for none."""
        found = [
            (-len(root.subpath), project.created_at, project.id)
            for project in self.all()
            for root in project.roots
            if root.covers(source, path)
        ]
        return min(found)[2] if found else ""

    # Writing

    def proposed(self, id_: Any, aliases: Any = (), description: Any = "", roots: Any = ()) -> Definition:
        """What somebody wrote, as it would be registered; changes nothing. Raises ``MemoryFault``."""
        return checked(id_, aliases, description, roots, self._sources())

    def collisions(self, definition: Definition) -> dict[str, str]:
        """Which of a definition's names are another project's already, and whose; each as it is written."""
        ids, shown = self._now().ids, (definition.id, *definition.aliases)
        taken = zip(shown, definition.folded, strict=True)
        return {name: ids[key] for name, key in taken if ids.get(key, definition.id) != definition.id}

    def register(
        self, id_: Any, aliases: Any = (), description: Any = "", roots: Any = (), *, actor: Actor
    ) -> tuple[Project, bool]:
        """Register a project; False where it stands so already.

        Raises:
            MemoryFault: something cannot be, a name is another project's, or the project is registered otherwise;
                ``field`` names it.
            DatabaseError: nothing was kept.
        """
        with self._lock:
            definition = self.proposed(id_, aliases, description, roots)
            present = self._now().projects.get(definition.id)
            if present is not None and present.definition != definition:
                raise MemoryFault("project_id", f"project {definition.id} is registered already, otherwise")
            project, sources = self._store(definition, actor, "register")
        return self._told(project, sources)

    def update(self, name: str, changes: Mapping[str, Any], *, actor: Actor) -> tuple[Project, bool]:
        """Change aliases, description, ingest_roots; what is left out stays. False where nothing changed.

        Raises:
            Missing: nobody registered such a project.
            MemoryFault, DatabaseError: as ``register``.
        """
        with self._lock:
            present = self.required(name)
            definition = checked(
                present.id,
                changes.get("aliases", present.aliases),
                changes.get("description", present.description),
                changes.get("ingest_roots", as_json(present.roots)),
                # A source that left the configuration may stay where it stood.
                {*self._sources(), *(root.source for root in present.roots)},
            )
            project, sources = self._store(definition, actor, "update")
        return self._told(project, sources)

    def fixed(self) -> list[str]:
        """Ids and paths: what only an operator can change."""
        return [text for project in self.all() for text in (project.id, *(root.subpath for root in project.roots))]

    def forget(self, holds: Callable[[str], bool], actor: Actor) -> int:
        """Take words out of descriptions, labels and aliases; gives how many projects changed.

        Args:
            holds: does a text hold the words?

        Raises:
            DatabaseError: some of it may be done.
        """
        changed = 0
        with self._lock:
            for project in self.all():
                definition = project.definition
                cleaned = _without(definition, holds)
                if cleaned != definition:
                    self._write_down(cleaned, actor, "forget", None, None)
                    changed += 1
        return changed

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Refuse to undo what an audit row tells of a project. Raises ``Conflict``.

        Rows have followed its names, and cannot be told from its own any more.
        """
        raise Conflict(f"{entry['id']} cannot be undone: write project {entry['object_id']} as it is to be")

    def _store(self, definition: Definition, actor: Actor, action: str) -> tuple[Project, frozenset[str] | None]:
        """The project, and the sources whose roots changed; None where nothing did."""
        for name, other in self.collisions(definition).items():
            field = "project_id" if name == definition.id else "aliases"
            raise MemoryFault(field, f"{name!r} is a name of project {other} already")
        present = self._now().projects.get(definition.id)
        if present is not None and present.definition == definition:
            return present, None

        before = None if present is None else as_shown(present.definition)
        self._write_down(definition, actor, action, before, as_shown(definition))
        moved = set(definition.roots) ^ set(present.roots if present else ())
        return self.required(definition.id), frozenset(root.source for root in moved)

    def _write_down(
        self,
        definition: Definition,
        actor: Actor,
        action: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        """Keep a definition, with its audit, and read all of them anew. Called under the lock."""

        def work(connection: sa.Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            _write(connection, definition, stamp_at(self._clock()))
            self._trail.write(
                connection, actor, Changed(definition.id, action, SERVER, before, after, OBJECT, definition.id)
            )
            self._queue(connection, definition.id)

        self._database.transact(work)
        self._held = self._read()
        self.version += 1

    def _told(self, project: Project, sources: frozenset[str] | None) -> tuple[Project, bool]:
        """Outside the lock: whoever is told may wait for others."""
        if sources:
            self.on_roots_changed(sources)
        return project, sources is not None

    def _now(self) -> _Held:
        held = self._held
        if held is None:
            with self._lock:
                held = self._held = self._held or self._read()
        return held

    def _read(self) -> _Held:
        named = self._database.query(sa.select(project_names).order_by(project_names.c.position))
        aliases: dict[str, list[str]] = {}
        for row in named:
            if row["position"]:
                aliases.setdefault(row["project_id"], []).append(row["shown"])
        found = self._database.query(sa.select(projects).order_by(projects.c.id))
        return _Held(
            projects={row["id"]: _as_project(row, aliases.get(row["id"], ())) for row in found},
            ids={row["name"]: row["project_id"] for row in named},
        )


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


def _without(definition: Definition, holds: Callable[[str], bool]) -> Definition:
    roots = [replace(root, label="") if holds(root.label) else root for root in definition.roots]
    return replace(
        definition,
        aliases=tuple(alias for alias in definition.aliases if not holds(alias)),
        description="" if holds(definition.description) else definition.description,
        roots=tuple(roots),
    )


def _write(connection: sa.Connection, definition: Definition, now: str) -> None:
    columns = {
        "description": definition.description,
        "ingest_roots": json.dumps(as_json(definition.roots), ensure_ascii=False),
        "updated_at": now,
    }
    known = connection.execute(sa.update(projects).where(projects.c.id == definition.id).values(**columns)).rowcount
    if not known:
        connection.execute(sa.insert(projects).values(id=definition.id, created_at=now, **columns))
    connection.execute(sa.delete(project_names).where(project_names.c.project_id == definition.id))
    shown = (definition.id, *definition.aliases)
    rows = [
        {"name": name, "project_id": definition.id, "position": at, "shown": shown[at]}
        for at, name in enumerate(definition.folded)
    ]
    connection.execute(sa.insert(project_names), rows)


def _as_project(row: Mapping[str, Any], aliases: Sequence[str]) -> Project:
    given = [root for root in read_json(row["ingest_roots"], list) if isinstance(root, dict) and "source" in root]
    roots = tuple(Root(root["source"], root.get("subpath") or "", root.get("label") or "") for root in given)
    return Project(row["id"], tuple(aliases), row["description"], roots, row["created_at"], row["updated_at"])
