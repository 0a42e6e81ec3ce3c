"""Deletes stored answers for good, with the labels that quote them, the pairs judged wrong and the evidence."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import sqlalchemy as sa

from store.database import Database
from store.entries import Entries
from store.labels import Labels
from store.tables import entries, evidence, project_moves

BATCH: Final = 200
"""Rows in one write: calls write in between."""

T = TypeVar("T")


class Purging:
    """Works in small writes, between those of calls; all but the last step can be asked for again.

    Blocks: it belongs in a thread beside the calls. All methods raise ``DatabaseError``, with some of it done.
    """

    def __init__(self, database: Database, entries_: Entries, labels: Labels) -> None:
        self._database = database
        self._entries = entries_
        self._labels = labels

    def labels(self, ids: Sequence[str], pairs: Sequence[tuple[str, str]]) -> Counter[str]:
        """Delete labels, and let pairs judged wrong be judged anew."""
        for batch in batches(ids, BATCH):
            self._labels.wipe(batch)
        for some in batches(pairs, BATCH):
            self._labels.unpair(some)
        return +Counter({"labels": len(ids), "wrong_pairs": len(pairs)})

    def unname(self, named: Sequence[tuple[str, str]]) -> None:
        """Let evidence (source, entry_id) about answers that stay count on, but say no more what it came from.

        A source names an interaction, and what a person said next by its hash.
        """
        for batch in batches(named, BATCH):

            def work(connection: sa.Connection, batch: Sequence[tuple[str, str]] = batch) -> None:
                for source, entry in batch:
                    row = (evidence.c.source == source, evidence.c.entry_id == entry)
                    nobody = f"forgotten_{secrets.token_hex(8)}"
                    connection.execute(sa.update(evidence).where(*row).values(source=nobody))

            self._database.transact(work)

    def entries(self, rows: Sequence[tuple[str, str]]) -> Counter[str]:
        """Delete what answers, as (id, exact_key), say, and the evidence about them; see ``Entries.wipe_all``."""
        gone = Counter[str]()
        for batch in batches(rows, BATCH):
            ids = [id_ for id_, _ in batch]
            counted = sa.select(sa.func.count().label("n")).where(evidence.c.entry_id.in_(ids))
            gone["evidence"] += self._database.query(counted)[0]["n"]
            self._entries.wipe_all(batch)
            moved = sa.and_(project_moves.c.table_name == entries.name, project_moves.c.row_key.in_(ids))
            gone["project_moves"] += self._delete(sa.delete(project_moves).where(moved))
            gone["entries"] += len(batch)
        return +gone

    def _delete(self, statement: sa.Delete) -> int:
        gone: list[int] = []
        self._database.transact(lambda connection: gone.append(connection.execute(statement).rowcount))
        return gone[0]

    def leaving(self) -> tuple[int, set[str]]:
        """How many vectors of deleted answers have yet to leave the index, and from which partitions."""
        waiting = sa.or_(entries.c.indexed == 1, entries.c.vector.is_not(None))
        found = self._database.query(
            sa.select(entries.c.partition, sa.func.count().label("n"))
            .where(entries.c.status == "deleted", waiting)
            .group_by(entries.c.partition)
        )
        return sum(row["n"] for row in found), {row["partition"] for row in found}


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in their order, so many at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
