"""What moved a memory's confidence: handed over where two memories become one, and given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import rows
from memory.memories.audit_trail import Changed
from store.dialects import insert
from store.tables import memory_references

_COLUMNS: Final = ("session_id", "kind", "interaction_id", "at", "delta")
"""Of a reference in an audit row's body, in this order."""

Row = Mapping[str, Any]
References = Sequence[Sequence[Any]]


def hand_over(connection: sa.Connection, kept: Row, gone: Row, action: str) -> tuple[list[Changed], int]:
    """Give one memory the other's references, once per session; gives how many uses were new to it."""
    table, taken, used = memory_references, list[list[Any]](), 0
    of_it = sa.select(table).where(table.c.memory_id == gone["id"]).order_by(table.c.session_id, table.c.kind)
    found = connection.execute(of_it).mappings().all()
    for row in found:
        fresh = {**row, "memory_id": kept["id"]}
        put = insert(table).values(**fresh).on_conflict_do_nothing().returning(table.c.memory_id)
        if connection.execute(put).first() is not None:
            taken.append([row[name] for name in _COLUMNS])
            used += row["kind"] == "used"
    if not found:
        return [], 0
    connection.execute(sa.delete(table).where(table.c.memory_id == gone["id"]))
    had = [[row[name] for name in _COLUMNS] for row in found]
    return [_changed(gone, action, had, []), _changed(kept, action, [], taken)], used


def put_back(connection: sa.Connection, row: Row, entry: Mapping[str, Any], action: str) -> tuple[Changed, int]:
    """Undo what an audit row tells of a memory's references; gives how many uses less it has for it.

    They are evidence, not a person's word: what of them was forgotten meanwhile stands in nobody's way.
    """
    table, less = memory_references, 0
    before, after = entry["before"].get(rows.REFERENCES, []), entry["after"].get(rows.REFERENCES, [])
    for one in after:
        given = dict(zip(_COLUMNS, one, strict=True))
        same = (table.c[name] == given[name] for name in ("session_id", "kind", "interaction_id"))
        done = connection.execute(sa.delete(table).where(table.c.memory_id == row["id"], *same))
        less += done.rowcount if given["kind"] == "used" else 0
    for one in before:
        values = {"memory_id": row["id"], **dict(zip(_COLUMNS, one, strict=True))}
        connection.execute(insert(table).values(**values).on_conflict_do_nothing())
    return _changed(row, action, after, before), less


def _changed(row: Row, action: str, before: References, after: References) -> Changed:
    return Changed(
        row["id"],
        action,
        row["namespace"],
        {rows.REFERENCES: before},
        {rows.REFERENCES: after},
        project=row["project"],
        interaction_id=row["interaction_id"],
    )
