"""What the tests of hygiene share: memories under a clock that is set by hand."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa

from memory.hygiene.pace import Pace
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.tables import memories as table
from store.tables import memory_pairs

START = dt.datetime(2027, 3, 10, 12, 0, tzinfo=dt.UTC)


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at.timestamp()

    def advance(self, **span):
        self.at += dt.timedelta(**span)


class Kept:
    """Memories, and short ways to make and look at them."""

    def __init__(self, database, clock):
        self.database = database
        self.clock = clock
        self.memories = Memories(database, clock=clock)
        self.pace = Pace(self.memories, rest=lambda seconds: None)

    def add(self, content, **fields):
        given = {
            "namespace": "home",
            "project": "",
            "memory_type": "knowledge",
            "actor": Actor("test"),
            "written_by": "extraction",
            **fields,
        }
        return self.memories.add(content=content, **given)[0].id

    def get(self, id_):
        return self.memories.get(id_)

    def row(self, id_):
        return self.database.query(sa.select(table).where(table.c.id == id_))[0]

    def set(self, id_, **columns):
        """What no method sets."""
        self.database.transact(
            lambda connection: connection.execute(sa.update(table).where(table.c.id == id_).values(**columns))
        )

    def pairs(self, **where):
        listed = sa.select(memory_pairs).where(*(memory_pairs.c[name] == value for name, value in where.items()))
        return self.database.query(listed.order_by(memory_pairs.c.first, memory_pairs.c.second))

    def history(self, id_, action=None):
        return [row for row in self.memories.trail.of(id_) if action in (None, row["action"])]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def kept(database, clock):
    return Kept(database, clock)
