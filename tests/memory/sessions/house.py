"""Sessions over a real database, with what stands in for flows."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa

from memory.sessions.rules import Rules
from store.tables import interactions

NOW = 1_772_359_200.0
"""2026-03-01 10:00:00 UTC, when the conversations of these tests begin."""


@dataclass(frozen=True)
class Match:
    """The best flow."""

    flow_id: str
    version: int
    score: float


class Outcomes:
    """Notes what is counted, each session once for a flow."""

    def __init__(self):
        self.counted = {}

    def record(self, connection, namespace, session_id, flow_id, version, outcome):
        key = (session_id, flow_id)
        if key in self.counted:
            return False
        self.counted[key] = outcome
        return True

    def correct(self, connection, namespace, session_id, flow_id, outcome):
        key = (session_id, flow_id)
        if self.counted.get(key) in (None, outcome):
            return False
        self.counted[key] = outcome
        return True


@dataclass
class House:
    """``matches`` are the best flows by problem; ``asked`` lists what was matched."""

    database: object
    rules: Rules
    now: float = NOW
    matches: dict = field(default_factory=dict)
    nodes: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    escalated: list = field(default_factory=list)
    redact: object = staticmethod(str)

    def match(self, namespace, project, text, domain):
        self.asked.append((text, domain))
        return self.matches.get(text)

    def log(self, record):
        """Write a record into the log, as a call would."""
        kept = {name: value for name, value in record.items() if name in interactions.c and value is not None}

        def work(connection):
            connection.execute(sa.insert(interactions).values(success=1, **kept))

        self.database.transact(work)

    def derive(self, *records):
        """Log records and derive their steps, in this order."""
        for record in records:
            self.log(record)
        for record in records:
            self.deriving.derive(record)

    def all(self):
        """Every session with its steps, by id, as far as its conversations tell it."""
        found = {}
        for listed in self.sessions.list(limit=500):
            session = self.sessions.get(listed.namespace, listed.id)
            found[session.namespace, session.id] = session
        return found

    def rows(self, table):
        """All rows of a table."""
        return self.database.query(sa.select(table))

    def change(self, table, **values):
        """Set columns in every row."""
        self.database.transact(lambda connection: connection.execute(sa.update(table).values(**values)) and None)
