"""What moves rows between names of projects, and what it moves: shared by the tests of both directions."""

from __future__ import annotations

import sqlalchemy as sa

from memory.interactions import Interactions
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Provenance
from memory.projects.merging import Merging
from memory.projects.registry import OBJECT as PROJECT
from memory.projects.registry import Registry
from memory.projects.state import OBJECT, State
from store.tables import memory_references

ANN = Actor("ann", "because")


class House:
    """What moves rows, and what it moves."""

    def __init__(self, database):
        self.database = database
        self.now = 1_800_000_000.0
        self.registry = Registry(database)
        self.memories = Memories(database, resolve=self.registry.resolve, clock=lambda: self.now)
        self.state = State(database, self.memories.trail, resolve=self.registry.resolve, clock=lambda: self.now)
        self.log = Interactions(database, self.registry.resolve)
        self.rests = []
        merging = self.merging()
        self.memories.undoers |= {OBJECT: self.state.put_back, PROJECT: merging.undo}
        self.memories.followers[PROJECT] = merging.follower

    def merging(self, rest=None):
        return Merging(self.database, self.registry, self.memories, self.state, rest or self.rests.append)

    def settle(self, **given):
        return self.merging(**given).settle("apollo", ANN)

    def remember(self, content, project, number=None, **given):
        origin = {} if number is None else {"provenance": Provenance(f"int_{number}", "user", "r", "x/1", 0, 1, "x")}
        fields = {"namespace": "home", "memory_type": "project", "actor": ANN, **origin, **given}
        return self.memories.add(content=content, project=project, **fields)[0].id

    def refer(self, memory_id, *sessions, kind="used"):
        for session in sessions:
            values = {"memory_id": memory_id, "session_id": session, "kind": kind, "interaction_id": "int_x"}
            insert = sa.insert(memory_references).values(**values, at="2026-01-01 00:00:00", delta=0.02)
            self.database.transact(lambda connection, insert=insert: connection.execute(insert))

    def say(self, value, project, key="language"):
        place = {"namespace": "home", "category": "decision", "key": key}
        return self.state.put(**place, project=project, value=value, actor=ANN)[0].id

    def rows(self, table):
        return self.database.query(sa.select(table))

    def register(self, *aliases):
        """Register apollo, Moon Shot unless other aliases are given; gives the audit's id."""
        return self.registry.register("apollo", list(aliases or ["Moon Shot"]), actor=ANN).audit_id

    def undo(self, audit_id, **given):
        return self.memories.undo(audit_id, ANN, **given)
