"""Deliveries: taken when due, by one taker, and back by themselves where their taker is gone."""

from __future__ import annotations

import pytest

from memory.notifications.inbox import Inbox
from memory.notifications.outbox import INTERRUPTED, Outbox
from tests.memory.notifications.test_inbox import Clock, tell

LEASE = 30.0
TRIES = 4


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def inbox(database, clock):
    return Inbox(database, lambda event: ["webhook"], clock=clock)


@pytest.fixture
def outbox(database, clock):
    return Outbox(database, clock)


def take(outbox, most=10):
    return outbox.take("webhook", most, TRIES, LEASE)


def way(outbox, id_):
    return outbox.of([id_])[id_][0]


def test_what_is_taken_is_not_taken_again_before_its_time(inbox, outbox, clock):
    id_ = tell(inbox)
    (taken,) = take(outbox).due
    assert (taken.notification.id, taken.tries) == (id_, 1), "it is due at once, for its first try"
    assert take(outbox).due == [], "somebody has it"
    clock.now += LEASE
    assert take(outbox).due[0].tries == 2, "nobody was heard of: it comes back"


def test_what_was_delivered_is_not_sent_again(inbox, outbox, clock):
    id_ = tell(inbox)
    outbox.delivered(take(outbox).due[0])
    clock.now += 10 * LEASE
    assert take(outbox).due == [], "it has arrived"
    assert way(outbox, id_)["delivered_at"] == clock.now - 10 * LEASE, "and it is known when"


def test_what_was_put_off_comes_when_it_is_due(inbox, outbox, clock):
    id_ = tell(inbox)
    outbox.again(take(outbox).due[0], 120.0, "HTTP 500")
    assert outbox.next_due("webhook") == clock.now + 120.0, "it is known when there is something to do"
    clock.now += 119
    assert take(outbox).due == [], "not yet"
    clock.now += 1
    assert take(outbox).due[0].tries == 2, "now"
    assert way(outbox, id_)["error"] == "HTTP 500", "why it took more than one try is kept"


def test_a_last_try_that_nobody_is_heard_of_has_failed(inbox, outbox, clock):
    id_ = tell(inbox)
    for _ in range(TRIES):
        assert len(take(outbox).due) == 1, "it is tried"
        clock.now += LEASE
    taken = take(outbox)
    assert taken.due == [], "enough"
    assert [one.notification.id for one in taken.lost] == [id_], "it is told that this one failed"
    assert way(outbox, id_)["state"] == "failed", "for good"
    assert way(outbox, id_)["error"] == INTERRUPTED, "and why"


def test_what_failed_is_sent_again_when_asked_for(inbox, outbox):
    id_ = tell(inbox)
    outbox.failed(take(outbox).due[0], "HTTP 404")
    assert outbox.next_due("webhook") is None, "it waits for nobody"
    assert outbox.counts() == {"waiting": 0, "delivered": 0, "failed": 1}, "it counts as failed"
    assert outbox.retry(id_) == 1, "it is queued anew"
    assert take(outbox).due[0].tries == 1, "with all its tries"


def test_the_oldest_go_first_and_only_so_many(inbox, outbox, clock):
    told = []
    for number in range(3):
        clock.now += 1
        told.append(tell(inbox, object_id=str(number)))
    assert [one.notification.id for one in take(outbox, 2).due] == told[:2], "the oldest two"


def test_a_channel_that_is_no_more_is_given_up(inbox, outbox):
    id_ = tell(inbox)
    assert outbox.give_up("webhook", "gone") == 1, "what waited for it"
    assert way(outbox, id_)["state"] == "failed", "has failed"


def test_two_takers_never_share_one(inbox, database, clock):
    tell(inbox)
    one, other = Outbox(database, clock), Outbox(database, clock)
    # Both read the same row; the second one's claim comes too late.
    read = other._database.query

    def late(statement, **values):
        rows = read(statement, **values)
        other._database.query = read
        take(one)
        return rows

    other._database.query = late
    assert take(other).due == [], "the first has it"
