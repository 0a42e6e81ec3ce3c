"""What a caller may ask of the cache for one call."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.support import Server, Upstream, client_of, eventually, told

FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"


class Caller:
    """Calls of one namespace."""

    def __init__(self, server: Server, key: str) -> None:
        self._server = server
        self._key = {"authorization": f"Bearer {key}"}

    def __call__(self, prompt: str, *, fields: dict[str, Any] | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._server.chat(prompt, {**self._key, **named}, **(fields or {}))


@pytest.fixture
def ask(server: Server, fresh_key: str) -> Caller:
    """Calls in a namespace of the test's own."""
    return Caller(server, fresh_key)


def did(response: Any) -> tuple[str, str]:
    """What the cache did, and from which tier."""
    assert response.status_code == 200, response.text
    return response.headers["x-reprise-cache"], response.headers["x-reprise-tier"]


MISS, EXACT, SEMANTIC, REFRESH = ("miss", "upstream"), ("hit", "exact"), ("hit", "semantic"), ("refresh", "upstream")


@pytest.mark.parametrize("way", ["header", "body"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_no_cache_replaces_the_stored_answer(
    server: Server, upstream: Upstream, ask: Caller, way: str, stream: bool
) -> None:
    first = ask(FRANCE)
    assert did(first) == MISS
    before = upstream.seen[FRANCE]
    fields = {"stream": stream, **({"cache": {"no-cache": True}} if way == "body" else {})}
    headers = {"cache_control": "no-cache"} if way == "header" else {}
    fresh = ask(FRANCE, fields=fields, **headers)
    assert did(fresh) == REFRESH
    assert "fwd=request" in fresh.headers["cache-status"]
    assert upstream.seen[FRANCE] == before + 1
    # Reprise's own field does not go upstream.
    assert "cache" not in upstream.model.calls[-1]

    replaced = server.interaction(fresh.headers["x-reprise-interaction"])["entry_id"]
    assert replaced != first.headers["x-reprise-entry"]
    again = ask(FRANCE)
    assert did(again) == EXACT
    assert again.headers["x-reprise-entry"] == replaced
    assert did(ask(REWORDED)) == SEMANTIC
    assert ask(REWORDED).headers["x-reprise-entry"] == replaced


@pytest.mark.parametrize("way", ["header", "body"])
def test_no_store_keeps_nothing(upstream: Upstream, ask: Caller, way: str) -> None:
    fields = {"cache": {"no-store": True}} if way == "body" else {}
    headers = {"cache_control": "no-store"} if way == "header" else {}
    before = upstream.seen[FRANCE]
    for _ in range(2):
        got = ask(FRANCE, fields=fields, **headers)
        assert did(got) == MISS
        assert "stored" not in got.headers["cache-status"]
        assert "x-reprise-entry" not in got.headers
    assert did(ask(FRANCE)) == MISS
    assert upstream.seen[FRANCE] == before + 3
    # What others stored may still be served.
    assert did(ask(FRANCE, fields=fields, **headers)) == EXACT


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_only_if_cached(server: Server, upstream: Upstream, ask: Caller, stream: bool) -> None:
    before = upstream.seen[FRANCE]
    refused = ask(FRANCE, fields={"stream": stream}, cache_control="only-if-cached")
    assert refused.status_code == 504
    assert refused.headers["x-should-retry"] == "false"
    error = refused.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["code"] == "only_if_cached"
    assert upstream.seen[FRANCE] == before
    ask(FRANCE)
    for prompt, what in ((FRANCE, EXACT), (REWORDED, SEMANTIC)):
        assert did(ask(prompt, fields={"stream": stream}, cache_control="only-if-cached")) == what
    assert upstream.seen[FRANCE] == before + 1


def test_only_if_cached_is_not_retried_by_the_openai_client(server: Server, fresh_key: str) -> None:
    import openai

    session = {"x-reprise-session": f"no-retry-{fresh_key[-6:]}", "cache-control": "only-if-cached"}
    with client_of(server.url, fresh_key, max_retries=3) as client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": "Never asked before?"}], extra_headers=session
        )
    (record,) = server.interactions(session_id=session["x-reprise-session"])
    assert (record["success"], record["error"], record["status_code"]) == (False, "only_if_cached", 504)


@pytest.mark.parametrize("way", ["header", "body"])
def test_max_age(upstream: Upstream, ask: Caller, way: str) -> None:
    def young(prompt: str, seconds: int) -> Any:
        if way == "body":
            return ask(prompt, fields={"cache": {"s-maxage": seconds}})
        return ask(prompt, cache_control=f"max-age={seconds}")

    first = ask(FRANCE)
    assert did(young(FRANCE, 3600)) == EXACT
    assert did(young(REWORDED, 3600)) == SEMANTIC
    # An answer has an age at once; none is as young as this.
    old = young(FRANCE, 0)
    assert did(old) == MISS
    assert old.headers["x-reprise-reason"] == "too_old"
    assert first.headers["x-reprise-entry"] != old.headers["x-reprise-entry"]
    assert did(ask(FRANCE)) == EXACT


def test_ttl_ends_an_answers_life(ask: Caller) -> None:
    short = {"cache": {"ttl": 1}}
    assert did(ask(FRANCE, fields=short)) == MISS
    expires = time.monotonic() + 1
    assert did(ask(FRANCE)) == EXACT or time.monotonic() > expires
    eventually(
        lambda: ask(FRANCE, cache_control="only-if-cached").status_code == 504, "the answer has lived its second"
    )
    assert did(ask(FRANCE)) == MISS
    # Longer than policy allows is not granted, and said so.
    long = ask(FRANCE, fields={"cache": {"ttl": "30d"}})
    assert long.headers["x-reprise-ignored"] == "ttl"


def test_thresholds_are_tightened_only(ask: Caller) -> None:
    ask(FRANCE)
    tight = ask(REWORDED, x_reprise_threshold="0.999", cache_control="no-store")
    assert did(tight) == MISS
    assert tight.headers["x-reprise-reason"] == "below_threshold"
    assert 0.93 < float(tight.headers["x-reprise-similarity"]) < 0.999
    loose = ask("Tell me, which city governs the French?", x_reprise_threshold="0.1")
    assert did(loose) == MISS
    assert loose.headers["x-reprise-ignored"] == "threshold"


def test_projects_share_nothing(server: Server, upstream: Upstream, ask: Caller) -> None:
    before = upstream.seen.copy()
    assert did(ask(FRANCE, x_reprise_project="garden")) == MISS
    assert did(ask(FRANCE, x_reprise_project="garden")) == EXACT
    assert did(ask(REWORDED, x_reprise_project="garden")) == SEMANTIC
    assert did(ask(FRANCE, x_reprise_project="kitchen")) == MISS
    assert did(ask(REWORDED, x_reprise_project="cellar")) == MISS
    assert did(ask(FRANCE)) == MISS
    assert upstream.seen[FRANCE] == before[FRANCE] + 3


def test_parts_of_a_namespace_share_nothing(ask: Caller) -> None:
    inner, outer = {"cache": {"namespace": "inner"}}, {"cache": {"namespace": "outer"}}
    assert did(ask(FRANCE, fields=inner)) == MISS
    assert did(ask(FRANCE, fields=inner)) == EXACT
    assert did(ask(REWORDED, fields=inner)) == SEMANTIC
    assert did(ask(FRANCE, fields=outer)) == MISS
    assert did(ask(FRANCE)) == MISS


def test_memory_modes_share_nothing(ask: Caller) -> None:
    assert did(ask(FRANCE, x_reprise_memory="full")) == MISS
    assert did(ask(FRANCE, x_reprise_memory="full")) == EXACT
    assert did(ask(FRANCE, x_reprise_memory="off")) == MISS


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_names_are_recorded(server: Server, ask: Caller, stream: bool) -> None:
    names = {
        "x_reprise_session": f"session of a {stream}",
        "x_reprise_project": "e2e-project",
        "x_reprise_client": "e2e client",
        "x_reprise_tags": "one, two,one",
    }
    for expected in (MISS, EXACT):
        got = ask(FRANCE, fields={"stream": stream}, **names)
        assert did(got) == expected
        record = server.interaction(got.headers["x-reprise-interaction"])
        assert (record["session_id"], record["project"], record["client"]) == (
            f"session of a {stream}",
            "e2e-project",
            "e2e client",
        )
        assert record["metadata"] == {"tags": ["one", "two"]}
        assert record["policy"] == "default"
        assert record["success"] is True
    for filters in ({"session_id": f"session of a {stream}"}, {"project": "e2e-project", "client": "e2e client"}):
        listed = server.listed(**filters)
        assert len(listed) >= 2
        assert all(row["project"] == "e2e-project" for row in listed)


def test_sessions_from_metadata_and_from_the_opening(server: Server, ask: Caller) -> None:
    named = ask("Whose session?", fields={"metadata": {"session_id": "from-metadata"}})
    assert server.interaction(named.headers["x-reprise-interaction"])["session_id"] == "from-metadata"
    opening = [{"role": "user", "content": "Shall we begin?"}]
    later = [*opening, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Then go on, please."}]
    sessions = {
        server.interaction(ask(messages).headers["x-reprise-interaction"])["session_id"]
        for messages in (opening, later)
    }
    assert len(sessions) == 1
    assert next(iter(sessions)).startswith("ses_")


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("What is the weather in Oslo right now?", "volatile"),
        ("Roll a dice for me.", "random"),
        ("Set a timer for six minutes.", "action"),
        ("What is my account balance?", "own-data"),
        ("My password is hunter2-hunter2, is it good?", "secrets"),
    ],
)
def test_calls_that_are_never_reused(upstream: Upstream, ask: Caller, prompt: str, reason: str) -> None:
    before = upstream.seen[prompt]
    for _ in range(2):
        got = ask(prompt)
        assert did(got) == ("bypass", "upstream")
        assert got.headers["x-reprise-reason"] == reason
        assert "fwd=bypass" in got.headers["cache-status"]
        assert got.json()["choices"] == told(prompt)["choices"]
    assert upstream.seen[prompt] == before + 2


def test_what_can_change_the_answer_is_part_of_the_call(ask: Caller) -> None:
    ask(FRANCE)
    for fields in (
        {"model": "another"},
        {"temperature": 0.2},
        {"max_tokens": 5},
        {"seed": 3},
        {"stop": ["."]},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"a_field_nobody_knows": 1},
    ):
        assert did(ask(FRANCE, fields=fields)) == MISS, fields
        assert did(ask(FRANCE, fields=fields)) == EXACT, fields
    for fields in (
        {"user": "someone"},
        {"metadata": {"a": "b"}},
        {"stream": True},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"store": True},
        {"service_tier": "auto"},
    ):
        assert did(ask(FRANCE, fields=fields)) == EXACT, fields
    # Headers go on to the upstream, which may read anything from them.
    for headers in ({"openai_beta": "assistants=v2"}, {"x_own": "steering"}):
        assert did(ask(FRANCE, **headers)) == MISS, headers
        assert did(ask(FRANCE, **headers)) == EXACT, headers
    for headers in ({"user_agent": "curl/8.5.0"}, {"x_request_id": "one-of-many"}, {"traceparent": "00-1-2-01"}):
        assert did(ask(FRANCE, **headers)) == EXACT, headers
