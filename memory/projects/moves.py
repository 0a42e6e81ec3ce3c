"""Which rows were moved to a project, by which change, and from which of its names; so that they can be put back."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from store.tables import entries, flows, interactions, memories, project_moves, project_state, proposals, sessions

TABLES: Final = {
    table.name: table for table in (memories, project_state, interactions, entries, sessions, flows, proposals)
}
"""The tables that follow a project's names."""

Row = Mapping[str, Any]


class Move(NamedTuple):
    """A row that was moved."""

    audit_id: str
    """Of the change that moved it."""
    row_key: str
    name: str
    """What it stood under before."""


def key_of(table: sa.Table, row: Row) -> str:
    """A row's primary key as one text."""
    values = [row[column.name] for column in table.primary_key]
    return str(values[0]) if len(values) == 1 else json.dumps(values, ensure_ascii=False)


def with_keys(table: sa.Table, keys: Iterable[str]) -> sa.ColumnElement[bool]:
    """The rows of these keys."""
    columns = list(table.primary_key)
    if len(columns) == 1:
        return columns[0].in_(list(keys))
    return sa.tuple_(*columns).in_([tuple(json.loads(key)) for key in keys])


def note(connection: sa.Connection, table: sa.Table, rows: Sequence[Row], project: str, audit_id: str) -> None:
    """Note that a change moves rows to a project, from where they stand now."""
    of_all = {"project": project, "audit_id": audit_id, "table_name": table.name}
    noted = [{**of_all, "row_key": key_of(table, row), "name": row["project"]} for row in rows]
    connection.execute(sa.insert(project_moves), noted)


def drop(connection: sa.Connection, table: sa.Table, project: str, moves: Collection[Move]) -> None:
    """Forget moves that were taken back, or cannot be."""
    columns = project_moves.c
    for audit_id in {move.audit_id for move in moves}:
        keys = [move.row_key for move in moves if move.audit_id == audit_id]
        of_it = (columns.project == project, columns.audit_id == audit_id, columns.table_name == table.name)
        connection.execute(sa.delete(project_moves).where(*of_it, columns.row_key.in_(keys)))


def names_since(project: str, since: str) -> sa.Select[Any]:
    """The names from which rows were moved to a project since a change, and how many of which table."""
    columns = project_moves.c
    counted = sa.select(columns.name, columns.table_name, sa.func.count().label("count"))
    return counted.where(columns.project == project, columns.audit_id > since).group_by(
        columns.name, columns.table_name
    )


def last(
    project: str, since: str, table: sa.Table, names: Collection[str], before: Move | None, most: int
) -> sa.Select[Any]:
    """Moves since a change, the last first.

    Args:
        before: the last one that was seen; None: from the beginning.
    """
    columns = project_moves.c
    statement = sa.select(columns.audit_id, columns.row_key, columns.name).where(
        columns.project == project,
        columns.audit_id > since,
        columns.table_name == table.name,
        columns.name.in_(sorted(names)),
    )
    if before is not None:
        same = sa.and_(columns.audit_id == before.audit_id, columns.row_key < before.row_key)
        statement = statement.where(sa.or_(columns.audit_id < before.audit_id, same))
    return statement.order_by(columns.audit_id.desc(), columns.row_key.desc()).limit(most)
