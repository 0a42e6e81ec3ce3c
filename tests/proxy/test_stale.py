"""Stale-while-revalidate: a stale answer at once, one call behind it for a fresh one."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace

import pytest

from proxy.maintenance import sweep
from tests.fakes import near
from tests.proxy.fakes import JSON, FakeUpstream, answer

TALL = {"How tall is the Eiffel tower?": near(1.0), "What height has the Eiffel tower?": near(0.95)}
HOUR = 3600.0


def policy(**more):
    return {"policies": {"default": {"similarity_threshold": 0.93, "ttl": "1h", "serve_stale_for": "1h", **more}}}


async def ask(client, prompt, headers=None, **fields):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}
    return await client.post("/v1/chat/completions", json=body, headers=headers)


def status(response):
    return response.headers["x-reprise-cache"], response.headers["x-reprise-tier"]


def pass_time(parts, seconds):
    """Let the cache believe that so much time has passed."""
    parts.cache._clock = lambda: time.time() + seconds


def refreshes(parts, outcome):
    return parts.metrics.stale_refreshes.labels(outcome)._value.get()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


async def test_a_stale_answer_is_served_at_once_and_refreshed_behind(run_app, model):
    async with run_app(cache=policy()) as (client, parts):
        first = await ask(client, "what is new")
        pass_time(parts, HOUR + 60)
        stale = await ask(client, "what is new")
        assert status(stale) == ("stale", "exact")
        assert stale.headers["x-reprise-entry"] == first.headers["x-reprise-entry"], "the old answer, at once"
        await parts.refresher.settled()
        fresh = await ask(client, "what is new")
        assert status(fresh) == ("hit", "exact")
        assert fresh.headers["x-reprise-entry"] != first.headers["x-reprise-entry"], "the new one in its place"
        parts.entries.settle()
        assert parts.entries.get(first.headers["x-reprise-entry"]).status == "superseded"
        assert model.by_prompt["what is new"] == 2, "asked once, and refreshed once"
        rows = (await client.get("/interactions")).json()["interactions"]
        assert [row["interaction_type"] for row in rows].count("refresh") == 1, "the refresh is logged: it cost money"
        assert refreshes(parts, "stored") == 1


async def test_headers_say_how_stale_it_is(run_app, model, monkeypatch):
    async with run_app(cache=policy()) as (client, parts):
        await ask(client, "headers of what is stale")
        pass_time(parts, HOUR + 60)
        monkeypatch.setattr("proxy.headers.time", SimpleNamespace(time=lambda: time.time() + HOUR + 60))
        stale = await ask(client, "headers of what is stale")
        await parts.refresher.settled()
    told = stale.headers["cache-status"]
    assert told.startswith("reprise; hit; ttl=-6"), "a stale hit has a negative ttl (RFC 9211)"
    assert "fwd" not in told, "it was not forwarded"
    assert int(stale.headers["age"]) >= HOUR + 59


@pytest.mark.parametrize("seconds", [2 * HOUR + 1])
async def test_after_its_window_it_is_not_served(run_app, model, seconds):
    async with run_app(cache=policy()) as (client, parts):
        await ask(client, "too late")
        pass_time(parts, seconds)
        assert status(await ask(client, "too late"))[0] == "miss"


@pytest.mark.parametrize(
    ("headers", "fields", "expected"),
    [
        ({"cache-control": "max-age=7200"}, {}, "miss"),  # who names an age wants nothing stale (RFC 9111)
        ({}, {"cache": {"s-maxage": 60}}, "miss"),
        ({"cache-control": "no-cache"}, {}, "refresh"),
        ({"cache-control": "only-if-cached"}, {}, "stale"),
        ({"cache-control": "no-store"}, {}, "stale"),
    ],
)
async def test_a_caller_can_have_none_of_it(run_app, model, headers, fields, expected):
    async with run_app(cache=policy()) as (client, parts):
        await ask(client, "as you wish")
        pass_time(parts, HOUR + 60)
        assert status(await ask(client, "as you wish", headers, **fields))[0] == expected
        assert not parts.refresher._under_way, "no call behind one that was forwarded, or must not be"


async def test_many_callers_of_one_stale_answer_cause_one_call(run_app):
    hold = asyncio.Event()
    hold.set()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app(cache=policy()) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client, "all at once")
        pass_time(parts, HOUR + 60)
        hold.clear()
        found = await asyncio.gather(*(ask(client, "all at once") for _ in range(5)))
        assert {status(response) for response in found} == {("stale", "exact")}, "nobody waits for the refresh"
        hold.set()
        await parts.refresher.settled()
    assert len(fake.sent) == 2, "the first call, and one refresh"


async def test_a_stale_answer_by_meaning_is_refreshed_for_the_new_prompt(run_app, model):
    first, second = TALL
    async with run_app(vectors=TALL, cache=policy()) as (client, parts):
        await ask(client, first)
        pass_time(parts, HOUR + 60)
        assert status(await ask(client, second)) == ("stale", "semantic")
        await parts.refresher.settled()
        assert status(await ask(client, second)) == ("hit", "exact"), "the new prompt has an answer of its own"
    assert model.by_prompt == {first: 1, second: 1}, "the refresh is the new prompt's own call"


async def test_a_failed_refresh_leaves_the_stale_answer_and_is_not_tried_again_at_once(run_app):
    fake = FakeUpstream(json.dumps(answer()).encode(), headers=JSON)
    async with run_app(cache=policy()) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client, "is it up")
        pass_time(parts, HOUR + 60)
        fake.status, fake.script = 500, (b'{"error": {"message": "down"}}',)
        for _ in range(3):
            assert status(await ask(client, "is it up")) == ("stale", "exact"), "served all the same"
            await parts.refresher.settled()
        assert len(fake.sent) == 2, "one refresh was tried, then there is a rest"
        assert refreshes(parts, "failed") == 1
        assert (await client.get("/health/readiness")).status_code == 200


async def test_no_more_refreshes_at_once_than_allowed(run_app):
    hold = asyncio.Event()
    hold.set()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app(cache=policy()) as (client, parts):
        parts.upstreams["direct"] = fake
        parts.refresher._at_once = 2
        for number in range(4):
            await ask(client, f"number {number}")
        pass_time(parts, HOUR + 60)
        hold.clear()
        for number in range(4):
            assert status(await ask(client, f"number {number}"))[0] == "stale"
        await until(lambda: len(fake.sent) == 6)
        assert refreshes(parts, "skipped") == 2
        hold.set()
        await parts.refresher.settled()
        assert refreshes(parts, "stored") == 2


async def test_a_stopping_server_does_not_wait_for_an_upstream(run_app, monkeypatch):
    monkeypatch.setattr("proxy.stale.GRACE", 0.05)
    hold = asyncio.Event()
    hold.set()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app(cache=policy()) as (client, parts):
        parts.upstreams["direct"] = fake
        await ask(client, "goodbye")
        pass_time(parts, HOUR + 60)
        hold.clear()
        await ask(client, "goodbye")
        await until(lambda: len(fake.sent) == 2)
    assert fake.cancelled == 1, "the refresh was ended"
    assert not parts.refresher._under_way


async def test_the_sweep_keeps_what_may_still_be_served_stale(run_app, model):
    async with run_app(cache=policy()) as (client, parts):
        entry = (await ask(client, "kept for a while")).headers["x-reprise-entry"]
        parts.entries.settle()
        sweep(parts, time.time() + HOUR + 60)
        assert parts.entries.get(entry).status == "active"
        sweep(parts, time.time() + 2 * HOUR + 60)
        assert parts.entries.get(entry).status == "expired"


async def test_a_stale_hit_counts_as_a_hit(run_app, model):
    async with run_app(cache=policy()) as (client, parts):
        await ask(client, "counted")
        pass_time(parts, HOUR + 60)
        await ask(client, "counted")
        await parts.refresher.settled()
        stats = (await client.get("/stats")).json()
    assert (stats["requests"], stats["hits"]) == (2, 1), "the refresh is nobody's request"
