"""Memories: added, read, promoted, rejected, changed, undone. Every change is audited in its own transaction."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from memory.memories import fields, rows
from memory.memories.audit_trail import AuditTrail
from memory.memories.ledger import Ledger
from memory.memories.memory import Actor, Conflict, Memory, MemoryFault, Missing, Provenance, WrittenBy, clean
from memory.memories.steps import REJECTED, Steps
from memory.memories.undoing import Follower, Undoer, Undoing, Undone
from store.database import Database
from store.tables import memories

__all__ = ["MOST_LISTED", "REJECTED", "Conflict", "Memories", "MemoryFault", "Missing"]

MOST_LISTED: Final = 500

T = TypeVar("T")


class _NotMeant(Exception):
    """Takes a transaction back that only was to show what would come of it."""

    def __init__(self, undone: Undone) -> None:
        super().__init__()
        self.undone = undone


class Memories:
    """The memories of all namespaces.

    All methods raise ``DatabaseError`` where SQL fails, and ``MemoryFault`` for a value that a memory cannot have.

    Args:
        redact: takes secrets and personal data out of content, span and tags before they are stored.
        resolve: gives the id of the project that goes by a name, or the name.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        *,
        redact: Callable[[str], str] = lambda text: text,
        resolve: Callable[[str], str] = lambda name: name,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._redact = redact
        self._resolve = resolve
        self.ledger = Ledger(database, clock)
        """Changes of single memories, within the transactions of others."""
        self.trail = AuditTrail(database, clock)
        self.steps = Steps(self.ledger, self.trail)
        """What a change is made of, for those that put several into one ``transact``."""
        self.undoers: dict[str, Undoer] = {}
        """By object type: how changes of what is no memory are undone."""
        self.followers: dict[str, Follower] = {}
        """By object type: what follows that."""

    # Reading

    def get(self, id: str, namespace: str | None = None) -> Memory | None:
        """One memory, within a namespace if one is given."""
        statement = rows.select().where(memories.c.id == id)
        if namespace is not None:
            statement = statement.where(memories.c.namespace == namespace)
        found = self._database.query(statement)
        return rows.as_memory(found[0]) if found else None

    def some(self, ids: Iterable[str], namespace: str) -> Sequence[Memory]:
        """Those of a namespace with these ids, in the ids' order; unknown ones are left out."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return []
        statement = rows.select().where(memories.c.id.in_(wanted), memories.c.namespace == namespace)
        found = {row["id"]: rows.as_memory(row) for row in self._database.query(statement)}
        return [found[id_] for id_ in wanted if id_ in found]

    def active(self, namespace: str, project: str) -> Sequence[Memory]:
        """What holds now: active and not expired, of the project and of all projects; in the order they were made.

        ``version`` does not tell that time has passed a ``valid_until``.
        """
        statement = rows.select().where(
            memories.c.namespace == namespace,
            memories.c.status == "active",
            memories.c.project.in_({project, ""}),
            sa.or_(memories.c.valid_until.is_(None), memories.c.valid_until > self.ledger.now()),
        )
        return [rows.as_memory(row) for row in self._database.query(statement.order_by(memories.c.id))]

    def list(
        self,
        *,
        namespace: str | None = None,
        project: str | None = None,
        memory_type: str | None = None,
        status: str | None = None,
        active_only: bool = True,
        min_confidence: float | None = None,
        limit: int = 50,
    ) -> Sequence[Memory]:
        """The last changed first; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            project: a project's own; empty for those of all projects.
            status: wins over ``active_only``.
        """
        wanted = {
            "namespace": namespace,
            "project": None if project is None else self._resolve(fields.project(project)),
            "memory_type": None if memory_type is None else fields.memory_type(memory_type),
            "status": ("active" if active_only else None) if status is None else fields.status(status),
        }
        least = None if min_confidence is None else fields.confidence(min_confidence, "min_confidence")
        if limit <= 0:
            return []
        given = (memories.c[name] == value for name, value in wanted.items() if value is not None)
        statement = rows.select().where(*given)
        if least is not None:
            statement = statement.where(memories.c.confidence >= least)
        newest = statement.order_by(memories.c.updated_at.desc(), memories.c.id.desc()).limit(min(limit, MOST_LISTED))
        return [rows.as_memory(row) for row in self._database.query(newest)]

    def version(self, namespace: str) -> int:
        """Rises after each committed change of the namespace's memories; begins at 0 with the process."""
        return self.ledger.version(namespace)

    def changed_since(self, namespace: str, version: int) -> frozenset[str] | None:
        """Ids of the memories changed since ``version`` was that; None where that is not known, or too long ago."""
        return self.ledger.changed_since(namespace, version)

    def touched(self, connection: sa.Connection, namespace: str) -> None:
        """Let ``version`` rise with this transaction, which changes memories by other hands."""
        self.ledger.touch(connection, namespace)

    def shown(self, text: str) -> str:
        """Text as a memory would hold it: cleaned and redacted."""
        return clean(self._redact(clean(text)))

    # Writing

    def add(
        self,
        *,
        namespace: str,
        project: str,
        memory_type: str,
        content: str,
        actor: Actor,
        status: str = "active",
        confidence: float = 1.0,
        tags: Sequence[str] = (),
        valid_until: str | None = None,
        pinned: bool = False,
        written_by: WrittenBy = "person",
        provenance: Provenance | None = None,
    ) -> tuple[Memory, bool]:
        """Store a memory; False where nothing new came of it, with the memory that stands for the text.

        The same text within one status is one memory, which gains the interaction's support. A candidate is not
        raised again where its text was rejected, nor where it was merged into another, which gains the support.
        """
        given = {
            "project": project,
            "memory_type": memory_type,
            "content": content,
            "status": status,
            "confidence": confidence,
            "tags": tags,
            "valid_until": valid_until,
            "pinned": pinned,
        }
        if provenance is not None:
            span = self.shown(provenance.span)[: fields.MOST_WRITTEN]
            provenance = dataclasses.replace(provenance, span=span)
        row = rows.new(namespace, self.ledger.now(), self.checked(given), written_by, provenance)

        def work(connection: sa.Connection) -> tuple[Memory, bool]:
            id_, new = self.steps.add(connection, row, provenance, actor)
            return self._read(connection, id_), new

        return self.transact(work)

    def update(self, id: str, changes: Mapping[str, Any], actor: Actor, namespace: str | None = None) -> Memory:
        """Change content, confidence, status, memory_type, tags, valid_until, project, pinned.

        To make a candidate active is to promote it: gives the memory that is active then.

        Raises:
            Missing: no such memory.
            Conflict: another memory says the same within that status.
        """
        checked = self.checked(changes)

        def work(connection: sa.Connection) -> Memory:
            row = self.steps.required(connection, id, namespace)
            values = dict(checked)
            if values.get("status", row["status"]) != row["status"]:
                if (row["status"], values["status"]) == ("candidate", "active"):
                    return self._read(connection, self.steps.promote(connection, row, values, actor).memory_id)
                values |= {"review": REJECTED if values["status"] == "invalid" else None, "superseded_by": None}
            self.steps.change(connection, row, values, actor, "update")
            return self._read(connection, id)

        return self.transact(work)

    def promote(
        self,
        id: str,
        actor: Actor,
        namespace: str | None = None,
        *,
        content: str | None = None,
        memory_type: str | None = None,
        project: str | None = None,
    ) -> Memory:
        """Make a candidate active, edited if something else is given; gives the memory that is active now.

        That is another one where its text is active already: the candidate is superseded by it then, and hands it its
        support. The wording before an edit is not raised again as a candidate.

        Raises:
            Missing: no such candidate now.
        """
        edits = {"content": content, "memory_type": memory_type, "project": project}
        values = self.checked({name: value for name, value in edits.items() if value is not None})

        def work(connection: sa.Connection) -> Memory:
            row = self.steps.candidate(connection, id, namespace)
            return self._read(connection, self.steps.promote(connection, row, values, actor).memory_id)

        return self.transact(work)

    def reject(self, id: str, actor: Actor, namespace: str | None = None) -> Memory:
        """Say no to a candidate: it becomes invalid and its text is not raised again. Raises ``Missing``."""

        def work(connection: sa.Connection) -> Memory:
            self.steps.refuse(connection, self.steps.candidate(connection, id, namespace), actor, "reject")
            return self._read(connection, id)

        return self.transact(work)

    def invalidate(self, id: str, actor: Actor, namespace: str | None = None) -> Memory:
        """Say no to a memory of any status; its text is not raised again. Idempotent. Raises ``Missing``."""

        def work(connection: sa.Connection) -> Memory:
            self.steps.refuse(connection, self.steps.required(connection, id, namespace), actor, "invalidate")
            return self._read(connection, id)

        return self.transact(work)

    def supersede(self, id: str, actor: Actor, namespace: str | None = None, *, by: str | None = None) -> Memory:
        """Take a candidate or active memory out of use, for another of its namespace that gains its support, or none.

        Raises:
            Missing: no such memory, or no such other.
            Conflict: it is out of use already, or the other is.
        """

        def work(connection: sa.Connection) -> Memory:
            row = self.steps.required(connection, id, namespace)
            self.trail.write(connection, actor, *self.steps.replace(connection, row, by, "supersede"))
            return self._read(connection, id)

        return self.transact(work)

    def adjust(
        self,
        connection: sa.Connection,
        id: str,
        *,
        actor: Actor,
        action: str,
        interaction_id: str | None = None,
        **values: Any,
    ) -> Memory | None:
        """Set tracked fields (``rows.TRACKED``) within an open transaction, with audit; values as they come.

        Nothing is written where nothing changes. Gives the memory after it, None where there is none.

        Args:
            interaction_id: what made it so; else the audit names the memory's own.

        Raises:
            Conflict: another memory says the same within the status it would get.
        """
        row = rows.read(connection, id)
        if row is None:
            return None
        cause = {**row, "interaction_id": interaction_id or row["interaction_id"]}
        self.steps.change(connection, cause, values, actor, action)
        return self._read(connection, id)

    def undo(self, audit_id: str, actor: Actor, namespace: str | None = None, *, dry_run: bool = False) -> Undone:
        """Reverse what an audit row, and those changed together with it, tell; audited in turn.

        Args:
            dry_run: say what would come of it, and change nothing.

        Raises:
            Missing: no such row.
            Conflict: what it speaks of has changed since.
        """
        undoing = Undoing(self.ledger, self.trail, self._resolve, self.undoers)

        def work(connection: sa.Connection) -> Undone:
            undone = undoing.undo(connection, audit_id, actor, namespace)
            if dry_run:
                raise _NotMeant(self._with_moved(undone, lambda one: one.preview(connection, undone)))
            return undone

        try:
            undone = self.transact(work)
        except _NotMeant as told:
            return told.undone
        return self._with_moved(undone, lambda one: one.follow(undone, actor))

    def _with_moved(self, undone: Undone, told: Callable[[Follower], Mapping[str, int]]) -> Undone:
        follower = self.followers.get(undone.object_type)
        return undone if follower is None else dataclasses.replace(undone, moved=told(follower))

    def transact(self, work: Callable[[sa.Connection], T]) -> T:
        """Do it in one transaction, which keeps other writers out from its first read on.

        Raises:
            DatabaseError: nothing of it was kept. The same for whatever the work raises.
        """
        done: list[T] = []

        def run(connection: sa.Connection) -> None:
            done.append(work(connection))

        self._database.transact(run)
        return done[0]

    def _read(self, connection: sa.Connection, id_: str) -> Memory:
        return rows.as_memory(self.steps.required(connection, id_, None))

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of fields as they are kept."""
        found = {name: fields.checked(name, value, self._redact) for name, value in values.items()}
        return {**found, "project": self._resolve(found["project"])} if "project" in found else found
