"""Deliveries: tried again after 30 s, 2 min and 10 min, then failed; each channel by itself."""

from __future__ import annotations

import asyncio
import threading

import pytest
import sqlalchemy as sa
import structlog

from proxy.notifying.courier import REMOVED
from store.tables import proposals
from tests.proxy.notifying.receivers import Hook

pytestmark = pytest.mark.anyio


async def test_a_webhook_that_fails_twice_gets_it_the_third_time(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [500, 503]
    told.tell()
    await told.send()
    assert told.way()["error"] == "HTTP 500", "it failed"
    clock.now += 29
    await told.send()
    assert len(hook.bodies) == 1, "it is not tried before its time"
    clock.now += 1
    await told.send()
    assert len(hook.bodies) == 2, "after 30 s it is"
    clock.now += 120
    await told.send()
    assert told.way()["state"] == "delivered", "and arrives with the third try"
    assert told.way()["tries"] == 3, "each try is counted"
    assert len({headers["x-reprise-notification-id"] for headers in hook.headers}) == 1, "all bear the same id"
    assert len(set(hook.bodies)) == 1, "and say the same"
    assert told.counted("webhook", "retried") == 2, "the failures are counted"
    assert told.counted("webhook", "delivered") == 1, "and so is the success"
    assert told.health.parts["notifications"].ok, "what arrived in the end is no trouble"


async def test_after_the_last_wait_it_has_failed_and_that_shows(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [500] * 5
    told.tell()
    for wait in (0, 30, 120, 600):
        clock.now += wait
        with structlog.testing.capture_logs() as lines:
            await told.send()
    assert (told.way()["state"], told.way()["tries"]) == ("failed", 4), "once and three times again"
    assert told.way()["error"] == "HTTP 500", "it is known why"
    assert not told.health.parts["notifications"].ok, "readiness shows it"
    assert told.counted("webhook", "failed") == 1, "and the metrics count it"
    (line,) = [line for line in lines if line["event"] == "a notification was not delivered"]
    assert line["channel"] == "webhook", "and a line of the log tells it"
    assert "hook-4711" not in str(lines), "without the address, which may be a secret"
    clock.now += 10_000
    await told.send()
    assert len(hook.bodies) == 4, "it is not tried again"


async def test_it_is_well_again_once_one_arrives(notifying, hook):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [410]
    told.tell()
    await told.send()
    assert not told.health.parts["notifications"].ok, "one failed"
    told.tell(object_id="pro_2")
    await told.send()
    assert told.health.parts["notifications"].ok, "the next one arrived"


async def test_a_channel_that_works_does_not_hide_one_that_fails(notifying, hook):
    with Hook() as other:
        told = notifying(webhook={"url": hook.url}, slack={"url": other.url})
        hook.answers = [404]
        told.tell()
        await told.send("webhook")
        await told.send("slack")
    assert told.way("slack")["state"] == "delivered", "one of them works"
    assert not told.health.parts["notifications"].ok, "the other does not, and that shows"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 301, 302, 307])
async def test_what_would_be_refused_again_is_not_tried_again(notifying, hook, status):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [(status, {"location": hook.url + "/elsewhere"})]
    told.tell()
    await told.send()
    assert told.way()["state"] == "failed", "it is final"
    assert told.way()["error"].startswith(f"HTTP {status}"), "with the reason"
    assert hook.paths == ["/hook-4711"], "no redirect was followed"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(notifying, hook, status):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [status]
    told.tell()
    await told.send()
    assert told.way()["state"] == "waiting", "another time may be better"


@pytest.mark.parametrize(
    ("says", "seconds"),
    [
        ("300", 300),
        ("5", 30),  # never sooner than it would be tried anyway
        ("Fri, 15 Jan 2027 08:05:00 GMT", 300),
        ("999999", 3600),
        ("soon", 30),
        ("nan", 30),
        ("-7", 30),
    ],
)
async def test_retry_after_is_heeded_within_reason(notifying, hook, clock, says, seconds):
    told = notifying(webhook={"url": hook.url})
    hook.answers = [(429, {"retry-after": says})]
    told.tell()
    await told.send()
    assert told.way()["due_at"] == clock.now + seconds, "when it is tried again"


async def test_nobody_listening_is_tried_again(notifying, clock):
    with Hook() as gone:
        url = gone.url
    told = notifying(webhook={"url": url})
    told.tell()
    await told.send()
    assert told.way()["state"] == "waiting", "a server may come back"
    assert "127.0.0.1" not in told.way()["error"], "the error names no address"


async def test_a_channel_that_hangs_holds_up_no_other(notifying, hook):
    with Hook(hold=threading.Event()) as stuck:
        told = notifying(webhook={"url": stuck.url, "timeout": "30s"}, slack={"url": hook.url})
        told.tell()
        waiting = asyncio.create_task(told.send("webhook"))
        await told.send("slack")
        assert told.way("slack")["state"] == "delivered", "the other channel is through"
        assert not waiting.done(), "while this one hangs"
        stuck.hold.set()
        await waiting
    assert told.way("webhook")["state"] == "delivered", "it gets there, too"


