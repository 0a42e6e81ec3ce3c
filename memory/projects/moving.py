"""Moves rows from one project's name to another, within a transaction, each with what the audit says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import rows
from memory.memories.audit_trail import Changed
from memory.memories.fields import MOST_TAGS
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.memories.references import hand_over
from memory.projects.state import PLACE, State, standing
from store.tables import memories

UNITE: Final = "unite"
"""What the audit calls it when two that say the same become one."""

Row = Mapping[str, Any]


class Moving:
    """Moves a memory or a fact. What says the same, or something of the same, where it arrives decides what stays."""

    def __init__(self, memories: Memories, state: State) -> None:
        self._steps = memories.steps
        self._state = state

    def fact(
        self, connection: sa.Connection, row: Row, project: str, action: str, also: Mapping[str, Any] | None = None
    ) -> list[Changed]:
        """Move a fact; of two that are said of the same, the one said last stays.

        Args:
            also: further columns to be set.
        """
        moved: dict[str, Any] = {"project": project, **(also or {})}
        place = {name: row[name] for name in PLACE} | {"project": project}
        active = {**row, **moved}["status"] == "active"
        other = standing(connection, place) if active else None
        changes = []
        if other is not None and (other["updated_at"], other["id"]) > (row["updated_at"], row["id"]):
            moved |= {"status": "superseded", "superseded_by": other["id"]}
        elif other is not None:
            gone = {"status": "superseded", "superseded_by": row["id"]}
            changes.append(self._state.change(connection, other, gone, "supersede", said=False))
        changed = {name: value for name, value in moved.items() if row[name] != value}
        return [*changes, self._state.change(connection, row, changed, action, said=False)]

    def memory(self, connection: sa.Connection, row: Row, project: str, action: str) -> tuple[list[Changed], bool]:
        """Move a memory; True where another said the same there, and they are one now."""
        twin = rows.twin(connection, {**row, "project": project}) if row["status"] in LIVE else None
        changes = (
            list(self._steps.edit(connection, row, {"project": project}, action))
            if twin is None
            else self._unite(connection, row, twin, project, action)
        )
        unseen(connection, row["id"])
        return changes, twin is not None

    def _unite(self, connection: sa.Connection, row: Row, twin: Row, project: str, action: str) -> list[Changed]:
        """Two that say the same are one from now on: the better one, with all that speaks for either."""
        kept, gone = sorted((row, twin), key=_rank)
        reason = f"{kept['id']} says it under another name of project {project}"
        changes = list(self._steps.replace(connection, gone, kept["id"], UNITE, reason))
        gains = {"project": project, **_gains(kept, gone)}
        referred, used = hand_over(connection, kept, gone, UNITE)
        if used:
            gains["reference_count"] = kept["reference_count"] + used
        if gone is row:
            away = self._steps.required(connection, gone["id"], None)
            changes += self._steps.edit(connection, away, {"project": project}, action)
        changes += self._steps.edit(connection, self._steps.required(connection, kept["id"], None), gains, UNITE)
        injected = memories.c.injected_count + gone["injected_count"]
        connection.execute(sa.update(memories).where(memories.c.id == kept["id"]).values(injected_count=injected))
        return [*changes, *referred]


def unseen(connection: sa.Connection, id_: str) -> None:
    """Have hygiene hold a memory against those that it stands beside now."""
    connection.execute(sa.update(memories).where(memories.c.id == id_).values(embedder=None, vector=None))


def _rank(row: Row) -> tuple[bool, bool, float, int, str, str]:
    """The better one first."""
    unpinned, extracted = not row["pinned"], row["written_by"] != "person"
    return unpinned, extracted, -row["confidence"], -row["reference_count"], row["created_at"], row["id"]


def _gains(kept: Row, gone: Row) -> dict[str, Any]:
    """What the one that stays takes over from the one that goes, as audited fields."""
    tags = [*rows.read_tags(kept["tags"]), *rows.read_tags(gone["tags"])]
    ends = [kept["valid_until"], gone["valid_until"]]
    last = [at for at in (kept["last_referenced_at"], gone["last_referenced_at"]) if at is not None]
    return {
        "confidence": max(kept["confidence"], gone["confidence"]),
        "tags": list(dict.fromkeys(tags))[:MOST_TAGS],
        "valid_until": None if None in ends else max(ends),
        "last_referenced_at": max(last, default=None),
    }
