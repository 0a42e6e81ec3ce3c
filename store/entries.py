"""Stored answers: the rows, and the ones in use held in memory."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sqlalchemy as sa
from cachetools import LRUCache

from store.database import Database, Prepared
from store.errors import DatabaseError
from store.tables import entries
from store.vectors import Vector


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored answer, in the shape of a chat completion."""

    id: str
    exact_key: str
    compat_key: str | None
    """None: the answer is never found by meaning."""
    partition: str
    namespace: str
    model: str | None
    prompt: str | None
    """The last user text; None where it could not be taken out cleanly."""
    answer: dict[str, Any]
    created_at: float
    """Seconds since 1970, as ``expires_at``."""
    expires_at: float
    alpha: float
    beta: float
    status: str = "active"
    has_tool_calls: bool = False
    source_interaction_id: str | None = None
    tags: tuple[str, ...] = field(default=())

    @property
    def quality(self) -> float:
        """Mean of the Beta posterior, in [0, 1]."""
        return self.alpha / (self.alpha + self.beta)


_FIELDS = [column.name for column in dataclasses.fields(Entry)]
_COLUMNS = [entries.c[name] for name in _FIELDS]

_BY_EXACT_KEY = Prepared(
    sa.select(*_COLUMNS).where(entries.c.exact_key == sa.bindparam("exact_key"), entries.c.status == "active")
)
_BY_ID = Prepared(sa.select(*_COLUMNS).where(entries.c.id == sa.bindparam("id_")))
_BY_IDS = Prepared(
    sa.select(*_COLUMNS).where(
        entries.c.id.in_(sa.select(sa.func.json_each(sa.bindparam("ids")).table_valued("value").c.value))
    )
)
_COMPATIBLE = sa.and_(
    entries.c.compat_key == sa.bindparam("compat_key"),
    entries.c.embedder == sa.bindparam("embedder"),
    entries.c.status == "active",
)
_COUNT_COMPATIBLE = Prepared(
    sa.select(sa.func.count()).select_from(
        sa.select(sa.literal(1)).where(_COMPATIBLE).limit(sa.bindparam("most")).subquery()
    )
)
_COMPATIBLE_VECTORS = Prepared(
    sa.select(entries.c.id, entries.c.vector).where(_COMPATIBLE, entries.c.vector.is_not(None))
)
_INSERT = Prepared(sa.insert(entries))
_SUPERSEDE = Prepared(
    sa.update(entries)
    .where(entries.c.exact_key == sa.bindparam("key"), entries.c.status == "active")
    .values(status="superseded")
)
_TOUCH = Prepared(
    sa.update(entries)
    .where(entries.c.id == sa.bindparam("id_"))
    .values(hits=entries.c.hits + sa.bindparam("more"), last_hit_at=sa.bindparam("at"))
)
_MARK_INDEXED = Prepared(sa.update(entries).where(entries.c.id == sa.bindparam("id_")).values(indexed=1))


