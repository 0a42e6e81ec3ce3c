"""Flows through a real server: written, matched by meaning, given to calls, followed by sessions, kept over a crash."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import httpx2
import pytest

from memory.flows.statement import CLOSING, OPENING
from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Server, Upstream, body, eventually
from tests.memory.flows.made import given, node

pytestmark = pytest.mark.slow

CLIENT, ADMIN = KEY_MARK + "flows-client", KEY_MARK + "flows-admin"
KEYS = {
    "keys": [
        {"key": CLIENT, "namespace": "team"},
        {"key": ADMIN, "namespace": "team", "role": "admin", "name": "ada"},
    ]
}
AS_CLIENT, AS_ADMIN = ({"authorization": f"Bearer {key}"} for key in (CLIENT, ADMIN))
PROBLEM = "My printer does not print, it is offline and my jobs stay in the print queue ({})"

Send = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def server(launch_shared: Launch) -> Server:
    """A server with keys, whose embedder is ready: flows are matched by meaning."""
    started = launch_shared({"auth": KEYS}, key=ADMIN)
    eventually(lambda: started.readiness()["status"] == "ready", "the embedder is ready", 60)
    return started


@pytest.fixture
def write(server: Server) -> Send:
    """Do something as the admin."""

    def send(method: str, path: str, fields: Mapping[str, Any] | None = None) -> dict[str, Any]:
        got = server.http.request(method, path, json=fields, headers=AS_ADMIN)
        assert got.status_code == 200, got.text
        return dict(got.json())

    return send


@pytest.fixture
def flow(write: Send) -> Any:
    """A flow of the team's, in use while the test runs."""
    id_ = write("POST", "/flows", given())["id"]
    yield id_
    write("POST", f"/flows/{id_}/retire")


def ask(server: Server, *said: str, **headers: str) -> httpx2.Response:
    """A call as the client: words of the user and of the assistant in turn."""
    messages = [{"role": ("user", "assistant")[at % 2], "content": words} for at, words in enumerate(said)]
    named = {f"x-reprise-{name}": value for name, value in headers.items()}
    return server.http.post(
        "/v1/chat/completions", json=body(messages), headers={**AS_CLIENT, **named}
    ).raise_for_status()


def problem() -> str:
    """The problem, in words of this test's own."""
    return PROBLEM.format(secrets.token_hex(3))


def sent(upstream: Upstream, words: str) -> list[str]:
    """The last words of each call that the upstream got in this conversation."""
    calls = [call["messages"] for call in list(upstream.model.calls) if words in str(call["messages"])]
    return [messages[-1]["content"] for messages in calls]


def session(server: Server, id_: str) -> dict[str, Any]:
    """A session as its client sees it; nothing before it is derived."""
    got = server.http.get(f"/sessions/{id_}", headers=AS_CLIENT)
    return dict(got.json()) if got.status_code == 200 else {}


def test_a_call_gets_the_flow_that_fits_its_problem(server: Server, upstream: Upstream, flow: str) -> None:
    words = problem()
    first = ask(server, words)
    assert first.headers["x-reprise-flow"] == f"{flow}; version=1"
    ask(server, words, "Is its light on?", "No, it is dark")
    one, two = sent(upstream, words)
    block = one.removeprefix(f"{words}\n\n")
    assert block.startswith(OPENING)
    assert block.endswith(CLOSING)
    assert "Restart the spooler" in block
    assert two == f"No, it is dark\n\n{block}", "later turns get the same bytes"
    again = ask(server, words)
    assert (again.headers["x-reprise-cache"], again.headers["x-reprise-tier"]) == ("hit", "exact")
    other = ask(server, f"Who painted the Mona Lisa? ({secrets.token_hex(3)})")
    assert "x-reprise-flow" not in other.headers, "it has nothing to do with it"


def test_the_session_follows_it_and_its_end_counts_once(server: Server, write: Send, flow: str) -> None:
    words, id_ = problem(), f"s-{secrets.token_hex(4)}"
    ask(server, words, session=id_)
    found = eventually(lambda: session(server, id_), "the session is derived")
    assert (found["match_state"], found["matched_flow"]) == ("attached", flow)
    assert found["match_score"] >= 0.75
    for _ in range(2):
        write("POST", f"/sessions/{id_}/resolve", {"outcome": "escalated"})
    told = eventually(
        lambda: (got := write("GET", f"/flows/{flow}"))["matched"] and got, "the session is counted for its flow"
    )
    assert (told["matched"], told["escalated"], told["success_rate"]) == (1, 1, 0.0)


def test_a_decline_is_honoured_at_once(server: Server, upstream: Upstream, write: Send, flow: str) -> None:
    words, id_ = problem(), f"s-{secrets.token_hex(4)}"
    assert ask(server, words, session=id_).headers["x-reprise-flow"].startswith(flow)
    eventually(lambda: session(server, id_), "the session is derived")
    write("POST", f"/sessions/{id_}/decline")
    after = ask(server, words, "Is its light on?", "I do not want that", session=id_)
    assert "x-reprise-flow" not in after.headers
    assert sent(upstream, words)[-1] == "I do not want that"


def test_a_new_version_reaches_the_next_call_and_old_answers_do_not(
    server: Server, upstream: Upstream, write: Send, flow: str
) -> None:
    words = problem()
    ask(server, words)
    changed = given()
    node(changed, "restart")["title"] = "Restart the print service"
    assert write("PUT", f"/flows/{flow}", {**changed, "diff_description": "Another name."})["version"] == 2
    again = ask(server, words)
    assert again.headers["x-reprise-cache"] == "miss", "that answer was made with the version before"
    assert again.headers["x-reprise-flow"] == f"{flow}; version=2"
    assert "Restart the print service" in sent(upstream, words)[-1]
    assert [one["version"] for one in write("GET", f"/flows/{flow}/versions")["versions"]] == [2, 1]
    audit = server.http.get(f"/admin/audit?object_id={flow}", headers=AS_ADMIN).json()
    assert [row["action"] for row in audit["audit"]] == ["renew", "publish"]


def test_flows_outlive_a_crash(launch: Launch, upstream: Upstream) -> None:
    running = launch({"auth": KEYS}, key=ADMIN)
    made = running.http.post("/flows", json=given()).raise_for_status().json()["id"]
    running.kill()
    running.start()
    eventually(lambda: running.readiness()["status"] == "ready", "the embedder is ready", 60)
    found = running.http.get(f"/flows/{made}").raise_for_status().json()
    assert {name: found[name] for name in given()} == given(), "as it was written"
    assert ask(running, problem()).headers["x-reprise-flow"] == f"{made}; version=1"
