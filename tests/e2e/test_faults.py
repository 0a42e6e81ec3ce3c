"""What an upstream can do wrong: the caller is told in OpenAI's shape, nothing is stored, everything is logged."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, answer, body, client_of, events, eventually, models, told

HASTY = {"model": "hasty"}


@pytest.fixture(scope="module")
def dead_url() -> Iterator[str]:
    """An address that refuses connections: its port is taken and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def rude_server(says: bytes) -> Iterator[str]:
    """A server that reads what it is asked, says this, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def be_rude() -> None:
            # The listener is shut down when the tests are over.
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(65536)
                        connection.sendall(says)

        thread = threading.Thread(target=be_rude, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def mute_url() -> Iterator[str]:
    """An address that hangs up without a word."""
    with rude_server(b"") as url:
        yield url


@pytest.fixture(scope="module")
def foreign_url() -> Iterator[str]:
    """An address that does not speak HTTP."""
    with rude_server(b"220 mail.example ESMTP ready\r\n") as url:
        yield url


@pytest.fixture(scope="module")
def server(launch_shared: Launch, upstream: Upstream, dead_url: str, mute_url: str, foreign_url: str) -> Server:
    """Short patience for the model ``hasty``, a long one for all others."""
    return launch_shared(
        {
            "model_list": [
                models(upstream.url, "hasty"),
                models(dead_url, "dead"),
                models(mute_url, "mute"),
                models(foreign_url, "foreign"),
                models(upstream.url, timeout="60s", stream_timeout="60s"),
            ],
            "server": {"request_timeout": "500ms", "stream_timeout": "500ms"},
            "logging": {"format": "json"},
        }
    )


@dataclass(frozen=True)
class Fault:
    """A fault before the answer's head is out, and what the caller must be told of it."""

    prompt: str
    status: int
    code: str
    raises: type[openai.APIStatusError]
    model: str = "scripted"
    reaches: bool = True
    """Does the upstream see the call?"""


OWN_WORDS = {
    "400": Fault("[status 400] Please refuse this.", 400, "scripted", openai.BadRequestError),
    "401": Fault("[status 401] Explain who may pass.", 401, "scripted", openai.AuthenticationError),
    "403": Fault("[status 403] Explain a closed door.", 403, "scripted", openai.PermissionDeniedError),
    "404": Fault("[status 404] Find the lost thing.", 404, "scripted", openai.NotFoundError),
    "422": Fault("[status 422] Read the unreadable.", 422, "scripted", openai.UnprocessableEntityError),
    "429": Fault("[status 429] One more, and quickly.", 429, "scripted", openai.RateLimitError),
    "500": Fault("[status 500] Fall over for me.", 500, "scripted", openai.InternalServerError),
    "503": Fault("[status 503] Explain overload.", 503, "scripted", openai.InternalServerError),
}
"""The upstream's own status and body reach the caller."""

OUR_WORDS = {
    "refused": Fault(
        "Knock on a dead door.", 502, "upstream_unreachable", openai.InternalServerError, "dead", reaches=False
    ),
    "mute": Fault(
        "Ask one who hangs up.", 502, "upstream_connection_lost", openai.InternalServerError, "mute", reaches=False
    ),
    "foreign": Fault(
        "Ask one who talks of mail.",
        502,
        "upstream_connection_lost",
        openai.InternalServerError,
        "foreign",
        reaches=False,
    ),
    "lost": Fault("[break 0] Hang up on me.", 502, "upstream_connection_lost", openai.InternalServerError),
    "silent": Fault("[hang] Say nothing at all.", 504, "upstream_timeout", openai.InternalServerError, "hasty"),
}
"""The upstream says nothing of use, streamed or not."""

WHOLE_ONLY = {
    "no-json": Fault("[malformed] Speak in tongues.", 502, "upstream_invalid_response", openai.InternalServerError),
}

STREAM_ONLY = {
    "lost-early": Fault(
        "[break 1] Stop after the first word.", 200, "upstream_connection_lost", openai.InternalServerError
    ),
    "lost-late": Fault(
        "[break 5] Stop after some more words.", 200, "upstream_connection_lost", openai.InternalServerError
    ),
    "unfinished": Fault(
        "[unfinished] [nodone] End without ending.", 200, "upstream_incomplete_stream", openai.InternalServerError
    ),
    "silence": Fault(
        "Make a very long pause. [pause 30]", 200, "upstream_timeout", openai.InternalServerError, "hasty"
    ),
}
"""A stream that breaks off once its head is out: Reprise ends it with an event of its own."""


