"""Extraction over HTTP: previews, what is stored, batches, and who may ask for what."""

from __future__ import annotations

import json

import pytest

from proxy.remembering.learner import LEARN, READ
from proxy.scripted import Said
from store.jobs import Job

pytestmark = pytest.mark.anyio

KEYS = [
    {"key": "sk-admin-key-0", "namespace": "ops", "role": "admin"},
    {"key": "sk-one-key-0", "namespace": "one", "role": "client"},
    {"key": "sk-two-key-0", "namespace": "two", "role": "client"},
]
SAID = "I prefer oat milk in all coffee drinks. What is a cortado?"
MODEL = {"extraction": {"model": "reader"}}


def bearer(key):
    return {"authorization": f"Bearer {key}"}


@pytest.fixture
def says(model, monkeypatch):
    """Let the scripted model reply so to extraction: a text, or a function of the texts that it is shown."""

    def script(reply):
        def said(body):
            if body["model"] != "reader":
                return None
            shown = json.loads(body["messages"][-1]["content"].split("\n")[1])
            return reply(shown) if callable(reply) else Said(reply)

        monkeypatch.setattr(model, "says", said)

    return script


def quoting(content="The user prefers oat milk", memory_type="preference"):
    """A reply that quotes the first sentence of what it is shown."""

    def reply(shown):
        item = {"memory_type": memory_type, "content": content, "role": "user", "quote": shown["user"].split(".")[0]}
        return Said(json.dumps({"candidates": [item]}))

    return reply


async def log(client, prompt=SAID, key=None, **fields):
    given = {"prompt": prompt, "response": "Espresso with a little milk.", **fields}
    reply = await client.post("/interactions", json=given, headers=bearer(key) if key else None)
    return reply.json()["id"]


async def extract(client, id_, key=None, **given):
    return await client.post(f"/interactions/{id_}/extract", json=given, headers=bearer(key) if key else None)


async def candidates(client, key=None):
    reply = await client.get("/memory?status=candidate", headers=bearer(key) if key else None)
    return reply.json()["memories"]


# One interaction


async def test_a_preview_stores_nothing(run_app):
    async with run_app() as (client, _):
        id_ = await log(client, project="cafe")
        told = (await extract(client, id_)).json()
        (found,) = told.pop("candidates")
        assert told == {"candidate_count": 1, "persisted": False, "persisted_ids": []}, "a preview"
        assert found["memory_type"] == "preference", "what it is"
        assert "oat milk" in found["content"], "what it says"
        assert found["source_span"] in SAID, "the words it was taken from"
        assert SAID[found["start"] : found["end"]] == found["source_span"], "and where they stand"
        assert (found["project"], found["source_interaction_id"], found["role"]) == ("cafe", id_, "user"), "its origin"
        assert found["confidence"] == 0.5, "how sure"
        assert found["rule"], "the rule has a name"
        assert await candidates(client) == [], "nothing is stored"
        bare = await client.post(f"/interactions/{id_}/extract")
        assert bare.json()["persisted"] is False, "a call without a body is a preview, too"


async def test_persisted_candidates_wait_for_review(run_app):
    async with run_app() as (client, _):
        id_ = await log(client)
        told = (await extract(client, id_, persist=True)).json()
        assert told["persisted"] is True, "stored"
        (memory,) = await candidates(client)
        assert told["persisted_ids"] == [memory["id"]], "under this id"
        assert memory["status"] == "candidate", "and not trusted"
        again = (await extract(client, id_, persist=True)).json()
        assert again["persisted_ids"] == [], "nothing new"
        assert len(await candidates(client)) == 1, "once"
        audit = (await client.get(f"/memory/{memory['id']}/audit")).json()
        assert "extraction" not in json.dumps(audit["audit"][0]["actor"]), "a person had it stored"


async def test_a_preview_shows_nothing_secret(run_app):
    async with run_app() as (client, _):
        id_ = await log(client, "I prefer the password hunter2x for staging: my password is hunter2x.")
        text = (await extract(client, id_)).text
        assert "hunter2x" not in text, "neither in content nor in span"


async def test_clients_preview_their_own_and_change_nothing(run_app):
    async with run_app(auth={"keys": KEYS}, memory=MODEL) as (client, _):
        id_ = await log(client, key="sk-one-key-0")
        assert (await extract(client, id_, "sk-one-key-0")).status_code == 200, "its own"
        assert (await extract(client, id_, "sk-two-key-0")).status_code == 404, "another's is not there"
        assert (await extract(client, id_, "sk-one-key-0", persist=True)).status_code == 403, "storing is an admin's"
        assert (await extract(client, id_, "sk-one-key-0", model=True)).status_code == 403, "so is what costs money"
        assert (await extract(client, id_, "sk-none-key-0")).status_code == 401, "no key"
        batch = await client.post("/admin/extract-batch", json={}, headers=bearer("sk-one-key-0"))
        assert batch.status_code == 403, "batches too"
        told = (await extract(client, id_, "sk-admin-key-0", persist=True)).json()
        memory = (await client.get(f"/memory/{told['persisted_ids'][0]}", headers=bearer("sk-admin-key-0"))).json()
        assert memory["namespace"] == "one", "it stays the client's"