async def test_a_channel_that_hangs_is_given_up_in_time(notifying):
    with Hook(hold=threading.Event()) as stuck:
        told = notifying(webhook={"url": stuck.url, "timeout": "50ms"})
        told.tell()
        await told.send()
    assert told.way()["error"] == "no answer in time", "it did not wait for ever"


async def test_what_a_killed_process_had_under_way_is_sent_by_the_next(notifying, hook, clock):
    before = notifying(webhook={"url": hook.url})
    before.tell()
    # It was taken, and the process ended before it was sent.
    before.parts.outbox.take("webhook", 10, 4, 30.0)
    after = notifying(webhook={"url": hook.url})
    await after.send()
    assert hook.bodies == [], "for all that anybody knows it is still under way"
    clock.now += 30
    await after.send()
    assert len(hook.bodies) == 1, "then it is sent"
    assert after.way()["state"] == "delivered", "and done"


async def test_the_waits_can_be_configured(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url}, retry=["1s"])
    hook.answers = [500, 500]
    told.tell()
    await told.send()
    clock.now += 1
    # What is taken comes back later than the waits where a sending may take longer than these.
    await told.send()
    assert told.way()["state"] == "failed", "one wait, two tries"


async def test_without_waits_the_first_failure_is_the_last(notifying, hook):
    told = notifying(webhook={"url": hook.url}, retry=[])
    hook.answers = [500]
    told.tell()
    await told.send()
    assert told.way()["state"] == "failed", "it is not tried again"


async def test_a_channel_gets_the_events_it_asks_for(notifying, hook):
    told = notifying(webhook={"url": hook.url, "events": ["gap.found"]})
    told.tell()
    told.tell("gap.found", "weak")
    await told.send()
    assert [body["event"] for body in hook.json] == ["gap.found"], "and no others"


async def test_a_channel_that_is_taken_out_gives_up_what_waits(notifying, hook):
    told = notifying(webhook={"url": hook.url})
    told.tell()
    told.set()
    await told.send()
    assert hook.bodies == [], "nobody wants it"
    assert told.way()["error"] == REMOVED, "and it is known why it never came"


async def test_other_settings_take_effect_at_once(notifying, hook):
    told = notifying(webhook={"url": hook.url})
    told.tell()
    await told.send()
    with Hook() as other:
        told.set(webhook={"url": other.url})
        told.tell(object_id="pro_2")
        await told.send()
        assert len(other.bodies) == 1, "the next goes to the new address"
    assert len(hook.bodies) == 1, "and not to the old one"


async def test_a_backlog_is_sent_from_the_oldest_on(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url})
    for number in range(10):
        clock.now += 1
        told.tell(object_id=f"pro_{number}")
    await told.send()
    ids = [body["object"]["id"] for body in hook.json]
    assert sorted(ids) == [f"pro_{number}" for number in range(10)], "all of them"
    assert set(ids[:4]) == {"pro_0", "pro_1", "pro_2", "pro_3"}, "the oldest first"


async def test_once_started_it_sends_what_is_told_without_being_asked(notifying, hook):
    told = notifying(webhook={"url": hook.url})
    told.parts.start()
    told.tell()
    async with asyncio.timeout(10):
        while told.way()["state"] != "delivered":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(hook.bodies) == 1, "once"


async def test_telling_meets_no_error_and_is_told_later(notifying, database, hook, monkeypatch):
    from store.errors import DatabaseError

    told = notifying(webhook={"url": hook.url})

    def fails(work):
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(database, "transact", fails)
        told.tell()
    assert not told.health.parts["notifications"].ok, "the failure shows"
    told.tell(object_id="pro_2")
    assert told.health.parts["notifications"].ok, "until it works again"


async def test_after_the_end_nothing_is_told_and_nobody_meets_an_error(notifying, hook):
    told = notifying(webhook={"url": hook.url})
    await told.parts.close()
    told.parts.notify("gap.found", "default", "gap", "weak", "A gap", {})
    assert told.parts.inbox.list() == [], "the next round tells it"


async def test_the_round_tells_what_a_crash_left_untold(notifying, database, hook):
    told = notifying(webhook={"url": hook.url}, keep="1d")
    moments = {"created_at": "2027-01-15 07:00:00", "updated_at": "2027-01-15 07:00:00"}
    texts = {"title": "Printer offline", "description": "", "content": "{}", "confidence_score": 0.5, "analyst": "m"}
    row = {"id": "pro_9", "namespace": "a", "proposal_type": "new_flow", "status": "pending", **moments, **texts}
    database.transact(lambda connection: connection.execute(sa.insert(proposals).values(**row)) and None)
    assert told.parts.round() == {"told": 1, "pruned": 0}, "it is found"
    assert told.parts.round() == {"told": 0, "pruned": 0}, "and told once"
    await told.send()
    assert hook.json[0]["object"]["id"] == "pro_9", "through the channels, too"
    told.clock.now += 2 * 86400
    assert told.parts.round() == {"told": 0, "pruned": 1}, "an old one goes, and is not told anew"
