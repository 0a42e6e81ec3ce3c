"""Stored answers and invalidation over HTTP."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.maintenance import sweep
from store.selection import Selection
from tests.fakes import near
from tests.proxy.fakes import JSON, FakeUpstream, answer

A, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}
TALL = {
    "How tall is the Eiffel tower?": near(1.0),
    "What height has the Eiffel tower?": near(0.95),
    "Who cooks?": near(0.2),
}
FIXED = {"policies": {"default": {"similarity_threshold": 0.93}}}


async def ask(client, prompt, headers=None, *, system=None, **fields):
    messages = [{"role": "system", "content": system}] if system else []
    body = {"model": "m", "messages": [*messages, {"role": "user", "content": prompt}], **fields}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response


def status(response):
    return response.headers["x-reprise-cache"]


async def listed(client, headers=None, **query):
    response = await client.get("/cache/entries", params=query, headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


async def invalidate(client, headers=None, **body):
    return await client.post("/cache/invalidate", json=body, headers=headers)


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110  what is waited for has no event
            await asyncio.sleep(0.005)


def settle(parts):
    parts.entries.flush()
    parts.entries.settle()


# Lists


async def test_entries_are_listed_with_what_matters_and_without_bodies(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, "What is the capital of France?", {"x-reprise-project": "atlas", "x-reprise-tags": "a,b"})
        await ask(client, "What is the capital of France?", {"x-reprise-project": "atlas"})
        settle(parts)
        page = await listed(client)
    [entry] = page["entries"]
    assert (page["count"], page["next_cursor"]) == (1, None)
    assert entry["prompt"] == "What is the capital of France?"
    assert entry["summary"] == "The capital of France is Paris."
    assert (entry["model"], entry["project"], entry["policy"], entry["tags"]) == ("m", "atlas", "default", ["a", "b"])
    assert (entry["status"], entry["hits"], entry["quality"]) == ("active", 1, 0.9)
    assert 0 <= entry["age"] < 60 < entry["expires_in"]
    assert entry["size"] > 100
    assert "answer" not in entry


async def test_pages_follow_each_other(run_app, model):
    async with run_app() as (client, parts):
        for number in range(5):
            await ask(client, f"page {number}")
        settle(parts)
        seen, cursor = [], None
        while True:
            page = await listed(client, limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [entry["prompt"] for entry in page["entries"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
    assert seen == [f"page {number}" for number in (4, 3, 2, 1, 0)]


async def test_filters_and_text(run_app, model):
    async with run_app() as (client, parts):
        await ask(client, "Wie koche ich GRÜNE Bohnen?", {"x-reprise-tags": "food"})
        await ask(client, "What is the capital of Spain?", {"x-reprise-project": "atlas"})
        settle(parts)
        for query, found in (
            ({"q": "grüne"}, 1),
            ({"q": "madrid"}, 1),
            ({"q": "%"}, 0),
            ({"tag": "food"}, 1),
            ({"project": "atlas"}, 1),
            ({"model": "m"}, 2),
            ({"model": "n"}, 0),
            ({"namespace": "nobody"}, 0),
            ({"policy": "default"}, 2),
            ({"status": "blocked"}, 0),
            ({"older_than": "1h"}, 0),
            ({"limit": 0}, 0),
            ({"limit": -3}, 0),
        ):
            assert (await listed(client, **query))["count"] == found, query


async def test_a_search_by_meaning_ranks_by_similarity(run_app, model):
    first, second, other = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, parts):
        for prompt in (first, other):
            await ask(client, prompt)
        settle(parts)
        found = (await listed(client, like=second))["entries"]
    assert [(entry["prompt"], entry["similarity"] > 0.9) for entry in found] == [(first, True), (other, False)]


async def test_a_search_by_meaning_needs_the_embedder(run_app, model):
    async with run_app() as (client, _):
        assert (await client.get("/cache/entries?like=x")).status_code == 503


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("like=x&cursor=y", "cursor"),
        ("like=%20", "like"),
        ("older_than=soon", "older_than"),
        ("status=lost", "status"),
        ("limit=many", "limit"),
    ],
)
async def test_what_makes_no_sense_is_named(run_app, query, param):
    async with run_app(vectors={}) as (client, _):
        response = await client.get(f"/cache/entries?{query}")
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_these_routes_are_an_admins(run_app):
    async with run_app(auth=KEYS) as (client, _):
        for method, path in (
            ("GET", "/cache/entries"),
            ("GET", "/cache/entries/ent_1"),
            ("DELETE", "/cache/entries/ent_1"),
            ("POST", "/cache/invalidate"),
        ):
            response = await client.request(method, path, headers=A, content=b"{}" if method == "POST" else None)
            assert response.status_code == 403, path
        assert (await listed(client, ADMIN))["count"] == 0


# Deletion


async def test_a_deleted_answer_is_gone_everywhere(run_app, model):
    first, second, _ = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, parts):
        entry = (await ask(client, first)).headers["x-reprise-entry"]
        settle(parts)
        await asyncio.to_thread(parts.semantic._indexer.wait, 20)
        assert parts.index.count("fake") == 1
        response = await client.delete(f"/cache/entries/{entry}")
        assert response.json() == {"id": entry, "status": "deleted"}
        assert parts.index.count("fake") == 0, "its vector is gone"
        assert parts.entries.get(entry) is None, "its row is gone"
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/block"), ("POST", "/unblock")):
            assert (await client.request(method, f"/cache/entries/{entry}{path}")).status_code == 404, path
        assert (await listed(client))["count"] == 0
        assert status(await ask(client, second)) == "miss"


async def test_where_the_index_is_not_open_the_words_go_and_the_rest_follows(run_app, model):
    async with run_app() as (client, _):
        entry = (await ask(client, "a most secret recipe")).headers["x-reprise-entry"]
        assert (await client.delete(f"/cache/entries/{entry}")).status_code == 200
        assert (await client.get(f"/cache/entries/{entry}")).status_code == 404


# Invalidation


@pytest.mark.parametrize(
    "body",
    [{}, {"dry_run": True}, {"all": False}, {"tag": None}],
)
async def test_an_empty_selection_is_refused(run_app, model, body):
    async with run_app() as (client, _):
        await ask(client, "still here")
        response = await invalidate(client, **body)
        assert (response.status_code, response.json()["error"]["param"]) == (400, "all")
        assert status(await ask(client, "still here")) == "hit"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"all": True, "tag": "a"}, "all"),
        ({"tag": ""}, "tag"),
        ({"older_than": "soon"}, "older_than"),
        ({"older_than": -1}, "older_than"),
        ({"unknown": 1}, "unknown"),
        ({"epoch": "bump"}, "namespace"),
        ({"epoch": "bump", "namespace": "a", "tag": "b"}, "epoch"),
        ({"epoch": 7, "namespace": "a"}, "epoch"),
        ({"like": {"prompt": "x", "similarity": 2}}, "like.similarity"),
        ({"like": {"prompt": " "}}, "like.prompt"),
    ],
)
async def test_what_makes_no_sense_is_refused(run_app, body, param):
    async with run_app(vectors={}) as (client, _):
        response = await invalidate(client, **body)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_a_dry_run_says_how_many_and_which_and_changes_nothing(run_app, model):
    async with run_app() as (client, parts):
        for number in range(12):
            await ask(client, f"old {number}", {"x-reprise-tags": "old"})
        told = (await invalidate(client, tag="old", dry_run=True)).json()
        assert (told["status"], told["count"], len(told["sample"])) == ("dry_run", 12, 10)
        assert status(await ask(client, "old 0", {"x-reprise-tags": "old"})) == "hit"
        assert (await invalidate(client, tag="old")).json() == {"status": "invalidated", "count": 12}
        assert status(await ask(client, "old 0")) == "miss"
        assert parts.metrics.invalidated.labels("request")._value.get() == 12


@pytest.mark.parametrize(
    "selection",
    [
        {"model": "m"},
        {"project": "p"},
        {"namespace": "default"},
        {"policy": "default"},
        {"older_than": 0},
        {"all": True},
    ],
)
async def test_selections(run_app, model, selection):
    async with run_app() as (client, _):
        await ask(client, "of a project", {"x-reprise-project": "p"})
        assert (await invalidate(client, **selection)).json()["count"] == 1
        assert status(await ask(client, "of a project", {"x-reprise-project": "p"})) == "miss"


async def test_prompts_like_one_go(run_app, model):
    first, second, other = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, _):
        for prompt in (first, other):
            await ask(client, prompt)
        told = (await invalidate(client, like={"prompt": second}, dry_run=True)).json()
        assert [entry["prompt"] for entry in told["sample"]] == [first]
        assert (await invalidate(client, like={"prompt": second})).json()["count"] == 1
        assert status(await ask(client, first)) == "miss"
        assert status(await ask(client, other)) == "hit"


async def test_a_prompt_that_has_no_vector_yet_goes_too(run_app, model):
    first, second, _ = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, parts):
        parts.embedder.broken = True
        await ask(client, first)
        settle(parts)
        assert parts.catalogue.page(Selection(), 1)[0].entry.compat_key, "it will be found by meaning"
        refused = await invalidate(client, like={"prompt": second})
        assert refused.status_code == 503, "nobody knows what that prompt is like"
        parts.embedder.broken = False
        assert (await invalidate(client, like={"prompt": second})).json()["count"] == 1


async def test_the_index_follows(run_app, model):
    first, *_ = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, parts):
        await ask(client, first)
        await asyncio.to_thread(parts.semantic._indexer.wait, 20)
        settle(parts)
        await invalidate(client, all=True)
        sweep(parts, 0.0)
        assert parts.index.count("fake") == 0


async def test_an_answer_in_flight_is_not_stored_and_nobody_joins_it(run_app):
    hold = asyncio.Event()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        before = asyncio.create_task(ask(client, "in flight"))
        await until(lambda: fake.sent)
        assert (await invalidate(client, model="m")).json()["count"] == 0
        after = asyncio.create_task(ask(client, "in flight"))
        await until(lambda: len(fake.sent) == 2)
        hold.set()
        old, new = await asyncio.gather(before, after)
        settle(parts)
        assert "x-reprise-entry" not in old.headers, "its caller has the answer, nobody else gets it"
        assert new.headers["x-reprise-entry"], "what was asked afterwards is stored"
        assert parts.entries.count_active() == 1


async def test_an_answer_in_flight_that_is_not_covered_is_stored(run_app):
    hold = asyncio.Event()
    fake = FakeUpstream(hold, json.dumps(answer()).encode(), headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        asking = asyncio.create_task(ask(client, "in flight"))
        await until(lambda: fake.sent)
        await invalidate(client, model="another")
        hold.set()
        assert (await asking).headers["x-reprise-entry"]


# Epochs


async def test_another_epoch_makes_all_of_a_namespace_unreachable(run_app, model):
    async with run_app(auth=KEYS) as (client, parts):
        b = {"authorization": "Bearer team-b-key-00"}
        for headers in (A, b):
            await ask(client, "what is stored", headers)
        response = await invalidate(client, ADMIN, namespace="team-a", epoch="bump")
        assert response.json() == {"status": "bumped", "namespace": "team-a", "epoch": 1}
        assert status(await ask(client, "what is stored", A)) == "miss"
        assert status(await ask(client, "what is stored", b)) == "hit", "another namespace keeps its own"
        assert status(await ask(client, "what is stored", A)) == "hit", "the new epoch fills"
        settle(parts)
        assert parts.entries.count_active() == 3
        sweep(parts, 0.0)
        assert parts.entries.count_active() == 2, "the sweep retires what nobody can reach"
        assert status(await ask(client, "what is stored", A)) == "hit", "and nothing else"


# What changes by itself


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"system": "You are a pirate."}, {"system": "You are a poet."}),
        ({"system": "You are a pirate."}, {}),
        ({"headers": {"x-reprise-memory": "read"}}, {"headers": {"x-reprise-memory": "off"}}),
        ({"tools": [{"type": "function", "function": {"name": "a"}}]}, {}),
    ],
)
async def test_another_system_prompt_or_memory_never_gets_the_old_answer(run_app, model, first, second):
    prompt, reworded, _ = TALL
    async with run_app(vectors=TALL, cache=FIXED) as (client, _):
        await ask(client, prompt, **first)
        assert status(await ask(client, prompt, **second)) == "miss"
        assert status(await ask(client, reworded, **second)) == "hit", "by the answer to its own setting"
        assert status(await ask(client, reworded, **first)) == "hit"
