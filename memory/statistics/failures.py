"""Failed round trips, grouped by the pattern of what was said."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from memory.statistics.calls import Calls
from memory.statistics.patterns import MOST, pattern_of
from store.database import Database
from store.dialects import json_text
from store.tables import interactions as log

READ = 20_000
"""Distinct messages that are grouped, most frequent first."""

Row = dict[str, Any]


def failures(database: Database, calls: Calls, limit: int) -> Row:
    """How many round trips failed, tools' among them, and the patterns of their errors, most frequent first.

    A pattern is an error code, a status and a message with ids, numbers and quoted texts masked. The message is the
    upstream's own where it gave one, else what was logged.

    Raises:
        DatabaseError: the log cannot be read.
    """
    # Damaged JSON says nothing, rather than failing the whole query.
    said = json_text(log.c.metadata, "upstream_error")
    message = sa.func.substr(sa.func.coalesce(said, log.c.error, ""), 1, MOST)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "type": log.c.interaction_type,
        "name": sa.func.coalesce(log.c.model, log.c.tool_name, log.c.tool_id, ""),
        "error": sa.func.substr(sa.func.coalesce(log.c.error, ""), 1, MOST),
        "status_code": log.c.status_code,
        "message": message,
    }
    statement = (
        sa.select(
            *(column.label(name) for name, column in columns.items()),
            sa.func.count().label("n"),
            sa.func.min(log.c.created_at).label("first"),
            sa.func.max(log.c.created_at).label("last"),
            sa.func.max(log.c.id).label("example"),
        )
        .where(*calls.where(None), log.c.success == 0)
        .group_by(*(sa.text(str(at + 1)) for at in range(len(columns))))
        .order_by(sa.desc("n"), sa.desc("example"))
        .limit(READ)
    )
    groups: dict[tuple[Any, ...], Row] = {}
    for row in database.query(statement):
        _add(groups, row)
    found = sorted(groups.values(), key=lambda group: (-group["count"], group["pattern"]))
    listed = [{**group, "names": dict(group["names"].most_common())} for group in found[:limit]]
    return {"failures": sum(group["count"] for group in found), "count": len(found), "patterns": listed}


def _add(groups: dict[tuple[Any, ...], Row], row: Row) -> None:
    # A tool's error is its message; a call's is a code beside what the upstream said.
    code = row["error"] if row["error"] != row["message"] else pattern_of(row["error"])
    pattern = pattern_of(row["message"])
    key = (row["type"], code, row["status_code"], pattern)
    group = groups.get(key)
    if group is None:
        group = groups[key] = {
            "pattern": pattern,
            "error": code,
            "status_code": row["status_code"],
            "type": row["type"],
            "count": 0,
            "first": row["first"],
            "last": row["last"],
            "names": Counter(),
            "example": row["example"],
        }
    group["count"] += row["n"]
    group["names"][row["name"]] += row["n"]
    group["first"] = min(group["first"], row["first"])
    group["last"] = max(group["last"], row["last"])
    group["example"] = max(group["example"], row["example"])
