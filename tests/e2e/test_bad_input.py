"""What callers can get wrong: each is told in OpenAI's shape which field it is, and the upstream hears of none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import PROMPT_MARK, Server, Upstream, body, client_of, events, models, told, user

PROMPT = f"Is a {PROMPT_MARK} a bird?"
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server(launch_shared: Launch, upstream: Upstream) -> Server:
    """Only one model, small bodies."""
    return launch_shared({"model_list": [models(upstream.url, "scripted")], "server": {"max_body": "64KB"}})


def assert_shaped(response: Any, status: int, param: str | None, code: str | None = None) -> None:
    """An error in OpenAI's shape that names the field."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert PROMPT_MARK not in error["message"]
    if code is not None:
        assert error["code"] == code


RAW = {
    "nothing": b"",
    "no-json": b"{quokkamark",
    "cut-off": json.dumps(body(PROMPT)).encode()[:-3],
    "an-array": b"[]",
    "a-number": b"3",
    "null": b"null",
    "not-a-number": b'{"model": "scripted", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
    "not-utf-8": b'{"model": "scripted", "messages": [{"role": "user", "content": "quokkamark \xff\xfe"}]}',
    "half-a-surrogate": rb'{"model": "scripted", "messages": [{"role": "user", "content": "quokkamark \ud800"}]}',
    "half-a-surrogate-beside-a-long-number": (
        rb'{"model": "scripted", "seed": 1234567890123456789, '
        rb'"messages": [{"role": "user", "content": "quokkamark \ud800"}]}'
    ),
    "a-form": b"model=scripted&messages=quokkamark",
}


@pytest.mark.parametrize("name", RAW)
def test_bodies_that_are_no_json_object(server: Server, upstream: Upstream, name: str) -> None:
    before = len(upstream.model.calls)
    response = server.http.post("/v1/chat/completions", content=RAW[name], headers=JSON)
    assert_shaped(response, 400, "body", "invalid_json")
    assert len(upstream.model.calls) == before


@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
@pytest.mark.parametrize("where", ["unknown-field", "tools"])
def test_deep_nesting_is_either_taken_or_refused(server: Server, depth: int, where: str) -> None:
    deep = "[" * depth + "]" * depth
    field = f'"x_own": {deep}' if where == "unknown-field" else f'"tools": {deep}'
    raw = f'{{"model": "scripted", "messages": {json.dumps(user(f"How deep is {depth}?"))}, {field}}}'
    response = server.http.post("/v1/chat/completions", content=raw, headers=JSON)
    if response.status_code != 200:
        assert_shaped(response, 400, "body", "invalid_json")


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no-model": ({"model": None}, "model"),
    "blank-model": ({"model": " "}, "model"),
    "number-model": ({"model": 3}, "model"),
    "no-messages": ({"messages": None}, "messages"),
    "empty-messages": ({"messages": []}, "messages"),
    "text-messages": ({"messages": PROMPT}, "messages"),
    "object-messages": ({"messages": {"role": "user"}}, "messages"),
    "text-message": ({"messages": [*user("x"), PROMPT]}, "messages.1"),
    "no-role": ({"messages": [{"content": PROMPT}]}, "messages.0.role"),
    "number-role": ({"messages": [{"role": 1, "content": PROMPT}]}, "messages.0.role"),
    "number-content": ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content"),
    "object-content": ({"messages": [{"role": "user", "content": {"text": PROMPT}}]}, "messages.0.content"),
    "text-part": ({"messages": [{"role": "user", "content": [PROMPT]}]}, "messages.0.content.0"),
    "text-stream": ({"stream": "yes"}, "stream"),
    "number-stream": ({"stream": 1}, "stream"),
    "list-stream-options": ({"stream": True, "stream_options": []}, "stream_options"),
    "text-n": ({"n": "3"}, "n"),
    "zero-n": ({"n": 0}, "n"),
    "negative-n": ({"n": -1}, "n"),
    "fraction-n": ({"n": 1.5}, "n"),
    "true-n": ({"n": True}, "n"),
    "text-temperature": ({"temperature": "hot"}, "temperature"),
    "true-temperature": ({"temperature": True}, "temperature"),
    "text-top-p": ({"top_p": "all"}, "top_p"),
    "text-max-tokens": ({"max_tokens": "many"}, "max_tokens"),
    "text-max-completion-tokens": ({"max_completion_tokens": "many"}, "max_completion_tokens"),
    "object-tools": ({"tools": {}}, "tools"),
    "text-metadata": ({"metadata": "mine"}, "metadata"),
    "text-modalities": ({"modalities": "text"}, "modalities"),
    "number-cache": ({"cache": 3}, "cache"),
    "unknown-cache-field": ({"cache": {"nocache": True}}, "cache.nocache"),
    "text-no-cache": ({"cache": {"no-cache": "yes"}}, "cache.no-cache"),
    "number-no-store": ({"cache": {"no-store": 1}}, "cache.no-store"),
    "text-ttl": ({"cache": {"ttl": "soon"}}, "cache.ttl"),
    "negative-ttl": ({"cache": {"ttl": -1}}, "cache.ttl"),
    "list-max-age": ({"cache": {"s-maxage": [1]}}, "cache.s-maxage"),
    "blank-namespace": ({"cache": {"namespace": " "}}, "cache.namespace"),
    "number-namespace": ({"cache": {"namespace": 1}}, "cache.namespace"),
    "long-namespace": ({"cache": {"namespace": "n" * 201}}, "cache.namespace"),
}