@pytest.mark.parametrize(
    ("path", "given", "status", "param"),
    [
        ("/interactions/int_none/extract", {}, 404, "id"),
        ("/interactions/int_none/extract", {"persist": "yes"}, 400, "persist"),
        ("/interactions/int_none/extract", {"persists": True}, 400, "persists"),
        ("/admin/extract-batch", {"mode": "magic"}, 400, "mode"),
        ("/admin/extract-batch", {"limit": 0}, 400, "limit"),
        ("/admin/extract-batch", {"limit": 501}, 400, "limit"),
        ("/admin/extract-batch", {"since": "yesterday"}, 400, "since"),
        ("/admin/extract-batch", {"mode": "model"}, 400, "model"),
    ],
)
async def test_bad_input_names_its_field(run_app, path, given, status, param):
    async with run_app() as (client, _):
        reply = await client.post(path, json=given)
        assert reply.status_code == status, reply.text
        assert reply.json()["error"]["param"].split(".")[-1] == param, "the field"


# With a model


async def test_the_model_reads_beside_the_rules(run_app, says):
    says(quoting("The user prefers oat milk in coffee drinks"))
    async with run_app(memory=MODEL) as (client, parts):
        told = (await extract(client, await log(client), model=True, persist=True)).json()
        assert sorted({found["rule"] for found in told["candidates"]} - {"model"}) != [], "the rules find it"
        assert "model" in {found["rule"] for found in told["candidates"]}, "so does the model"
        (memory,) = [memory for memory in await candidates(client) if memory["provenance"]["rule"] == "model"]
        assert memory["provenance"]["extractor"] == "model/reader/extract.v1", "with its name and version"
        assert len((await client.get("/interactions")).json()["interactions"]) == 1, "its own call is not logged"
        assert parts.entries is not None


@pytest.mark.parametrize(
    "said", [Said("Nothing."), Said('{"candidates": []}', "length"), Said('{"candidates": ['), Said("")]
)
async def test_a_model_that_fails_is_a_bad_gateway(run_app, says, said):
    says(lambda shown: said)
    async with run_app(memory=MODEL) as (client, parts):
        id_ = await log(client)
        reply = await extract(client, id_, model=True, persist=True)
        assert reply.status_code == 502, "not an empty list"
        assert reply.json()["error"]["code"] == "extraction_unreadable", "in OpenAI's shape"
        assert await candidates(client) == [], "nothing is stored"
        assert not parts.remembering.keeping.has_read(id_, "model/reader/extract.v1"), "and it is not read"


async def test_a_model_that_is_nowhere_is_a_bad_gateway(run_app, model):
    entry = {"model_name": "small", "litellm_params": {"model": "openai/small", "api_key": "k"}}
    async with run_app(model_list=[entry], memory=MODEL) as (client, _):
        reply = await extract(client, await log(client), model=True)
        assert reply.status_code == 502, "the configuration names a model that model_list does not have"


async def test_without_a_model_asking_it_is_refused(run_app):
    async with run_app() as (client, _):
        reply = await extract(client, await log(client), model=True)
        assert reply.status_code == 400, "nobody to ask"
        assert reply.json()["error"]["param"] == "model", "the field"


async def test_too_many_readings_in_a_minute_wait(run_app, says):
    says('{"candidates": []}')
    async with run_app(memory={"extraction": {"model": "reader", "max_per_minute": 1}}) as (client, _):
        id_ = await log(client)
        assert (await extract(client, id_, model=True)).status_code == 200, "the first"
        assert (await extract(client, id_, model=True)).status_code == 503, "the second may come back"


async def test_a_hostile_reply_changes_nothing_but_the_queue(run_app, says):
    def hostile(shown):
        item = json.loads(quoting("The user prefers oat\u200b milk")(shown).text)["candidates"][0]
        item |= {"status": "active", "confidence": 1, "pinned": True, "project": "other", "namespace": "ops"}
        return Said(json.dumps({"candidates": [item], "status": "active"}))

    says(hostile)
    async with run_app(memory=MODEL) as (client, _):
        await extract(client, await log(client, project="cafe"), model=True, persist=True)
        (memory,) = [memory for memory in await candidates(client) if memory["provenance"]["rule"] == "model"]
        assert memory["content"] == "The user prefers oat milk", "no hidden character"
        assert (memory["confidence"], memory["pinned"], memory["project"]) == (0.5, False, "cafe"), "nothing it claims"
        assert (await client.get("/memory")).json()["memories"] == [], "nothing is active"


# Batches


