"""Memories are given vectors, and each new or changed one is compared with its neighbours, once.

A memory has its vector from the moment on at which it has been compared: both are written together, so that a killed
run is taken up where it stopped. Changed content has no vector (``memories.rows.stored``), nor has what went out of
use; so what comes back is compared anew. A run costs what is new times what is there, within one project of a
namespace: nothing where nothing changed, and never more than ``MOST_COMPARED`` memories on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from memory.hygiene.counts import Counts
from memory.hygiene.duplicates import Finding, Merging, judge
from memory.hygiene.neighbours import Group, Known, Near
from memory.hygiene.pace import Pace
from memory.memories import pairs
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.database import Database
from store.dialects import insert
from store.embedder import Embedder, EmbedderSource, Vectors
from store.tables import memories as table
from store.tables import memory_pairs, memory_support

ACTOR: Final = Actor("hygiene", "near-duplicate")
MOST_COMPARED: Final = 20_000
"""Memories of one project that are held at once, 30 MB of vectors; of more the last changed active ones."""
AT_ONCE: Final = 32
"""Memories embedded, compared and written in one transaction."""
FLOOR: Final = 0.5
"""Least cosine of two memories whose words are compared: a name in another's place takes much of it."""
NEIGHBOURS: Final = 8
"""Neighbours of a memory whose words are compared with it."""

_NO_VECTOR: Final = {"embedder": None, "vector": None}

Place = tuple[str, str]
"""Namespace and project: what is compared with each other."""


