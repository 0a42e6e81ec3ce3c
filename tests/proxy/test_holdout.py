"""Sessions held out: drawn by their names alone, and their calls go as they came."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.context.packs import Pack
from memory.memories.memory import Actor
from proxy.controls import Controls
from proxy.holdout import held_out, settled
from tests.proxy.fakes import chat_request, exchange

SHARES = st.floats(0, 1)
NAMES = st.text(max_size=20)
PACK = Pack("<memory>\n- Backups run nightly\n</memory>", (("mem_1", 1),))


def with_pack(came):
    scope = dataclasses.replace(came.call.scope, memory=f"full:{PACK.digest}")
    return dataclasses.replace(came, pack=PACK, call=dataclasses.replace(came.call, scope=scope))


@given(NAMES, NAMES, SHARES, SHARES)
def test_a_larger_share_only_adds_sessions(namespace, session, one, other):
    few, many = sorted((one, other))
    assert held_out(namespace, session, few) <= held_out(namespace, session, many), "nobody comes back"
    assert held_out(namespace, session, few) == held_out(namespace, session, few), "drawn once"


@given(NAMES, NAMES)
def test_at_the_ends_nobody_and_everybody(namespace, session):
    assert not held_out(namespace, session, 0.0), "a share of nothing holds nobody out"
    assert held_out(namespace, session, 1.0), "and the whole holds out everybody"


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_about_the_share_of_sessions_is_held_out(share):
    drawn = [held_out("default", f"session-{n}", share) for n in range(4000)]
    assert sum(drawn) / 4000 == pytest.approx(share, abs=0.02), "as many as asked for"


def test_namespaces_draw_apart():
    names = [f"session-{n}" for n in range(400)]
    one, other = ([held_out(namespace, name, 0.5) for name in names] for namespace in ("a", "b"))
    agreeing = sum(a == b for a, b in zip(one, other, strict=True)) / 400
    assert agreeing == pytest.approx(0.5, abs=0.1), "the one says nothing of the other"


def test_every_process_and_every_version_draws_the_same():
    drawn = [n for n in range(20) if held_out("ns", f"s{n}", 0.3)]
    assert drawn == [1, 2, 9, 12, 17, 19], "changed, running comparisons would mix their arms"


def test_a_call_that_memory_has_nothing_for_takes_no_part():
    came = exchange()
    assert settled(came, came, 1.0) is came, "left alone"
    assert came.holdout is None, "in neither arm"


def test_a_held_out_call_is_as_it_came():
    came = exchange()
    made = settled(came, with_pack(came), 1.0)
    assert (made.holdout, made.pack, made.sent) == (True, None, None), "nothing is put in"
    assert made.call.exact_key == came.call.exact_key, "and its key is the plain call's"


def test_another_call_gets_what_memory_has():
    came = exchange()
    made = settled(came, with_pack(came), 0.0)
    assert (made.holdout, made.pack) == (False, PACK), "put in, and said so"
    assert made.call.exact_key != came.call.exact_key, "under a key of its own"


@pytest.mark.parametrize(("ignored", "holdout"), [((), False), (("memory",), True)])
def test_who_names_a_mode_gets_it_where_the_policy_hears_it(ignored, holdout):
    came = exchange(chat_request(controls=Controls(memory="read")), ignored=ignored)
    assert settled(came, with_pack(came), 1.0).holdout is holdout, "unless the header counts for nothing"


# In a running application

PROMPT = "When do the backups run?"
HELD, OTHER = "", ""
for _n in range(100):
    if held_out("default", f"s{_n}", 0.5):
        HELD = HELD or f"s{_n}"
    else:
        OTHER = OTHER or f"s{_n}"
HALF = {"memory": {"context": {"holdout": 0.5}}, "cache": {"policies": {"default": {"audit_rate": 1e-9}}}}


def remember(parts):
    memories = parts.remembering.memories
    return memories.add(
        namespace="default",
        project="",
        memory_type="knowledge",
        content="Backups run nightly at two",
        actor=Actor("tests"),
    )[0]


async def ask(client, session, prompt=PROMPT, **headers):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    named = {"x-reprise-session": session, **{f"x-reprise-{name}": value for name, value in headers.items()}}
    got = await client.post("/v1/chat/completions", json=body, headers=named)
    assert got.status_code == 200, got.text
    kept = (await client.get(f"/interactions/{got.headers['x-reprise-interaction']}")).json()
    return got.headers, kept


async def test_each_arm_has_answers_of_its_own(run_app, model):
    async with run_app(**HALF) as (client, parts):
        remember(parts)
        headers, kept = await ask(client, OTHER)
        assert (headers["x-reprise-memories"], kept["holdout"]) == ("1", False), "given"
        headers, kept = await ask(client, HELD)
        assert (headers["x-reprise-cache"], headers["x-reprise-holdout"]) == ("miss", "true"), "not the other's answer"
        assert (kept["holdout"], kept["memories_used"], kept["context_pack"]) == (True, [], None), "kept back"
        assert model.calls[1]["messages"] == [{"role": "user", "content": PROMPT}], "it goes as it came"
        for session, used in ((OTHER, 1), (HELD, 0)):
            headers, kept = await ask(client, session)
            assert headers["x-reprise-tier"] == "exact", "each gets its own again"
            assert len(kept["memories_used"]) == used, "made as it would be now"


async def test_what_was_asked_without_memories_serves_the_held_out(run_app, model):
    async with run_app(**HALF) as (client, parts):
        _, kept = await ask(client, OTHER)
        assert kept["holdout"] is None, "memory has nothing yet"
        remember(parts)
        assert (await ask(client, HELD))[0]["x-reprise-tier"] == "exact", "asked and answered without any"
        assert (await ask(client, OTHER))[0]["x-reprise-tier"] == "upstream", "not for who gets some"


async def test_a_mode_that_is_asked_for_is_granted(run_app, model):
    async with run_app(**HALF) as (client, parts):
        remember(parts)
        for mode in ("full", "read"):
            headers, kept = await ask(client, HELD, memory=mode)
            assert (headers["x-reprise-memories"], kept["holdout"]) == ("1", False), mode
        headers, kept = await ask(client, HELD, memory="off")
        assert ("x-reprise-memories" in headers, kept["holdout"]) == (False, None), "off is no holdout"


async def test_the_statistics_and_an_explanation_say_which_arm_it_is(run_app, model):
    async with run_app(**HALF) as (client, parts):
        remember(parts)
        for session in (HELD, OTHER):
            await ask(client, session)
        found = (await client.get("/stats")).json()["memory"]["worth"]
        assert [found["arms"][arm]["sessions"] for arm in ("with_memory", "held_out")] == [1, 1], "both arms"
        assert found["holdout"] == 0.5, "and the share"
        assert "too few sessions" in found["note"], "in words"
        explained = {"model": "m", "messages": [{"role": "user", "content": PROMPT}]}
        told = (await client.post("/cache/explain", json=explained, headers={"x-reprise-session": HELD})).json()
        assert (told["memory"]["held_out"], told["memory"]["memories"]) == (True, []), "an explanation knows it"