class Entries:
    """The table of stored answers, with the most recently used ones in memory.

    Args:
        database: where the rows are.
        memory_entries: how many exact keys are answered from memory (least recently used leave first).
        told: called with the outcome of each queued write, on the writer's thread.
    """

    def __init__(
        self, database: Database, memory_entries: int, told: Callable[[BaseException | None], None] | None = None
    ) -> None:
        self._database = database
        self._told = told
        self._memory: LRUCache[str, list[Entry]] = LRUCache(maxsize=max(1, memory_entries))
        self._lock = threading.Lock()
        self._added = 0
        self._touched: dict[str, tuple[int, float]] = {}

    def in_memory(self, exact_key: str) -> list[Entry] | None:
        """The answers under a key if memory knows them; None when SQL must be asked."""
        with self._lock:
            return self._memory.get(exact_key)

    def by_exact_key(self, exact_key: str) -> list[Entry]:
        """The active answers under a key, remembered for the next call. Raises ``DatabaseError``."""
        added = self._added
        found = self._load(_BY_EXACT_KEY, {"exact_key": exact_key})
        with self._lock:
            # What was added meanwhile, or is in memory already, is newer than what was read.
            if found and added == self._added and exact_key not in self._memory:
                self._memory[exact_key] = found
        return found

    def get(self, id_: str) -> Entry | None:
        """One entry whatever its status. Raises ``DatabaseError``."""
        found = self._load(_BY_ID, {"id_": id_})
        return found[0] if found else None

    def by_ids(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Entries by id whatever their status; unknown ids are left out. Raises ``DatabaseError``."""
        return {entry.id: entry for entry in self._load(_BY_IDS, {"ids": json.dumps(list(ids))})}

    def count_compatible(self, compat_key: str, embedder: str, most: int) -> int:
        """How many active entries share a compat_key, counting no further than ``most``."""
        values = {"compat_key": compat_key, "embedder": embedder, "most": most}
        return int(self._database.read(_COUNT_COMPATIBLE, values)[0][0])

    def compatible_vectors(self, compat_key: str, embedder: str) -> list[tuple[str, Vector]]:
        """Ids and vectors of the active entries under a compat_key."""
        rows = self._database.read(_COMPATIBLE_VECTORS, {"compat_key": compat_key, "embedder": embedder})
        return [(id_, np.frombuffer(vector, dtype=np.float32)) for id_, vector in rows]

    def add(self, entry: Entry, vector: Vector | None, embedder: str | None, *, replace: bool) -> Future[None]:
        """Queue a new entry behind the writer; ``replace`` retires what the key held before.

        Memory knows it from now on; SQL with the writer's next commit, before anything queued later. The future
        resolves after that commit, or raises ``DatabaseError``.
        """
        if replace:
            self._write(_SUPERSEDE, {"key": entry.exact_key})
        written = self._write(_INSERT, _as_row(entry, vector, embedder))
        with self._lock:
            kept = [] if replace else self._memory.get(entry.exact_key) or []
            self._memory[entry.exact_key] = [*kept, entry]
            self._added += 1
        return written

    def touch(self, id_: str, now: float) -> None:
        """Count a hit; written with the next ``flush``."""
        with self._lock:
            hits, _ = self._touched.get(id_, (0, 0.0))
            self._touched[id_] = (hits + 1, now)

    def flush(self) -> None:
        """Queue the hits counted since the last time."""
        with self._lock:
            touched, self._touched = self._touched, {}
        if touched:
            self._write(_TOUCH, *({"id_": id_, "more": hits, "at": at} for id_, (hits, at) in touched.items()))

    def mark_indexed(self, ids: Sequence[str]) -> Future[None]:
        """Queue the note that the vector index holds these ids."""
        return self._write(_MARK_INDEXED, *({"id_": id_} for id_ in ids))

    def unindexed(self, embedder: str, limit: int) -> list[tuple[str, str, Vector]]:
        """(id, partition, vector) of active entries that the vector index does not hold yet."""
        statement = (
            sa.select(entries.c.id, entries.c.partition, entries.c.vector)
            .where(entries.c.indexed == 0, entries.c.vector.is_not(None))
            .where(entries.c.embedder == embedder, entries.c.status == "active")
            .limit(limit)
        )
        rows = self._database.query(statement)
        return [(row["id"], row["partition"], np.frombuffer(row["vector"], dtype=np.float32)) for row in rows]

    def count_indexed(self, embedder: str) -> int:
        """Entries that the vector index should hold for an embedder."""
        indexed = sa.and_(entries.c.indexed == 1, entries.c.embedder == embedder)
        return int(self._database.query(sa.select(sa.func.count().label("n")).where(indexed))[0]["n"])

    def count_active(self) -> int:
        """Entries that may be served."""
        statement = sa.select(sa.func.count().label("n")).where(entries.c.status == "active")
        return int(self._database.query(statement)[0]["n"])

    def forget_index(self) -> None:
        """Note that the vector index holds nothing, so that all of it is written again."""
        self._execute(sa.update(entries).values(indexed=0))

    def to_embed(self, embedder: str, limit: int, *, after: str, others: bool) -> list[tuple[str, str]]:
        """(id, prompt) of active entries without a vector; with ``others``, of those with another embedder's too.

        In the order of ids, those beyond ``after``.
        """
        missing: sa.ColumnElement[bool] = entries.c.vector.is_(None)
        if others:
            missing = sa.or_(missing, entries.c.embedder.is_(None), entries.c.embedder != embedder)
        statement = (
            sa.select(entries.c.id, entries.c.prompt)
            .where(missing, entries.c.compat_key.is_not(None), entries.c.id > after)
            .where(entries.c.status == "active", entries.c.prompt.is_not(None))
            .order_by(entries.c.id)
            .limit(limit)
        )
        return [(row["id"], row["prompt"]) for row in self._database.query(statement)]

    def set_vectors(self, embedder: str, vectors: Iterable[tuple[str, Vector | None]]) -> None:
        """Store vectors of an embedder for entries that had none of it; None: the embedder does not read it whole."""

        def work(connection: sa.Connection) -> None:
            for id_, vector in vectors:
                values: dict[str, Any] = {"compat_key": None}
                if vector is not None:
                    values = {"embedder": embedder, "vector": vector.tobytes(), "indexed": 0}
                connection.execute(sa.update(entries).where(entries.c.id == id_).values(**values))

        self._database.transact(work)

    def retire(self, now: float, limit: int) -> int:
        """Mark entries past their time as expired, at most ``limit`` at once; gives how many."""
        due = sa.and_(entries.c.status == "active", entries.c.expires_at <= now)
        rows = self._database.query(sa.select(entries.c.id, entries.c.exact_key).where(due).limit(limit))
        gone = entries.c.id.in_([row["id"] for row in rows])
        if rows:
            self._execute(sa.update(entries).where(gone).values(status="expired"))
            with self._lock:
                for row in rows:
                    self._memory.pop(row["exact_key"], None)
        return len(rows)

    def leaving(self, limit: int) -> list[tuple[str, str, str]]:
        """(id, partition, embedder) of entries that are no longer active but still in the vector index."""
        statement = (
            sa.select(entries.c.id, entries.c.partition, entries.c.embedder)
            .where(entries.c.indexed == 1, entries.c.status != "active", entries.c.embedder.is_not(None))
            .limit(limit)
        )
        return [(row["id"], row["partition"], row["embedder"]) for row in self._database.query(statement)]

    def mark_left(self, ids: Sequence[str]) -> None:
        """Note that the vector index no longer holds these ids."""
        self._execute(sa.update(entries).where(entries.c.id.in_(ids)).values(vector=None, indexed=0))

    def purge(self, before: float) -> None:
        """Delete entries that are no longer active, have left the index, and expired before a time."""
        old = sa.and_(entries.c.expires_at < before, entries.c.status != "active", entries.c.indexed == 0)
        self._execute(sa.delete(entries).where(old))

    def _execute(self, statement: sa.Update | sa.Delete) -> None:
        self._database.transact(lambda connection: _execute(connection, statement))

    def _write(self, statement: Prepared, *rows: dict[str, Any]) -> Future[None]:
        """Queue a write that nobody awaits; its outcome is told, for a failure must not be silent."""
        done = self._database.writer.submit(statement.text, *map(statement.row, rows))
        done.add_done_callback(self._tell)
        return done

    def _tell(self, done: Future[None]) -> None:
        if self._told is not None:
            self._told(done.exception())

    def _load(self, statement: Prepared, values: dict[str, Any]) -> list[Entry]:
        return [_from_row(row) for row in self._database.read(statement, values)]


def _execute(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)


def _as_row(entry: Entry, vector: Vector | None, embedder: str | None) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in _FIELDS}
    row["answer"] = json.dumps(entry.answer, ensure_ascii=False, separators=(",", ":"))
    row["tags"] = json.dumps(entry.tags)
    row["has_tool_calls"] = int(entry.has_tool_calls)
    row["vector"] = None if vector is None else vector.astype(np.float32).tobytes()
    row["embedder"] = None if vector is None else embedder
    return {**row, "hits": 0, "last_hit_at": None, "indexed": 0}


def _from_row(row: tuple[Any, ...]) -> Entry:
    values = dict(zip(_FIELDS, row, strict=True))
    try:
        values["answer"] = json.loads(values["answer"])
        values["tags"] = tuple(json.loads(values["tags"] or "[]"))
    except (ValueError, TypeError) as error:
        raise DatabaseError(f"entry {values['id']} is damaged: {error}") from error
    values["has_tool_calls"] = bool(values["has_tool_calls"])
    return Entry(**values)
