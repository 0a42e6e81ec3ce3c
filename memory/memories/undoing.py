"""Undoing: what an audit row tells is put back, if nothing has touched it since."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import pairs, references, rows
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.ledger import Ledger
from memory.memories.memory import Actor, Conflict, Missing

MADE: Final = ("add", "register")
"""Actions before which there was nothing: of other ones, a body that is missing was forgotten."""

Entry = Mapping[str, Any]
"""A row of the audit, as read."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing did: the id of its own audit row, by which it can be undone in turn, and what it put back."""

    audit_id: str
    action: str
    """What was undone: ``promote``, ``reject`` ..."""
    object_type: str
    object_id: str
    namespace: str
    moved: Mapping[str, int] = field(default_factory=dict)
    """Rows that followed, by table."""


Undoer = Callable[[sa.Connection, Entry], Changed]
"""Puts back what an audit row tells of something that is no memory, within the transaction. Raises ``Conflict``."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What follows where a change of objects of one type is undone; gives how many rows it moves, by table."""

    follow: Callable[[Undone, Actor], Mapping[str, int]]
    """Does it, once undoing is committed. Raises ``DatabaseError``, with some of it done."""
    preview: Callable[[sa.Connection, Undone], Mapping[str, int]]
    """Says what it would do, within the transaction that undoes."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """Undoes changes, each audited in turn.

    Args:
        resolve: gives the id of the project that goes by a name, or the name: what is put back stays with its project.
        others: what undoes changes of other objects, by object type.
    """

    ledger: Ledger
    trail: AuditTrail
    resolve: Callable[[str], str] = str
    others: Mapping[str, Undoer] = field(default_factory=dict)

    def undo(self, connection: sa.Connection, id_: str, actor: Actor, namespace: str | None = None) -> Undone:
        """Put back what this row, and those changed together with it, tell. What was made becomes ``invalid``.

        Raises:
            Missing: no such row.
            Conflict: something it speaks of was changed since, is gone, or its text was forgotten.
        """
        together = self.trail.group(connection, id_)
        if not together or (namespace is not None and together[0]["namespace"] != namespace):
            raise Missing(f"no audit row {id_!r}")
        # The last change first, as they may build on each other; written down as it was done, to be undone in turn.
        done = [self._put_back(connection, entry) for entry in reversed(together)]
        lead = together[0]
        new = self.trail.write(connection, actor, *done)
        return Undone(new, lead["action"], lead["object_type"], lead["object_id"], lead["namespace"])

    def _put_back(self, connection: sa.Connection, entry: Entry) -> Changed:
        if entry["after"] is None or (entry["before"] is None and entry["action"] not in MADE):
            raise Conflict(f"{entry['id']} cannot be undone: what it changed was forgotten")
        other = self.others.get(entry["object_type"])
        if other is not None:
            changed = other(connection, entry)
        elif entry["object_type"] == pairs.OBJECT:
            changed = _pair(connection, entry)
        else:
            changed = self._memory(connection, entry)
        return dataclasses.replace(changed, action="undo", undoes=entry["id"])

    def _memory(self, connection: sa.Connection, entry: Entry) -> Changed:
        row = rows.read(connection, entry["object_id"])
        if row is None:
            raise Conflict(f"{entry['id']} cannot be undone: {entry['object_type']} {entry['object_id']} is gone")
        if rows.SUPPORT in entry["after"]:
            return _support(connection, self.ledger, entry, row)
        if rows.REFERENCES in entry["after"]:
            return references.put_back(connection, row, entry, "undo")[0]
        after = {name: value for name, value in entry["after"].items() if name in rows.TRACKED}
        if entry["before"] is None:
            after = {"status": after.get("status")}
        present = rows.tracked(row)
        moved = [name for name, value in after.items() if present[name] != value]
        if moved:
            raise Conflict(f"{entry['id']} cannot be undone: {', '.join(moved)} of {row['id']} changed since")
        before = {"status": "invalid"} if entry["before"] is None else dict(entry["before"])
        if "project" in before:
            before["project"] = self.resolve(before["project"])
            if before["project"] == row["project"] and len(before) == 1:
                raise Conflict(
                    f"{entry['id']} cannot be undone: the name is one of project {row['project']} now; undo the change"
                    " that gave it the name"
                )
        changed = self.ledger.change(connection, row, before, "undo", reason=None)
        if changed is None:
            raise Conflict(f"{entry['id']} ({entry['action']}) cannot be undone: {row['id']} would stay as it is")
        return changed


def _pair(connection: sa.Connection, entry: Entry) -> Changed:
    key = pairs.parse(entry["object_id"])
    present = pairs.status_of(connection, key)
    if present != entry["after"].get("status"):
        raise Conflict(f"{entry['id']} cannot be undone: the pair is {present or 'gone'} now")
    return pairs.settle(connection, key, entry["before"]["status"], entry["namespace"], "undo", entry["project"] or "")


def _support(connection: sa.Connection, ledger: Ledger, entry: Entry, row: Mapping[str, Any]) -> Changed:
    """Support is evidence, not a person's word: what of it was forgotten meanwhile stands in nobody's way."""
    before, after = entry["before"].get(rows.SUPPORT, []), entry["after"].get(rows.SUPPORT, [])
    ledger.withdraw(connection, row["id"], after)
    ledger.support(connection, row["id"], before)
    return Changed(
        object_id=row["id"],
        action="undo",
        namespace=row["namespace"],
        before={rows.SUPPORT: after},
        after={rows.SUPPORT: before},
        project=row["project"],
        interaction_id=row["interaction_id"],
    )
