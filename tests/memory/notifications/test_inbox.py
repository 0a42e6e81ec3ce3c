"""What is told: once each, in words that hold no secrets."""

from __future__ import annotations

import pytest

from memory.memories.memory import Missing
from memory.notifications.inbox import Inbox
from memory.notifications.notification import TITLE_CHARS, one_line
from memory.notifications.outbox import Outbox
from memory.redaction import Redactor

NOW = 1_800_000_000.0


class Clock:
    """Seconds since 1970, moved by hand."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def inbox(database, clock):
    return Inbox(database, lambda event: ["webhook", "email"], Redactor(), clock)


def tell(inbox, event="proposal.pending", object_id="pro_1", namespace="default", title="A new flow", **body):
    return inbox.tell(event, namespace, event.partition(".")[0], object_id, title, body)


def test_the_same_is_told_once(inbox):
    first = tell(inbox)
    assert first is not None, "it is told the first time"
    assert tell(inbox) is None, "and not again"
    assert [one.id for one in inbox.list()] == [first], "one notification is there"


def test_each_namespace_has_notifications_of_its_own(inbox):
    tell(inbox, "session.escalated", "s-1", "a")
    assert tell(inbox, "session.escalated", "s-1", "b") is not None, "a session of that name of another namespace"
    assert [one.namespace for one in inbox.list(namespace="b")] == ["b"], "each sees its own"


@pytest.mark.parametrize(
    ("event", "name", "values"),
    [("flow.published", "version", (1, 2)), ("proposal.decided", "status", ("approved", "rejected"))],
)
def test_what_happens_to_one_object_more_than_once_is_told_each_time(inbox, event, name, values):
    told = [tell(inbox, event, "x", **{name: value}) for value in (*values, *values)]
    assert [id_ is not None for id_ in told] == [True, True, False, False], "each occasion once"


def test_a_notification_holds_no_secrets_and_no_line_breaks(inbox):
    tell(inbox, title="Mail ada@example.com\r\nBcc: all\x00", domain="ask ada@example.com", count=3, parts=["a\nb", 1])
    (found,) = inbox.list()
    assert found.title == "Mail [email] Bcc: all", "one line, redacted"
    assert found.body == {"domain": "ask [email]", "count": 3, "parts": ["a b", 1]}, "its facts, too"


def test_a_long_title_is_cut(inbox):
    tell(inbox, title="long " * 200)
    assert len(inbox.list()[0].title) <= TITLE_CHARS, "a title is short"
    assert inbox.list()[0].title.endswith("…"), "and says that it was cut"


def test_what_nobody_sees_is_no_part_of_a_line():
    assert one_line("a\u202eb\u2028c\u200bd") == "a b c d", "direction marks and odd line ends are spaces"


def test_every_channel_gets_a_delivery(inbox, database, clock):
    id_ = tell(inbox)
    ways = Outbox(database, clock).of([id_])[id_]
    assert [way["channel"] for way in ways] == ["email", "webhook"], "one for each channel that takes the event"
    assert {way["state"] for way in ways} == {"waiting"}, "all of them to be sent"


def test_newest_first_and_filtered(inbox, clock):
    first = tell(inbox, object_id="1")
    clock.now += 60
    second = tell(inbox, "gap.found", "2")
    assert [one.id for one in inbox.list()] == [second, first], "newest first"
    assert [one.id for one in inbox.list(event="gap.found")] == [second], "of one event"
    assert [one.id for one in inbox.list(since="2027-01-15T08:00:30Z")] == [second], "since a time"
    assert inbox.list(limit=0) == [], "none where none are wanted"


def test_reading_is_noted_once(inbox, clock):
    one, other = tell(inbox, object_id="1"), tell(inbox, object_id="2")
    read_at = inbox.read(one).read_at
    clock.now += 3600
    assert inbox.read(one).read_at == read_at, "reading it again changes nothing"
    assert [found.id for found in inbox.list(unread=True)] == [other], "the other waits"
    assert [found.id for found in inbox.list(unread=False)] == [one], "this one was read"
    assert inbox.count_unread() == 1, "one is left"
    assert inbox.read_all() == 1, "which is read with all the rest"


def test_what_is_not_there_cannot_be_read(inbox):
    with pytest.raises(Missing):
        inbox.read("ntf_none")


def test_old_ones_go_with_their_deliveries(inbox, database, clock):
    old = tell(inbox, object_id="old")
    clock.now += 100
    new = tell(inbox, object_id="new")
    clock.now += 50
    assert inbox.prune(100) == 1, "one is older than that"
    assert [one.id for one in inbox.list()] == [new], "the other stays"
    assert Outbox(database, clock).of([old]) == {}, "nothing is left to be sent of it"


@pytest.mark.parametrize(
    ("event", "object_id", "path"),
    [
        ("proposal.pending", "pro_1", "/proposals/pro_1"),
        ("flow.published", "flw_1", "/flows/flw_1"),
        ("session.escalated", "a/b c", "/sessions/a%2Fb%20c"),
        ("gap.found", "weak", "/gaps"),
        ("budget.spent", "2026-11-21", "/notifications"),
    ],
)
def test_a_link_leads_to_more(inbox, event, object_id, path):
    tell(inbox, event, object_id)
    assert inbox.list()[0].link == path, "a path below the server's address"