def logged(server: Server, session: str) -> list[dict[str, Any]]:
    """A session's calls, oldest first."""
    return server.interactions(session_id=session)[::-1]


def assert_failed_twice(server: Server, upstream: Upstream, fault: Fault, session: str, *, stream: bool) -> None:
    """Two calls reached the upstream, both are logged as failed, and nothing was stored."""
    records = logged(server, session)
    assert len(records) == 2
    for record in records:
        assert record["success"] is False
        assert record["error"]
        assert (record["status_code"], record["stream"]) == (fault.status, stream)
        assert record["prompt"] == fault.prompt
        assert (record["cache_status"], record["tier"], record["entry_id"]) == ("miss", "upstream", None)
        if fault.code.startswith("upstream"):
            assert record["error"] == fault.code
    stored = server.chat(fault.prompt, {"cache-control": "only-if-cached"}, model=fault.model, stream=stream)
    assert (stored.status_code, stored.json()["error"]["code"]) == (504, "only_if_cached")


def ask_twice(server: Server, upstream: Upstream, fault: Fault, session: str, *, stream: bool) -> list[Any]:
    """Call twice through the openai client; both raise, and both reach the upstream."""
    raised = []
    before = upstream.seen[fault.prompt]
    with client_of(server.url) as client:
        for _ in range(2):
            with pytest.raises(fault.raises) as caught:
                client.chat.completions.create(
                    **body(fault.prompt, model=fault.model),
                    stream=stream,
                    extra_headers={"x-reprise-session": session},
                )
            raised.append(caught.value)
    assert upstream.seen[fault.prompt] == before + (2 if fault.reaches else 0)
    return raised


both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both_forms
@pytest.mark.parametrize("name", OWN_WORDS)
def test_the_upstreams_refusal_is_passed_on(server: Server, upstream: Upstream, name: str, stream: bool) -> None:
    fault, session = OWN_WORDS[name], f"refused-{name}-{stream}"
    for error in ask_twice(server, upstream, fault, session, stream=stream):
        assert error.status_code == fault.status
        scripted = {"message": f"scripted {name}", "type": "scripted", "param": None, "code": "scripted"}
        assert error.body == scripted
        assert error.response.json() == {"error": scripted}
        assert error.response.headers["retry-after"] == "7"
        assert error.response.headers["x-request-id"] == "req-scripted"
        assert error.response.headers["x-reprise-cache"] == "miss"
    assert_failed_twice(server, upstream, fault, session, stream=stream)


@both_forms
@pytest.mark.parametrize("name", OUR_WORDS)
def test_an_upstream_that_says_nothing(server: Server, upstream: Upstream, name: str, stream: bool) -> None:
    fault, session = OUR_WORDS[name], f"nothing-{name}-{stream}"
    for error in ask_twice(server, upstream, fault, session, stream=stream):
        assert error.status_code == fault.status
        assert error.body.keys() == {"message", "type", "param", "code"}
        assert (error.type, error.code) == ("upstream_error", fault.code)
        assert error.response.headers["x-reprise-cache"] == "miss"
    assert_failed_twice(server, upstream, fault, session, stream=stream)


@pytest.mark.parametrize("name", WHOLE_ONLY)
def test_an_answer_that_makes_no_sense(server: Server, upstream: Upstream, name: str) -> None:
    fault, session = WHOLE_ONLY[name], f"senseless-{name}"
    for error in ask_twice(server, upstream, fault, session, stream=False):
        assert (error.status_code, error.type, error.code) == (502, "upstream_error", fault.code)
    assert_failed_twice(server, upstream, fault, session, stream=False)


@pytest.mark.parametrize("name", STREAM_ONLY)
def test_a_stream_that_breaks_off(server: Server, upstream: Upstream, name: str) -> None:
    fault, session = STREAM_ONLY[name], f"broken-{name}"
    before = upstream.seen[fault.prompt]
    with client_of(server.url) as client:
        chunks = client.chat.completions.create(
            **body(fault.prompt, model=fault.model), stream=True, extra_headers={"x-reprise-session": session}
        )
        said: list[str] = []
        with pytest.raises(openai.APIError) as caught:
            said.extend(chunk.choices[0].delta.content or "" for chunk in chunks)
        chunks.close()
    assert not isinstance(caught.value, openai.APIStatusError)
    assert (caught.value.type, caught.value.code) == ("upstream_error", fault.code)
    assert answer(fault.prompt).startswith("".join(said))

    raw = server.chat(fault.prompt, {"x-reprise-session": session}, model=fault.model, stream=True)
    assert raw.status_code == 200
    *chunks, last = events(raw.content)
    assert last["error"].keys() == {"message", "type", "param", "code"}
    assert last["error"]["code"] == fault.code
    assert all("choices" in chunk for chunk in chunks)
    assert upstream.seen[fault.prompt] == before + 2
    assert_failed_twice(server, upstream, fault, session, stream=True)


