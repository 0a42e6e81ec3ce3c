"""What the tests of sessions share."""

from __future__ import annotations

import pytest

from memory.memories.audit_trail import AuditTrail
from memory.sessions.correcting import Correcting
from memory.sessions.deriving import Deriving
from memory.sessions.endings import Endings
from memory.sessions.rules import Rules
from memory.sessions.sessions import Sessions
from proxy.config.flows import FlowSettings
from tests.memory.sessions.house import House, Outcomes


@pytest.fixture
def house(database):
    """All that derives and changes sessions, over a real database."""
    return make_house(database)


def make_house(database):
    made = House(database, rules=Rules(domains=tuple(FlowSettings().domains)))
    made.outcomes = Outcomes()
    made.queued = []
    made.endings = Endings(
        database,
        lambda: made.rules,
        made.outcomes,
        queue=lambda connection, namespace, id_: made.queued.append((namespace, id_)),
        clock=lambda: made.now,
    )
    made.deriving = Deriving(
        database,
        made.endings,
        lambda: made.rules,
        match=made.match,
        nodes=lambda namespace, flow: made.nodes.get(flow, ()),
        redact=lambda text: made.redact(text),
        escalated=lambda namespace, id_: made.escalated.append(id_),
    )
    trail = AuditTrail(database, lambda: made.now)
    made.trail = trail
    made.correcting = Correcting(database, trail, made.endings, made.deriving, lambda: made.rules.domains, made.redact)
    made.sessions = Sessions(database, lambda: made.now)
    return made
