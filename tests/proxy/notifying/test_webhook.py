"""What a webhook gets, and how it can tell who sent it."""

from __future__ import annotations

import hashlib
import hmac

import pytest

pytestmark = pytest.mark.anyio


async def test_the_body_names_event_object_and_where_there_is_more(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url})
    told.tell(title="Printer & scanner offline", proposal_type="new_flow", confidence_score=0.5)
    await told.send()
    (body,) = hook.json
    assert body == {
        "event": "proposal.pending",
        "id": told.parts.inbox.list()[0].id,
        "at": "2027-01-15T08:00:00Z",
        "namespace": "default",
        "object": {"type": "proposal", "id": "pro_1"},
        "title": "Printer & scanner offline",
        "link": "/proposals/pro_1",
        "details": {"proposal_type": "new_flow", "confidence_score": 0.5},
    }, "all of it"
    assert hook.headers[0]["content-type"] == "application/json", "as JSON"
    assert hook.headers[0]["x-reprise-event"] == "proposal.pending", "with the event beside it"
    assert hook.headers[0]["x-reprise-notification-id"] == body["id"], "and the id, by which doubles are told"
    assert "x-reprise-signature" not in hook.headers[0], "unsigned where there is no secret"


async def test_with_a_secret_the_body_is_signed_together_with_the_time(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url, "secret": "between-us"})
    told.tell(title="Café")
    await told.send()
    at = int(clock.now)
    signed = hmac.new(b"between-us", f"{at}.".encode() + hook.bodies[0], hashlib.sha256).hexdigest()
    assert hook.headers[0]["x-reprise-signature"] == f"t={at},v1={signed}", "HMAC-SHA256 of time and body"


async def test_each_try_is_signed_anew(notifying, hook, clock):
    told = notifying(webhook={"url": hook.url, "secret": "between-us"})
    hook.answers = [500]
    told.tell()
    await told.send()
    clock.now += 30
    await told.send()
    first, second = (headers["x-reprise-signature"] for headers in hook.headers)
    assert first.split(",")[0] != second.split(",")[0], "a receiver that refuses old times takes the later try"
