"""One memory, or one fact, goes back to the name that it came from; what was made one with it is two again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import references, rows
from memory.memories.audit_trail import Changed
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.projects.moves import Move
from memory.projects.moving import UNITE, Moving, unseen
from memory.projects.state import PLACE, State, standing
from store.tables import memories, project_state

PART: Final = "part"
"""What the audit calls it."""

Row = Mapping[str, Any]
Entries = Sequence[Mapping[str, Any]]


class Separating:
    """Within a transaction. Each gives what the audit says of it; nothing where the row is not there any more."""

    def __init__(self, memories: Memories, state: State, moving: Moving) -> None:
        self._trail = memories.trail
        self._steps = memories.steps
        self._ledger = memories.ledger
        self._state = state
        self._moving = moving

    # Facts

    def fact(self, connection: sa.Connection, project: str, move: Move, target: str) -> list[Changed]:
        """Put a fact back, and let what it had replaced hold again."""
        row = _fact(connection, move.row_key)
        if row is None or row["project"] != project:
            return []
        own, others = _told(self._trail.group(connection, move.audit_id), row["id"])
        changes = self._moving.fact(connection, row, target, PART, _unchanged(row, own, ("status", "superseded_by")))
        for entry in others:
            other = _fact(connection, entry["object_id"])
            if other is None or (other["status"], other["superseded_by"]) != ("superseded", row["id"]):
                continue
            if standing(connection, {name: other[name] for name in PLACE}) is None:
                again = {"status": "active", "superseded_by": None}
                changes.append(self._state.change(connection, other, again, PART, said=False))
        return changes

    # Memories

    def memory(self, connection: sa.Connection, project: str, move: Move, target: str) -> list[Changed]:
        """Put a memory back, and separate it from the one that it was united with."""
        row = rows.read(connection, move.row_key)
        if row is None or row["project"] != project:
            return []
        entries = self._trail.group(connection, move.audit_id)
        gone = _gone(entries)
        if gone is None:
            return self._moving.memory(connection, row, target, PART)[0]
        kept = str(gone["after"]["superseded_by"])
        changes = self._take(connection, kept, gone["object_id"], entries)
        if gone["object_id"] == row["id"]:
            changes += self._revive(connection, row["id"], gone, target)
        else:
            changes += self._moving.memory(connection, self._steps.required(connection, row["id"], None), target, PART)[
                0
            ]
            changes += self._revive(connection, gone["object_id"], gone, None)
        return changes

    def _take(self, connection: sa.Connection, kept: str, gone: str, entries: Entries) -> list[Changed]:
        """What the one that stayed had got from the other goes; what was changed since stays."""
        changes, less = list[Changed | None](), 0
        for entry in reversed(entries):
            before, after = entry["before"], entry["after"]
            row = rows.read(connection, entry["object_id"])
            if row is None or before is None or after is None:
                continue
            if rows.REFERENCES in after:
                changed, fewer = references.put_back(connection, row, entry, PART)
                changes.append(changed)
                less += fewer
            elif rows.SUPPORT in after:
                self._ledger.withdraw(connection, row["id"], after[rows.SUPPORT])
                taken = {rows.SUPPORT: after[rows.SUPPORT]}
                changes.append(_changed(row, taken, {rows.SUPPORT: []}))
            elif row["id"] == kept:
                names = set(after) - {"project", "reference_count"}
                values = _unchanged(rows.tracked(row), entry, names)
                changes.append(self._ledger.change(connection, row, values, PART))
        row, other = rows.read(connection, kept), rows.read(connection, gone)
        if row is not None and other is not None:
            counts = {"reference_count": max(0, row["reference_count"] - less)}
            changes.append(self._ledger.change(connection, row, counts, PART))
            fewer_shown = max(0, row["injected_count"] - other["injected_count"])
            statement = sa.update(memories).where(memories.c.id == kept)
            connection.execute(statement.values(injected_count=fewer_shown))
        return [changed for changed in changes if changed is not None]

    def _revive(
        self, connection: sa.Connection, id_: str, entry: Mapping[str, Any], target: str | None
    ) -> list[Changed]:
        """Let the one that went be what it was, unless somebody has settled it since; ``target``: under this name."""
        row = rows.read(connection, id_)
        if row is None:
            return []
        moved = {} if target is None else {"project": target}
        values = {**_unchanged(rows.tracked(row), entry, set(entry["after"]), whole=True), **moved}
        future = {**row, **rows.stored(values)}
        twin = rows.twin(connection, future) if future["status"] in LIVE else None
        changes: list[Changed | None] = []
        if twin is not None:
            # What stands there now says it.
            values = moved
            changes.append(self._ledger.gain(connection, twin, self._ledger.supporting(connection, id_), UNITE))
        changes.append(self._ledger.change(connection, row, values, PART))
        unseen(connection, id_)
        return [changed for changed in changes if changed is not None]


def _fact(connection: sa.Connection, id_: str) -> dict[str, Any] | None:
    row = connection.execute(sa.select(project_state).where(project_state.c.id == id_)).mappings().first()
    return dict(row) if row is not None else None


def _told(entries: Entries, id_: str) -> tuple[Mapping[str, Any] | None, Entries]:
    """What an audit group says of an object, and of others."""
    known = [entry for entry in entries if entry["before"] is not None and entry["after"] is not None]
    own = next((entry for entry in known if entry["object_id"] == id_), None)
    return own, [entry for entry in known if entry["object_id"] != id_]


def _gone(entries: Entries) -> Mapping[str, Any] | None:
    """The row of an audit group that says which memory gave way to which; None where none did, or it was forgotten."""
    known = (entry for entry in entries if entry["before"] is not None and entry["after"] is not None)
    return next((entry for entry in known if entry["after"].get("superseded_by")), None)


def _unchanged(row: Row, entry: Mapping[str, Any] | None, names: Any, *, whole: bool = False) -> dict[str, Any]:
    """Of these fields, what they were before, as far as they are what the change made of them.

    Args:
        whole: all of them, or none where one was changed since.
    """
    if entry is None:
        return {}
    told = [name for name in entry["after"] if name in names]
    same = [name for name in told if row[name] == entry["after"][name]]
    return {} if whole and same != told else {name: entry["before"][name] for name in same}


def _changed(row: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> Changed:
    return Changed(
        row["id"], PART, row["namespace"], before, after, project=row["project"], interaction_id=row["interaction_id"]
    )
