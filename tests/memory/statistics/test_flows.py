"""The figures of flows: of a window, of a namespace, and with zeros where there is nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from memory.interactions import stamp_at
from memory.notifications.inbox import Inbox
from memory.statistics.flows import FlowFigures
from store.tables import flow_outcomes, flows, model_calls, proposals, sessions
from tests.memory.notifications.test_inbox import NOW, Clock

DAY = 86400.0
LIMIT = 50
SINCE = stamp_at(NOW - DAY)
HOUR = stamp_at(NOW - 3600)
OLD = stamp_at(NOW - 2 * DAY)


@pytest.fixture
def put(database):
    def put_row(table, **row):
        database.transact(lambda connection: connection.execute(sa.insert(table).values(**row)) and None)

    return put_row


@pytest.fixture
def figures(database):
    return FlowFigures(database, Clock())


@pytest.fixture
def filled(put, database):
    """Sessions, flows and all else, in two namespaces."""

    def session(number, status="resolved", at=HOUR, namespace="a", **given):
        fields = {"namespace": namespace, "id": f"s-{number}", "root": "r", "started_at": at, "last_at": at}
        put(sessions, **{**fields, "status": status, **given})

    session(0, match_state="attached", analysis="done", outcome="auto_reinforced", analysed_at=HOUR)
    session(1, "escalated", match_state="accepted", analysis="done", outcome="none", analysed_at=HOUR)
    session(2, analysis="waiting")
    session(3, "active")
    session(4, "abandoned", namespace="b")
    session(5, at=OLD, analysis="deferred")
    moments = {"created_at": OLD, "updated_at": OLD}
    texts = {"title": "t", "description": "", "content": "{}", "confidence_score": 0.5, "analyst": "m"}
    for number, (kind, status) in enumerate(
        [("new_flow", "pending"), ("new_flow", "approved"), ("enhancement", "pending")]
    ):
        put(proposals, id=f"p{number}", namespace="a", proposal_type=kind, status=status, **moments, **texts)
    for id_, status in (("f1", "published"), ("f2", "retired")):
        named = {"title": "t", "description": "", "keywords": "[]"}
        put(flows, id=id_, namespace="a", status=status, version=1, **moments, **named)
    for number, outcome in enumerate(["resolved", "resolved", "resolved", "escalated"]):
        put(flow_outcomes, namespace="a", session_id=f"s-{number}", flow_id="f1", version=1, outcome=outcome, at=HOUR)
    today = stamp_at(NOW)[:10]
    for namespace, calls in (("a", 50), ("b", 7)):
        put(model_calls, namespace=namespace, day=today, purpose="analysis", calls=calls)
    put(model_calls, namespace="a", day="2020-01-01", purpose="analysis", calls=9)
    Inbox(database, lambda event: ["webhook"], clock=Clock()).tell("gap.found", "a", "gap", "g", "A gap", {})


def test_the_figures_of_a_namespace(figures, filled):
    found = figures.of("a", SINCE, LIMIT)
    assert found["sessions"] == {"count": 4, "active": 1, "paused": 0, "resolved": 2, "escalated": 1, "abandoned": 0}, (
        "of the window"
    )
    assert found["matched"]["share"] == 0.5, "two of four followed a flow"
    waiting = {"waiting": 1, "deferred": 1}
    done = {"auto_reinforced": 1, "enhancement": 0, "new_flow": 0, "none": 1}
    assert found["analyses"] == {**done, **waiting}, "by outcome, and what waits however old it is"
    assert found["outcomes"] == {"matched": 4, "resolved": 3, "escalated": 1, "abandoned": 0, "success_rate": 0.75}, (
        "resolved over matched"
    )
    assert found["flows"] == {"published": 1, "retired": 1}, "as they stand"
    assert found["proposals"]["by_type"] == {"new_flow": 2, "enhancement": 1, "auto_reinforced": 0}, "by type"
    assert found["proposals"]["by_status"]["pending"] == 2, "and by status"
    assert found["budget"] == {"day": "2027-01-15", "calls": 50, "calls_per_day": LIMIT, "spent": ["a"]}, (
        "today's alone"
    )
    assert found["gaps_found"] == 1, "what was found"
    assert found["notifications"] == {"unread": 1, "waiting": 1, "delivered": 0, "failed": 0}, "and told"


def test_of_all_namespaces_it_is_the_sum(figures, filled):
    found = figures.of(None, SINCE, LIMIT)
    assert found["sessions"]["abandoned"] == 1, "the other namespace's, too"
    assert found["budget"]["calls"] == 57, "calls of both"
    assert found["budget"]["spent"] == ["a"], "one of them may make no more"


def test_of_nothing_there_are_zeros(figures):
    found = figures.of(None, SINCE, LIMIT)
    assert found["sessions"]["count"] == 0, "no sessions"
    assert found["matched"]["share"] is None, "no share of none"
    assert found["outcomes"]["success_rate"] is None, "no rate either"
    assert found["budget"]["spent"] == [], "nothing spent"
