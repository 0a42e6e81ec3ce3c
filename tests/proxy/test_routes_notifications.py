"""Notifications and gaps over HTTP: who may see them, reading, trying the channels, sending again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from memory.interactions import stamp
from store.tables import sessions
from tests.proxy.notifying.receivers import Hook
from tests.proxy.test_memory_routes import ADMIN, KEYS, A, B, ok, refused


@pytest.fixture
def hook():
    with Hook() as running:
        yield running


@pytest.fixture
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        yield client, parts


@pytest.fixture
async def hooked(run_app, hook):
    async with run_app(notifications={"webhook": {"url": hook.url, "secret": "s3cret-of-ours"}}) as (client, parts):
        yield client, parts


def tell(parts, event="proposal.pending", object_id="pro_1", title="Printer offline", namespace="team-a", **body):
    parts.remembering.notify(event, namespace, event.partition(".")[0], object_id, title, body)
    parts.remembering.notifying.notifier.settle()


async def test_the_list_says_what_happened_and_where_there_is_more(keyed):
    client, parts = keyed
    tell(parts, proposal_type="new_flow")
    body = await ok(client.get("/notifications", headers=ADMIN))
    (found,) = body["notifications"]
    assert (body["count"], body["unread"]) == (1, 1), "one, unread"
    assert found["event"] == "proposal.pending", "what happened"
    assert found["object"] == {"type": "proposal", "id": "pro_1"}, "to what"
    assert found["link"] == "/proposals/pro_1", "where there is more"
    assert found["body"] == {"proposal_type": "new_flow"}, "further facts"
    assert found["deliveries"] == [], "no channel is configured: the list alone tells it"


async def test_reading_and_filters(keyed):
    client, parts = keyed
    tell(parts)
    tell(parts, "session.escalated", "s-1", "Database down", "team-b")
    (first,) = (await ok(client.get("/notifications?event=proposal.pending", headers=ADMIN)))["notifications"]
    read = await ok(client.post(f"/notifications/{first['id']}/read", headers=ADMIN))
    assert read["status"] == "read", "it was read"
    again = await ok(client.post(f"/notifications/{first['id']}/read", headers=ADMIN))
    assert again["read_at"] == read["read_at"], "and stays so"
    unread = await ok(client.get("/notifications?unread=true", headers=ADMIN))
    assert [one["event"] for one in unread["notifications"]] == ["session.escalated"], "the other waits"
    assert (await ok(client.get("/notifications?namespace=team-a", headers=ADMIN)))["count"] == 1, "of a namespace"
    assert (await ok(client.post("/notifications/read", json={}, headers=ADMIN)))["read"] == 1, "all the rest"


async def test_only_admins_see_them(keyed):
    client, parts = keyed
    tell(parts)
    id_ = parts.remembering.notifying.inbox.list()[0].id
    for call in (
        client.get("/notifications", headers=A),
        client.post(f"/notifications/{id_}/read", headers=A),
        client.post(f"/notifications/{id_}/retry", headers=A),
        client.post("/notifications/read", json={}, headers=A),
        client.post("/notifications/test", headers=A),
    ):
        await refused(call, 403)


@pytest.mark.parametrize(
    ("query", "param"), [("since=yesterday", "since"), ("event=nothing", "event"), ("unread=perhaps", "unread")]
)
async def test_bad_filters_name_the_field(keyed, query, param):
    client, _ = keyed
    response = await client.get(f"/notifications?{query}", headers=ADMIN)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param, "by its name"


@pytest.mark.parametrize("what", ["read", "retry"])
async def test_what_is_not_there_is_a_404(keyed, what):
    client, _ = keyed
    await refused(client.post(f"/notifications/ntf_none/{what}", headers=ADMIN), 404)


async def test_a_test_is_sent_at_once_and_not_kept(hooked, hook):
    client, parts = hooked
    body = await ok(client.post("/notifications/test"))
    assert body == {"status": "sent", "channels": {"webhook": {"delivered": True, "error": None}}}, "it arrived"
    assert hook.json[0]["event"] == "notification.test", "as what it is"
    assert parts.remembering.notifying.inbox.list() == [], "and nobody has to read it"


async def test_a_test_that_fails_says_why_and_holds_no_secrets(hooked, hook):
    client, _ = hooked
    hook.answers = [403]
    body = await ok(client.post("/notifications/test", json={"channel": "webhook"}))
    assert body["status"] == "failed", "it did not arrive"
    assert body["channels"]["webhook"] == {"delivered": False, "error": "HTTP 403"}, "and why"
    assert "hook-4711" not in str(body), "the address is a secret"


async def test_a_channel_that_is_not_configured_cannot_be_tried(hooked):
    client, _ = hooked
    await refused(client.post("/notifications/test", json={"channel": "email"}), 400)
    await refused(client.post("/notifications/test", json={"channel": "pigeon"}), 400)


async def test_what_failed_shows_and_is_sent_again_when_asked_for(hooked, hook):
    client, parts = hooked
    hook.answers = [404]
    tell(parts)
    await parts.remembering.notifying.courier.round("webhook")
    (found,) = (await ok(client.get("/notifications")))["notifications"]
    (way,) = found["deliveries"]
    assert (way["channel"], way["state"], way["error"]) == ("webhook", "failed", "HTTP 404"), "how far it came"
    ready = await client.get("/health/readiness")
    assert ready.json()["parts"]["notifications"]["ok"] is False, "readiness shows it"
    text = (await client.get("/metrics")).text
    assert 'reprise_notification_deliveries_total{channel="webhook",outcome="failed"} 1.0' in text, "metrics, too"
    assert 'reprise_notification_queue{state="failed"} 1.0' in text, "and how many there are"
    again = await ok(client.post(f"/notifications/{found['id']}/retry"))
    assert again == {"status": "waiting", "id": found["id"], "retried": 1}, "it is on its way again"
    await parts.remembering.notifying.courier.round("webhook")
    assert len(hook.bodies) == 2, "and sent"


def escalated(parts):
    """Eight sessions of team-a about one printer."""
    now = stamp(datetime.now(UTC))

    def work(connection):
        for number in range(8):
            key = {"namespace": "team-a", "root": f"s-{number}"}
            moments = {"started_at": now, "last_at": now}
            problem = {"problem_domain": "printing", "problem_summary": "The printer is offline"}
            connection.execute(
                sa.insert(sessions).values(id=f"s-{number}", status="escalated", **key, **moments, **problem)
            )

    parts.database.transact(work)


async def test_gaps_are_shown_to_those_whose_they_are(keyed):
    client, parts = keyed
    escalated(parts)
    found = await ok(client.get("/gaps", headers=A))
    assert {gap["kind"] for gap in found["gaps"]} == {"high_escalation", "uncharted", "repeated_pattern"}, "its own"
    gap = found["gaps"][0]
    assert gap["evidence"]["escalated"]["count"] == 8, "with what shows it"
    assert gap["suggested_action"], "and what to do"
    assert (await ok(client.get("/gaps", headers=B)))["gaps"] == [], "another namespace has none"
    assert (await ok(client.get("/gaps?kind=uncharted", headers=ADMIN)))["count"] == 1, "one kind of all namespaces"
    await refused(client.get("/gaps?namespace=team-a", headers=B), 403)
    await refused(client.get("/gaps?days=0", headers=ADMIN), 400)
    await refused(client.get("/gaps?kind=holes", headers=ADMIN), 400)


async def test_a_gap_is_told_once(keyed):
    client, parts = keyed
    escalated(parts)
    look = parts.remembering.schedule._rounds["gaps"].run
    assert dict(await look()) == {"found": 3, "told": 3}, "the first time"
    assert dict(await look()) == {"found": 3, "told": 0}, "the next day"
    told = (await ok(client.get("/notifications?event=gap.found", headers=ADMIN)))["notifications"]
    assert {one["body"]["kind"] for one in told} == {"high_escalation", "uncharted", "repeated_pattern"}, "each of them"


async def test_the_stats_count_what_flows_did(keyed):
    client, parts = keyed
    tell(parts)
    found = (await ok(client.get("/stats", headers=A)))["flows"]
    assert found["notifications"]["unread"] == 1, "of its own namespace"
    assert (await ok(client.get("/stats", headers=B)))["flows"]["notifications"]["unread"] == 0, "and of no other"
