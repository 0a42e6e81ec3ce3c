"""Callers that leave: the upstream call ends with the last of them, nothing half is stored, others are unharmed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.support import Server, Upstream, Wire, answer, assemble, client_of, body, events, eventually, told


def settle(server: Server) -> None:
    """Every byte sent to the server before this has been read by it."""
    for _ in range(5):
        server.http.get("/health/liveliness").raise_for_status()


def one_logged(server: Server, session: str) -> dict[str, Any]:
    """The session's one call, once it is logged."""
    (record,) = eventually(lambda: server.interactions(session_id=session), f"session {session} is logged")
    return record


def assert_gone(server: Server, upstream: Upstream, prompt: str, session: str, *, stream: bool) -> None:
    """The upstream call was ended, the log says so, and nothing was stored."""
    eventually(lambda: upstream.left[prompt] == 1, "the upstream call is given up")
    record = one_logged(server, session)
    assert (record["success"], record["error"], record["status_code"]) == (False, "client_gone", 499)
    assert (record["prompt"], record["stream"], record["entry_id"]) == (prompt, stream, None)
    stored = server.chat(prompt, {"cache-control": "only-if-cached"}, stream=stream)
    assert (stored.status_code, stored.json()["error"]["code"]) == (504, "only_if_cached")
    assert server.readiness()["status"] == "ready"


@pytest.mark.parametrize("when", ["before-the-head", "mid-stream"])
def test_a_lone_caller_leaves_a_stream(server: Server, upstream: Upstream, when: str) -> None:
    prompt, session = f"How deep is the sea, asked {when}?", f"alone-{when}"
    aborted = upstream.model.aborted
    gate = upstream.hold(prompt, after=0 if when == "before-the-head" else 4)
    caller = Wire(server, prompt, {"x-reprise-session": session}, stream=True)
    eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
    if when == "mid-stream":
        caller.read_until(b"chat.completion.chunk")
    caller.leave()
    assert_gone(server, upstream, prompt, session, stream=True)
    if when == "mid-stream":
        assert upstream.model.aborted == aborted + 1
    gate.release()
    again = server.chat(prompt, stream=True)
    assert again.headers["x-reprise-cache"] == "miss"
    assert assemble(events(again.content)[:-1])[0]["message"]["content"] == answer(prompt)
    assert upstream.seen[prompt] == 2


def test_a_lone_caller_leaves_before_a_whole_answer(server: Server, upstream: Upstream) -> None:
    prompt, session = "How tall is the tower?", "alone-whole"
    gate = upstream.hold(prompt)
    caller = Wire(server, prompt, {"x-reprise-session": session})
    eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
    caller.leave()
    assert_gone(server, upstream, prompt, session, stream=False)
    gate.release()
    again = server.chat(prompt)
    assert (again.headers["x-reprise-cache"], again.json()) == ("miss", told(prompt))


def test_the_openai_client_leaves_a_stream(server: Server, upstream: Upstream) -> None:
    prompt, session = "Which mountain is the oldest?", "alone-openai"
    gate = upstream.hold(prompt, after=3)
    with client_of(server.url, "sk-e2e-nobody") as client:
        chunks = client.chat.completions.create(
            **body(prompt), stream=True, extra_headers={"x-reprise-session": session}
        )
        next(chunks)
        chunks.close()
    eventually(lambda: upstream.left[prompt] == 1, "the upstream call is given up")
    record = one_logged(server, session)
    assert (record["success"], record["error"]) == (False, "client_gone")
    gate.release()


@pytest.mark.parametrize("stays", ["leader", "follower"])
def test_one_of_two_callers_leaves_a_stream(server: Server, upstream: Upstream, stays: str) -> None:
    prompt = f"How old is the forest where the {stays} stays?"
    gate = upstream.hold(prompt, after=4)
    leader = Wire(server, prompt, {"x-reprise-session": f"stream-leader-{stays}"}, stream=True)
    leader.read_until(b"chat.completion.chunk")
    follower = Wire(server, prompt, {"x-reprise-session": f"stream-follower-{stays}"}, stream=True)
    head = follower.read_until(b"chat.completion.chunk")
    assert b"collapsed" in head
    leaving, staying = (leader, follower) if stays == "follower" else (follower, leader)
    leaving.leave()
    gone = one_logged(server, f"stream-{'leader' if stays == 'follower' else 'follower'}-{stays}")
    assert (gone["success"], gone["error"]) == (False, "client_gone")
    gate.release()
    rest = staying.read_until(b"data: [DONE]")
    staying.leave()
    assert rest.rstrip().endswith(b"[DONE]") or b"[DONE]" in rest

    kept = one_logged(server, f"stream-{stays}-{stays}")
    assert (kept["success"], kept["response"]) == (True, answer(prompt))
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)
    again = server.chat(prompt)
    assert again.headers["x-reprise-cache"] == "hit"
    assert again.json()["choices"][0]["message"]["content"] == answer(prompt)


@pytest.mark.parametrize("stays", ["leader", "follower"])
def test_one_of_two_callers_leaves_a_whole_answer(server: Server, upstream: Upstream, stays: str) -> None:
    prompt = f"How wide is the river where the {stays} stays?"
    gate = upstream.hold(prompt)
    leaving_session, staying_session = f"whole-gone-{stays}", f"whole-stays-{stays}"
    with ThreadPoolExecutor(1) as threads:
        if stays == "follower":
            leaving = Wire(server, prompt, {"x-reprise-session": leaving_session})
            eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
            staying = threads.submit(server.chat, prompt, {"x-reprise-session": staying_session})
        else:
            staying = threads.submit(server.chat, prompt, {"x-reprise-session": staying_session})
            eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
            leaving = Wire(server, prompt, {"x-reprise-session": leaving_session})
        settle(server)
        leaving.leave()
        gone = one_logged(server, leaving_session)
        assert (gone["success"], gone["error"]) == (False, "client_gone")
        gate.release()
        got = staying.result()
    assert (got.status_code, got.json()) == (200, told(prompt))
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)
    assert server.chat(prompt).headers["x-reprise-cache"] == "hit"


def test_all_callers_leave(server: Server, upstream: Upstream) -> None:
    prompt = "How long is the wall?"
    gate = upstream.hold(prompt)
    callers = [Wire(server, prompt, {"x-reprise-session": f"all-{number}"}) for number in range(5)]
    eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
    settle(server)
    for caller in callers:
        caller.leave()
    eventually(lambda: upstream.left[prompt] == 1, "the upstream call is given up")
    for number in range(5):
        assert one_logged(server, f"all-{number}")["success"] is False
    gate.release()
    assert upstream.seen[prompt] == 1
    assert server.chat(prompt).headers["x-reprise-cache"] == "miss"


def test_a_caller_that_leaves_during_its_own_request(server: Server) -> None:
    """Half a body, then nothing: no call, no harm."""
    import socket

    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as half:
        half.sendall(b'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"model": "scr')
    prompt = "Are you still there?"
    assert server.chat(prompt).json() == told(prompt)
