"""Changes of memories within a transaction, each with what the audit says of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.memories import rows
from memory.memories.audit_trail import Changed
from memory.memories.memory import Conflict, Provenance
from store.database import Database
from store.dialects import insert
from store.tables import interactions, memories, memory_support

LIVE: Final = ("candidate", "active")
_VERSIONED: Final = {"content", "status"}
_TOLD_APART: Final = {"content", "status", "project", "memory_type"}
"""No two live memories may agree in all of these; see ``memory.memories.rows.SAID_ONCE``."""

# Built once: that costs more than running them.
_INSERT = sa.insert(memories)
_SUPPORT = insert(memory_support).on_conflict_do_nothing()
_SESSION = sa.select(interactions.c.session_id).where(interactions.c.id == sa.bindparam("id"))

MOST_CHANGES: Final = 64
"""Of a namespace, of which it is known what they changed."""

Support = Sequence[Any]
"""``[interaction, session, at]``."""


class Ledger:
    """Writes memories, says what was changed, and counts for each namespace how often that happened."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._versions: dict[str, int] = {}
        self._changes: dict[str, deque[set[str | None]]] = {}
        self._lock = threading.Lock()
        self._mark = f"memories changed {id(self)}"
        # A connection comes back after its commit: counted earlier, a reader could keep the old state as the new one.
        sa.event.listen(database.engine, "checkin", self._count)

    def now(self) -> str:
        """This moment, as memories store it."""
        return stamp_at(self._clock())

    def version(self, namespace: str) -> int:
        """How often this process has changed the namespace's memories."""
        return self._versions.get(namespace, 0)

    def make(self, connection: sa.Connection, row: dict[str, Any], reason: str | None = None) -> Changed:
        """Insert a memory."""
        connection.execute(_INSERT, row)
        self.touch(connection, row["namespace"], row["id"])
        return _changed(row, "add", None, rows.tracked(row), reason)

    def change(
        self,
        connection: sa.Connection,
        row: Mapping[str, Any],
        values: Mapping[str, Any],
        action: str,
        reason: str | None = None,
    ) -> Changed | None:
        """Set tracked fields of a row; None where that changes nothing.

        Raises:
            Conflict: another memory says the same within the status it would get.
        """
        present = rows.tracked(row)
        after = {name: value for name, value in values.items() if present[name] != value}
        if not after:
            return None
        columns = {**rows.stored(after), "updated_at": self.now()}
        if _VERSIONED & after.keys():
            columns["version"] = row["version"] + 1
        future = {**row, **columns}
        moved = bool(_TOLD_APART & after.keys())
        other = rows.twin(connection, future) if moved and future["status"] in LIVE else None
        if other is not None:
            raise Conflict(f"memory {other['id']} says the same as {future['status']} already")
        connection.execute(sa.update(memories).where(memories.c.id == row["id"]).values(**columns))
        self.touch(connection, row["namespace"], row["id"])
        return _changed(row, action, {name: present[name] for name in after}, after, reason)

    def support(self, connection: sa.Connection, id_: str, gained: Sequence[Support]) -> list[Support]:
        """Add what supports a memory; gives what was not known before."""
        return [one for one in gained if self._add_support(connection, id_, one)]

    def withdraw(self, connection: sa.Connection, id_: str, lost: Sequence[Support]) -> None:
        """Take support away."""
        known = [interaction for interaction, *_ in lost]
        of_it = sa.and_(memory_support.c.memory_id == id_, memory_support.c.interaction_id.in_(known))
        connection.execute(sa.delete(memory_support).where(of_it))

    def supporting(self, connection: sa.Connection, id_: str) -> list[Support]:
        """What supports a memory."""
        columns = (memory_support.c.interaction_id, memory_support.c.session_id, memory_support.c.at)
        found = connection.execute(sa.select(*columns).where(memory_support.c.memory_id == id_))
        return [list(row) for row in found]

    def witness(self, connection: sa.Connection, provenance: Provenance) -> Support:
        """The support that an interaction gives."""
        session = connection.scalar(_SESSION, {"id": provenance.interaction_id})
        return [provenance.interaction_id, session, self.now()]

    def gain(
        self, connection: sa.Connection, row: Mapping[str, Any], gained: Sequence[Support], reason: str
    ) -> Changed | None:
        """Add support that comes from another memory, which can be undone with the rest; None where it is known."""
        fresh = self.support(connection, row["id"], gained)
        if not fresh:
            return None
        return _changed(row, "support", {rows.SUPPORT: []}, {rows.SUPPORT: fresh}, reason)

    def _add_support(self, connection: sa.Connection, id_: str, one: Support) -> bool:
        interaction, session, at = one
        values = {"memory_id": id_, "interaction_id": interaction, "session_id": session, "at": at}
        done = connection.execute(_SUPPORT, values)
        return bool(done.rowcount)

    def changed_since(self, namespace: str, version: int) -> frozenset[str] | None:
        """The memories changed since ``version`` was that; None where that is not known, or too long ago."""
        with self._lock:
            count = self._versions.get(namespace, 0) - version
            recent = list(self._changes.get(namespace, ()))[-count:] if count > 0 else []
        if len(recent) != count:
            return None
        ids = frozenset[str | None]().union(*recent)
        return None if None in ids else frozenset(id_ for id_ in ids if id_ is not None)

    def touch(self, connection: sa.Connection, namespace: str, id_: str | None = None) -> None:
        """Count the transaction as a change of the namespace's memories, once it is committed.

        Args:
            id_: the one that changes; None: it is not known which.
        """
        connection.info.setdefault(self._mark, {}).setdefault(namespace, set()).add(id_)

    def _count(self, _: Any, record: Any) -> None:
        touched: Mapping[str, set[str | None]] = record.info.pop(self._mark, {})
        with self._lock:
            for namespace, ids in touched.items():
                self._versions[namespace] = self._versions.get(namespace, 0) + 1
                self._changes.setdefault(namespace, deque(maxlen=MOST_CHANGES)).append(ids)


def _changed(
    row: Mapping[str, Any],
    action: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str | None,
) -> Changed:
    return Changed(
        object_id=row["id"],
        action=action,
        namespace=row["namespace"],
        before=before,
        after=after,
        project=row["project"],
        interaction_id=row["interaction_id"],
        reason=reason,
    )
