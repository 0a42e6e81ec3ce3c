"""What became of sessions is counted once, and in one place."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

import memory
from memory.flows.tree import read_flow
from memory.memories.memory import Actor
from store.tables import flow_outcomes
from tests.memory.flows.made import given

ADA = Actor("ada")


@pytest.fixture
def flow(flows):
    return flows.add("default", "", read_flow(given()), ADA).id


@pytest.fixture
def record(flows, outcomes, flow):
    """Count a session's outcome; was it counted?"""

    def count(session, outcome="resolved", namespace="default", flow_id=flow):
        return flows.transact(lambda c: outcomes.record(c, namespace, session, flow_id, 1, outcome))

    return count


def rates(flows, flow):
    found = flows.get(flow)
    return found.success_rate, found.moving_rate


def test_sessions_are_counted_by_how_they_ended(flows, flow, record):
    for session, outcome in enumerate(["resolved", "resolved", "escalated", "abandoned"]):
        assert record(f"s{session}", outcome)
    found = flows.get(flow)
    assert (found.matched, found.resolved, found.escalated, found.abandoned) == (4, 2, 1, 1)
    assert found.success_rate == 0.5, "resolved over matched"


def test_a_session_counts_once(flows, flow, record):
    assert record("s1")
    assert not record("s1"), "told again, it is the same session"
    assert not record("s1", "abandoned"), "whatever is told"
    assert flows.get(flow).matched == 1


def test_the_same_session_counts_for_another_flow_too(flows, record):
    other = flows.add("default", "", read_flow(given(title="Another")), ADA).id
    assert record("s1")
    assert record("s1", flow_id=other)


def test_the_moving_rate_begins_with_the_first_session_and_forgets_slowly(flows, flow, record):
    assert rates(flows, flow) == (None, None), "nobody followed it"
    record("s1")
    assert rates(flows, flow) == (1.0, 1.0)
    record("s2", "escalated")
    assert rates(flows, flow) == (0.5, pytest.approx(0.9))
    record("s3")
    assert rates(flows, flow) == (pytest.approx(2 / 3), pytest.approx(0.9 * 0.9 + 0.1))


def test_a_flow_that_failed_first_begins_at_nothing(flows, flow, record):
    record("s1", "abandoned")
    assert rates(flows, flow) == (0.0, 0.0)
    record("s2")
    assert rates(flows, flow) == (0.5, pytest.approx(0.1))


def test_it_is_kept_when_it_was_followed_last(flows, flow, record, clock):
    assert flows.get(flow).last_matched_at is None
    clock.advance(86400)
    record("s1")
    assert flows.get(flow).last_matched_at > flows.get(flow).created_at


def test_a_flow_that_is_gone_or_anothers_is_not_counted(database, record):
    assert not record("s1", flow_id="flo_gone")
    assert not record("s1", namespace="bob")
    assert not database.query(sa.select(flow_outcomes)), "and nothing is left of it"


def test_what_is_no_outcome_is_refused(record):
    with pytest.raises(ValueError, match="no outcome"):
        record("s1", "paused")


def test_what_fails_counts_nothing(flows, outcomes, flow):
    def work(connection):
        outcomes.record(connection, "default", "s1", flow, 1, "resolved")
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        flows.transact(work)
    assert flows.get(flow).matched == 0


def test_sessions_that_end_at_once_are_all_counted(flows, flow, record):
    def several(first):
        for session in range(first, first + 10):
            record(f"s{session}", "resolved" if session % 2 else "escalated")

    threads = [threading.Thread(target=several, args=(first,)) for first in (0, 5, 10, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = flows.get(flow)
    assert (found.matched, found.resolved, found.escalated) == (25, 12, 13), "each of 25 sessions once"
    assert 0.0 < found.moving_rate < 1.0


def test_a_person_puts_an_outcome_right(flows, outcomes, flow, record):
    record("s1", "abandoned")
    assert flows.transact(lambda c: outcomes.correct(c, "default", "s1", flow, "resolved"))
    found = flows.get(flow)
    assert (found.matched, found.resolved, found.abandoned) == (1, 1, 0)
    assert not flows.transact(lambda c: outcomes.correct(c, "default", "s1", flow, "resolved")), "it is so already"
    assert not flows.transact(lambda c: outcomes.correct(c, "default", "s2", flow, "resolved")), "it never counted"


def test_nobody_else_writes_the_rates():
    """Known defect: two places moved the success rate, and each undid the other's."""
    folder = Path(memory.__file__).parent.parent
    texts = {path: path.read_text("utf-8") for part in ("memory", "proxy") for path in (folder / part).rglob("*.py")}
    writing = [path for path, text in texts.items() if "moving_rate" in text and "update(flows)" in text]
    assert [str(path.relative_to(folder)) for path in writing] == ["memory/flows/outcomes.py"]
