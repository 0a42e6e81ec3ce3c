"""What a change of one memory does to others: steps within an open transaction, each written into the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from memory.memories import rows
from memory.memories.audit_trail import AuditTrail, Changed
from memory.memories.ledger import LIVE, Ledger
from memory.memories.memory import Actor, Conflict, Missing, Provenance
from store.ids import new_id
from store.tables import memories

REJECTED: Final = "rejected"
"""In ``review`` of an invalid memory: somebody said no to it, and it is not raised again."""
MOST_HOPS: Final = 8
"""Merges followed from a text that was merged away to the memory that stands for it now."""

Row = Mapping[str, Any]


class Done(NamedTuple):
    """What a step came to."""

    memory_id: str
    """The memory that stands for it now."""
    audit_id: str | None
    """By which it can be undone; None where nothing was changed."""


class Steps:
    """Adding, promoting, refusing, replacing."""

    def __init__(self, ledger: Ledger, trail: AuditTrail) -> None:
        self._ledger = ledger
        self._trail = trail

    def required(self, connection: sa.Connection, id_: str, namespace: str | None) -> dict[str, Any]:
        """A memory's row. Raises ``Missing``."""
        row = rows.read(connection, id_, namespace)
        if row is None:
            raise Missing(f"no memory {id_!r}")
        return row

    def candidate(self, connection: sa.Connection, id_: str, namespace: str | None) -> dict[str, Any]:
        """A candidate's row. Raises ``Missing``."""
        row = self.required(connection, id_, namespace)
        if row["status"] != "candidate":
            raise Missing(f"memory {id_!r} is no candidate: it is {row['status']}")
        return row

    def add(
        self, connection: sa.Connection, row: dict[str, Any], provenance: Provenance | None, actor: Actor
    ) -> tuple[str, bool]:
        """Insert a row, or support what stands for its text already; gives that memory's id, and whether it is new."""
        known = rows.twin(connection, row) or (_settled(connection, row) if row["status"] == "candidate" else None)
        id_ = known["id"] if known else row["id"]
        if provenance is not None and (known is None or known["status"] in LIVE):
            self._ledger.support(connection, id_, [self._ledger.witness(connection, provenance)])
        if known is None:
            self._trail.write(connection, actor, self._ledger.make(connection, row))
        else:
            self._renew(connection, known, row, actor)
        return id_, known is None

    def change(self, connection: sa.Connection, row: Row, values: Mapping[str, Any], actor: Actor, action: str) -> Done:
        """Set fields of a row; nothing is written where that changes nothing. Raises ``Conflict``."""
        changes = self.edit(connection, row, values, action)
        return Done(row["id"], self._trail.write(connection, actor, *changes) if changes else None)

    def edit(
        self, connection: sa.Connection, row: Row, values: Mapping[str, Any], action: str = "edit"
    ) -> Sequence[Changed]:
        """Set fields of a row as part of something larger; gives what the audit says of it. Raises ``Conflict``.

        Of what was extracted, the wording that is replaced is kept as a superseded row: it is known when it is
        extracted again.
        """
        changed = self._ledger.change(connection, row, values, action)
        if changed is None:
            return []
        reworded = {**row, **rows.stored(values)}["content_key"] != row["content_key"]
        return [changed, self._leave_behind(connection, row)] if reworded and row["interaction_id"] else [changed]

    def promote(self, connection: sa.Connection, row: Row, edits: Mapping[str, Any], actor: Actor) -> Done:
        """Make a candidate active, or have it superseded by the active memory that says the same."""
        values = {**edits, "status": "active", "review": None}
        future = {**row, **rows.stored(values)}
        active = rows.twin(connection, future)
        if active is not None:
            reason = _reason(actor, f"{active['id']} says it already")
            changes = self.replace(connection, row, active["id"], "promote", reason)
            return Done(active["id"], self._trail.write(connection, actor, *changes))
        return self.change(connection, row, values, actor, "promote")

    def refuse(self, connection: sa.Connection, row: Row, actor: Actor, action: str) -> Done:
        """Make a memory invalid, for good."""
        return self.change(connection, row, {"status": "invalid", "review": REJECTED}, actor, action)

    def replace(
        self,
        connection: sa.Connection,
        row: Row,
        by: str | None,
        action: str,
        reason: str | None = None,
        *,
        approved: bool = False,
    ) -> Sequence[Changed]:
        """Supersede a live memory, by another that gains its support or by none; gives what the audit says of it.

        Args:
            approved: may the other be a candidate where this one is active?

        Raises:
            Missing: no such other within the namespace.
            Conflict: one of the two is out of use, or they are the same.
        """
        if row["status"] not in LIVE:
            raise Conflict(f"memory {row['id']} is {row['status']} already")
        if by == row["id"]:
            raise Conflict("a memory cannot supersede itself")
        other = None if by is None else self.required(connection, by, row["namespace"])
        if other is not None and other["status"] not in LIVE:
            raise Conflict(f"memory {by} is {other['status']}")
        if other is not None and not approved and (row["status"], other["status"]) == ("active", "candidate"):
            raise Conflict(f"memory {by} is a candidate: nobody has approved it")
        values = {"status": "superseded", "superseded_by": by, "review": None}
        changes = [self._ledger.change(connection, row, values, action, reason)]
        if other is not None:
            gained = self._ledger.supporting(connection, row["id"])
            changes.append(self._ledger.gain(connection, other, gained, f"{row['id']} was superseded by it"))
        return [changed for changed in changes if changed is not None]

    def _renew(self, connection: sa.Connection, known: Row, row: Row, actor: Actor) -> None:
        """Said anew, an active memory that had expired holds again, for as long as is said now."""
        expired = known["valid_until"] is not None and known["valid_until"] <= self._ledger.now()
        if row["status"] == "active" and expired:
            self.change(connection, known, {"valid_until": row["valid_until"]}, actor, "renew")

    def _leave_behind(self, connection: sa.Connection, row: Row) -> Changed:
        copied = {column.name: row[column.name] for column in memories.c if column.name in row}
        past = {"id": new_id("mem"), "status": "superseded", "superseded_by": row["id"], "review": None}
        now = {"version": 1, "created_at": self._ledger.now(), "updated_at": self._ledger.now()}
        return self._ledger.make(connection, {**copied, **past, **now}, f"the wording of {row['id']} before its edit")


def _settled(connection: sa.Connection, row: Row) -> dict[str, Any] | None:
    """The memory that makes a candidate of this text needless: one rejected, or the one it was merged into."""
    found = rows.past(connection, row)
    rejected = next((known for known in found if known["review"] == REJECTED), None)
    if rejected is not None:
        return rejected
    merged = (known for known in found if all(known[name] == row[name] for name in ("project", "memory_type")))
    return next((stands for known in merged if (stands := _successor(connection, known)) is not None), None)


def _successor(connection: sa.Connection, row: dict[str, Any]) -> dict[str, Any] | None:
    """The live memory at the end of a chain of merges."""
    for _ in range(MOST_HOPS):
        if row["status"] in LIVE:
            return row
        following = rows.read(connection, row["superseded_by"]) if row["superseded_by"] else None
        if following is None:
            return None
        row = following
    return None


def _reason(actor: Actor, more: str) -> str:
    return f"{actor.reason}; {more}" if actor.reason else more
