"""The registry of projects: one for the whole server, by id and by every alias."""

from __future__ import annotations

import difflib
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, clean
from memory.projects.names import Definition, checked, folded
from memory.projects.stored import (
    MADE,
    Project,
    as_definition,
    as_json,
    as_project,
    as_shown,
    erase,
    leads,
    stored,
    write,
)
from store.database import Database
from store.tables import project_names, projects

OBJECT: Final = "project"
"""What the audit calls them."""
ALIKE: Final = 0.75
"""Likeness of two names, in [0, 1], from which one may be meant by the other."""
MOST_SPELLED: Final = 4096
"""Spellings that are known at once; callers can write any."""
SERVER: Final = ""
"""The audit's namespace of what belongs to none."""


class Kept(NamedTuple):
    """What became of a change of the registry."""

    project: Project
    new: bool
    """False where it stood so already."""
    audit_id: str | None
    """By which it can be undone; None where nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What SQL held when it was read last."""

    version: int = 0
    """Of the registry, before it was read."""
    projects: Mapping[str, Project] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    """By folded name."""
    owners: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By source and path of an ingest root, the project whose documents lie there."""
    spelled: dict[str, str] = field(default_factory=dict)
    """What names led to lately, as they were written: folding costs more than finding."""


class Registry:
    """The projects. It may be used from any thread; reading costs no SQL once it has been read.

    Args:
        sources: names of the configured sources, now.
        queue: told of a project's id within the transaction that gives it names, so that rows under them are moved.
        part: told of a project's id, and of the change that is undone, within the transaction that takes names from
            it, so that the rows that had followed them are put back.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        trail: AuditTrail | None = None,
        *,
        sources: Callable[[], Collection[str]] = tuple,
        queue: Callable[[sa.Connection, str], None] = lambda connection, id_: None,
        part: Callable[[sa.Connection, str, str], None] = lambda connection, id_, since: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._trail = trail or AuditTrail(database, clock)
        self._sources = sources
        self._queue = queue
        self._part = part
        self._clock = clock
        self._lock = threading.RLock()
        """Held by one change at a time."""
        self._reading = threading.Lock()
        self._held: _Held | None = None
        self.version = 0
        """Rises with each committed change; begins at 0 with the process."""
        self._mark = f"projects changed {id(self)}"
        # A connection comes back after its commit: counted earlier, a reader could keep the old names as the new ones.
        sa.event.listen(database.engine, "checkin", self._count)
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

    def near(self, name: str) -> str | None:
        """A registered name that is written nearly like this one, as it was written; None where there is none."""
        shown = {folded(known): known for project in self.all() for known in (project.id, *project.aliases)}
        found = difflib.get_close_matches(folded(name), shown, n=1, cutoff=ALIKE)
        return shown[found[0]] if found else None

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
        owners = self._now().owners
        while (source, path) not in owners and path:
            path = path.rpartition("/")[0]
        return owners.get((source, path), "")

    # Writing

    def proposed(self, id_: Any, aliases: Any = (), description: Any = "", roots: Any = ()) -> Definition:
        """What somebody wrote, as it would be registered; changes nothing. Raises ``MemoryFault``."""
        return checked(id_, aliases, description, roots, self._sources())

    def collisions(self, definition: Definition) -> dict[str, str]:
        """Which of a definition's names are another project's already, and whose; each as it is written."""
        ids, shown = self._now().ids, (definition.id, *definition.aliases)
        taken = zip(shown, definition.folded, strict=True)
        return {name: ids[key] for name, key in taken if ids.get(key, definition.id) != definition.id}

    def register(self, id_: Any, aliases: Any = (), description: Any = "", roots: Any = (), *, actor: Actor) -> Kept:
        """Register a project.

        Raises:
            MemoryFault: something cannot be, a name is another project's, or the project is registered otherwise;
                ``field`` names it.
            Conflict: it was changed at the same moment.
            DatabaseError: nothing was kept.
        """
        with self._lock:
            definition = self.proposed(id_, aliases, description, roots)
            present = self._now().projects.get(definition.id)
            if present is not None and present.definition != definition:
                raise MemoryFault("project_id", f"project {definition.id} is registered already, otherwise")
            kept = self._store(definition, actor, "register")
        return self._told(kept, present)

    def update(self, name: str, changes: Mapping[str, Any], *, actor: Actor) -> Kept:
        """Change aliases, description, ingest_roots; what is left out stays.

        Raises:
            Missing: nobody registered such a project.
            MemoryFault, Conflict, DatabaseError: as ``register``.
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
            kept = self._store(definition, actor, "update")
        return self._told(kept, present)

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

    # Undoing

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a project, within the transaction; what was registered is none any more.

        Rows that followed a name which is lost by that are put back later; see ``memory.projects.parting``.

        Raises:
            Conflict: the project was changed since, or a name has become another's.
        """
        id_ = entry["object_id"]
        present, before, after = stored(connection, id_), entry["before"] or {}, entry["after"]
        if (as_shown(present.definition) if present is not None else {}) != _without_time(after):
            raise Conflict(f"{entry['id']} cannot be undone: project {id_} changed since")
        definition = as_definition(before) if before else None
        if definition is None:
            erase(connection, id_)
        else:
            others = {key: owner for key, owner in leads(connection, definition.folded).items() if owner != id_}
            if others:
                raise Conflict(f"{entry['id']} cannot be undone: a name is one of project {min(others.values())} now")
            write(connection, definition, self._stamp(), before.get(MADE))
            self._queue(connection, id_)
        self._part(connection, id_, self._trail.origin(entry["id"], connection))
        self._touch(connection)
        told = {} if present is None else {**as_shown(present.definition), MADE: present.created_at}
        return Changed(id_, "undo", SERVER, told, before, OBJECT, id_)

    def reread(self) -> None:
        """Learn what undoing changed, and tell whose documents may belong to another project now."""
        held = self._held
        before = {} if held is None else held.projects
        now = self._now().projects
        roots = [{(id_, root) for id_, one in some.items() for root in one.roots} for some in (before, now)]
        changed = frozenset(root.source for _, root in roots[0] ^ roots[1])
        if changed:
            self.on_roots_changed(changed)

    def _store(self, definition: Definition, actor: Actor, action: str) -> Kept:
        for name, other in self.collisions(definition).items():
            field = "project_id" if name == definition.id else "aliases"
            raise MemoryFault(field, f"{name!r} is a name of project {other} already")
        present = self._now().projects.get(definition.id)
        if present is not None and present.definition == definition:
            return Kept(present, False, None)

        before = None if present is None else as_shown(present.definition)
        audit_id = self._write_down(definition, actor, action, before, as_shown(definition))
        return Kept(self.required(definition.id), True, audit_id)

    def _write_down(
        self,
        definition: Definition,
        actor: Actor,
        action: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> str:
        """Keep a definition, with its audit, and read all of them anew. Called under the lock; gives the audit's id."""
        expected = self._now().projects.get(definition.id)
        written: list[str] = []

        def work(connection: sa.Connection) -> None:
            present = stored(connection, definition.id)
            if (present and present.definition) != (expected and expected.definition):
                raise Conflict(f"project {definition.id} was changed at the same moment: ask again")
            write(connection, definition, self._stamp())
            changed = Changed(definition.id, action, SERVER, before, after, OBJECT, definition.id)
            written.append(self._trail.write(connection, actor, changed))
            self._queue(connection, definition.id)
            self._touch(connection)

        self._database.transact(work)
        self._now()
        return written[0]

    def _told(self, kept: Kept, before: Project | None) -> Kept:
        """Outside the lock: whoever is told may wait for others."""
        moved = set(kept.project.roots) ^ set(before.roots if before else ())
        if kept.new and moved:
            self.on_roots_changed(frozenset(root.source for root in moved))
        return kept

    def _touch(self, connection: sa.Connection) -> None:
        connection.info[self._mark] = True

    def _count(self, _: Any, record: Any) -> None:
        if record.info.pop(self._mark, False):
            with self._reading:
                self.version += 1

    def _stamp(self) -> str:
        return stamp_at(self._clock())

    def _now(self) -> _Held:
        held = self._held
        if held is None or held.version != self.version:
            with self._reading:
                held = self._held
                if held is None or held.version != self.version:
                    held = self._held = self._read(self.version)
        return held

    def _read(self, version: int) -> _Held:
        named = self._database.query(sa.select(project_names).order_by(project_names.c.position))
        aliases: dict[str, list[str]] = {}
        for row in named:
            if row["position"]:
                aliases.setdefault(row["project_id"], []).append(row["shown"])
        found = self._database.query(sa.select(projects).order_by(projects.c.id))
        known = {row["id"]: as_project(row, aliases.get(row["id"], ())) for row in found}
        # The one registered first comes last, and so stays.
        later_first = sorted(known.values(), key=lambda project: (project.created_at, project.id), reverse=True)
        return _Held(
            version=version,
            projects=known,
            ids={row["name"]: row["project_id"] for row in named},
            owners={(root.source, root.subpath): project.id for project in later_first for root in project.roots},
        )


def _without(definition: Definition, holds: Callable[[str], bool]) -> Definition:
    roots = [replace(root, label="") if holds(root.label) else root for root in definition.roots]
    return replace(
        definition,
        aliases=tuple(alias for alias in definition.aliases if not holds(alias)),
        description="" if holds(definition.description) else definition.description,
        roots=tuple(roots),
    )


def _without_time(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != MADE}
