"""Rows that were stored under a name before it became one of a project's: they are moved to the project.

It is the one change of an interaction's row besides its quality and forgetting. Each transaction is small and leaves
nothing half moved, so that a killed process is no matter: asking again moves the rest.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import rows
from memory.memories.audit_trail import Changed
from memory.memories.fields import MOST_TAGS
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from memory.projects.names import Definition, folded
from memory.projects.registry import OBJECT, SERVER, Registry
from memory.projects.state import PLACE, State, standing
from store.database import Database
from store.dialects import insert
from store.tables import entries, interactions, memories, memory_references, project_state

BATCH: Final = 20
"""Memories or facts moved in one transaction, each with its audit."""
PLAIN_BATCH: Final = 500
"""Rows of the log or of the cache moved in one transaction; the audit counts them."""
LONGEST_REST: Final = 0.2
"""Seconds between two transactions at most: those who record calls must get their turn."""
MERGED: Final = "memories_merged"
"""Of the memories moved, those that said what another of the project said."""

TABLES: Final = (memories, project_state, interactions, entries)

Row = Mapping[str, Any]


class Merging:
    """Moves rows to the projects they belong to by name. Raises ``DatabaseError`` where SQL fails.

    Args:
        rest: sleeps so many seconds.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        memories: Memories,
        state: State,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._database = database
        self._registry = registry
        self._memories = memories
        self._steps = memories.steps
        self._state = state
        self._trail = memories.trail
        self._rest = rest
        self._turn = threading.Lock()

    def preview(self, definition: Definition) -> dict[str, dict[str, int]]:
        """How many rows stand under other spellings of a project's names, by spelling and table. Changes nothing."""
        found: dict[str, dict[str, int]] = {}
        for table in TABLES:
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
        # Two at once would each count some of it.
        with self._turn:
            for table in TABLES:
                names = list(self._stored(table, known.definition))
                for ids in self._ids(table, names):
                    moved += self._transact(table, ids, names, known.id, actor)
        return dict(moved)

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

    def _ids(self, table: sa.Table, names: Sequence[str]) -> Iterator[list[str]]:
        if not names:
            return
        size = BATCH if table in (memories, project_state) else PLAIN_BATCH
        found = self._database.stream(sa.select(table.c.id).where(table.c.project.in_(names)).order_by(table.c.id))
        while some := [id_ for (id_,) in islice(found, size)]:
            yield some

    def _transact(
        self, table: sa.Table, ids: Sequence[str], names: Sequence[str], project: str, actor: Actor
    ) -> Counter[str]:
        began, moved = time.perf_counter(), Counter[str]()

        def work(connection: sa.Connection) -> None:
            if table is memories:
                moved.update(self._move_memories(connection, ids, names, project, actor))
            elif table is project_state:
                moved.update(self._move_state(connection, ids, names, project, actor))
            else:
                moved.update(self._move_plain(connection, table, ids, names, project, actor))

        self._memories.transact(work)
        self._rest(min(time.perf_counter() - began, LONGEST_REST))
        return +moved

    def _move_plain(
        self,
        connection: sa.Connection,
        table: sa.Table,
        ids: Sequence[str],
        names: Sequence[str],
        project: str,
        actor: Actor,
    ) -> Counter[str]:
        which = sa.and_(table.c.id.in_(ids), table.c.project.in_(names))
        count = connection.execute(sa.update(table).where(which).values(project=project)).rowcount
        if count:
            after = {"from": list(names), "table": table.name, "rows": count}
            self._trail.write(connection, actor, Changed(project, "move", SERVER, None, after, OBJECT, project))
        return Counter({table.name: count})

    # State

    def _move_state(
        self, connection: sa.Connection, ids: Sequence[str], names: Sequence[str], project: str, actor: Actor
    ) -> Counter[str]:
        table, moved = project_state, Counter[str]()
        which = sa.select(table).where(table.c.id.in_(ids), table.c.project.in_(names)).order_by(table.c.id)
        for row in connection.execute(which).mappings().all():
            self._trail.write(connection, actor, *self._moved_fact(connection, dict(row), project))
            moved[table.name] += 1
        return moved

    def _moved_fact(self, connection: sa.Connection, row: dict[str, Any], project: str) -> list[Changed]:
        """Of two that are said of the same, the one said last stays."""
        moved: dict[str, Any] = {"project": project}
        place = {name: row[name] for name in PLACE} | moved
        other = standing(connection, place) if row["status"] == "active" else None
        changes = []
        if other is not None and (other["updated_at"], other["id"]) > (row["updated_at"], row["id"]):
            moved |= {"status": "superseded", "superseded_by": other["id"]}
        elif other is not None:
            changes.append(self._state.supersede(connection, other, row["id"]))
        return [*changes, self._state.change(connection, row, moved, "move")]

    # Memories

    def _move_memories(
        self, connection: sa.Connection, ids: Sequence[str], names: Sequence[str], project: str, actor: Actor
    ) -> Counter[str]:
        moved = Counter[str]()
        for id_ in ids:
            row = rows.read(connection, id_)
            if row is None or row["project"] not in names:
                continue
            twin = rows.twin(connection, {**row, "project": project}) if row["status"] in LIVE else None
            changes = (
                self._steps.edit(connection, row, {"project": project}, "move")
                if twin is None
                else self._unite(connection, row, twin, project)
            )
            self._trail.write(connection, actor, *changes)
            moved[memories.name] += 1
            moved[MERGED] += twin is not None
            # Hygiene holds it against those it stands beside now.
            unseen = sa.update(memories).where(memories.c.id == id_).values(embedder=None, vector=None)
            connection.execute(unseen)
        return moved

    def _unite(self, connection: sa.Connection, row: Row, twin: Row, project: str) -> list[Changed]:
        """Two that say the same are one from now on: the better one, with all that speaks for either."""
        kept, gone = sorted((row, twin), key=_rank)
        reason = f"{kept['id']} says it under another name of project {project}"
        changes = list(self._steps.replace(connection, gone, kept["id"], "unite", reason))
        gains = {"project": project, **_gains(kept, gone)}
        used = _take_references(connection, kept["id"], gone["id"])
        if used:
            gains["reference_count"] = kept["reference_count"] + used
        if gone is row:
            changes += self._steps.edit(
                connection, self._steps.required(connection, gone["id"], None), {"project": project}, "move"
            )
        changes += self._steps.edit(connection, self._steps.required(connection, kept["id"], None), gains, "unite")
        injected = memories.c.injected_count + gone["injected_count"]
        connection.execute(sa.update(memories).where(memories.c.id == kept["id"]).values(injected_count=injected))
        return changes