@pytest.mark.parametrize("name", FIELDS)
def test_wrong_fields_are_named(server: Server, upstream: Upstream, name: str) -> None:
    changes, param = FIELDS[name]
    asked = {key: value for key, value in {**body(PROMPT), **changes}.items() if value is not None}
    before = len(upstream.model.calls)
    assert_shaped(server.http.post("/v1/chat/completions", json=asked), 400, param)
    assert_shaped(server.http.post("/chat/completions", json=asked), 400, param)
    assert len(upstream.model.calls) == before


HEADERS = {
    "misspelt": ({"x-reprise-treshold": "0.9"}, "x-reprise-treshold"),
    "unknown": ({"x-reprise-magic": "on"}, "x-reprise-magic"),
    "text-threshold": ({"x-reprise-threshold": "high"}, "x-reprise-threshold"),
    "large-threshold": ({"x-reprise-threshold": "1.5"}, "x-reprise-threshold"),
    "negative-threshold": ({"x-reprise-threshold": "-0.1"}, "x-reprise-threshold"),
    "nan-threshold": ({"x-reprise-threshold": "nan"}, "x-reprise-threshold"),
    "unknown-policy": ({"x-reprise-policy": "generous"}, "x-reprise-policy"),
    "blank-policy": ({"x-reprise-policy": ""}, "x-reprise-policy"),
    "unknown-memory": ({"x-reprise-memory": "some"}, "x-reprise-memory"),
    "blank-session": ({"x-reprise-session": ""}, "x-reprise-session"),
    "long-session": ({"x-reprise-session": "s" * 201}, "x-reprise-session"),
    "blank-project": ({"x-reprise-project": ""}, "x-reprise-project"),
    "long-client": ({"x-reprise-client": "c" * 201}, "x-reprise-client"),
    "long-tag": ({"x-reprise-tags": "fine, " + "t" * 201}, "x-reprise-tags"),
    "text-max-age": ({"cache-control": "max-age=soon"}, "Cache-Control"),
    "negative-max-age": ({"cache-control": "no-store, max-age=-5"}, "Cache-Control"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_wrong_headers_are_named(server: Server, upstream: Upstream, name: str) -> None:
    headers, param = HEADERS[name]
    before = len(upstream.model.calls)
    assert_shaped(server.chat(PROMPT, headers), 400, param)
    assert len(upstream.model.calls) == before


def test_a_misspelt_header_is_guessed(server: Server) -> None:
    message = server.chat(PROMPT, {"x-reprise-treshold": "0.9"}).json()["error"]["message"]
    assert "Did you mean x-reprise-threshold?" in message


def test_cache_control_directives_nobody_knows_are_passed_over(server: Server) -> None:
    """RFC 9111, 5.2.3: a cache must ignore them."""
    prompt = "What is an unknown directive worth?"
    got = server.chat(prompt, {"cache-control": "immutable, max-stale=3, private, x-own=y"})
    assert (got.status_code, got.json()) == (200, told(prompt))


def test_an_unknown_model(server: Server) -> None:
    for response in (server.chat(PROMPT, model="other"), server.http.get("/v1/models/other")):
        assert_shaped(response, 404, "model", "model_not_found")


def test_bodies_over_the_limit(server: Server, upstream: Upstream) -> None:
    before = len(upstream.model.calls)
    large = json.dumps(body("x" * 70_000)).encode()

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(large), 8192):
            yield large[start : start + 8192]

    for path in ("/v1/chat/completions", "/interactions", "/cache/reindex"):
        assert_shaped(server.http.post(path, content=large, headers=JSON), 413, None, "body_too_large")
        # A body that does not say how long it is.
        assert_shaped(server.http.post(path, content=pieces(), headers=JSON), 413, None, "body_too_large")
    assert len(upstream.model.calls) == before
    fits = body("y" * 60_000)
    assert server.http.post("/v1/chat/completions", json=fits).status_code == 200


def test_the_openai_client_raises_what_it_should(server: Server) -> None:
    with client_of(server.url) as client:
        create = client.chat.completions.create
        with pytest.raises(openai.BadRequestError) as bad:
            create(**body([]))
        assert (bad.value.param, bad.value.type) == ("messages", "invalid_request_error")
        with pytest.raises(openai.BadRequestError) as bad:
            create(**body(PROMPT), extra_headers={"x-reprise-memory": "some"})
        assert bad.value.param == "x-reprise-memory"
        with pytest.raises(openai.BadRequestError) as bad:
            create(**body(PROMPT), extra_body={"cache": {"ttl": "soon"}})
        assert bad.value.param == "cache.ttl"
        with pytest.raises(openai.NotFoundError) as missing:
            create(**body(PROMPT, model="other"))
        assert (missing.value.param, missing.value.code) == ("model", "model_not_found")
        with pytest.raises(openai.APIStatusError) as large:
            create(**body("x" * 70_000))
        assert (large.value.status_code, large.value.code) == (413, "body_too_large")
        # A stream that cannot begin is an ordinary error.
        with pytest.raises(openai.BadRequestError):
            create(**body(PROMPT), stream=True, extra_headers={"x-reprise-memory": "some"})


def test_other_routes_and_methods(server: Server) -> None:
    assert_shaped(server.http.get("/v1/nothing/here"), 404, None, "not_found")
    assert_shaped(server.http.get("/v1/chat/completions"), 405, None)
    assert_shaped(server.http.request("DELETE", "/stats"), 405, None)
    assert_shaped(server.http.get("/interactions/int_nobody"), 404, "id", "not_found")
    assert_shaped(server.http.get("/stats", params={"window": "ages"}), 400, "window")
    assert_shaped(server.http.get("/stats", params={"window": "0s"}), 400, "window")
    assert_shaped(server.http.get("/interactions", params={"limit": "many"}), 400, "limit")
    assert_shaped(server.http.get("/interactions", params={"since": "lately"}), 400, "since")
    for given, param in (
        ({}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": ["x"]}, "prompt"),
        ({"prompt": "x", "quality_score": 2}, "quality_score"),
        ({"prompt": "x", "latency_ms": -1}, "latency_ms"),
        ({"prompt": "x", "colour": "red"}, "colour"),
        ({"prompt": "x", "metadata": []}, "metadata"),
    ):
        assert_shaped(server.http.post("/interactions", json=given), 400, param)
    for raw in (b"{", b"[]", b"\xff", b""):
        response = server.http.post("/interactions", content=raw, headers=JSON)
        assert response.status_code == 400
        assert response.json()["error"]["type"] == "invalid_request_error"


ODD_BUT_FINE: dict[str, dict[str, Any]] = {
    "nulls": {"temperature": None, "n": None, "stream": None, "stream_options": None, "tools": None, "cache": None},
    "unknown-field": {"x_own": {"a": [1, 2.5, None, "ü"]}},
    "long-number": {"seed": 12345678901234567890123},
    "large-fraction": {"x_own": 1e300},
    "other-role": {"messages": [{"role": "developer", "content": "Be brief."}, *user("Why is grass green?")]},
    "no-content": {"messages": [{"role": "assistant", "content": None}, *user("Why is snow white?")]},
    "parts": {"messages": [{"role": "user", "content": [{"type": "text", "text": "Why is coal black?"}]}]},
    "empty-text": {"messages": user("")},
    "emoji": {"messages": user("👩‍👩‍👧‍👦 — e\u0301 \u0000 \u202e?")},
    "long-word": {"messages": user("ä" * 5000)},
}


@pytest.mark.parametrize("name", ODD_BUT_FINE)
def test_odd_calls_that_are_fine(server: Server, name: str) -> None:
    asked = {**body(f"What is odd about {name}?"), **ODD_BUT_FINE[name]}
    first = server.http.post("/v1/chat/completions", json=asked)
    again = server.http.post("/v1/chat/completions", json=asked)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.headers["x-reprise-cache"], again.headers["x-reprise-cache"]) == ("miss", "hit")
    assert first.json()["choices"] == again.json()["choices"]
    streamed = server.http.post("/v1/chat/completions", json={**asked, "stream": True})
    assert events(streamed.content)[-1] == "[DONE]"


def test_the_server_is_well_after_all_this(server: Server) -> None:
    assert server.readiness()["status"] == "ready"
    assert "unexpected error" not in server.log
    assert server.chat("Are you well?").json() == told("Are you well?")
