"""Who changed what, when and why, with what it was before and after.

A row tells one object's change. Changes that were made together share an id up to its dot: ``aud_x``, ``aud_x.1`` ...
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import parse_since, stamp_at
from memory.memories.memory import Actor
from store.database import Database
from store.ids import new_id
from store.tables import audit

MOST_LISTED: Final = 500


@dataclass(frozen=True, slots=True)
class Changed:
    """One object's change. ``before`` is None for what was made, ``after`` for what is gone."""

    object_id: str
    action: str
    namespace: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    object_type: str = "memory"
    project: str = ""
    interaction_id: str | None = None
    undoes: str | None = None
    reason: str | None = None
    """In place of the actor's."""


class AuditTrail:
    """The trail. Rows are only ever added, but for what forgetting takes out of them."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def write(self, connection: sa.Connection, actor: Actor, *changes: Changed) -> str:
        """Add what was changed together, within the transaction that changes it; gives the id of the first row."""
        lead = new_id("aud")
        at = stamp_at(self._clock())
        rows = [
            {
                "id": f"{lead}.{number}" if number else lead,
                "at": at,
                "actor": actor.name,
                "action": changed.action,
                "object_type": changed.object_type,
                "object_id": changed.object_id,
                "namespace": changed.namespace,
                "project": changed.project,
                "interaction_id": changed.interaction_id,
                "undoes": changed.undoes,
                "reason": (actor.reason if changed.reason is None else changed.reason) or None,
                "before": _dump(changed.before),
                "after": _dump(changed.after),
            }
            for number, changed in enumerate(changes)
        ]
        connection.execute(sa.insert(audit), rows)
        return lead

    def group(self, connection: sa.Connection, id_: str) -> Sequence[dict[str, Any]]:
        """What was changed together with this row, itself included, in the order of the changes."""
        lead = id_.partition(".")[0]
        # The slash follows the dot: all ids that go on with a dot.
        together = sa.or_(audit.c.id == lead, sa.and_(audit.c.id > f"{lead}.", audit.c.id < f"{lead}/"))
        rows = connection.execute(sa.select(audit).where(together)).mappings()
        return sorted((_as_read(dict(row)) for row in rows), key=lambda row: _number(row["id"]))

    def origin(self, id_: str, connection: sa.Connection | None = None) -> str:
        """The first row of a chain of undoing: what this one undoes, or what that undoes in turn; else itself.

        Args:
            connection: of the transaction that adds to the chain.
        """
        undoes: str | None = id_
        while undoes is not None:
            id_ = undoes.partition(".")[0]
            asked = sa.select(audit.c.undoes).where(audit.c.id == id_)
            if connection is not None:
                undoes = connection.scalar(asked)
            else:
                undoes = next((row["undoes"] for row in self._database.query(asked)), None)
        return id_

    def of(self, object_id: str, limit: int = MOST_LISTED) -> Sequence[dict[str, Any]]:
        """An object's history, newest first."""
        return self.list(object_id=object_id, limit=limit)

    def list(
        self,
        *,
        namespace: str | None = None,
        object_id: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        since: str | None = None,
        limit: int = 50,
    ) -> list[dict[str, Any]]:
        """Newest first; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            since: any ISO 8601 time, inclusive.

        Raises:
            InteractionError: ``since`` cannot be read.
            DatabaseError: the trail cannot be read.
        """
        first = parse_since(since) if since is not None else None
        if limit <= 0:
            return []
        statement = sa.select(audit)
        wanted = {"namespace": namespace, "object_id": object_id, "actor": actor, "action": action}
        for name, value in wanted.items():
            if value is not None:
                statement = statement.where(audit.c[name] == value)
        if first is not None:
            statement = statement.where(audit.c.at >= first)
        newest = statement.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(min(limit, MOST_LISTED))
        return [_as_read(row) for row in self._database.query(newest)]


def _dump(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _as_read(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "before": _read(row["before"]), "after": _read(row["after"])}


def _read(text: str | None) -> dict[str, Any] | None:
    """A body; a damaged one reads as missing."""
    try:
        value = json.loads(text) if text else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _number(id_: str) -> int:
    return int(id_.partition(".")[2] or 0)
