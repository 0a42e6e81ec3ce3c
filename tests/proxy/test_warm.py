"""Answers that came from elsewhere, stored over HTTP."""

from __future__ import annotations

import json
import time

import pytest

from proxy.maintenance import sweep
from tests.fakes import near
from tests.proxy.fakes import answer

FRANCE = "What is the capital of France?"
REWORDED = "What's the capital city of France?"
UNAUDITED = {"policies": {"default": {"similarity_threshold": 0.9, "audit_rate": 1e-9}}}


def chat(prompt, **fields):
    return {"model": "gpt-x", "messages": [{"role": "user", "content": prompt}], **fields}


def pair(prompt=FRANCE, text="Paris.", **fields):
    return {"prompt": prompt, "answer": text, "model": "gpt-x", **fields}


async def warm(client, *entries, **fields):
    # As ASCII: half a surrogate pair can be sent so.
    body = json.dumps({"entries": list(entries), **fields})
    got = await client.post("/cache/warm", content=body, headers={"content-type": "application/json"})
    assert got.status_code == 200, got.text
    return got.json()


async def ask(client, body, **headers):
    got = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert got.status_code == 200, got.text
    return got


def standing(got):
    return got.headers["x-reprise-cache"], got.headers["x-reprise-tier"]


async def test_a_warmed_answer_is_an_exact_hit_at_once_and_a_semantic_one_after_a_sweep(run_app, model):
    vectors = {FRANCE: near(1.0), REWORDED: near(0.97)}
    async with run_app(vectors=vectors, cache=UNAUDITED) as (client, parts):
        told = await warm(client, pair())
        assert (told["stored"], told["duplicate"], told["refused"]) == (1, 0, 0)
        got = await ask(client, chat(FRANCE))
        assert standing(got) == ("hit", "exact")
        assert got.json()["choices"][0]["message"]["content"] == "Paris."
        assert got.json()["model"] == "gpt-x"
        sweep(parts, time.time())
        got = await ask(client, chat(REWORDED))
        assert standing(got) == ("hit", "semantic")
        assert model.calls == [], "the upstream was never asked"


async def test_what_is_warmed_carries_where_it_comes_from(run_app):
    async with run_app() as (client, parts):
        told = await warm(client, pair(tags=["faq", " v2 "], ttl="2h"))
        entry = parts.entries.get(told["results"][0]["id"])
        assert entry.tags == ("faq", "imported", "v2")
        assert entry.expires_at - entry.created_at == pytest.approx(7200)
        assert entry.source_interaction_id is None
        assert entry.answered_by is None, "the model's name was ours, not an upstream's word"
        assert entry.policy == "default"


@pytest.mark.parametrize(
    "given",
    [
        {"messages": chat(FRANCE)["messages"], "answer": "Paris.", "model": "gpt-x"},
        {"request": chat(FRANCE), "response": answer()},
        {"request": chat(FRANCE), "answer": {"role": "assistant", "content": "Paris."}},
        {"request": chat(FRANCE, stream=True), "answer": "Paris."},
        {"prompt": FRANCE, "response": answer(), "model": "gpt-x"},
    ],
)
async def test_every_form_of_an_entry_answers_the_same_call(run_app, given):
    async with run_app() as (client, _):
        assert (await warm(client, given))["stored"] == 1
        assert standing(await ask(client, chat(FRANCE))) == ("hit", "exact")


async def test_a_system_prompt_project_and_headers_are_part_of_what_must_be_equal(run_app, model):
    async with run_app() as (client, _):
        await warm(client, pair(system="Be brief.", project="p1", headers={"OpenAI-Beta": "x=1"}))
        body = chat(FRANCE)
        body["messages"].insert(0, {"role": "system", "content": "Be brief."})
        full = {"x-reprise-project": "p1", "openai-beta": "x=1"}
        assert standing(await ask(client, body, **full)) == ("hit", "exact")
        for missing in full:
            rest = {name: value for name, value in full.items() if name != missing}
            assert standing(await ask(client, body, **rest))[0] == "miss", missing


async def test_the_same_again_is_a_duplicate_within_a_call_and_between_calls(run_app):
    async with run_app() as (client, parts):
        told = await warm(client, pair(), pair(text="Lyon."), pair("What is the capital of Spain?", "Madrid."))
        assert [result["status"] for result in told["results"]] == ["stored", "duplicate", "stored"]
        assert (await warm(client, pair()))["duplicate"] == 1
        assert parts.entries.count_active() == 2
        assert (await ask(client, chat(FRANCE))).json()["choices"][0]["message"]["content"] == "Paris."


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (pair("What is the weather in Paris today?", "Sunny."), "volatile"),
        (pair("Roll a dice for me", "4"), "random"),
        (pair(text=""), "incomplete"),
        ({"request": chat(FRANCE), "response": answer(choices=[])}, "incomplete"),
        ({"request": chat(FRANCE), "response": {"choices": [{"message": {"content": "Par"}}]}}, "incomplete"),
        ({"request": chat(FRANCE, cache={"no-store": True}), "response": answer()}, "no-store"),
        (pair(policy="nobody"), "invalid"),
        ({"request": chat(FRANCE, messages=[]), "answer": "x"}, "invalid"),
        ({"request": chat(FRANCE, temperature="hot"), "answer": "x"}, "invalid"),
        (pair("half \ud83d a pair"), "invalid"),
        (pair(text="half \ud83d a pair"), "invalid"),
        ({"request": chat(FRANCE, cache={"ttl": -1}), "answer": "x"}, "invalid"),
        (pair(namespace="a\x00b"), "invalid"),
        (pair(response={**answer(), "big": 2**70}, answer=None), "invalid"),
        (pair(exported={"alpha": 9, "beta": 1, "prompt": "half \ud83d"}), "invalid"),
        (pair(headers={"x-reprise-nonsense": "1"}), "invalid"),
        (pair(exported={"alpha": 9, "beta": 1, "expires_at": 1000}), "expired"),
        (pair(exported={"alpha": 9, "beta": 1, "partition": "p", "whole": False}), "no-request"),
    ],
)
async def test_what_a_live_call_would_not_store_is_refused_with_the_reason(run_app, given, reason):
    async with run_app() as (client, parts):
        told = await warm(client, given, pair("And another one?", "Yes."))
        assert [result["status"] for result in told["results"]] == ["refused", "stored"]
        assert told["results"][0]["reason"] == reason
        assert told["results"][0]["message"]
        assert parts.entries.count_active() == 1


