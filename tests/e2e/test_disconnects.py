"""Callers that leave: the upstream call ends with the last of them, nothing half is stored, others are unharmed."""

from __future__ import annotations

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.support import (
    Server,
    Upstream,
    Wire,
    answer,
    assemble,
    body,
    client_of,
    events,
    eventually,
    settle,
    told,
)

pytestmark = pytest.mark.slow


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
    after = 0 if when == "before-the-head" else 4
    with upstream.hold(prompt, after), Wire(server, prompt, {"x-reprise-session": session}, stream=True) as caller:
        eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
        if after:
            caller.read_until(b"chat.completion.chunk")
        caller.leave()
        assert_gone(server, upstream, prompt, session, stream=True)
    again = server.chat(prompt, stream=True)
    assert again.headers["x-reprise-cache"] == "miss"
    assert assemble(events(again.content)[:-1])[0]["message"]["content"] == answer(prompt)
    assert upstream.seen[prompt] == 2


def test_the_model_stops_talking_to_nobody(server: Server, upstream: Upstream) -> None:
    prompt = "Speak slowly about the weathervane. [pause 30]"
    aborted = upstream.model.aborted
    with Wire(server, prompt, stream=True) as caller:
        caller.read_until(b"chat.completion.chunk")
    eventually(lambda: upstream.model.aborted > aborted, "the stream is aborted")
    assert upstream.model.aborted == aborted + 1


def test_a_lone_caller_leaves_before_a_whole_answer(server: Server, upstream: Upstream) -> None:
    prompt, session = "How tall is the tower?", "alone-whole"
    with upstream.hold(prompt), Wire(server, prompt, {"x-reprise-session": session}) as caller:
        eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
        caller.leave()
        assert_gone(server, upstream, prompt, session, stream=False)
    again = server.chat(prompt)
    assert (again.headers["x-reprise-cache"], again.json()) == ("miss", told(prompt))


def test_the_openai_client_leaves_a_stream(server: Server, upstream: Upstream) -> None:
    prompt, session = "Which mountain is the oldest?", "alone-openai"
    with upstream.hold(prompt, after=3), client_of(server.url) as client:
        headers = {"x-reprise-session": session}
        chunks = client.chat.completions.create(**body(prompt), stream=True, extra_headers=headers)
        next(chunks)
        chunks.close()
        eventually(lambda: upstream.left[prompt] == 1, "the upstream call is given up")
        record = one_logged(server, session)
    assert (record["success"], record["error"]) == (False, "client_gone")


@pytest.mark.parametrize("stays", ["leader", "follower"])
def test_one_of_two_callers_leaves_a_stream(server: Server, upstream: Upstream, stays: str) -> None:
    prompt = f"How old is the forest where the {stays} stays?"
    sessions = {who: {"x-reprise-session": f"stream-{stays}-stays-{who}"} for who in ("leader", "follower")}
    with contextlib.ExitStack() as stack:
        gate = stack.enter_context(upstream.hold(prompt, after=4))
        leader = stack.enter_context(Wire(server, prompt, sessions["leader"], stream=True))
        leader.read_until(b"chat.completion.chunk")
        follower = stack.enter_context(Wire(server, prompt, sessions["follower"], stream=True))
        assert b"collapsed" in follower.read_until(b"chat.completion.chunk")
        leaving, staying = (leader, follower) if stays == "follower" else (follower, leader)
        leaving.leave()
        gone = one_logged(server, f"stream-{stays}-stays-{'leader' if stays == 'follower' else 'follower'}")
        assert (gone["success"], gone["error"]) == (False, "client_gone")
        gate.release()
        staying.read_until(b"data: [DONE]")

    kept = one_logged(server, f"stream-{stays}-stays-{stays}")
    assert (kept["success"], kept["response"], kept["collapsed"]) == (True, answer(prompt), stays == "follower")
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)
    again = server.chat(prompt)
    assert again.headers["x-reprise-cache"] == "hit"
    assert again.json()["choices"][0]["message"]["content"] == answer(prompt)


@pytest.mark.parametrize("stays", ["leader", "follower"])
def test_one_of_two_callers_leaves_a_whole_answer(server: Server, upstream: Upstream, stays: str) -> None:
    prompt = f"How wide is the river where the {stays} stays?"
    leaves, remains = ({"x-reprise-session": f"whole-{stays}-stays-{what}"} for what in ("gone", "kept"))
    with ThreadPoolExecutor(1) as threads, contextlib.ExitStack() as stack:
        gate = stack.enter_context(upstream.hold(prompt))
        if stays == "follower":
            leaving = stack.enter_context(Wire(server, prompt, leaves))
            eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
            staying = threads.submit(server.chat, prompt, remains)
        else:
            staying = threads.submit(server.chat, prompt, remains)
            eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
            leaving = stack.enter_context(Wire(server, prompt, leaves))
        settle(server)
        leaving.leave()
        gone = one_logged(server, leaves["x-reprise-session"])
        assert (gone["success"], gone["error"]) == (False, "client_gone")
        gate.release()
        got = staying.result()
    assert (got.status_code, got.json()) == (200, told(prompt))
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)
    assert server.chat(prompt).headers["x-reprise-cache"] == "hit"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_all_callers_leave(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"How long is the {'winding' if stream else 'straight'} wall?"
    with contextlib.ExitStack() as stack:
        stack.enter_context(upstream.hold(prompt, after=3 if stream else 0))
        callers = [
            stack.enter_context(Wire(server, prompt, {"x-reprise-session": f"all-{stream}-{number}"}, stream=stream))
            for number in range(5)
        ]
        if stream:
            for caller in callers:
                caller.read_until(b"chat.completion.chunk")
            assert upstream.seen[prompt] == 1
        eventually(lambda: upstream.seen[prompt], "the upstream is asked")
        for caller in callers:
            caller.leave()
        for number in range(5):
            assert one_logged(server, f"all-{stream}-{number}")["success"] is False
        eventually(lambda: upstream.left[prompt] == upstream.seen[prompt], "every upstream call is given up")
    again = server.chat(prompt, stream=stream)
    assert (again.status_code, again.headers["x-reprise-cache"]) == (200, "miss")


def test_a_caller_that_leaves_during_its_own_request(server: Server) -> None:
    """Half a body, then nothing: no call, no harm."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as half:
        half.sendall(
            b'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"model": "scr'
        )
    prompt = "Are you still there?"
    assert server.chat(prompt).json() == told(prompt)
    assert "Traceback" not in server.log
