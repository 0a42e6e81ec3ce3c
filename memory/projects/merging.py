"""Rows that were stored under a name before it became one of a project's: they are moved to the project.

It is the one change of an interaction's row besides its quality and forgetting. Each transaction is small and leaves
nothing half moved, so that a killed process is no matter: asking again moves the rest.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import rows
from memory.memories.audit_trail import Changed
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from memory.memories.undoing import Follower, Undone
from memory.projects import moves
from memory.projects.moves import TABLES
from memory.projects.moving import Moving
from memory.projects.names import Definition, folded
from memory.projects.parting import Parting
from memory.projects.registry import OBJECT, SERVER, Registry
from memory.projects.separating import PART
from memory.projects.state import State
from memory.projects.stored import leads
from memory.projects.turns import BATCH, PLAIN_BATCH, Turns
from store.database import Database
from store.tables import flows, memories, project_state

MERGED: Final = "memories_merged"
"""Of the memories moved, those that said what another of the project said."""
MOVE: Final = "move"
"""What the audit calls it."""

Row = Mapping[str, Any]


class Merging:
    """Moves rows to the projects they belong to by name. Raises ``DatabaseError`` where SQL fails.

    Args:
        rest: sleeps so many seconds.
        moved: told, after the commit, that rows of flows have moved, which others may hold copies of.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        memories: Memories,
        state: State,
        rest: Callable[[float], None] = time.sleep,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._registry = registry
        self._trail = memories.trail
        self._moving = Moving(memories, state)
        self._turns = Turns(memories, rest)
        self._moved = moved
        self.parting = Parting(database, registry, memories, state, self._moving, self._turns, moved)
        """Takes moves back."""
        self.follower = Follower(self._follow, self._preview)
        """What follows once a change of a project is undone: rows go where their names lead now."""

    def preview(self, definition: Definition) -> dict[str, dict[str, int]]:
        """How many rows stand under other spellings of a project's names, by spelling and table. Changes nothing."""
        found: dict[str, dict[str, int]] = {}
        for table in TABLES.values():
            for name, count in self._stored(table, definition).items():
                found.setdefault(name, {})[table.name] = count
        return found

    def clashes(self, definition: Definition) -> list[str]:
        """The state, as ``category/key``, under several of a project's names: one of its values will stay."""
        names = {definition.id, *self._stored(project_state, definition)}
        held = project_state.c
        place = (held.namespace, held.category, held.key)
        several = (
            sa.select(*place)
            .where(held.project.in_(names), held.status == "active")
            .group_by(*place)
            .having(sa.func.count() > 1)
        )
        return sorted({f"{row['category']}/{row['key']}" for row in self._database.query(several)})

    def settle(self, project: str, actor: Actor) -> dict[str, int]:
        """Move what is stored under other spellings of a project's names; gives how many rows moved, by table.

        An unknown project has nothing to be moved. Safe to be repeated at any time.
        """
        known = self._registry.known(project)
        if known is None:
            return {}
        moved = Counter[str]()
        with self._turns.one:
            for table in TABLES.values():
                names = list(self._stored(table, known.definition))
                for keys in self._keys(table, names):
                    work = partial(self._move, table=table, keys=keys, given=names, project=known.id, actor=actor)
                    moved += self._turns.take(work)
        if moved[flows.name]:
            self._moved()
        return dict(moved)

    def undo(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo what an audit row tells of a project, within the transaction. Raises ``Conflict``."""
        if entry["action"] in (MOVE, PART):
            return self.parting.batch(connection, entry)
        return self._registry.put_back(connection, entry)

    def _follow(self, undone: Undone, actor: Actor) -> dict[str, int]:
        self._registry.reread()
        since = self._trail.origin(undone.audit_id)
        moved = Counter(self.settle(undone.object_id, actor))
        return dict(moved + Counter(self.parting.put_back(undone.object_id, since, actor)))

    def _preview(self, connection: sa.Connection, undone: Undone) -> dict[str, int]:
        return self.parting.preview(connection, undone.object_id, self._trail.origin(undone.audit_id, connection))

    def _stored(self, table: sa.Table, definition: Definition) -> dict[str, int]:
        """The other spellings that a table holds, with how many rows stand under each."""
        column, names = table.c.project, set(definition.folded)
        counted = sa.select(column, sa.func.count().label("count")).where(column.is_not(None), column != "")
        found = self._database.query(counted.group_by(column))
        return {
            row["project"]: row["count"]
            for row in found
            if row["project"] != definition.id and folded(row["project"]) in names
        }

    def _keys(self, table: sa.Table, names: Sequence[str]) -> Iterator[list[str]]:
        if not names:
            return
        size = BATCH if table in (memories, project_state) else PLAIN_BATCH
        columns = list(table.primary_key)
        named = sa.select(*columns).where(table.c.project.in_(names)).order_by(*columns).limit(size)
        seen: Row | None = None
        while True:
            beyond = sa.true() if seen is None else sa.tuple_(*columns) > tuple(seen[column.name] for column in columns)
            found = self._database.query(named.where(beyond))
            if not found:
                return
            seen = found[-1]
            yield [moves.key_of(table, row) for row in found]

    def _move(
        self,
        connection: sa.Connection,
        table: sa.Table,
        keys: Sequence[str],
        given: Sequence[str],
        project: str,
        actor: Actor,
    ) -> Counter[str]:
        lead = leads(connection, map(folded, given))
        # One that the project has lost since, by undoing, keeps its rows.
        names = [name for name in given if lead.get(folded(name)) == project]
        if not names:
            return Counter()
        if table is memories:
            return self._move_memories(connection, keys, names, project, actor)
        if table is project_state:
            return self._move_state(connection, keys, names, project, actor)
        return self._move_plain(connection, table, keys, names, project, actor)

    def _move_plain(
        self,
        connection: sa.Connection,
        table: sa.Table,
        keys: Sequence[str],
        names: Sequence[str],
        project: str,
        actor: Actor,
    ) -> Counter[str]:
        which = sa.and_(moves.with_keys(table, keys), table.c.project.in_(names))
        told = connection.execute(sa.select(*table.primary_key, table.c.project).where(which))
        found = [dict(row) for row in told.mappings()]
        if not found:
            return Counter()
        connection.execute(sa.update(table).where(which).values(project=project))
        after = {"from": list(names), "table": table.name, "rows": len(found)}
        changed = Changed(project, MOVE, SERVER, {}, after, OBJECT, project)
        moves.note(connection, table, found, project, self._trail.write(connection, actor, changed))
        return Counter({table.name: len(found)})

    def _move_state(
        self, connection: sa.Connection, keys: Sequence[str], names: Sequence[str], project: str, actor: Actor
    ) -> Counter[str]:
        table, moved = project_state, Counter[str]()
        which = sa.select(table).where(table.c.id.in_(keys), table.c.project.in_(names)).order_by(table.c.id)
        for row in [dict(found) for found in connection.execute(which).mappings()]:
            changes = self._moving.fact(connection, row, project, MOVE)
            moves.note(connection, table, [row], project, self._trail.write(connection, actor, *changes))
            moved[table.name] += 1
        return moved

    def _move_memories(
        self, connection: sa.Connection, ids: Sequence[str], names: Sequence[str], project: str, actor: Actor
    ) -> Counter[str]:
        moved = Counter[str]()
        for id_ in ids:
            row = rows.read(connection, id_)
            if row is None or row["project"] not in names:
                continue
            changes, merged = self._moving.memory(connection, row, project, MOVE)
            moves.note(connection, memories, [row], project, self._trail.write(connection, actor, *changes))
            moved[memories.name] += 1
            moved[MERGED] += merged
        return moved
