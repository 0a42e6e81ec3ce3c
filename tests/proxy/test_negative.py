"""Negative caching: a deterministic refusal is repeated for some seconds."""

from __future__ import annotations

import dataclasses
import json

import pytest

from proxy.flight import Head
from proxy.negative import Negatives, is_deterministic
from tests.fakes import FakeClock
from tests.proxy.fakes import JSON, FakeUpstream, answer

REFUSED = {"error": {"message": "Invalid value: 'loud'.", "type": "invalid_request_error", "param": "voice"}}
ON = {"policies": {"default": {"negative_ttl": "30s"}}}


def refusing(status=400, error=REFUSED, headers=JSON):
    return FakeUpstream(json.dumps(error).encode(), status=status, headers=headers)


async def ask(client, headers=None, prompt="what is refused", **fields):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_a_refusal_is_repeated_as_it_was(run_app, status):
    fake = refusing(status)
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        first, second = await ask(client), await ask(client)
        stats = (await client.get("/stats")).json()
    assert len(fake.sent) == 1, "asked once"
    assert (second.status_code, second.content) == (status, first.content)
    assert second.headers["content-type"] == first.headers["content-type"]
    told = [second.headers[name] for name in ("x-reprise-cache", "x-reprise-tier", "x-reprise-reason", "cache-status")]
    assert told == ["hit", "exact", "negative", "reprise; hit; detail=negative"]
    assert "x-reprise-entry" not in second.headers
    assert (stats["requests"], stats["failures"]) == (2, 2), "both callers were refused"


async def test_off_by_default(run_app):
    fake = refusing()
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        assert [(await ask(client)).headers["x-reprise-cache"] for _ in range(2)] == ["miss", "miss"]
    assert len(fake.sent) == 2


@pytest.mark.parametrize("status", [401, 403, 408, 409, 429, 500, 503])
async def test_what_may_pass_is_asked_for_again(run_app, status):
    fake = refusing(status)
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        for _ in range(2):
            await ask(client)
    assert len(fake.sent) == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"temperature": 0.5}),
        ({"metadata": {"a": "x"}}, {"metadata": {"a": "y"}}),  # no part of the key, but perhaps what was refused
        ({}, {"stream": True}),
        ({"headers": {"authorization": "Bearer one"}}, {"headers": {"authorization": "Bearer two"}}),
        ({}, {"headers": {"cache-control": "no-cache"}}),
        ({"headers": {"cache-control": "no-store"}}, {}),
        ({}, {"headers": {"x-reprise-project": "other"}}),
    ],
)
async def test_only_the_very_same_call_gets_it(run_app, first, second):
    fake = refusing()
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client, **first)
        await ask(client, **second)
    assert len(fake.sent) == 2


async def test_another_key_upstream_is_asked_again(run_app):
    fake = refusing()
    keys = {"keys": [{"key": "team-a-key-00", "namespace": "team-a"}]}
    async with run_app(cache=ON, auth=keys) as (client, parts):
        parts.upstreams["direct"] = fake
        caller = {"authorization": "Bearer team-a-key-00"}
        await ask(client, caller)
        running = parts.live.now
        resolve = running.router.resolve
        # The same target and namespace, once the operator has put another key in place.
        running.router.resolve = lambda *given: dataclasses.replace(resolve(*given), api_key="another")
        await ask(client, caller)
    assert len(fake.sent) == 2


async def test_who_asks_only_for_what_is_stored_gets_it_too(run_app):
    fake = refusing()
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client)
        assert (await ask(client, {"cache-control": "only-if-cached"})).status_code == 400
        other = await ask(client, {"cache-control": "only-if-cached"}, prompt="another")
        assert other.status_code == 504, "nothing is known of that"


async def test_it_is_forgotten_after_its_time_at_the_latest_after_a_minute(run_app):
    fake, clock = refusing(), FakeClock()
    settings = {"policies": {"default": {"negative_ttl": "30s"}, "long": {"negative_ttl": "60s"}}}
    async with run_app(cache=settings) as (client, parts):
        parts.upstreams["direct"] = fake
        parts.pipeline._negatives = Negatives(clock)
        await ask(client)
        clock.advance(29)
        await ask(client)
        assert len(fake.sent) == 1
        clock.advance(2)
        await ask(client)
        assert len(fake.sent) == 2


async def test_a_stored_answer_comes_before_a_refusal(run_app):
    fake = FakeUpstream(json.dumps(answer()).encode(), headers=JSON)
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client)
        fake.status, fake.script = 400, (json.dumps(REFUSED).encode(),)
        assert (await ask(client, {"cache-control": "no-cache"})).status_code == 400
        assert (await ask(client)).status_code == 200


async def test_an_invalidation_forgets_refusals(run_app):
    fake = refusing()
    async with run_app(cache=ON) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client)
        assert (await client.post("/cache/invalidate", json={"all": True})).status_code == 200
        await ask(client)
    assert len(fake.sent) == 2


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (400, REFUSED, {}, True),
        (404, {"error": {"message": "The model `gpt-9` does not exist.", "code": "model_not_found"}}, {}, True),
        (400, {"error": {"message": "Incorrect API key provided."}}, {}, False),
        (400, {"error": {"message": "x", "code": "insufficient_quota"}}, {}, False),
        (400, {"error": {"message": "Your credit balance is too low."}}, {}, False),
        (404, {"error": {"message": "You do not have access to it."}}, {}, False),
        (400, {"error": {"message": "The server is overloaded, try again."}}, {}, False),
        (400, REFUSED, {"retry-after": "5"}, False),
        (400, REFUSED, {"x-should-retry": "true"}, False),
        (404, "a page", {}, False),
        (400, {"error": {"message": "x" * 20_000}}, {}, False),
        (429, REFUSED, {}, False),
    ],
)
def test_what_is_deterministic(status, body, headers, expected):
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert is_deterministic(Head(status, headers, False), raw) is expected
