"""People are told: through a webhook that fails twice, a mail server, Slack, and across a crash."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, environment, eventually, run, write_config
from tests.proxy.notifying.receivers import Hook, Mailbox

pytestmark = pytest.mark.slow

SECRET = "shared-hook-secret-81"
PASSWORD = "smtp-password-82"
FLOW: dict[str, Any] = {
    "title": "Printer offline",
    "description": "A printer that takes no jobs.",
    "match_keywords": ["printer", "offline", "print", "queue", "spooler"],
    "problem_domain": "printing",
    "tree_structure": {
        "id": "root",
        "type": "decision",
        "question": "Is its light on?",
        "options": [
            {"id": "yes", "label": "Yes", "next_node_id": "spooler"},
            {"id": "no", "label": "No", "next_node_id": "power"},
        ],
        "children": [
            {"id": "spooler", "type": "solution", "title": "Restart the spooler", "description": "Then print again."},
            {"id": "power", "type": "solution", "title": "Plug it in", "description": "And switch it on."},
        ],
    },
}


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as running:
        yield running


def publish(server: Server, **given: Any) -> str:
    """Publish a flow; gives its id."""
    response = server.http.post("/flows", json={**FLOW, **given})
    assert response.status_code == 200, response.text
    found: str = response.json()["id"]
    return found


def notifications(server: Server, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.http.get(f"/notifications{query}").json()["notifications"]
    return found


def states(server: Server) -> dict[str, str]:
    """How far the newest one came, by channel."""
    return {way["channel"]: way["state"] for one in notifications(server)[:1] for way in one["deliveries"]}


def told(server: Server) -> dict[str, Any]:
    """What ``reprise stats --json`` says of flows."""
    done = run("stats", "--json", "--data-dir", server.data_dir, cwd=server.folder)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)["flows"]
    return found


def webhook(hook: Hook, **given: Any) -> dict[str, Any]:
    """A configuration with a webhook that is tried again soon."""
    return {
        "notifications": {"webhook": {"url": hook.url, "timeout": "5s", **given}, "retry": ["50ms", "100ms", "150ms"]}
    }


def test_every_channel_gets_it_and_a_webhook_that_fails_twice_gets_it_once(launch: Launch, hook: Hook) -> None:
    with Hook() as slack, Mailbox() as mailbox:
        hook.answers = [500, 503]
        email = {"host": "127.0.0.1", "port": mailbox.port, "security": "none", "timeout": "5s"}
        people = {"sender": "reprise@example.com", "to": ["team@example.com"]}
        config = webhook(hook, secret="os.environ/HOOK_SECRET")
        config["notifications"]["webhook"]["url"] = "os.environ/HOOK_URL"
        config["notifications"] |= {"slack": {"url": slack.url}, "email": {**email, **people}}
        server = launch(config, HOOK_SECRET=SECRET, HOOK_URL=hook.url)
        server.private |= {SECRET, "hook-4711"}
        flow = publish(server, title="Printer <offline> & @all")
        arrived = {"webhook": "delivered", "slack": "delivered", "email": "delivered"}
        eventually(lambda: states(server) == arrived, "every channel has it")
        assert len(hook.bodies) == 3, "it failed twice, and arrived with the third try"
        body, headers = hook.json[-1], hook.headers[-1]
        assert body["event"] == "flow.published", "what happened"
        assert body["object"] == {"type": "flow", "id": flow}, "to what"
        assert body["title"] == "Printer <offline> & @all", "by its title"
        at, _, signed = headers["x-reprise-signature"].removeprefix("t=").partition(",v1=")
        expected = hmac.new(SECRET.encode(), f"{at}.".encode() + hook.bodies[-1], hashlib.sha256).hexdigest()
        assert signed == expected, "signed with the secret that the environment holds"
        assert slack.json[0]["text"].startswith("Flow published: Printer &lt;offline&gt; &amp; @\u200ball"), "escaped"
        assert mailbox.mails[0]["subject"] == "[Reprise] Flow published: Printer <offline> & @all", "as a subject"
        assert mailbox.mails[0]["x-reprise-notification-id"] == body["id"], "the same id everywhere"
        assert server.metric("reprise_notification_deliveries_total", channel="webhook", outcome="retried") == 2, (
            "counted"
        )


def test_what_waits_is_sent_after_a_crash(launch: Launch, hook: Hook) -> None:
    hook.answers = [503] * 2
    config = webhook(hook)
    config["notifications"]["retry"] = ["2s", "2s", "2s"]
    server = launch(config)
    publish(server)
    eventually(lambda: len(hook.bodies) == 1, "it was tried")
    server.kill()
    tried = len(hook.bodies)
    server.start()
    assert len(notifications(server)) == 1, "it is still known"
    eventually(lambda: states(server).get("webhook") == "delivered", "the next process delivers it", 60)
    assert len(hook.bodies) > tried, "it sent it"
    assert len({headers["x-reprise-notification-id"] for headers in hook.headers}) == 1, "under the same id"


def test_a_receiver_that_refuses_shows_and_is_mended_while_the_server_runs(launch: Launch, hook: Hook) -> None:
    hook.answers = [404]
    server = launch(webhook(hook))
    publish(server)
    eventually(lambda: states(server).get("webhook") == "failed", "a 404 is final")
    assert len(hook.bodies) == 1, "it is not tried again"
    ready = server.http.get("/health/readiness").json()
    assert ready["status"] == "degraded", "readiness shows it"
    assert ready["parts"]["notifications"]["ok"] is False, "and where"
    with Hook() as other:
        write_config(server.folder, {**server.config, **webhook(other)})

        def arrives() -> bool:
            return "webhook" in server.http.post("/notifications/test").json()["channels"] and bool(other.bodies)

        eventually(arrives, "a test reaches the new address, once the edit is taken in")
        server.http.post(f"/notifications/{notifications(server)[0]['id']}/retry")
        eventually(
            lambda: states(server).get("webhook") == "delivered", "what failed is sent again, to the new address"
        )
    assert server.http.get("/health/readiness").json()["parts"]["notifications"]["ok"], "all is well again"


def test_an_escalation_is_told_without_what_was_said_and_counted(launch: Launch, hook: Hook) -> None:
    server = launch(webhook(hook))
    server.chat("The database of ada@example.com is down", headers={"x-reprise-session": "s-1"})
    eventually(lambda: server.http.get("/sessions/s-1").status_code == 200, "the session is known")
    ended = server.http.post("/sessions/s-1/resolve", json={"outcome": "escalated", "escalation_reason": "no access"})
    assert ended.status_code == 200, ended.text
    eventually(lambda: hook.bodies, "it is told")
    assert hook.json[0]["event"] == "session.escalated", "that it was escalated"
    assert hook.json[0]["link"] == "/sessions/s-1", "and where there is more"
    assert b"ada@example.com" not in hook.bodies[0], "without anybody's address"
    eventually(lambda: states(server).get("webhook") == "delivered", "that it arrived is noted")
    over_http = server.http.get("/stats").json()["flows"]
    assert over_http["sessions"]["escalated"] == 1, "one session was"
    assert told(server) == over_http, "the command says the same, with a server"
    server.stop()
    assert told(server) == over_http, "and without one"
    text = run("stats", "--data-dir", server.data_dir, cwd=server.folder).out
    assert "sessions: 1 (1 escalated)" in text, "for people, too"


def test_no_secret_is_shown(tmp_path: Path) -> None:
    people = {"host": "127.0.0.1", "sender": "reprise@example.com", "to": ["team@example.com"]}
    address = "http://127.0.0.1:9/hook-4711"
    told = {
        "webhook": {"url": "os.environ/HOOK_URL", "secret": "os.environ/HOOK_SECRET"},
        "slack": {"url": address},
        "email": {**people, "username": "reprise", "password": "os.environ/SMTP_PASSWORD"},
    }
    given = environment(HOOK_SECRET=SECRET, HOOK_URL=address, SMTP_PASSWORD=PASSWORD)
    done = run("config", "show", "--config", write_config(tmp_path, {"notifications": told}), cwd=tmp_path, env=given)
    assert done.code == 0, done.err
    assert "team@example.com" in done.out, "whom it writes to is no secret"
    for secret in (SECRET, PASSWORD, "hook-4711"):
        assert secret not in done.out + done.err, "secrets, and addresses that may hold one, are"