async def test_an_answer_with_tool_calls_is_found_by_exact_match_alone(run_app):
    call = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    async with run_app() as (client, parts):
        told = await warm(client, {"request": chat(FRANCE), "answer": message})
        entry = parts.entries.get(told["results"][0]["id"])
        assert entry.has_tool_calls
        assert entry.compat_key is None
        got = await ask(client, chat(FRANCE))
        assert got.json()["choices"][0]["finish_reason"] == "tool_calls"


async def test_force_stores_what_policy_keeps_from_all_tiers(run_app):
    async with run_app() as (client, parts):
        given = pair("What is the weather in Paris today?", "Sunny.")
        assert (await warm(client, given, force=True))["stored"] == 1
        assert parts.entries.count_active() == 1
        assert standing(await ask(client, chat(given["prompt"])))[0] == "bypass", "serving it is another matter"


async def test_what_was_taken_out_of_service_does_not_come_back_by_the_back_door(run_app):
    async with run_app() as (client, parts):
        told = await warm(client, pair())
        parts.entries.block(told["results"][0]["id"])
        again = await warm(client, pair())
        assert again["results"][0]["reason"] == "out-of-service"
        assert (await warm(client, pair(), force=True))["stored"] == 1


async def test_a_dry_run_stores_nothing(run_app):
    async with run_app() as (client, parts):
        told = await warm(client, pair(), pair("Roll a dice for me", "4"), dry_run=True)
        assert (told["stored"], told["refused"]) == (1, 1)
        assert "id" not in told["results"][0]
        assert parts.entries.count_active() == 0


async def test_a_named_policy_gives_its_ttl_and_its_classes(run_app):
    cache = {"policies": {"long": {"ttl": "72h", "classes": {"volatile": ["exact"]}}}}
    async with run_app(cache=cache) as (client, parts):
        told = await warm(client, pair("What is the weather in Paris today?", "Sunny.", policy="long"))
        entry = parts.entries.get(told["results"][0]["id"])
        assert entry.policy == "long"
        assert entry.expires_at - entry.created_at == pytest.approx(72 * 3600)


async def test_answers_go_to_the_namespace_that_is_named(run_app, model):
    keys = [
        {"key": "client-key-1", "namespace": "team-a"},
        {"key": "client-key-2", "namespace": "team-b"},
        {"key": "admin-key-1", "namespace": "ops", "role": "admin"},
    ]
    async with run_app(auth={"keys": keys}) as (client, _):
        client.headers["authorization"] = "Bearer admin-key-1"
        await warm(client, pair(namespace="team-a"))
        assert standing(await ask(client, chat(FRANCE), authorization="Bearer client-key-1")) == ("hit", "exact")
        assert standing(await ask(client, chat(FRANCE), authorization="Bearer client-key-2"))[0] == "miss"
        refused = await client.post(
            "/cache/warm", json={"entries": [pair()]}, headers={"authorization": "Bearer client-key-1"}
        )
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "entries"),
        ({"entries": []}, "entries"),
        ({"entries": [pair()] * 1001}, "entries"),
        ({"entries": [{"answer": "x", "model": "m"}]}, "entries.0"),
        ({"entries": [{"prompt": "x", "model": "m"}]}, "entries.0"),
        ({"entries": [pair(request=chat("x"))]}, "entries.0"),
        ({"entries": [pair(response=answer())]}, "entries.0"),
        ({"entries": [pair(), {"prompt": "x", "answer": "y"}]}, "entries.1"),
        ({"entries": [pair(ttl=0)]}, "entries.0.ttl"),
        ({"entries": [pair(tags=["a\nb"])]}, "entries.0"),
        ({"entries": [pair(color="red")]}, "entries.0.color"),
        ({"entries": [pair(prompt=7)]}, "entries.0.prompt"),
        ({"entries": [pair(exported={"alpha": 0, "beta": 1})]}, "entries.0.exported.alpha"),
        ({"entries": [pair(exported={"alpha": 1, "beta": 1, "expires_at": 1e300})]}, "entries.0.exported.expires_at"),
    ],
)
async def test_a_body_of_another_shape_is_refused_by_field(run_app, body, param):
    async with run_app() as (client, parts):
        got = await client.post("/cache/warm", json=body)
        assert got.status_code == 400
        assert got.json()["error"]["param"] == param
        assert parts.entries.count_active() == 0


async def test_what_an_import_leaves_to_embed_does_not_hold_up_a_sweep(run_app):
    async with run_app(vectors={}, cache=UNAUDITED) as (client, parts):
        await warm(client, *[pair(f"What is behind door {n}?") for n in range(3)])
        assert parts.semantic.mend(patience=0.0) == 0, "out of time: left to the next sweep"
        assert parts.semantic.mend() == 3
        assert parts.semantic.mend() == 0