class Comparing:
    """Finds near-duplicates and contradictions. ``run`` raises ``DatabaseError`` and ``EmbedderError``.

    Args:
        embedder: None while there is none: then nothing is compared.
    """

    def __init__(
        self,
        database: Database,
        memories: Memories,
        embedder: EmbedderSource,
        merging: Merging,
        now: Callable[[], str],
        pace: Pace,
    ) -> None:
        self._database = database
        self._memories = memories
        self._embedder = embedder
        self._merging = merging
        self._now = now
        self._pace = pace

    def run(self) -> Counts:
        """``embedded``, ``merge`` and ``contradiction`` (pairs found), ``merged`` (without a person).

        ``waiting``: there is no embedder.
        """
        counts: Counts = {"embedded": 0, "merge": 0, "contradiction": 0, "merged": 0}
        embedder = self._embedder()
        if embedder is None:
            return {**counts, "waiting": 1}
        self._clear()
        for place in self._places(embedder.id):
            if self._pace.stopping():
                break
            self._compare(place, embedder, counts)
        return counts

    def _clear(self) -> None:
        """Drop the vectors of what is out of use, and the open pairs that lost one of their two."""
        live = sa.select(table.c.id).where(table.c.status.in_(LIVE))
        out = sa.and_(table.c.status.not_in(LIVE), table.c.embedder.is_not(None))
        either = sa.or_(memory_pairs.c.first.not_in(live), memory_pairs.c.second.not_in(live))
        lost = sa.and_(memory_pairs.c.status == "open", either)
        # Looked for outside of the transaction, which keeps writers waiting: as a rule there is nothing.
        if self._database.query(sa.select(table.c.id).where(out).limit(1)):
            self._pace.transact(lambda connection: _run(connection, sa.update(table).where(out).values(**_NO_VECTOR)))
        if self._database.query(sa.select(memory_pairs.c.first).where(lost).limit(1)):
            self._pace.transact(lambda connection: _run(connection, sa.delete(memory_pairs).where(lost)))

    def _places(self, embedder: str) -> list[Place]:
        """Where something is to be compared."""
        lacking = sa.select(table.c.namespace, table.c.project).where(*_lacking(embedder)).distinct()
        return [(row["namespace"], row["project"]) for row in self._database.query(lacking)]

    def _compare(self, place: Place, embedder: Embedder, counts: Counts) -> None:
        new = self._read(place, *_lacking(embedder.id))
        old = self._read(place, table.c.embedder == embedder.id, table.c.vector.is_not(None))
        group = Group(len(new) + len(old), embedder.dimension)
        if old:
            group.add([_known(row) for row in old], np.stack([_vector(row["vector"]) for row in old]))
        for batch in _batches([_known(row) for row in new]):
            if self._pace.stopping():
                return
            # A longer text is read up to the model's window: what lies beyond would not be compared.
            fitting = [memory for memory in batch if embedder.fits(memory.content)]
            vectors = embedder.embed([memory.content for memory in fitting]) if fitting else None
            found: list[Finding] = []
            if vectors is not None:
                group.add(fitting, vectors)
                found = self._judge(group, fitting, vectors)
            self._keep(place, embedder.id, batch, fitting, vectors, found, counts)

    def _judge(self, group: Group, new: Sequence[Known], vectors: Vectors) -> list[Finding]:
        found: dict[tuple[str, ...], Finding] = {}
        # Itself is among its neighbours.
        for memory, neighbours in zip(new, group.nearest(vectors, FLOOR, NEIGHBOURS + 1), strict=True):
            for other, cosine in neighbours:
                key = tuple(sorted((memory.id, other.id)))
                if other.id != memory.id and key not in found:
                    finding = judge(Near(memory, other, cosine), self._merging)
                    if finding is not None:
                        found[key] = finding
        return sorted(found.values(), key=lambda finding: -finding.score)

    def _keep(
        self,
        place: Place,
        embedder: str,
        batch: Sequence[Known],
        fitting: Sequence[Known],
        vectors: Vectors | None,
        found: Sequence[Finding],
        counts: Counts,
    ) -> None:
        made = {} if vectors is None else dict(zip([memory.id for memory in fitting], vectors, strict=True))

        def work(connection: sa.Connection) -> None:
            for memory in batch:
                vector = made[memory.id].astype(np.float32).tobytes() if memory.id in made else None
                # What was changed meanwhile is compared by the next run.
                same = sa.and_(table.c.id == memory.id, table.c.content_key == memory.content_key)
                connection.execute(sa.update(table).where(same).values(embedder=embedder, vector=vector))
            self._forget_others(connection, [memory.id for memory in batch], found)
            for finding in found:
                self._raise(connection, place, finding, counts)

        self._pace.transact(work)
        counts["embedded"] += len(batch)

    def _forget_others(self, connection: sa.Connection, ids: Sequence[str], found: Sequence[Finding]) -> None:
        """Drop open pairs of what was compared anew that hold no longer."""
        one_of = sa.or_(memory_pairs.c.first.in_(ids), memory_pairs.c.second.in_(ids))
        still = {_key(finding) for finding in found}
        waiting = sa.select(memory_pairs).where(memory_pairs.c.status == "open", one_of)
        for row in connection.execute(waiting).mappings().all():
            pair = pairs.Pair(row["kind"], row["first"], row["second"])
            if pair not in still:
                connection.execute(sa.delete(memory_pairs).where(*_is(pair)))

    def _raise(self, connection: sa.Connection, place: Place, finding: Finding, counts: Counts) -> None:
        """Put a pair before a person, or merge it; one that was raised before stays as it was settled."""
        pair = _key(finding)
        values = {**pair._asdict(), "score": round(finding.score, 4), "status": "open", "at": self._now()}
        fresh = connection.execute(insert(memory_pairs).values(**values).on_conflict_do_nothing()).rowcount
        if not fresh:
            waiting = sa.and_(*_is(pair), memory_pairs.c.status == "open")
            connection.execute(sa.update(memory_pairs).where(waiting).values(score=values["score"]))
            return
        counts[finding.kind] += 1
        if finding.alone and _are_live(connection, pair):
            self._merge(connection, place, finding, pair)
            counts["merged"] += 1

    def _merge(self, connection: sa.Connection, place: Place, finding: Finding, pair: pairs.Pair) -> None:
        """Have the worse one superseded by the better one, which gains its support; undone as one."""
        row = self._memories.steps.required(connection, finding.second.id, place[0])
        changes = self._memories.steps.replace(connection, row, finding.first.id, "merge")
        settled = pairs.settle(connection, pair, "merged", place[0], "merge", place[1])
        self._memories.trail.write(connection, ACTOR, *changes, settled)

    def _read(self, place: Place, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        supports = sa.select(sa.func.count()).where(memory_support.c.memory_id == table.c.id).scalar_subquery()
        names = [field for field in Known.__dataclass_fields__ if field != "supports"]
        statement = (
            sa.select(*(table.c[name] for name in names), supports.label("supports"), table.c.vector)
            .where(table.c.namespace == place[0], table.c.project == place[1], table.c.status.in_(LIVE), *where)
            # Active before candidate, the last changed first.
            .order_by(table.c.status, table.c.updated_at.desc(), table.c.id)
            .limit(MOST_COMPARED)
        )
        return self._database.query(statement)


def _run(connection: sa.Connection, statement: sa.Executable) -> None:
    connection.execute(statement)


def _lacking(embedder: str) -> list[sa.ColumnElement[bool]]:
    return [table.c.status.in_(LIVE), sa.or_(table.c.embedder.is_(None), table.c.embedder != embedder)]


def _known(row: dict[str, Any]) -> Known:
    return Known(**{**{name: row[name] for name in Known.__dataclass_fields__}, "pinned": bool(row["pinned"])})


def _vector(held: bytes) -> Vectors:
    return np.frombuffer(held, dtype=np.float32)


def _key(finding: Finding) -> pairs.Pair:
    first, second = sorted((finding.first.id, finding.second.id))
    return pairs.Pair(finding.kind, first, second)


def _is(pair: pairs.Pair) -> list[sa.ColumnElement[bool]]:
    return [memory_pairs.c[name] == value for name, value in pair._asdict().items()]


def _are_live(connection: sa.Connection, pair: pairs.Pair) -> bool:
    live = sa.select(sa.func.count()).where(table.c.id.in_((pair.first, pair.second)), table.c.status.in_(LIVE))
    return connection.scalar(live) == 2


def _batches(new: Sequence[Known]) -> Iterator[Sequence[Known]]:
    for start in range(0, len(new), AT_ONCE):
        yield new[start : start + AT_ONCE]