async def batch(client, **given):
    reply = await client.post("/admin/extract-batch", json=given)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_batch_reads_what_was_not_read(run_app):
    async with run_app() as (client, _):
        ids = [
            await log(client, f"I prefer {drink} in the morning.") for drink in ("green tea", "hot cocoa", "cold milk")
        ]
        seen = await batch(client)
        assert (seen["interactions"], seen["candidate_count"], seen["remaining"]) == (3, 3, 0), "a preview of all"
        assert [found["source_interaction_id"] for found in seen["candidates"]] == ids, "oldest first"
        first = await batch(client, persist=True, limit=2)
        assert (first["interactions"], len(first["persisted_ids"]), first["remaining"]) == (2, 2, 1), "two of them"
        second = await batch(client, persist=True)
        assert (second["interactions"], len(second["persisted_ids"]), second["remaining"]) == (1, 1, 0), "the rest"
        assert (await batch(client, persist=True))["interactions"] == 0, "nothing is read twice"
        assert len(await candidates(client)) == 3, "all wait for review"


async def test_a_pass_ends_with_fifty_candidates(run_app):
    async with run_app() as (client, _):
        for number in range(4):
            many = " ".join(f"I prefer drink{number}x{at} in the morning." for at in range(20))
            await log(client, many)
        told = await batch(client, persist=True)
        assert told["candidate_count"] == 40, "the third would bring more than a person can review at once"
        assert (told["interactions"], told["remaining"]) == (2, 2), "it is left for the next pass, as a whole"


async def test_a_batch_goes_on_after_a_failure(run_app, says):
    says(lambda shown: Said("?") if "cocoa" in shown["user"] else quoting("The user prefers tea")(shown))
    async with run_app(memory=MODEL) as (client, _):
        bad = await log(client, "I prefer hot cocoa in the morning.")
        await log(client, "I prefer green tea in the evening.")
        told = await batch(client, mode="model", persist=True)
        assert [error["interaction_id"] for error in told["errors"]] == [bad], "told which"
        assert len(told["persisted_ids"]) == 1, "the other was read"
        assert (await batch(client, mode="model"))["errors"] != [], "what failed is unread still"


async def test_a_batch_ends_where_the_model_may_not_be_asked_more_often(run_app, says):
    says('{"candidates": []}')
    async with run_app(memory={"extraction": {"model": "reader", "max_per_minute": 1}}) as (client, _):
        for drink in ("tea", "milk"):
            await log(client, f"I prefer {drink} in the morning.")
        told = await batch(client, mode="model", persist=True)
        assert (told["interactions"], told["remaining"]) == (1, 1), "one was read"
        assert told["retry_after"] > 0, "and when to come back"


# Behind the calls


def job(kind, id_):
    return Job(1, kind, id_, "default", 1, 0.0)


async def proxied(client, parts, prompt, **headers):
    reply = await client.post(
        "/v1/chat/completions",
        json={"model": "m", "messages": [{"role": "user", "content": prompt}]},
        headers=headers,
    )
    return reply.headers["x-reprise-interaction"]


async def test_the_model_reads_calls_behind_their_answers(run_app, says):
    says(quoting("The user prefers tea in the morning"))
    async with run_app(memory=MODEL) as (client, parts):
        id_ = await proxied(client, parts, "I prefer tea in the morning. What about you?")
        assert parts.remembering.jobs.counts()[READ]["waiting"] == 1, "queued with the call"
        reading = parts.remembering.reading
        await reading.learn(job(READ, id_))
        await reading.learn(job(READ, id_))
        (memory,) = await candidates(client)
        assert memory["provenance"]["interaction_id"] == id_, "found once, though the job came twice"


async def test_jobs_of_what_is_gone_do_nothing(run_app, says):
    says("?")
    async with run_app(memory=MODEL) as (client, parts):
        await parts.remembering.reading.learn(job(READ, "int_gone"))
        assert await candidates(client) == [], "nothing to read"


async def test_a_round_reads_by_rules_and_queues_for_the_model(run_app, says):
    says("?")
    async with run_app(memory=MODEL) as (client, parts):
        await log(client)
        read = await proxied(client, parts, "I prefer tea in the morning. What about you?")
        quiet = await proxied(client, parts, "I prefer milk in the morning.", **{"x-reprise-memory": "read"})
        jobs = parts.remembering.jobs
        for kind in (LEARN, READ):
            jobs.done(jobs.take(kind, 10))
        told = await parts.remembering.reading.round()
        assert (told["read"], told["candidates"], told["queued"]) == (1, 1, 1), "what came through the proxy"
        (waiting,) = jobs.take(READ, 10)
        assert (waiting.key, waiting.namespace) == (read, "default"), "in its namespace"
        assert waiting.key != quiet, "and nothing that was not to be learned from"
        assert (await parts.remembering.reading.round())["queued"] == 0, "what waits is not queued again"