def _rank(row: Row) -> tuple[bool, bool, float, int, str, str]:
    """The better one first."""
    unpinned, extracted = not row["pinned"], row["written_by"] != "person"
    return unpinned, extracted, -row["confidence"], -row["reference_count"], row["created_at"], row["id"]


def _gains(kept: Row, gone: Row) -> dict[str, Any]:
    """What the one that stays takes over from the one that goes, as audited fields."""
    tags = [*rows.read_tags(kept["tags"]), *rows.read_tags(gone["tags"])]
    ends = [kept["valid_until"], gone["valid_until"]]
    last = [at for at in (kept["last_referenced_at"], gone["last_referenced_at"]) if at is not None]
    return {
        "confidence": max(kept["confidence"], gone["confidence"]),
        "tags": list(dict.fromkeys(tags))[:MOST_TAGS],
        "valid_until": None if None in ends else max(ends),
        "last_referenced_at": max(last, default=None),
    }


def _take_references(connection: sa.Connection, kept: str, gone: str) -> int:
    """Hand over what moved the confidence of the one that goes, once per session; gives how many uses were new."""
    table = memory_references
    found = connection.execute(sa.select(table).where(table.c.memory_id == gone)).mappings().all()
    used = 0
    for row in found:
        done = connection.execute(insert(table).on_conflict_do_nothing(), {**row, "memory_id": kept})
        used += done.rowcount if row["kind"] == "used" else 0
    connection.execute(sa.delete(table).where(table.c.memory_id == gone))
    return used
