"""Memories that nobody ever used fade: confidence falls day by day, and below a floor they go out of use.

Of the active memories fade those that no answer has used and nobody has changed for a while; what a person wrote or
pinned does not. Each UTC day counts once, however often the server runs or does not run: what a day is to take is
worked out from the dates alone. A memory's first day is the one on which it is first found idle, so that a new setting
or an old database costs nothing at once; from then on days that were missed are made up for.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.hygiene.counts import Counts
from memory.hygiene.pace import BATCH, Pace
from memory.interactions import stamp
from memory.memories import rows
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.database import Database
from store.tables import memories as table

ACTOR: Final = Actor("hygiene", "decay")
LONGEST_IDLE: Final = 100 * 366 * 86400.0
"""Seconds; a longer time than that is never up."""


@dataclass(frozen=True, slots=True)
class Fading:
    """How memories fade."""

    factor: float = 0.97
    """On the confidence, a day; above 0, up to 1."""
    idle: float = 30 * 86400.0
    """Seconds without any change before it begins."""
    floor: float = 0.3
    """Confidence below which a memory is superseded."""


def days_due(idle_since: dt.datetime, decayed_on: dt.date | None, now: dt.datetime, idle: float) -> int:
    """UTC days that have not been counted yet, today among them; 0 before the time is up. All times in UTC.

    Args:
        idle_since: when anybody last changed the memory.
        decayed_on: the last day that was counted; None: none yet, and then today alone is due.
        idle: seconds without any change before it begins.
    """
    try:
        ends = idle_since + dt.timedelta(seconds=idle)
    except OverflowError:
        return 0
    if now < ends:
        return 0
    if decayed_on is None:
        return 1
    # Days before it was idle again do not count.
    counted = max(ends.date() - dt.timedelta(days=1), decayed_on)
    return max(0, (now.date() - counted).days)


def faded(confidence: float, days: int, fading: Fading) -> float:
    """The confidence after so many days; a memory stops fading once it is below the floor."""
    # Day by day, so that one run after ten days gives to the bit what ten runs give.
    for _ in range(days if fading.factor < 1 else 0):
        if confidence < fading.floor or confidence == 0:
            break
        confidence *= fading.factor
    return confidence


class Decay:
    """Lets memories fade. ``run`` raises ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, memories: Memories, fading: Fading, clock: Callable[[], float], pace: Pace
    ) -> None:
        self._database = database
        self._memories = memories
        self._fading = fading
        self._clock = clock
        self._pace = pace

    def run(self) -> Counts:
        """Take what is due from each memory: ``decayed``, and of these ``faded`` away below the floor."""
        counts: Counts = {"decayed": 0, "faded": 0}
        if self._fading.factor == 1:
            return counts
        now = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
        ids = [row["id"] for row in self._database.query(sa.select(table.c.id).where(*self._due(now)))]
        for start in range(0, len(ids), BATCH):
            if self._pace.stopping():
                break
            self._pace.transact(functools.partial(self._take, ids[start : start + BATCH], now, counts))
        return counts

    def _due(self, now: dt.datetime) -> list[sa.ColumnElement[bool]]:
        idle_since = now - dt.timedelta(seconds=min(self._fading.idle, LONGEST_IDLE))
        return [
            table.c.status == "active",
            table.c.pinned == 0,
            table.c.written_by != "person",
            table.c.reference_count == 0,
            table.c.last_referenced_at.is_(None),
            table.c.updated_at <= stamp(idle_since),
            sa.or_(table.c.decayed_on.is_(None), table.c.decayed_on < now.date().isoformat()),
        ]

    def _take(self, ids: list[str], now: dt.datetime, counts: Counts, connection: sa.Connection) -> None:
        # Read again: between the look and the lock a memory may have been used.
        due = connection.execute(rows.select().where(table.c.id.in_(ids), *self._due(now))).mappings().all()
        stays = [row for row in due if not self._fade(connection, row, now)]
        if stays:
            # That time passes is nobody's change: idleness goes on from where it began.
            since = sa.update(table).where(table.c.id == sa.bindparam("of")).values(updated_at=sa.bindparam("since"))
            connection.execute(since, [{"of": row["id"], "since": row["updated_at"]} for row in stays])
        counts["decayed"] += len(due)
        counts["faded"] += len(due) - len(stays)

    def _fade(self, connection: sa.Connection, row: Any, now: dt.datetime) -> bool:
        """Take what is due from one memory; true where it goes out of use."""
        since = dt.datetime.fromisoformat(row["updated_at"]).replace(tzinfo=dt.UTC)
        last = dt.date.fromisoformat(row["decayed_on"]) if row["decayed_on"] else None
        confidence = faded(row["confidence"], days_due(since, last, now, self._fading.idle), self._fading)
        values: dict[str, Any] = {"confidence": confidence, "decayed_on": now.date().isoformat()}
        gone = confidence < self._fading.floor
        if gone:
            values["status"] = "superseded"
        self._memories.steps.change(connection, row, values, ACTOR, "decay")
        return gone
