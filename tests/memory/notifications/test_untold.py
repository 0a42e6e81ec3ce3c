"""What a killed process left untold is found, and nothing else is."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.notifications.inbox import Inbox
from memory.notifications.untold import AT_ONCE, Untold
from store.tables import flow_versions, flows, proposals, sessions
from tests.memory.notifications.test_inbox import NOW, Clock

HOUR = stamp_at(NOW - 3600)
DAY = 86400.0


@pytest.fixture
def untold(database):
    return Untold(database, Clock())


def put(database, table, **row):
    database.transact(lambda connection: connection.execute(sa.insert(table).values(**row)) and None)


def proposal(database, id_="pro_1", status="pending", at=HOUR):
    put(
        database,
        proposals,
        id=id_,
        namespace="a",
        proposal_type="new_flow",
        status=status,
        problem_domain="printing",
        confidence_score=0.5,
        analyst="m",
        created_at=at,
        updated_at=at,
        title="Printer offline",
        description="",
        content="{}",
    )


def flow(database, version=2, at=HOUR):
    texts = {"title": "VPN", "description": "", "keywords": "[]"}
    moments = {"created_at": HOUR, "updated_at": HOUR}
    put(database, flows, id="flw_1", namespace="a", status="published", version=version, **moments, **texts)
    for number in range(1, version + 1):
        put(database, flow_versions, flow_id="flw_1", version=number, at=at, actor="ada", content="{}")


def session(database, status="escalated", at=HOUR):
    moments = {"started_at": HOUR, "last_at": HOUR, "ended_at": at}
    put(
        database, sessions, namespace="a", id="s-1", root="r", status=status, problem_summary="Database down", **moments
    )


def told(untold, back=DAY):
    return [(one.event, one.object_id) for one in untold.found(back)]


@pytest.mark.parametrize(
    ("make", "events"),
    [
        (lambda database: proposal(database), [("proposal.pending", "pro_1")]),
        (lambda database: proposal(database, status="approved"), [("proposal.decided", "pro_1")]),
        (lambda database: proposal(database, status="auto_reinforced"), []),
        (lambda database: flow(database), [("flow.published", "flw_1")] * 2),
        (lambda database: session(database), [("session.escalated", "s-1")]),
        (lambda database: session(database, status="resolved"), []),
    ],
)
def test_what_happened_and_was_not_told_is_found(database, untold, make, events):
    make(database)
    assert told(untold) == events, "every event of the kinds that people are told of"


def test_what_was_told_is_not_found_again(database, untold):
    proposal(database)
    flow(database)
    session(database)
    inbox = Inbox(database)
    for one in list(untold.found(DAY)):
        inbox.tell(one.event, one.namespace, one.object_type, one.object_id, one.title, one.body)
    assert told(untold) == [], "nothing is left to tell"


def test_only_what_happened_lately_is_told(database, untold):
    proposal(database, "old", at=stamp_at(NOW - 2 * DAY))
    proposal(database, "now", at=stamp_at(NOW - AT_ONCE / 2))
    assert told(untold) == [], "neither what is old, nor what its maker is just telling"
