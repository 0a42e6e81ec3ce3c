"""Stored answers: the rows, and the ones in use held in memory."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import sqlalchemy as sa
from cachetools import LRUCache

from store import standing, statements
from store.barriers import Barriers
from store.database import Database, Prepared
from store.entry import Entry, as_row, from_row
from store.errors import Withdrawn
from store.ids import new_id
from store.index_notes import IndexNotes
from store.selection import Selection
from store.standing import Unfit
from store.tables import entries, evidence
from store.vectors import Vector

__all__ = ["Entries", "Entry"]


class Entries(IndexNotes):
    """The table of stored answers, with the most recently used ones in memory.

    Args:
        database: where the rows are.
        memory_entries: how many exact keys are answered from memory (least recently used leave first).
        told: called with the outcome of each queued write, on the writer's thread.
    """

    def __init__(
        self, database: Database, memory_entries: int, told: Callable[[BaseException | None], None] | None = None
    ) -> None:
        super().__init__(database, told)
        self._memory: LRUCache[str, list[Entry]] = LRUCache(maxsize=max(1, memory_entries))
        self._lock = threading.Lock()
        self._judging = threading.Lock()
        self._changes = 0
        self._barriers = Barriers()
        self._stored: dict[str, tuple[int, int]] = {}
        self._touched: dict[str, tuple[int, float]] = {}

    def in_memory(self, exact_key: str) -> list[Entry] | None:
        """The answers under a key if memory knows them; None when SQL must be asked."""
        with self._lock:
            return self._memory.get(exact_key)

    def by_exact_key(self, exact_key: str) -> list[Entry]:
        """The active answers under a key, remembered for the next call. Raises ``DatabaseError``."""
        changes = self._changes
        found = self._load(statements.BY_EXACT_KEY, {"exact_key": exact_key})
        with self._lock:
            # What was added meanwhile, or is in memory already, is newer than what was read.
            if found and changes == self._changes and exact_key not in self._memory:
                self._memory[exact_key] = found
        return found

    def get(self, id_: str) -> Entry | None:
        """One entry whatever its status. Raises ``DatabaseError``."""
        found = self._load(statements.BY_ID, {"id_": id_})
        return found[0] if found else None

    def by_ids(self, ids: Sequence[str]) -> dict[str, Entry]:
        """Entries by id whatever their status; unknown ids are left out. Raises ``DatabaseError``."""
        return {entry.id: entry for entry in self._load(statements.BY_IDS, {"ids": json.dumps(list(ids))})}

    def count_compatible(self, compat_key: str, embedder: str, most: int) -> int:
        """How many active entries share a compat_key, counting no further than ``most``."""
        values = {"compat_key": compat_key, "embedder": embedder, "most": most}
        return int(self._database.read(statements.COUNT_COMPATIBLE, values)[0][0])

    def any_loosely_compatible(self, loose_key: str, embedder: str) -> bool:
        """Does any active entry share a loose_key?"""
        values = {"loose_key": loose_key, "embedder": embedder, "most": 1}
        return int(self._database.read(statements.COUNT_LOOSE, values)[0][0]) > 0

    def compatible_vectors(self, compat_key: str, embedder: str) -> list[tuple[str, Vector]]:
        """Ids and vectors of the active entries under a compat_key."""
        rows = self._database.read(statements.COMPATIBLE_VECTORS, {"compat_key": compat_key, "embedder": embedder})
        return [(id_, np.frombuffer(vector, dtype=np.float32)) for id_, vector in rows]

    @property
    def mark(self) -> int:
        """Number of the latest invalidation: a call notes it when it comes in; see ``add``."""
        return self._barriers.mark

    def bar(self, selection: Selection) -> None:
        """From now on, store no answer of this selection that was asked for before."""
        with self._lock:
            self._barriers.put(selection)

    def add(
        self,
        entry: Entry,
        vector: Vector | None,
        embedder: str | None,
        *,
        replace: bool,
        asked: int | None = None,
    ) -> Future[None]:
        """Queue a new entry behind the writer; ``replace`` retires what the key held before.

        Memory knows it from now on; SQL with the writer's next commit, before anything queued later. The future
        resolves after that commit, or raises ``DatabaseError``.

        Args:
            asked: the ``mark`` when the answer's call came in; None: no invalidation is held against it.

        Raises:
            Withdrawn: an invalidation made since then covers it.
        """
        row = as_row(entry, vector, embedder)
        with self._lock:
            # In one step: who invalidates after this finds the entry in the writer's queue.
            if asked is not None and self._barriers.stop(entry, vector, asked):
                raise Withdrawn("invalidated before it was stored")
            if replace:
                self._write(statements.SUPERSEDE, {"key": entry.exact_key})
            written = self._write(statements.INSERT, row)
            kept = [] if replace else self._memory.get(entry.exact_key) or []
            self._memory[entry.exact_key] = [*kept, entry]
            self._changes += 1
            number, size = self._stored.get(entry.policy or "default", (0, 0))
            self._stored[entry.policy or "default"] = number + 1, size + row["size"]
        return written

    @property
    def stored(self) -> dict[str, tuple[int, int]]:
        """By policy: how many entries were stored since the start, and their bytes."""
        with self._lock:
            return dict(self._stored)

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
            self._write(
                statements.TOUCH, *({"id_": id_, "more": hits, "at": at} for id_, (hits, at) in touched.items())
            )

    def count_active(self) -> int:
        """Entries that may be served."""
        statement = sa.select(sa.func.count().label("n")).where(entries.c.status == "active")
        return int(self._database.query(statement)[0]["n"])

    def settle(self) -> None:
        """Wait until SQL has what was queued so far. Raises ``DatabaseError``."""
        self._database.writer.submit("SELECT 1", ()).result()

    def withdraw(self, rows: Sequence[tuple[str, str]], status: str) -> None:
        """Give (id, exact_key) a status that is never served, unless they have such a one. Blocks until committed."""
        statement = statements.EVICT if status == "evicted" else statements.WITHDRAW
        # Whoever weighs evidence meanwhile must not put an active copy back into memory.
        with self._judging:
            self._write(statement, {"ids": json.dumps([id_ for id_, _ in rows]), "new_status": status}).result()
            self._drop(key for _, key in rows)

    def wipe(self, id_: str) -> bool:
        """Delete what an entry says, and the evidence about it; False where there is none. See ``wipe_all``."""
        self.settle()
        entry = self.get(id_)
        if entry is None or entry.status == "deleted":
            return False
        self.wipe_all([(id_, entry.exact_key)])
        return True

    def wipe_all(self, rows: Sequence[tuple[str, str]]) -> None:
        """Delete what entries, as (id, exact_key), say, and the evidence about them. Blocks until committed.

        Bare rows are left until their vectors have left the index; see ``leaving`` and ``purge``.
        """
        ids = json.dumps([id_ for id_, _ in rows])
        with self._judging:
            self._write(statements.FORGET_EVIDENCE, {"ids": ids})
            self._write(statements.WIPE, {"ids": ids}).result()
            self._drop(key for _, key in rows)

    def retire(self, now: float, limit: int, grace: Mapping[str, float] | None = None) -> int:
        """Mark entries past their time as expired, at most ``limit`` at once; gives how many.

        Args:
            grace: by policy, the seconds after its time in which an entry may still be served.
        """
        due = sa.and_(entries.c.status == "active", entries.c.expires_at <= now)
        for policy, seconds in (grace or {}).items():
            of_policy = sa.func.coalesce(entries.c.policy, "default") == policy
            due = sa.and_(due, sa.not_(sa.and_(of_policy, entries.c.expires_at > now - seconds)))
        rows = self._database.query(sa.select(entries.c.id, entries.c.exact_key).where(due).limit(limit))
        gone = entries.c.id.in_([row["id"] for row in rows])
        if rows:
            self._execute(sa.update(entries).where(gone, entries.c.status == "active").values(status="expired"))
            self._drop(row["exact_key"] for row in rows)
        return len(rows)

    def reinforce(
        self, id_: str, alpha: float, beta: float, *, source: str | None = None, unfit: Unfit | None = None
    ) -> Entry | None:
        """Add evidence to an entry's posterior; the next decision sees it. Blocks until it is committed.

        Args:
            alpha, beta: pseudo-counts that speak for and against the answer, 0 or more.
            source: names the evidence, such as an interaction and what was learned of it. What the same source gave
                this entry before is taken back. None: evidence of its own.
            unfit: says from quality and the pseudo-counts gathered whether the entry is to be quarantined. An entry
                that was, and by this change no longer is, comes back.

        Returns:
            The entry as it is now; None when there is none. Raises ``DatabaseError``.
        """
        named, now = source or new_id("evi"), time.time()
        return self._change(id_, lambda connection: standing.weigh(connection, id_, (alpha, beta), named, unfit, now))

    def quarantine(self, id_: str) -> Entry | None:
        """Serve an active entry no more. As ``reinforce``."""
        return self._change(id_, lambda connection: standing.move(connection, id_, {"active"}, "quarantined"))

    def block(self, id_: str) -> Entry | None:
        """Serve an entry no more, whatever speaks for it; its vector leaves the index with the next sweep."""
        return self._change(
            id_, lambda connection: standing.move(connection, id_, {"active", "quarantined"}, "blocked")
        )

    def unblock(self, id_: str, now: float | None = None) -> Entry | None:
        """Make a blocked or quarantined entry active again, or expired if its time is over.

        It is found by meaning after the next sweep, which embeds it again. Leaving quarantine, it loses the evidence
        that put it there: a person's word outweighs that.
        """
        return self._change(id_, lambda connection: standing.release(connection, id_, now or time.time()))

    def evidence(self, id_: str) -> list[dict[str, Any]]:
        """What speaks for and against an entry, oldest first: source, at, alpha, beta."""
        columns = [evidence.c.source, evidence.c.at, evidence.c.alpha, evidence.c.beta]
        return self._database.query(sa.select(*columns).where(evidence.c.entry_id == id_).order_by(evidence.c.at))

    def _change(self, id_: str, work: Callable[[sa.Connection], None]) -> Entry | None:
        """Change an entry in SQL, then what memory keeps of it."""
        with self._judging:
            self._database.transact(work)
            entry = self.get(id_)
            if entry is not None:
                with self._lock:
                    self._remember(entry)
            return entry

    def _drop(self, keys: Iterable[str]) -> None:
        """Let memory forget keys; reads under way must not bring them back."""
        with self._lock:
            self._changes += 1
            for key in keys:
                self._memory.pop(key, None)

    def _remember(self, entry: Entry) -> None:
        """Bring memory up to date, where it knows the entry's key; reads under way must not set it back."""
        self._changes += 1
        known = self._memory.get(entry.exact_key)
        if known is None:
            return
        kept = [entry if other.id == entry.id else other for other in known]
        if entry.status != "active":
            kept = [other for other in kept if other.id != entry.id]
        elif all(other.id != entry.id for other in known):
            kept.append(entry)
        if kept:
            self._memory[entry.exact_key] = kept
        else:
            del self._memory[entry.exact_key]

    def _load(self, statement: Prepared, values: dict[str, Any]) -> list[Entry]:
        return [from_row(row) for row in self._database.read(statement, values)]
