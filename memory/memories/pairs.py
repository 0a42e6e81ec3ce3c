"""Two memories that a person should look at together: whether they are ``open``, ``merged``, ``dismissed`` ...

Hygiene finds them; here they are read and settled. A pair that is settled is never raised again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from memory.memories.audit_trail import Changed
from memory.memories.memory import Missing
from store.tables import memory_pairs

OBJECT: Final = "pair"
"""What the audit calls them."""
KINDS: Final = ("merge", "contradiction")


class Pair(NamedTuple):
    """A pair's key; ``first`` < ``second``."""

    kind: str
    first: str
    second: str

    @property
    def id(self) -> str:
        """Its public id."""
        return f"{self.kind}:{self.first}:{self.second}"


def parse(id_: str) -> Pair:
    """The key behind a public id. Raises ``Missing``."""
    kind, *members = id_.split(":")
    if kind not in KINDS or len(members) != 2:
        raise Missing(f"no pair {id_!r}")
    return Pair(kind, *members)


def status_of(connection: sa.Connection, pair: Pair) -> str | None:
    """How a pair stands; None where there is none."""
    found: str | None = connection.scalar(sa.select(memory_pairs.c.status).where(*_is(pair)))
    return found


def settle(connection: sa.Connection, pair: Pair, status: str, namespace: str, action: str, project: str) -> Changed:
    """Set how a pair stands. Raises ``Missing``."""
    before = status_of(connection, pair)
    if before is None:
        raise Missing(f"no pair {pair.id!r}")
    connection.execute(sa.update(memory_pairs).where(*_is(pair)).values(status=status))
    return Changed(pair.id, action, namespace, {"status": before}, {"status": status}, OBJECT, project)


def _is(pair: Pair) -> Sequence[sa.ColumnElement[bool]]:
    return [memory_pairs.c[name] == value for name, value in zip(Pair._fields, pair, strict=True)]