def test_a_stream_with_an_error_event(server: Server, upstream: Upstream) -> None:
    prompt, session = "[error] Trip half way through.", "error-event"
    with client_of(server.url) as client:
        chunks = client.chat.completions.create(
            **body(prompt), stream=True, extra_headers={"x-reprise-session": session}
        )
        with pytest.raises(openai.APIError, match="scripted"):
            list(chunks)
        chunks.close()
    raw = server.chat(prompt, {"x-reprise-session": session}, stream=True)
    # The upstream's own event reaches the caller, and nothing is made up after it.
    assert [sorted(event) for event in events(raw.content)][-1] == ["error"]
    assert events(raw.content)[-1]["error"]["message"] == "scripted"
    assert upstream.seen[prompt] == 2
    assert_failed_twice(
        server,
        upstream,
        Fault(prompt, 200, "upstream_stream_error", openai.InternalServerError),
        session,
        stream=True,
    )


def test_a_stream_without_a_finish_reason_is_not_stored(server: Server, upstream: Upstream) -> None:
    prompt = "[unfinished] Explain how a story ends."
    for count in (1, 2):
        raw = server.chat(prompt, stream=True)
        assert raw.status_code == 200
        assert raw.headers["x-reprise-cache"] == "miss"
        assert upstream.seen[prompt] == count


def test_a_stream_without_done_reaches_its_caller_and_is_not_stored(server: Server, upstream: Upstream) -> None:
    prompt = "[nodone] Leave the last line out."
    for count in (1, 2):
        with client_of(server.url) as client:
            chunks = client.chat.completions.create(**body(prompt), stream=True)
            said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            chunks.close()
        assert said == answer(prompt)
        assert upstream.seen[prompt] == count


@both_forms
@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_cut_short_is_passed_on_and_not_stored(
    server: Server, upstream: Upstream, reason: str, stream: bool
) -> None:
    prompt = f"[finish {reason}] Tell a very long {'winding' if stream else 'straight'} tale."
    for count in (1, 2):
        raw = server.chat(prompt, stream=stream)
        assert (raw.status_code, raw.headers["x-reprise-cache"]) == (200, "miss")
        assert upstream.seen[prompt] == count
        if stream:
            assert events(raw.content)[-2]["choices"][0]["finish_reason"] == reason
        else:
            assert raw.json() == told(prompt)


def test_a_slow_answer_within_the_limits_is_waited_for(server: Server) -> None:
    """The limit of a stream is the silence between chunks, not its whole length."""
    prompt = "Take your time over it. [pause 0.05]"
    raw = server.chat(prompt, **HASTY, stream=True)
    *chunks, done = events(raw.content)
    assert done == "[DONE]"
    assert len(chunks) * 0.05 > 0.5
    assert server.chat(prompt, **HASTY).headers["x-reprise-cache"] == "hit"


def test_an_upstream_that_timed_out_is_let_go(server: Server, upstream: Upstream) -> None:
    for stream in (False, True):
        prompt = f"[hang] Keep the line open, {'streamed' if stream else 'whole'}."
        assert server.chat(prompt, **HASTY, stream=stream).status_code == 504
        eventually(lambda left=prompt: upstream.left[left] == 1, "the upstream's caller leaves")


def test_the_server_works_on_afterwards(server: Server) -> None:
    assert server.readiness()["status"] == "ready"
    prompt = "Is everything well again?"
    assert server.chat(prompt).json() == told(prompt)
    assert server.chat(prompt).headers["x-reprise-cache"] == "hit"
    assert server.metric("reprise_requests_total", outcome="miss_failed") > 0
    assert server.http.get("/stats").json()["failures"] > 0


def test_log_lines_are_json_where_that_is_asked_for(server: Server) -> None:
    lines = [line for line in server.log.splitlines() if not line.startswith("Reprise listens on")]
    assert lines
    for line in lines:
        assert {"event", "level", "timestamp"} <= json.loads(line).keys()
