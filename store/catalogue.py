"""Stored answers by the many: listed, searched, counted, taken out of service, the least valuable ones evicted.

Nothing here stands on a call's path. Writes go through the writer's queue in small batches, between those of calls.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from store.database import Database
from store.entries import Entries, Entry
from store.entry import COLUMNS, FIELDS, from_row
from store.selection import Selection, similarities
from store.tables import entries
from store.vectors import Vector

BATCH: Final = 200
"""Entries in one write."""
SCAN: Final = 2000
"""Vectors compared at once."""

Passed = Callable[[int], None]
"""Told how many entries one batch took out of service."""

_LISTED = [*COLUMNS, entries.c.hits, entries.c.last_hit_at, sa.func.coalesce(entries.c.size, 0).label("size")]
_REVIVABLE = entries.c.status.in_(("active", "quarantined", "blocked"))
"""Served now, or again when evidence or a person brings them back."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry, and what is kept of it beside the answer."""

    entry: Entry
    hits: int
    last_hit_at: float | None
    """Seconds since 1970."""
    size: int
    """Bytes of answer and prompt."""
    similarity: float | None = None
    """Cosine to the prompt that was searched with."""


class Catalogue:
    """All stored answers, by selection."""

    def __init__(self, database: Database, entries_: Entries) -> None:
        self._database = database
        self._entries = entries_

    def page(self, selection: Selection, limit: int, before: str | None = None) -> list[Listed]:
        """Entries newest first, those made before the one with id ``before``. Raises ``DatabaseError``."""
        statement = sa.select(*_LISTED).where(*selection.conditions()).order_by(entries.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(entries.c.id < before)
        return [_listed(row) for row in self._database.query(statement)]

    def one(self, id_: str) -> Listed | None:
        """One entry; None where there is none, or no longer. Raises ``DatabaseError``."""
        statement = sa.select(*_LISTED).where(entries.c.id == id_, entries.c.status != "deleted")
        found = self._database.query(statement)
        return _listed(found[0]) if found else None

    def nearest(self, selection: Selection, limit: int, *further: sa.ColumnElement[bool]) -> list[Listed]:
        """Entries nearest to the selection's ``like``, the nearest first. Raises ``DatabaseError``.

        Every vector of the selection is compared: exact, and for a person who waits, not for a call.
        """
        scored = ((cosine, id_) for id_, _, cosine in self._matching(selection, *further) if cosine is not None)
        best = {id_: cosine for cosine, id_ in heapq.nlargest(limit, scored)}
        rows = self._database.query(sa.select(*_LISTED).where(entries.c.id.in_(best)))
        found = [dataclasses.replace(_listed(row), similarity=best[row["id"]]) for row in rows]
        return sorted(found, key=lambda one: -(one.similarity or 0.0))

    def count(self, selection: Selection) -> int:
        """How many entries a selection holds that could be served, now or once somebody brings them back."""
        if selection.like is not None:
            return sum(1 for _ in self._matching(selection, _REVIVABLE))
        statement = sa.select(sa.func.count().label("n")).where(*selection.conditions(), _REVIVABLE)
        return int(self._database.query(statement)[0]["n"])

    def sample(self, selection: Selection, limit: int) -> list[Listed]:
        """Some of what ``count`` counts: the newest, or the nearest."""
        if selection.like is not None:
            return self.nearest(selection, limit, _REVIVABLE)
        statement = sa.select(*_LISTED).where(*selection.conditions(), _REVIVABLE)
        return [_listed(row) for row in self._database.query(statement.order_by(entries.c.id.desc()).limit(limit))]

    def withdraw(self, selection: Selection, status: str = "invalidated", passed: Passed | None = None) -> int:
        """Serve nothing of a selection any more, from the moment this returns; gives how many entries it was.

        Answers in flight that were asked before are not stored. What a killed process leaves undone can be asked for
        again: each batch is complete in itself.

        Raises:
            DatabaseError: some batches may be done.
        """
        self._entries.bar(selection)
        # What is on its way to SQL is to be found there; what is stored later was asked for later.
        self._entries.settle()
        end = self._database.query(sa.select(sa.func.max(entries.c.id).label("id")))[0]["id"] or ""
        gone, batch = 0, list[tuple[str, str]]()
        for id_, key, _ in self._matching(selection, _REVIVABLE, entries.c.id <= end):
            batch.append((id_, key))
            if len(batch) == BATCH:
                gone += self._withdraw(batch, status, passed)
                batch = []
        return gone + self._withdraw(batch, status, passed)

    def usage(self) -> dict[str, tuple[int, int]]:
        """By policy: how many active entries are stored under it, and their bytes. One scan."""
        statement = (
            sa.select(
                sa.func.coalesce(entries.c.policy, "default").label("policy"),
                sa.func.count().label("n"),
                sa.func.coalesce(sa.func.sum(entries.c.size), 0).label("bytes"),
            )
            .where(entries.c.status == "active")
            .group_by(sa.text("1"))
        )
        return {row["policy"]: (row["n"], row["bytes"]) for row in self._database.query(statement)}

    def evict(self, policy: str, value: sa.ColumnElement[Any], number: int, size: int) -> int:
        """Evict the entries of least value: at least ``number`` of them and ``size`` bytes; gives how many.

        Args:
            policy: the name they are stored under.
            value: what an entry is worth.
        """
        statement = (
            sa.select(entries.c.id, entries.c.exact_key, sa.func.coalesce(entries.c.size, 0).label("size"))
            .where(entries.c.status == "active", sa.func.coalesce(entries.c.policy, "default") == policy)
            .order_by(value, entries.c.id)
        )
        chosen: list[tuple[str, str]] = []
        freed = 0
        for row in self._database.stream(statement):
            if len(chosen) >= number and freed >= size:
                break
            chosen.append((row[0], row[1]))
            freed += row[2]
        return sum(self._withdraw(chosen[at : at + BATCH], "evicted", None) for at in range(0, len(chosen), BATCH))

    def newest_version(self, target: str, asked: str, created_before: float, within: int) -> str | None:
        """The model that answered last for a target, where it is named otherwise than it was ``asked`` for.

        Among the newest ``within`` entries; None where none is known.
        """
        newest = (
            sa.select(entries.c.id, entries.c.target, entries.c.answered_by)
            .where(entries.c.created_at < created_before)
            .order_by(entries.c.id.desc())
            .limit(within)
            .subquery()
        )
        statement = (
            sa.select(newest.c.answered_by)
            .where(newest.c.target == target, newest.c.answered_by != asked)
            .order_by(newest.c.id.desc())
            .limit(1)
        )
        found = self._database.query(statement)
        return found[0]["answered_by"] if found else None

    def _withdraw(self, batch: Sequence[tuple[str, str]], status: str, passed: Passed | None) -> int:
        if batch:
            self._entries.withdraw(batch, status)
            if passed is not None:
                passed(len(batch))
        return len(batch)

    def _matching(
        self, selection: Selection, *further: sa.ColumnElement[bool]
    ) -> Iterator[tuple[str, str, float | None]]:
        """(id, exact_key, cosine to ``like``) of a selection, in the order of ids. Reads batch by batch."""
        like = selection.like
        columns: list[sa.ColumnElement[Any]] = [entries.c.id, entries.c.exact_key]
        if like is not None:
            columns.append(entries.c.vector)
        conditions = [*selection.conditions(), *further]
        last = ""
        while True:
            found = sa.select(*columns).where(*conditions, entries.c.id > last).order_by(entries.c.id).limit(SCAN)
            rows = [tuple(row.values()) for row in self._database.query(found)]
            cosines = [None] * len(rows) if like is None else _near(like.vector, like.similarity, rows)
            for (id_, key, *_), cosine in zip(rows, cosines, strict=True):
                if like is None or cosine is not None:
                    yield id_, key, cosine
            if len(rows) < SCAN:
                return
            last = rows[-1][0]


def _near(vector: Vector, least: float, rows: list[tuple[Any, ...]]) -> list[float | None]:
    return [cosine if cosine >= least else None for cosine in similarities(vector, rows, 2)]


def _listed(row: dict[str, Any]) -> Listed:
    entry = from_row(tuple(row[name] for name in FIELDS))
    return Listed(entry, row["hits"] or 0, row["last_hit_at"], row["size"])
