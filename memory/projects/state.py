"""Project state: what people say of a project. The highest trust there is, so nothing is ever written by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast, get_args

import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.memories import fields
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, clean
from store.database import Database
from store.ids import new_id
from store.tables import project_state

Category = Literal["status", "decision", "requirement", "contact", "milestone", "fact", "config"]

CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)
OBJECT: Final = "state"
"""What the audit calls a fact."""
MOST_HELD: Final = 1024
"""Projects whose state is held at once; callers can name any."""

PLACE: Final = ("namespace", "project", "category", "key")
"""No two facts may agree in all of these while they are active."""

_ORDER: Final[dict[str, int]] = {name: at for at, name in enumerate(CATEGORIES)}
_TOLD: Final = ("category", "key", "value", "source", "confidence", "status", "superseded_by", "project")
"""What the audit says of a fact."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A row of ``project_state``. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``; confidence is in [0, 1]."""

    id: str
    namespace: str
    project: str
    category: str
    key: str
    value: str
    source: str
    """Where a person has it from."""
    confidence: float
    status: str
    updated_at: str


class State:
    """The state of all projects, in every namespace. It may be used from any thread.

    All methods raise ``DatabaseError`` where SQL fails, and ``MemoryFault`` for a value that a fact cannot have.
    Projects are named by their ids, or as they are where nobody registered them.

    Args:
        redact: takes secrets out of key, value and source before they are stored; a contact's address is what people
            wrote it down for.
        resolve: gives the id of the project that goes by a name, or the name: what is put back stays with its project.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        trail: AuditTrail | None = None,
        *,
        redact: Callable[[str], str] = lambda text: text,
        resolve: Callable[[str], str] = lambda name: name,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._trail = trail or AuditTrail(database, clock)
        self._resolve = resolve
        self._redact = redact
        self._clock = clock
        self._versions: dict[str, int] = {}
        self._held: dict[tuple[str, str], tuple[int, tuple[Fact, ...]]] = {}
        self._lock = threading.Lock()
        self._mark = f"state changed {id(self)}"
        # A connection comes back after its commit: counted earlier, a reader could keep the old state as the new one.
        sa.event.listen(database.engine, "checkin", self._count)

    # Reading

    def active(self, namespace: str, project: str, category: str | None = None) -> tuple[Fact, ...]:
        """What holds now, by category as ``CATEGORIES`` has them, then by key. No SQL while nothing changes."""
        facts = self._facts(namespace, project)
        if category is None:
            return facts
        wanted = _category(category)
        return tuple(fact for fact in facts if fact.category == wanted)

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's state; begins at 0 with the process."""
        return self._versions.get(namespace, 0)

    def _facts(self, namespace: str, project: str) -> tuple[Fact, ...]:
        version, held = self.version(namespace), self._held.get((namespace, project))
        if held is not None and held[0] == version:
            return held[1]
        wanted = {"namespace": namespace, "project": project, "status": "active"}
        rows = self._database.query(
            sa.select(project_state).where(*(project_state.c[name] == value for name, value in wanted.items()))
        )
        facts = tuple(sorted(map(as_fact, rows), key=lambda fact: (_place(fact.category), fact.key, fact.id)))
        with self._lock:
            if len(self._held) >= MOST_HELD:
                self._held.clear()
            self._held[namespace, project] = version, facts
        return facts

    # Writing

    def put(
        self,
        *,
        namespace: str,
        project: str,
        category: str,
        key: str,
        value: str,
        actor: Actor,
        source: str | None = None,
        confidence: float | None = None,
    ) -> tuple[Fact, bool]:
        """Say something of a project; what was said of it before is superseded. False where it stands so already.

        Args:
            source: where it comes from; None: as it stands where the value is the same, else nowhere.
            confidence: in [0, 1]; None: likewise, else 1.
        """
        place = self._place(namespace, project, category, key)
        given = {"value": self._text("value", value, fields.MOST_WRITTEN)}
        if source is not None:
            given["source"] = self._text("source", source, fields.MOST_WRITTEN, blank=True)
        sure = None if confidence is None else fields.confidence(confidence)
        done: list[tuple[Fact, bool]] = []

        def work(connection: sa.Connection) -> None:
            old = standing(connection, place)
            wanted = {**given} if sure is None else {**given, "confidence": sure}
            if old is not None and all(old[name] == said for name, said in wanted.items()):
                done.append((as_fact(old), False))
                return
            row = {**self._new(place), "source": "", "confidence": 1.0, **wanted}
            changes = [] if old is None else [self.supersede(connection, old, row["id"])]
            connection.execute(sa.insert(project_state), row)
            self.touched(connection, namespace)
            self._trail.write(connection, actor, *changes, _changed(row, "add", None, told(row)))
            done.append((as_fact(row), True))

        self._database.transact(work)
        return done[0]

    def delete(self, *, namespace: str, project: str, category: str, key: str, actor: Actor) -> Fact:
        """Take back what is said of a project; gives it as it is now. Raises ``Missing``."""
        place = self._place(namespace, project, category, key)
        done: list[Fact] = []

        def work(connection: sa.Connection) -> None:
            old = standing(connection, place)
            if old is None:
                raise Missing(f"no {place['category']} {place['key']!r} of project {place['project']!r}")
            self._trail.write(connection, actor, self.change(connection, old, {"status": "deleted"}, "delete"))
            done.append(as_fact({**old, "status": "deleted", "updated_at": self._now()}))

        self._database.transact(work)
        return done[0]

    # Within the transactions of others

    def supersede(self, connection: sa.Connection, row: Mapping[str, Any], by: str) -> Changed:
        """Let another fact stand in a fact's place; gives what the audit says of it."""
        return self.change(connection, row, {"status": "superseded", "superseded_by": by}, "supersede")

    def change(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        after: Mapping[str, Any],
        action: str,
        *,
        said: bool = True,
    ) -> Changed:
        """Set columns of a fact; gives what the audit says of it.

        Args:
            said: did somebody say it now? A fact that only follows its project keeps the time it was said at.
        """
        values = {**after, "updated_at": self._now()} if said else dict(after)
        connection.execute(sa.update(project_state).where(project_state.c.id == row["id"]).values(**values))
        self.touched(connection, row["namespace"])
        return _changed(row, action, {name: row[name] for name in after}, after)

    def put_back(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a fact; what was said becomes deleted. Raises ``Conflict``."""
        found = connection.execute(sa.select(project_state).where(project_state.c.id == entry["object_id"]))
        rows = [dict(row) for row in found.mappings()]
        if not rows:
            raise Conflict(f"{entry['id']} cannot be undone: what it speaks of is gone")
        row = rows[0]
        made = entry["before"] is None
        before, after = ({"status": "deleted"}, {"status": "active"}) if made else (entry["before"], entry["after"])
        if "project" in before:
            before = {**before, "project": self._resolve(before["project"])}
        if before.get("project") == row["project"]:
            raise Conflict(
                f"{entry['id']} cannot be undone: the name is one of project {row['project']} now; undo the change"
                " that gave it the name"
            )
        if any(row[name] != value for name, value in after.items()):
            raise Conflict(f"{entry['id']} cannot be undone: {row['id']} changed since")
        future = {**row, **before}
        place = {name: future[name] for name in PLACE}
        if future["status"] == "active" and standing(connection, place) is not None:
            raise Conflict(f"{entry['id']} cannot be undone: something else is said there now")
        return self.change(connection, row, before, "undo")

    def touched(self, connection: sa.Connection, namespace: str) -> None:
        """Let ``version`` rise with this transaction, once it is committed."""
        connection.info.setdefault(self._mark, set()).add(namespace)

    def _count(self, _: Any, record: Any) -> None:
        touched: set[str] = record.info.pop(self._mark, set())
        with self._lock:
            for namespace in touched:
                self._versions[namespace] = self._versions.get(namespace, 0) + 1

    def _place(self, namespace: str, project: str, category: str, key: str) -> dict[str, str]:
        name = fields.project(project)
        if not name:
            raise MemoryFault("project", "project must not be blank")
        named = self._text("key", key, fields.NAME_CHARS)
        return {"namespace": namespace, "project": name, "category": _category(category), "key": named}

    def _text(self, field: str, value: Any, most: int, *, blank: bool = False) -> str:
        """Text as it is stored: cleaned, then redacted, so that no hidden character keeps a secret from being found."""
        found = clean(fields.text(field, value))
        if len(found) > most:
            raise MemoryFault(field, f"{field} has {len(found)} characters; at most {most} are kept")
        found = clean(self._redact(found))
        if not found and not blank:
            raise MemoryFault(field, f"{field} must not be blank")
        return found

    def _new(self, place: Mapping[str, str]) -> dict[str, Any]:
        now = self._now()
        made = {"id": new_id("sta"), "status": "active", "superseded_by": None, "created_at": now, "updated_at": now}
        return {**place, **made}

    def _now(self) -> str:
        return stamp_at(self._clock())


def as_fact(row: Mapping[str, Any]) -> Fact:
    """A row as a fact."""
    return Fact(**{name: row[name] for name in Fact.__slots__})


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a row that is audited."""
    return {name: row[name] for name in _TOLD}


def standing(connection: sa.Connection, place: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fact that holds now at a place: namespace, project, category, key."""
    where = {**place, "status": "active"}
    found = sa.select(project_state).where(*(project_state.c[name] == value for name, value in where.items()))
    row = connection.execute(found).mappings().first()
    return dict(row) if row else None


def _changed(
    row: Mapping[str, Any], action: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Changed:
    return Changed(row["id"], action, row["namespace"], before, after, OBJECT, row["project"])


def _category(value: Any) -> Category:
    if value not in CATEGORIES:
        raise MemoryFault("category", f"category must be one of {', '.join(CATEGORIES)}")
    return cast(Category, value)


def _place(category: str) -> int:
    return _ORDER.get(category, len(_ORDER))


def entries(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """Facts as callers get them."""
    names = ("category", "key", "value", "source", "confidence", "status", "updated_at")
    return [{name: getattr(fact, name) for name in names} for fact in facts]
