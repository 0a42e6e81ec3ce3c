"""What SQLite and PostgreSQL say differently, said once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler, TypeCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["Insert", "contains", "greatest", "insert", "json_text", "members", "upsert"]

# ``Insert`` with its ON CONFLICT is PostgreSQL's; SQLite took the clause over, and SQLAlchemy writes it for both.


class _Lower(FunctionElement[str]):
    """A text in small letters, of every language."""

    name = "folded"
    type = sa.Text()
    inherit_cache = True


class greatest(FunctionElement[Any]):
    """The greatest of some values, none of them NULL."""

    name = "greatest"
    inherit_cache = True


class _Members(FunctionElement[Any]):
    """The members of a JSON list of texts, as rows of one column ``value``."""

    name = "members"
    inherit_cache = True


class _JsonText(FunctionElement[str]):
    """One value within a JSON text, as text."""

    name = "json_text"
    type = sa.Text()
    inherit_cache = True


def members(of: str | sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The members of a JSON list of texts, to stand behind IN.

    Args:
        of: the list, or the name of the parameter that brings it.
    """
    listed = sa.bindparam(of, type_=sa.Text()) if isinstance(of, str) else of
    return sa.select(_Members(listed).table_valued("value").c.value)


def json_text(column: sa.ColumnElement[Any], *path: str | int) -> sa.ColumnElement[str]:
    """The value at a path of keys and positions, as text; NULL where there is none and where the JSON is damaged."""
    return _JsonText(column, *(sa.literal_column(_step(one)) for one in path))


def contains(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Does the text stand in the column, in whatever case?"""
    escaped = "".join(f"/{one}" if one in "/%_" else one for one in text)
    return _Lower(column).like(_Lower(sa.literal(f"%{escaped}%")), escape="/")


def upsert(table: sa.Table) -> Insert:
    """Insert a row, in the place of one with the same primary key."""
    new = insert(table)
    keys = list(table.primary_key)
    return new.on_conflict_do_update(
        index_elements=keys, set_={column.name: new.excluded[column.name] for column in table.c if column not in keys}
    )


def _step(one: str | int) -> str:
    # Written out: an expression of an index, and a prepared statement, take no parameters here.
    if isinstance(one, str) and not one.isidentifier():
        raise ValueError(f"{one!r} is no plain key")
    return str(one)


@compiles(_Members, "sqlite")
def _members_sqlite(element: _Members, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(_Members, "postgresql")
def _members_postgresql(element: _Members, compiler: SQLCompiler, **kw: Any) -> str:
    return f"jsonb_array_elements_text(reprise_json({compiler.process(element.clauses, **kw)}))"


@compiles(_JsonText, "sqlite")
def _json_text_sqlite(element: _JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    column, *steps = element.clauses
    text = compiler.process(column, **kw)
    names = [str(step) for step in steps]
    path = "$" + "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in names)
    return f"CASE WHEN json_valid({text}) = 1 THEN json_extract({text}, '{path}') END"


@compiles(_JsonText, "postgresql")
def _json_text_postgresql(element: _JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    column, *steps = element.clauses
    path = "{" + ",".join(str(step) for step in steps) + "}"
    return f"(reprise_json({compiler.process(column, **kw)}) #>> '{path}')"


@compiles(_Lower, "sqlite")
def _lower_sqlite(element: _Lower, compiler: SQLCompiler, **kw: Any) -> str:
    # Connections bring a function of this name that knows more than ASCII.
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(_Lower, "postgresql")
def _lower_postgresql(element: _Lower, compiler: SQLCompiler, **kw: Any) -> str:
    # The columns' own collation knows ASCII alone.
    return f'lower(({compiler.process(element.clauses, **kw)}) COLLATE "und-x-icu")'


@compiles(greatest, "sqlite")
def _greatest_sqlite(element: greatest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"max({compiler.process(element.clauses, **kw)})"


@compiles(greatest, "postgresql")
def _greatest_postgresql(element: greatest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **kw)})"


@compiles(sa.Text, "postgresql")
def _text_postgresql(type_: sa.Text, compiler: TypeCompiler, **kw: Any) -> str:
    # Ids and times compare byte by byte, as in SQLite, whatever the language of the server.
    return 'TEXT COLLATE "C"'


@compiles(sa.Integer, "postgresql")
def _integer_postgresql(type_: sa.Integer, compiler: TypeCompiler, **kw: Any) -> str:
    # 64 bits, as in SQLite.
    return "BIGINT"
