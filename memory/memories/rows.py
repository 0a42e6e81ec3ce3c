"""Rows of ``memories`` as memories, and the part of them that is audited and can be undone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from memory.memories.memory import Memory, Provenance, WrittenBy, content_key
from store.ids import new_id
from store.tables import memories, memory_support

TRACKED: Final = (
    "project",
    "memory_type",
    "status",
    "content",
    "confidence",
    "written_by",
    "pinned",
    "tags",
    "valid_until",
    "review",
    "superseded_by",
    "reference_count",
    "last_referenced_at",
    "decayed_on",
)
"""What audit rows speak of, and what undoing puts back."""

SAID_ONCE: Final = ("namespace", "project", "memory_type", "content_key", "status")
"""No two rows may agree in all of these while they are candidate or active."""

SUPPORT: Final = "support"
"""In an audit row's body: the support that a memory gained or lost, as ``[interaction, session, at]``."""

REFERENCES: Final = "references"
"""Likewise: what moved its confidence, as ``[session, kind, interaction, at, delta]``."""

_COPIED: Final = (
    "id",
    "namespace",
    "project",
    "memory_type",
    "content",
    "status",
    "confidence",
    "created_at",
    "updated_at",
    "written_by",
    "version",
    "valid_until",
    "reference_count",
    "last_referenced_at",
    "injected_count",
    "supports",
    "review",
    "superseded_by",
)


def select() -> sa.Select[Any]:
    """Memories with how many interactions support each; without their vectors."""
    counted = sa.select(sa.func.count()).where(memory_support.c.memory_id == memories.c.id)
    columns = [column for column in memories.c if column.name not in ("vector", "embedder")]
    return sa.select(*columns, counted.scalar_subquery().label("supports"))


# Built once: that costs more than running them.
_ONE = select().where(memories.c.id == sa.bindparam("id"))
_TWIN = select().where(
    *(memories.c[name] == sa.bindparam(name) for name in SAID_ONCE), memories.c.id != sa.bindparam("id")
)
_PAST = (
    select()
    .where(memories.c.namespace == sa.bindparam("namespace"), memories.c.content_key == sa.bindparam("content_key"))
    .where(memories.c.status.in_(("invalid", "superseded")))
    .order_by(memories.c.id)
)


def read(connection: sa.Connection, id_: str, namespace: str | None = None) -> dict[str, Any] | None:
    """One row, with its support, within a namespace if one is given."""
    row = connection.execute(_ONE, {"id": id_}).mappings().first()
    return dict(row) if row and namespace in (None, row["namespace"]) else None


def twin(connection: sa.Connection, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Another row that says the same within the same status."""
    found = connection.execute(_TWIN, {name: row[name] for name in (*SAID_ONCE, "id")}).mappings().first()
    return dict(found) if found else None


def past(connection: sa.Connection, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of this text, in any project, that are out of use; the oldest first."""
    given = {name: row[name] for name in ("namespace", "content_key")}
    return [dict(found) for found in connection.execute(_PAST, given).mappings()]


def new(
    namespace: str, now: str, values: Mapping[str, Any], written_by: WrittenBy, provenance: Provenance | None
) -> dict[str, Any]:
    """The row of a memory that is made now, with these values of its tracked fields."""
    row = {
        **dict.fromkeys(column.name for column in memories.c),
        "id": new_id("mem"),
        "namespace": namespace,
        "written_by": written_by,
        "version": 1,
        "reference_count": 0,
        "injected_count": 0,
        "created_at": now,
        "updated_at": now,
        **stored(values),
    }
    if provenance is None:
        return row
    return {
        **row,
        "interaction_id": provenance.interaction_id,
        "role": provenance.role,
        "rule": provenance.rule,
        "extractor": provenance.extractor,
        "span_start": provenance.start,
        "span_end": provenance.end,
        "span": provenance.span,
    }


def as_memory(row: Mapping[str, Any]) -> Memory:
    """A row as a memory; damaged tags read as none."""
    return Memory(
        **{name: row[name] for name in _COPIED},
        pinned=bool(row["pinned"]),
        tags=read_tags(row["tags"]),
        provenance=_provenance(row),
    )


def tracked(row: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a row that is audited, with tags and flags as JSON has them."""
    found = {name: row[name] for name in TRACKED}
    return {**found, "tags": read_tags(row["tags"]), "pinned": bool(row["pinned"])}


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of tracked fields as columns hold them; a new content takes its key along and leaves its vector."""
    columns = dict(values)
    if "tags" in columns:
        columns["tags"] = json.dumps(list(columns["tags"]), ensure_ascii=False) if columns["tags"] else None
    if "pinned" in columns:
        columns["pinned"] = int(columns["pinned"])
    if "content" in columns:
        columns |= {"content_key": content_key(columns["content"]), "embedder": None, "vector": None}
    return columns


def read_tags(text: str | None) -> list[str]:
    """A tags column; damaged JSON reads as empty."""
    try:
        value = json.loads(text) if text else []
    except ValueError:
        return []
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _provenance(row: Mapping[str, Any]) -> Provenance | None:
    if row["interaction_id"] is None:
        return None
    return Provenance(
        interaction_id=row["interaction_id"],
        role=row["role"] or "",
        rule=row["rule"] or "",
        extractor=row["extractor"] or "",
        start=row["span_start"] or 0,
        end=row["span_end"] or 0,
        span=row["span"] or "",
    )
