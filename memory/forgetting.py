"""Forgetting in the log and in memory: the rows go, with what was made from them.

Of the audit the fact of a change stays and its words go. Words that stand in no row of SQLite stand in no file either
once the write-ahead log is emptied: deleted content is overwritten (``secure_delete``). SQLite's own temporary files
lie outside the data directory and are unlinked while they are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from store.database import Database
from store.tables import (
    audit,
    extractions,
    interaction_vectors,
    interactions,
    jobs,
    memories,
    memory_pairs,
    memory_references,
    memory_support,
    project_moves,
    project_state,
)

FORGOTTEN: Final = "forgotten"
"""Stands in the audit where words were."""

Touched = Callable[[sa.Connection, str], None]
"""Told, within the transaction, of each namespace whose memories, or whose state of projects, change."""


class Forgetting:
    """Deletes interactions and memories for good. Each call is one transaction and raises ``DatabaseError``.

    A process killed between two calls leaves nothing half done: an interaction goes together with what only it knew
    of, so that asking again finds the rest.
    """

    def __init__(
        self,
        database: Database,
        touched: Touched = lambda connection, namespace: None,
        state_touched: Touched = lambda connection, namespace: None,
    ) -> None:
        self._database = database
        self._touched = touched
        self._state_touched = state_touched

    def interactions(self, ids: Sequence[str]) -> Counter[str]:
        """Delete interactions with all that was noted of them, and the memories that came from them alone.

        A memory that a person wrote stays, without the span it was taken from; so does an extracted one that another
        interaction supports. Gives how many rows went, by table.
        """
        gone = Counter[str]()

        def work(connection: sa.Connection) -> None:
            touched = _made_from(connection, ids)
            for table, column in (
                (memory_support, memory_support.c.interaction_id),
                (memory_references, memory_references.c.interaction_id),
                (extractions, extractions.c.interaction_id),
                (interaction_vectors, interaction_vectors.c.interaction_id),
                (jobs, jobs.c.key),
                (project_moves, project_moves.c.row_key),
            ):
                gone[table.name] += _delete(connection, table, column.in_(ids))
            unsaid = dict.fromkeys(("interaction_id", "span", "span_start", "span_end"))
            connection.execute(sa.update(memories).where(memories.c.interaction_id.in_(ids)).values(**unsaid))
            gone.update(self._memories(connection, _unsupported(connection, touched)))
            gone[interactions.name] += _delete(connection, interactions, interactions.c.id.in_(ids))

        self._database.transact(work)
        return +gone

    def memories(self, ids: Sequence[str]) -> Counter[str]:
        """Delete memories, whoever wrote them, with what supports them and what they are part of."""
        gone = Counter[str]()

        def work(connection: sa.Connection) -> None:
            gone.update(self._memories(connection, ids))

        self._database.transact(work)
        return +gone

    def state(self, ids: Sequence[str]) -> int:
        """Delete what is said of projects, whether it holds now or did once; gives how many."""
        gone = list[int]()

        def work(connection: sa.Connection) -> None:
            of_them = project_state.c.id.in_(ids)
            for namespace in connection.scalars(sa.select(project_state.c.namespace).where(of_them).distinct()).all():
                self._state_touched(connection, namespace)
            replaced = sa.update(project_state).where(project_state.c.superseded_by.in_(ids))
            connection.execute(replaced.values(superseded_by=None))
            emptied(connection, audit.c.object_id.in_(ids))
            _delete(connection, project_moves, project_moves.c.row_key.in_(ids))
            gone.append(_delete(connection, project_state, of_them))

        self._database.transact(work)
        return gone[0]

    def bodies(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Empty audit rows: who changed what and when stays, what it was does not.

        Args:
            rows: by id, the further columns that hold words.
        """

        def work(connection: sa.Connection) -> None:
            emptied(connection, audit.c.id.in_(list(rows)))
            for id_, columns in rows.items():
                if columns:
                    said = sa.update(audit).where(audit.c.id == id_)
                    connection.execute(said.values(**dict.fromkeys(columns, FORGOTTEN)))

        self._database.transact(work)

    def rows(self, table: sa.Table, keys: Sequence[tuple[Any, ...]]) -> int:
        """Delete rows of a table that nothing else hangs on, by their primary keys; gives how many."""
        gone = list[int]()

        def work(connection: sa.Connection) -> None:
            for key in keys:
                matches = (column == value for column, value in zip(table.primary_key, key, strict=True))
                gone.append(_delete(connection, table, sa.and_(*matches)))

        self._database.transact(work)
        return sum(gone)

    def _memories(self, connection: sa.Connection, ids: Sequence[str]) -> Counter[str]:
        if not ids:
            return Counter()
        of_them = memories.c.id.in_(ids)
        for (namespace,) in connection.execute(sa.select(memories.c.namespace).where(of_them).distinct()).all():
            self._touched(connection, namespace)
        replaced = sa.update(memories).where(memories.c.superseded_by.in_(ids)).values(superseded_by=None)
        connection.execute(replaced)
        emptied(connection, audit.c.object_id.in_(ids))
        paired = sa.or_(memory_pairs.c.first.in_(ids), memory_pairs.c.second.in_(ids))
        return Counter(
            {
                memory_support.name: _delete(connection, memory_support, memory_support.c.memory_id.in_(ids)),
                memory_references.name: _delete(connection, memory_references, memory_references.c.memory_id.in_(ids)),
                memory_pairs.name: _delete(connection, memory_pairs, paired),
                jobs.name: _delete(connection, jobs, jobs.c.key.in_(ids)),
                project_moves.name: _delete(connection, project_moves, project_moves.c.row_key.in_(ids)),
                memories.name: _delete(connection, memories, of_them),
            }
        )


def _delete(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(which)).rowcount


def emptied(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Take the words out of these rows of the audit."""
    nothing = {"before": None, "after": None, "interaction_id": None, "reason": FORGOTTEN}
    connection.execute(sa.update(audit).where(which).values(**nothing))


def _made_from(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Memories that name one of these interactions as their source or support."""
    supported = sa.select(memory_support.c.memory_id).where(memory_support.c.interaction_id.in_(ids))
    taken = sa.select(memories.c.id).where(memories.c.interaction_id.in_(ids))
    return list(connection.scalars(sa.union(supported, taken)))


def _unsupported(connection: sa.Connection, ids: Sequence[str]) -> list[str]:
    """Those that no person wrote and no interaction supports any more."""
    supported = sa.exists(sa.select(sa.literal(1)).where(memory_support.c.memory_id == memories.c.id))
    alone = (memories.c.id.in_(ids), memories.c.written_by == "extraction", memories.c.interaction_id.is_(None))
    return list(connection.scalars(sa.select(memories.c.id).where(*alone, ~supported)))
