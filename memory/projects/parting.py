"""Rows that followed a name to a project go back to where they stood, once the change that gave it the name is undone.

What was made one when they came is two again, with what spoke for each. What was changed since stays as it is. Each
transaction is small and leaves nothing half done, so that a killed process is no matter: asking again does the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import sqlalchemy as sa

from memory.memories.audit_trail import Changed
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict
from memory.projects import moves
from memory.projects.moves import TABLES, Move
from memory.projects.moving import Moving
from memory.projects.names import folded
from memory.projects.registry import OBJECT, SERVER, Registry
from memory.projects.separating import PART, Separating
from memory.projects.state import State
from memory.projects.stored import leads
from memory.projects.turns import BATCH, PLAIN_BATCH, Turns
from store.database import Database
from store.tables import flows, memories, project_moves, project_state

STAYED: Final = "stayed"
"""Of the rows that would have gone back, those that are gone or were given to another project since."""

_FORGOTTEN: Final = "what it moved was forgotten"


class Parting:
    """Puts rows back. Raises ``DatabaseError`` where SQL fails."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        memories: Memories,
        state: State,
        moving: Moving,
        turns: Turns,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._registry = registry
        self._memories = memories
        self._trail = memories.trail
        self._moving = moving
        self._separating = Separating(memories, state, moving)
        self._turns = turns
        self._moved = moved

    def put_back(self, project: str, since: str, actor: Actor) -> dict[str, int]:
        """Put back what was moved to a project since a change, from names that lead to it no more.

        Gives how many rows went back, by table, and how many stayed. Safe to be repeated at any time.

        Args:
            since: the change's audit id.
        """
        done = Counter[str]()
        with self._turns.one:
            for table in TABLES.values():
                for some in self._moves(table, project, since):
                    work = partial(self._back, table=table, project=project, given=some, actor=actor)
                    done += self._turns.take(work)
        if done[flows.name]:
            self._moved()
        return dict(done)

    def preview(self, connection: sa.Connection, project: str, since: str) -> dict[str, int]:
        """How many rows ``put_back`` would find, by table, as the names stand within this transaction."""
        found = connection.execute(moves.names_since(project, since)).mappings().all()
        lead = leads(connection, (folded(row["name"]) for row in found))
        counted = Counter[str]()
        for row in found:
            if lead.get(folded(row["name"])) != project:
                counted[row["table_name"]] += row["count"]
        return dict(counted)

    def batch(self, connection: sa.Connection, entry: Mapping[str, Any]) -> Changed:
        """Undo one audit row that counts moved rows, within the transaction. Raises ``Conflict``."""
        project, id_ = entry["object_id"], entry["id"]
        if entry["action"] == PART:
            raise Conflict(f"{id_} cannot be undone: undo the change that took project {project} the name")
        table, lead = TABLES.get(entry["after"].get("table", "")), id_.partition(".")[0]
        columns = project_moves.c
        of_it = (columns.project == project, columns.audit_id == lead)
        found = connection.execute(sa.select(columns.audit_id, columns.row_key, columns.name).where(*of_it))
        known = [Move(*row) for row in found]
        if table is None or not known:
            raise Conflict(f"{id_} cannot be undone: it was undone before, or {_FORGOTTEN}")
        if project in self._targets(connection, known).values():
            raise Conflict(
                f"{id_} cannot be undone: the name is one of project {project} still; undo the change that gave it"
                " the name"
            )
        done = self._plain(connection, table, project, known, None)
        return Changed(project, "undo", SERVER, entry["after"], {"table": table.name, "rows": done[table.name]}, OBJECT)

    def _moves(self, table: sa.Table, project: str, since: str) -> Iterator[list[Move]]:
        """In the order from the last to the first: they may build on each other."""
        size = BATCH if table in (memories, project_state) else PLAIN_BATCH
        names = {row["name"] for row in self._database.query(moves.names_since(project, since))}
        lost = {name for name in names if self._registry.resolve(name) != project}
        seen: Move | None = None
        while lost:
            found = self._database.query(moves.last(project, since, table, lost, seen, size))
            if not found:
                return
            some = [Move(**row) for row in found]
            seen = some[-1]
            yield some

    def _back(
        self, connection: sa.Connection, table: sa.Table, project: str, given: Sequence[Move], actor: Actor
    ) -> Counter[str]:
        targets = self._targets(connection, given)
        # A name that leads here again meanwhile keeps its rows.
        some = [move for move in given if targets[move.name] != project]
        if table is memories:
            return self._each(connection, table, project, some, targets, self._separating.memory, actor)
        if table is project_state:
            return self._each(connection, table, project, some, targets, self._separating.fact, actor)
        return self._plain(connection, table, project, some, actor)

    def _targets(self, connection: sa.Connection, given: Sequence[Move]) -> dict[str, str]:
        """Where each name leads at this moment."""
        names = {move.name: folded(move.name) for move in given}
        lead = leads(connection, names.values())
        return {name: lead.get(key, name) for name, key in names.items()}

    def _plain(
        self, connection: sa.Connection, table: sa.Table, project: str, some: Sequence[Move], actor: Actor | None
    ) -> Counter[str]:
        done, targets = Counter[str](), self._targets(connection, some)
        for name in sorted({move.name for move in some}):
            keys = [move.row_key for move in some if move.name == name]
            here = sa.and_(moves.with_keys(table, keys), table.c.project == project)
            count = connection.execute(sa.update(table).where(here).values(project=targets[name])).rowcount
            done += Counter({table.name: count, STAYED: len(keys) - count})
            if count and actor is not None:
                after = {"to": targets[name], "table": table.name, "rows": count}
                self._trail.write(connection, actor, Changed(project, PART, SERVER, {}, after, OBJECT, project))
        moves.drop(connection, table, project, some)
        return +done

    def _each(
        self,
        connection: sa.Connection,
        table: sa.Table,
        project: str,
        some: Sequence[Move],
        targets: Mapping[str, str],
        back: Callable[[sa.Connection, str, Move, str], list[Changed]],
        actor: Actor,
    ) -> Counter[str]:
        done = Counter[str]()
        for move in some:
            changes = back(connection, project, move, targets[move.name])
            if changes:
                self._trail.write(connection, actor, *changes)
            done[table.name if changes else STAYED] += 1
        moves.drop(connection, table, project, some)
        return done
