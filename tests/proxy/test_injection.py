"""Memories in calls: the block at its place, keys that know of it, and calls that go on as they came."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.classes import last_user_text
from cache.judges import FixedJudges
from cache.policy import Policy
from memory.context import composing
from memory.context.composing import composed
from memory.context.grounds import Ground
from memory.context.notes import note_of
from memory.context.packs import CLOSING, OPENING
from memory.context.pool import Held, Index
from memory.memories.memory import Actor
from proxy import contexts
from proxy.auth import Caller
from proxy.injection import injected, with_block
from proxy.moving import exporter
from proxy.moving.exported import read_entry, read_interaction
from proxy.moving.exporter import Wanted
from proxy.moving.item import Unfit
from proxy.moving.template import Template
from proxy.rehearsal import explaining
from proxy.rehearsal.calls import CompatKeys, as_call
from proxy.rehearsal.log import read_log
from store.errors import DatabaseError
from store.snapshot import snapshot
from tests.fakes import FakeEmbedder, FakeVerifier, near
from tests.memory.context.test_packs import memory
from tests.proxy.fakes import JSON, FakeUpstream, answer, chat_request, exchange

ME = Actor("tests")
BACKUPS, REWORDED = "When do the backups run?", "At what time do the backups run?"
NIGHTLY, HOURLY = "Backups run nightly at two", "Backups run hourly"
SERVING = {"policies": {"default": {"similarity_threshold": 0.9, "audit_rate": 1e-9}}}
VECTORS = {BACKUPS: near(1.0), REWORDED: near(0.97)}


def body(prompt=BACKUPS, **fields):
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], **fields}


async def ask(client, prompt=BACKUPS, headers=None, **fields):
    got = await client.post("/v1/chat/completions", json=body(prompt, **fields), headers=headers)
    assert got.status_code == 200, got.text
    return got


def did(response):
    return response.headers["x-reprise-cache"], response.headers["x-reprise-tier"]


def remember(parts, content=NIGHTLY, namespace="default", **fields):
    """A memory, active unless told otherwise."""
    values = {"project": "", "memory_type": "knowledge", "actor": ME, **fields}
    return parts.remembering.memories.add(namespace=namespace, content=content, **values)[0]


async def logged(client, response):
    return (await client.get(f"/interactions/{response.headers['x-reprise-interaction']}")).json()


def last_user(call):
    return next(message["content"] for message in reversed(call["messages"]) if message["role"] == "user")


def block(*contents):
    lines = "".join(f"- {content}\n" for content in contents)
    return f"{OPENING}{lines}{CLOSING}"


def having(came, held):
    """The call with what these memories have for it."""
    asked = last_user_text(came.request.body["messages"])
    chosen = composed(Ground(held, (), 0), came.call.scope.project, asked, 3000) if asked.strip() else None
    return came if chosen is None else injected(came, chosen)


# Where the block goes


def test_it_stands_after_the_last_text_of_the_user():
    before = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    said = [*before, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": BACKUPS, "name": "ann"}]
    made = with_block({"model": "m", "messages": said}, "BLOCK")
    assert made["messages"][:-1] == said[:-1]
    assert made["messages"][-1] == {"role": "user", "content": f"{BACKUPS}\n\nBLOCK", "name": "ann"}
    assert said[-1]["content"] == BACKUPS, "the client's own stays as it is"


def test_to_a_list_it_is_one_part_more():
    parts = [
        {"type": "text", "text": BACKUPS, "cache_control": {"type": "ephemeral"}},
        {"type": "image_url", "image_url": {}},
    ]
    made = with_block({"model": "m", "messages": [{"role": "user", "content": parts}]}, "BLOCK")
    assert made["messages"][0]["content"] == [*parts, {"type": "text", "text": "BLOCK"}]


def test_a_tool_loop_keeps_it_with_the_users_words():
    loop = [
        {"role": "user", "content": BACKUPS},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "tool_call_id": "1", "content": "backups"},
    ]
    made = with_block({"model": "m", "messages": loop}, "BLOCK")
    assert made["messages"][0]["content"].endswith("BLOCK")
    assert made["messages"][1:] == loop[1:]


@pytest.mark.parametrize(
    "messages", [[{"role": "system", "content": "backups"}], [{"role": "user", "content": None}], [{"role": "user"}]]
)
def test_where_there_is_no_place_there_is_no_block(messages):
    assert with_block({"model": "m", "messages": messages}, "BLOCK") is None


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
_PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "input_audio"])},
    optional={"text": st.text(max_size=8) | st.just("backups"), "image_url": _JSON},
)
_CONTENT = st.none() | st.text(max_size=8) | st.just(BACKUPS) | st.lists(_PARTS, max_size=3)
_MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool"])},
        optional={"content": _CONTENT, "name": st.text(max_size=4), "unknown": _JSON},
    ),
    min_size=1,
    max_size=6,
)
HELD = Held(Index([note_of(memory(NIGHTLY)), note_of(memory("Prefers short answers", "preference"))]), 0)


@given(_MESSAGES, st.dictionaries(st.sampled_from(["tools", "seed", "x", "metadata"]), _JSON))
def test_any_body_differs_in_its_last_user_message_alone(messages, fields):
    given_body = {"model": "m", "messages": messages, **fields}
    before = copy.deepcopy(given_body)
    came = exchange(chat_request(messages=messages, **fields))
    made = having(came, HELD)
    assert came.request.body["messages"] == before["messages"], "the client's own body is left alone"
    if made.pack is None:
        assert made is came, "nothing was put in, nothing is changed"
        return
    sent = json.loads(made.outgoing.raw)
    assert sent == json.loads(json.dumps(made.outgoing.body)), "the bytes say what the body says"
    assert {**sent, "messages": None} == {**came.request.body, "messages": None}
    changed = [at for at, pair in enumerate(zip(sent["messages"], messages, strict=True)) if pair[0] != pair[1]]
    at = max(at for at, message in enumerate(messages) if message["role"] == "user")
    assert changed == [at], "only the last message of the user"
    new, old = sent["messages"][at], messages[at]
    assert {**new, "content": None} == {**old, "content": None}
    if isinstance(old["content"], str):
        assert new["content"] == f"{old['content']}\n\n{made.pack.text}"
    else:
        assert new["content"] == [*old["content"], {"type": "text", "text": made.pack.text}]


# What a call's keys say


def test_keys_are_the_clients_own_until_something_is_put_in():
    came = exchange(chat_request(messages=[{"role": "user", "content": "Where is Lisbon?"}]))
    plain = Held(Index([note_of(memory(NIGHTLY))]), 0)
    assert having(came, plain).call.exact_key == came.call.exact_key
    made = having(came, HELD)
    assert made.call.scope.memory == f"full:{made.pack.digest}"
    assert made.call.exact_key != came.call.exact_key
    assert made.call.fuzzy.compat_key != came.call.fuzzy.compat_key
    assert made.call.fuzzy.text == "Where is Lisbon?", "what is matched by meaning is what the client wrote"
    assert made.call.scope.partition == came.call.scope.partition


def test_the_mode_is_part_of_the_keys():
    keys = set()
    for mode in ("off", "read", "full"):
        made = having(exchange(policy=Policy(memory=mode)), HELD)
        keys.add(made.call.exact_key)
        assert made.learns == (mode == "full"), "read learns nothing"
        assert (made.pack is None) == (mode == "off"), "off puts nothing in"
    assert len(keys) == 3


# In a running application


async def test_a_memory_reaches_the_upstream_and_the_log(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        got = await ask(client)
        assert last_user(model.calls[0]) == f"{BACKUPS}\n\n{block(NIGHTLY)}"
        assert got.headers["x-reprise-memories"] == "1"
        kept = await logged(client, got)
        assert kept["prompt"] == BACKUPS, "the log has the client's words"
        assert json.loads(kept["request"]) == body()
        assert kept["memories_used"] == [made.id]
        assert kept["context_pack"] == {"text": block(NIGHTLY), "memories": [[made.id, 1]]}
        assert parts.metrics.memories_injected._value.get() == 1


async def test_a_replayed_answer_tells_what_it_was_made_with(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        _, second = [await ask(client) for _ in range(2)]
        assert did(second) == ("hit", "exact")
        assert second.headers["x-reprise-memories"] == "1"
        kept = await logged(client, second)
        assert (kept["memories_used"], kept["cache_status"]) == ([made.id], "hit")
        assert len(model.calls) == 1


async def test_without_memories_bytes_go_through_untouched(run_app, model):
    raw = b'{ "messages": [{"content": "When do the backups run?", "role":"user"}],   "model":"m" }'
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts, "Lisbon is sunny")
        got = await client.post("/v1/chat/completions", content=raw)
        assert model.bodies == [raw]
        assert "x-reprise-memories" not in got.headers
        kept = await logged(client, got)
        assert (kept["memories_used"], kept["context_pack"]) == ([], None)
        assert "memory" not in kept["metadata"]


@pytest.mark.parametrize("change", ["supersede", "invalidate", "edit", "second"])
async def test_an_answer_made_with_other_memories_is_not_served(run_app, model, change):
    async with run_app(vectors=VECTORS, cache=SERVING) as (client, parts):
        memories = parts.remembering.memories
        made = remember(parts)
        await ask(client)
        assert did(await ask(client, REWORDED)) == ("hit", "semantic"), "both are given the same"
        if change == "supersede":
            memories.supersede(made.id, ME)
        elif change == "invalidate":
            memories.invalidate(made.id, ME)
        elif change == "edit":
            memories.update(made.id, {"content": HOURLY}, ME)
        else:
            remember(parts, "Backups go onto tape")
        assert did(await ask(client)) == ("miss", "upstream"), "not by equality"
        assert did(await ask(client, f"{REWORDED} ")) == ("miss", "upstream"), "nor by meaning, before there is another"
        present = {"supersede": [], "invalidate": [], "edit": [HOURLY], "second": [NIGHTLY, "Backups go onto tape"]}
        assert last_user(model.calls[1]).count("\n- ") == len(present[change])


async def test_calls_into_which_nothing_is_put_share_answers_as_before(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        await ask(client, "Where is Lisbon?")
        remember(parts)
        assert did(await ask(client, "Where is Lisbon?")) == ("hit", "exact")
        assert did(await ask(client, "Where is Lisbon?", {"x-reprise-memory": "full"})) == ("hit", "exact")
        assert did(await ask(client, "Where is Lisbon?", {"x-reprise-memory": "off"})) == ("miss", "upstream")


async def test_namespaces_never_share_memories_nor_answers_made_with_them(run_app, model):
    auth = {"keys": [{"key": f"sk-{name}-0123456789", "namespace": name, "role": "client"} for name in ("ann", "bob")]}
    async with run_app(cache=SERVING, auth=auth) as (client, parts):
        remember(parts, namespace="ann")
        ann, bob = ({"authorization": f"Bearer sk-{name}-0123456789"} for name in ("ann", "bob"))
        assert "x-reprise-memories" in (await ask(client, headers=ann)).headers
        got = await ask(client, headers=bob)
        assert did(got) == ("miss", "upstream")
        assert "x-reprise-memories" not in got.headers
        assert last_user(model.calls[1]) == BACKUPS


async def test_a_project_has_memories_of_its_own(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts, "Apollo keeps its backups for a year", memory_type="project", project="apollo")
        await ask(client)
        await ask(client, headers={"x-reprise-project": "apollo"})
        assert [last_user(call).count("Apollo") for call in model.calls] == [0, 1]


async def test_identical_calls_in_flight_share_one_with_the_block(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        prompt = f"{BACKUPS} [delay 0.2]"
        both = await asyncio.gather(ask(client, prompt), ask(client, prompt))
        assert len(model.calls) == 1
        assert last_user(model.calls[0]).endswith(CLOSING)
        assert [got.headers["x-reprise-memories"] for got in both] == ["1", "1"]


async def test_a_stale_answer_is_refreshed_with_the_same_block(run_app, model):
    policy = {"default": {"ttl": "1h", "serve_stale_for": "1h", "audit_rate": 1e-9}}
    async with run_app(cache={"policies": policy}) as (client, parts):
        remember(parts)
        await ask(client)
        parts.cache._clock = lambda: time.time() + 3700
        assert did(await ask(client)) == ("stale", "exact")
        await parts.refresher.settled()
        assert model.calls[1] == model.calls[0], "the very same call"
        assert did(await ask(client)) == ("hit", "exact")


async def test_an_audited_hit_is_forwarded_with_the_block(run_app, model):
    async with run_app(vectors=VECTORS) as (client, parts):
        parts.cache.judges = FixedJudges(FakeVerifier(), 0.4)
        parts.cache._chance = lambda: 0.0
        remember(parts)
        await ask(client)
        got = await ask(client, REWORDED)
        assert got.headers["x-reprise-reason"] == "audit"
        assert last_user(model.calls[1]) == f"{REWORDED}\n\n{block(NIGHTLY)}"


async def test_a_stream_carries_it_too_and_serves_both_forms(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        got = await ask(client, stream=True)
        assert got.headers["x-reprise-memories"] == "1"
        assert last_user(model.calls[0]).endswith(CLOSING)
        assert did(await ask(client)) == ("hit", "exact")


async def test_the_upstreams_cached_tokens_are_logged(run_app):
    usage = {"prompt_tokens": 40, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 32}}
    async with run_app(cache=SERVING) as (client, parts):
        said = orjson.dumps(answer("Nightly.", usage=usage))
        parts.upstreams["direct"] = FakeUpstream(said, headers=JSON)
        first, second = [await ask(client) for _ in range(2)]
        assert (await logged(client, first))["cached_tokens"] == 32
        assert (await logged(client, second))["cached_tokens"] is None, "a replay asked no upstream"


async def test_through_litellm_the_block_goes_too(run_app):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        other = parts.upstreams["litellm"] = FakeUpstream(orjson.dumps(answer("Nightly.")), headers=JSON)
        got = await client.post("/v1/chat/completions", json=body(model="m"))
        assert got.status_code == 200
        placed = parts.pipeline.place(chat_request(model="m", messages=body()["messages"]), Caller("default", "client"))
        made = await parts.remembering.injection.into(placed)
        made = dataclasses.replace(made, target=dataclasses.replace(made.target, provider="anthropic"))
        flight = parts.pipeline._forwarding.start(made, await parts.cache.lookup(made.call))
        flight.join()
        await flight.body()
        assert last_user(other.sent[0].body) == f"{BACKUPS}\n\n{block(NIGHTLY)}"


# Modes


@pytest.mark.parametrize(
    ("policy", "header", "mode"),
    [
        ({}, None, "full"),
        ({"memory": "off"}, None, "off"),
        ({"memory": False}, None, "off"),
        ({"memory": "off"}, "full", "full"),
        ({"memory": "read"}, "off", "off"),
        ({}, "read", "read"),
        ({"memory": "off", "headers": ["session"]}, "full", "off"),
        ({"memory": "full", "headers": "none"}, "off", "full"),
    ],
)
async def test_the_header_stands_above_the_policy_where_it_is_heard(run_app, model, policy, header, mode):
    async with run_app(cache={"policies": {"default": policy}}) as (client, parts):
        remember(parts)
        got = await ask(client, headers={"x-reprise-memory": header} if header else None)
        assert ("x-reprise-memories" in got.headers) == (mode != "off")
        assert (last_user(model.calls[0]) == BACKUPS) == (mode == "off")
        assert ("memory" in got.headers.get("x-reprise-ignored", "")) == ("headers" in policy)
        kept = await logged(client, got)
        if mode != "off":
            assert kept["metadata"]["memory"].startswith(f"{mode}:")


async def test_a_caller_who_may_not_name_a_mode_gets_none_by_naming_a_policy(run_app, model):
    policies = {"default": {"memory": "off", "headers": ["policy"]}, "other": {"extends": "default", "memory": "full"}}
    async with run_app(cache={"policies": policies}) as (client, parts):
        remember(parts)
        got = await ask(client, headers={"x-reprise-policy": "other"})
        assert got.headers["x-reprise-ignored"] == "policy"
        assert last_user(model.calls[0]) == BACKUPS


# Failures


async def test_a_store_that_fails_leaves_the_call_as_it_came(run_app, model, monkeypatch):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)

        def fail(namespace):
            raise DatabaseError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(parts.remembering.pool, "_read", fail)
            raw = b'{"model": "m",  "messages": [{"role": "user", "content": "When do the backups run?"}]}'
            got = await client.post("/v1/chat/completions", content=raw)
        assert got.status_code == 200
        assert model.bodies == [raw]
        assert not parts.health.parts["memory"].ok, "nor is it silent"
        assert parts.metrics.failures.labels("memory")._value.get() == 1
        assert "x-reprise-memories" in (await ask(client)).headers
        assert parts.health.parts["memory"].ok, "it works again"


async def test_memories_that_take_too_long_are_not_waited_for(run_app, model, monkeypatch):
    monkeypatch.setattr(contexts, "PATIENCE", 0.05)
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        read = parts.remembering.pool._read

        def slow(namespace):
            time.sleep(0.5)
            return read(namespace)

        monkeypatch.setattr(parts.remembering.pool, "_read", slow)
        assert last_user((await ask(client), model.calls[0])[1]) == BACKUPS
        assert parts.health.parts["memory"].error == "TimeoutError"


async def test_a_fault_of_the_rules_leaves_the_call_as_it_came(run_app, model, monkeypatch):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        monkeypatch.setattr(composing, "terms", lambda text: 1 / 0)
        got = await ask(client)
        assert "x-reprise-memories" not in got.headers
        assert last_user(model.calls[0]) == BACKUPS


async def test_numbers_beyond_64_bits_are_sent_as_they_came(run_app, model):
    raw = orjson.dumps(body()).replace(b"{", b'{"seed": 123456789012345678901234, ', 1)
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        got = await client.post("/v1/chat/completions", content=raw)
        assert got.headers["x-reprise-memories"] == "1"
        assert b"123456789012345678901234" in model.bodies[0]


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Say when backups run."}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}],
        [{"role": "user", "content": "  "}],
        [{"role": "user", "content": []}],
    ],
)
async def test_calls_without_words_of_a_user_go_untouched(run_app, model, messages):
    raw = orjson.dumps({"messages": messages, "model": "m"})
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts, memory_type="preference")
        await client.post("/v1/chat/completions", content=raw)
        assert model.bodies == [raw]


# What looks at calls from the side


async def test_explain_knows_what_would_be_put_in_and_counts_nothing(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        got = await ask(client)
        told = (await client.post("/cache/explain", json=body())).json()
        assert (told["verdict"], told["tier"]) == ("hit", "exact")
        given = {"memories": [made.id], "state": [], "chunks": [], "flow": None}
        assert told["memory"] == {"mode": "full", **given, "held_out": False}
        assert told["keys"]["exact"] == (await logged(client, got))["input_hash"]
        assert parts.metrics.memories_injected._value.get() == 1
        off = (await client.post("/cache/explain", json=body(), headers={"x-reprise-memory": "off"})).json()
        assert (off["verdict"], off["memory"]["mode"], off["memory"]["memories"]) == ("miss", "off", [])


async def test_explain_without_a_server_says_the_same(run_app, model, monkeypatch):
    monkeypatch.setattr(explaining, "load_configured", lambda settings: (FakeEmbedder(), None))
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        got = await ask(client)
        headers = dict(got.request.headers)
        told = await asyncio.to_thread(explaining.explain_here, parts.settings, parts.database, body(), headers, None)
        assert told["memory"]["memories"] == (await logged(client, got))["memories_used"]
        assert told["keys"]["exact"] == (await logged(client, got))["input_hash"]


async def test_a_warmed_answer_serves_only_calls_into_which_nothing_is_put(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        remember(parts)
        entry = {"prompt": BACKUPS, "answer": "Nobody knows.", "model": "m"}
        told = (await client.post("/cache/warm", json={"entries": [entry]})).json()
        assert told["stored"] == 1
        assert did(await ask(client)) == ("miss", "upstream"), "it was made without what this call is given"
        entry = {"prompt": "Where is Lisbon?", "answer": "In Portugal.", "model": "m"}
        assert (await client.post("/cache/warm", json={"entries": [entry]})).json()["stored"] == 1
        assert did(await ask(client, "Where is Lisbon?")) == ("hit", "exact"), "this one is given nothing"


async def test_a_replay_of_the_log_tells_calls_with_other_memories_apart(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        await ask(client)
        await ask(client)
        parts.remembering.memories.update(made.id, {"content": HOURLY}, ME)
        await ask(client)
        await ask(client, "Where is Lisbon?")
        log = read_log(parts.database, since=None, namespace=None, limit=None)
        keys = CompatKeys(log.calls)
        first, again, edited, without = [as_call(call, parts.policies, keys) for call in log.calls]
        assert first.exact_key == again.exact_key
        assert first.fuzzy == again.fuzzy, "the hit was logged without its compat_key"
        assert len({first.fuzzy.compat_key, edited.fuzzy.compat_key, without.fuzzy.compat_key}) == 3


async def test_an_answer_made_with_memories_moves_with_its_keys_or_not_at_all(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        await ask(client)
        with snapshot(parts.database.driver) as moment:
            entries = list(
                exporter.written(moment, exporter.entries_wanted(Wanted(), time.time()), exporter.entry_line)
            )
            calls = list(exporter.written(moment, exporter.interactions_wanted(Wanted()), exporter.interaction_line))
        (line,) = entries
        assert line["memories_used"] == [made.id]
        here = read_entry(line, Template())
        assert [result.status for result in parts.warmer.store([here])] == ["duplicate"], "its keys are still good"
        (elsewhere,) = parts.warmer.store([dataclasses.replace(here, namespace="other")])
        assert (elsewhere.status, elsewhere.reason) == ("refused", "no-request")
        with pytest.raises(Unfit, match="made-with-memories"):
            read_interaction(calls[0], Template())


async def test_a_retry_is_no_complaint_though_memories_changed_meanwhile(run_app, model):
    async with run_app(cache=SERVING) as (client, parts):
        made = remember(parts)
        first = await ask(client, headers={"x-reprise-session": "s"})
        parts.remembering.memories.update(made.id, {"content": HOURLY}, ME)
        await ask(client, headers={"x-reprise-session": "s"})
        parts.reactions.wait()
        before = parts.entries.get(first.headers["x-reprise-entry"])
        assert (before.alpha, before.beta) == (9.0, 1.0), "the same call again says nothing of the answer"
