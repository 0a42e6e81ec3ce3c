"""The route that says why a call would be a hit, a miss or a bypass."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from store.tables import entries, interactions
from tests.fakes import near

FRANCE = "What is the capital of France?"
REWORDED = "Tell me the capital of France please"
VECTORS = {FRANCE: near(1.0), REWORDED: near(0.95)}
FIXED = {"policies": {"default": {"similarity_threshold": 0.9}}}
A, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}


def body(text, **fields):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **fields}


async def chat(client, text, headers=None, **fields):
    response = await client.post("/v1/chat/completions", json=body(text, **fields), headers=headers)
    assert response.status_code == 200, response.text
    return response


async def explain(client, text, headers=None, query="", status=200, **fields):
    response = await client.post(f"/cache/explain{query}", json=body(text, **fields), headers=headers)
    assert response.status_code == status, response.text
    return response.json()


async def test_it_says_what_the_call_would_get(run_app, model):
    async with run_app(vectors=VECTORS, cache=FIXED) as (client, _):
        assert (await explain(client, FRANCE))["verdict"] == "miss"
        await chat(client, FRANCE)
        exact, similar = await explain(client, FRANCE), await explain(client, REWORDED)
        got = await chat(client, REWORDED)
    assert (exact["verdict"], exact["tier"], exact["reason"]) == ("hit", "exact", "exact_match")
    assert exact["exact"][0]["admitted"]
    assert (similar["verdict"], similar["tier"]) == ("hit", got.headers["x-reprise-tier"]) == ("hit", "semantic")
    [candidate] = similar["semantic"]["candidates"]
    assert candidate["entry"] == got.headers["x-reprise-entry"]
    assert f"{candidate['similarity']:.4f}" == got.headers["x-reprise-similarity"]
    assert (similar["semantic"]["cut"], similar["semantic"]["source"]) == (0.9, "fixed")
    assert similar["sentence"].startswith("Hit: “What is the capital of France?” (similarity 0.950)")
    assert similar["policy"]["name"] == "default"


async def test_nothing_is_forwarded_stored_counted_or_recorded(run_app, model):
    async with run_app(vectors=VECTORS, cache=FIXED) as (client, parts):
        await chat(client, FRANCE)
        asked, before = len(model.calls), parts.database.query(sa.select(interactions.c.id))
        for text in (FRANCE, REWORDED, "something new", "What time is it now?"):
            await explain(client, text)
        parts.entries.flush()
        parts.database.writer.submit("SELECT 1", ()).result(10)
        assert len(model.calls) == asked
        assert parts.database.query(sa.select(interactions.c.id)) == before
        assert [row["hits"] for row in parts.database.query(sa.select(entries.c.hits))] == [0]


async def test_request_controls_count(run_app, model):
    policies = {"policies": {"default": {"similarity_threshold": 0.9}, "strict": {"similarity_threshold": 0.99}}}
    async with run_app(vectors=VECTORS, cache=policies) as (client, _):
        await chat(client, FRANCE)
        strict = await explain(client, REWORDED, {"x-reprise-policy": "strict"})
        assert (strict["policy"]["name"], strict["reason"]) == ("strict", "below_threshold")
        fresh = await explain(client, FRANCE, {"cache-control": "no-cache"})
        assert (fresh["verdict"], fresh["reason"]) == ("refresh", "no_cache_asked")
        looser = await explain(client, REWORDED, {"x-reprise-threshold": "0.1"})
        assert looser["policy"]["ignored"] == ["threshold"]
        assert (await explain(client, REWORDED, temperature=0.3))["reason"] == "no_entry"


async def test_a_route_is_named(run_app, model):
    routes = {
        "policies": {"off": {"tiers": []}},
        "routes": [{"name": "billing", "match": {"project": "billing"}, "policy": "off"}],
    }
    async with run_app(vectors=VECTORS, cache=routes) as (client, _):
        routed = await explain(client, FRANCE, {"x-reprise-project": "billing"})
        assert routed["policy"]["route"] == "billing"
        assert (routed["verdict"], routed["reason"]) == ("bypass", "no_tier_in_policy")
        assert (await explain(client, FRANCE))["policy"]["route"] is None


async def test_a_client_asks_about_its_own_calls_and_an_admin_about_all(run_app, model):
    async with run_app(vectors=VECTORS, cache=FIXED, auth=KEYS) as (client, _):
        await chat(client, FRANCE, A)
        assert (await explain(client, FRANCE, A))["verdict"] == "hit"
        other = await explain(client, FRANCE, ADMIN)
        assert (other["verdict"], other["semantic"]["elsewhere"]) == ("miss", [])
        assert (await explain(client, FRANCE, ADMIN, "?namespace=team-a"))["verdict"] == "hit"
        refused = await explain(client, FRANCE, A, "?namespace=ops", status=403)
        assert refused["error"]["param"] == "namespace"
        assert (await explain(client, FRANCE, A, "?namespace=team-a"))["verdict"] == "hit", "its own may be named"
        await explain(client, FRANCE, {}, status=401)


async def test_minimal_exposure_hides_what_others_asked(run_app, model):
    minimal = {"server": {"expose": "minimal"}, "auth": KEYS}
    async with run_app(vectors=VECTORS, cache=FIXED, **minimal) as (client, _):
        await chat(client, FRANCE, A)
        hidden = await explain(client, REWORDED, A)
        assert hidden["verdict"] == "hit"
        assert not {"semantic", "exact", "keys"} & hidden.keys()
        assert FRANCE not in str(hidden)
        assert "0.95" not in str(hidden)
        full = await explain(client, REWORDED, ADMIN, "?namespace=team-a")
        assert full["semantic"]["candidates"][0]["prompt"] == FRANCE


async def test_a_cache_that_is_switched_off_is_said_to_be(run_app):
    async with run_app(vectors=VECTORS, cache={"enabled": False}) as (client, _):
        told = await explain(client, FRANCE)
        assert (told["verdict"], told["reason"], told["sentence"]) == (
            "bypass",
            "cache_disabled",
            "Bypass: the cache is switched off.",
        )


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"messages": []}, "model"),
        ({"model": "m", "messages": []}, "messages"),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "cache": {"ttl": -1}}, "cache.ttl"),
    ],
)
async def test_a_bad_body_is_refused_like_a_call(run_app, given, param):
    async with run_app(vectors=VECTORS) as (client, _):
        response = await client.post("/cache/explain", json=given)
        assert (response.status_code, response.json()["error"]["param"]) == (400, param)


async def test_it_answers_before_the_semantic_tier_is_open(run_app, model):
    async with run_app() as (client, _):
        await chat(client, FRANCE)
        assert (await explain(client, FRANCE))["tier"] == "exact"
        assert (await explain(client, REWORDED))["verdict"] == "miss"


async def test_a_verifier_and_what_its_cut_stands_on_are_shown(run_app, model):
    async with run_app(vectors=VECTORS) as (client, parts):
        await chat(client, FRANCE)
        told = await explain(client, REWORDED)
        [candidate] = told["semantic"]["candidates"]
        assert candidate["verifier"] == "cosine"
        assert 0 < candidate["score"] < 1
        assert len(candidate["signals"]) == 2
        assert told["reason"] == "no_cut", "no cut was measured for this embedder"
        assert (told["semantic"]["cut"], told["semantic"]["source"], told["semantic"]["shadow"]) == (None, "none", True)
        assert dataclasses.is_dataclass(parts.cache.judges.calibrations.of("default", 0.01))
