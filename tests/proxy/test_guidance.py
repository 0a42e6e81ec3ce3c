"""Calls get the flow that their session follows, behind the user's words."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest
import sqlalchemy as sa

from memory.flows.statement import block
from memory.flows.tree import read_flow
from memory.memories.memory import Actor
from proxy import guidance as module
from proxy.guidance import Talk, talk_of
from store.errors import DatabaseError
from store.tables import flow_versions, flows, session_steps, sessions
from tests.fakes import near
from tests.memory.flows.made import given
from tests.proxy.test_injection import ask, did, last_user, logged, remember

ADA = Actor("ada")
PROBLEM = "My printer is offline, the spooler hangs"
TITLE = "Printer does not print"
VECTORS = {PROBLEM: near(1.0), TITLE: near(0.9)}
SERVING = {"policies": {"default": {"audit_rate": 1e-9}}}
NEXT = [
    {"role": "user", "content": PROBLEM},
    {"role": "assistant", "content": "Is its light on?"},
    {"role": "user", "content": "No, it is dark"},
]


@pytest.fixture(scope="module")
async def shared(run_app):
    async with run_app(vectors=VECTORS, cache=SERVING) as (client, parts):
        yield client, parts


@pytest.fixture
async def app(shared, model):
    """The application, of which nobody has flows, or sessions, but whom the test gives some."""
    client, parts = shared
    for table in (session_steps, sessions, flow_versions, flows):
        parts.database.transact(lambda connection, table=table: connection.execute(sa.delete(table)))
    parts.remembering.flows.forget()
    parts.remembering.guidance.forget()
    parts.remembering.guidance._rested = 0.0
    parts.epochs.bump("default", time.time())
    return client, parts


def publish(parts, namespace="default", project="", **changes):
    return parts.remembering.flows.add(namespace, project, read_flow(given(**changes)), ADA)


def text_of(made, budget=3000):
    return block(made.flow, budget // 2)


def follow(parts, session, state, flow_id, id_=None):
    """A session as its derivation, or a person, leaves it."""
    values = {"namespace": "default", "started_at": "2026-01-01 00:00:00", "last_at": "2026-01-01 00:00:00"}
    row = {
        **values,
        "id": id_ or session,
        "root": session,
        "status": "active",
        "match_state": state,
        "matched_flow": flow_id,
    }
    step = {
        "interaction_id": f"int_{id_ or session}",
        "namespace": "default",
        "session_id": id_ or session,
        "root": session,
    }
    said = {"at": values["last_at"], "step_type": "question", "asked": "", "said": ""}

    def work(connection):
        connection.execute(sa.delete(sessions).where(sessions.c.id == row["id"]))
        connection.execute(sa.insert(sessions).values(**row))
        connection.execute(sa.delete(session_steps).where(session_steps.c.session_id == row["id"]))
        connection.execute(sa.insert(session_steps).values(**step, **said))

    parts.database.transact(work)
    parts.remembering.guidance.changed("default", session)


async def test_from_the_first_call_on_a_flow_stands_behind_the_users_words(app, model):
    client, parts = app
    made = publish(parts)
    got = await ask(client, PROBLEM)
    assert last_user(model.calls[0]) == f"{PROBLEM}\n\n{text_of(made)}"
    assert got.headers["x-reprise-flow"] == f"{made.id}; version=1"
    kept = await logged(client, got)
    assert kept["context_pack"]["flow"] == [made.id, 1]
    assert kept["prompt"] == PROBLEM, "what the client said is kept as it was"
    assert text_of(made) not in kept["request"]
    got = await client.post("/v1/chat/completions", json={"model": "m", "messages": NEXT})
    assert last_user(model.calls[1]) == f"No, it is dark\n\n{text_of(made)}", "the later turns have it too"
    assert model.calls[1]["messages"][0]["content"] == PROBLEM, "and what was said before stays as it was"


async def test_memories_stand_before_it_and_both_keep_to_the_budget(run_app, model):
    async with run_app(vectors=VECTORS, memory={"context": {"budget": 1200}}) as (client, parts):
        made = publish(parts)
        for at in range(20):
            remember(parts, f"The printer number {at} is offline at night, as its spooler hangs")
        got = await ask(client, PROBLEM)
        words, memories, flow = last_user(model.calls[0]).split("\n\n")
        assert (words, flow) == (PROBLEM, text_of(made, 1200))
        assert memories.startswith("<memory>")
        assert len(memories) + 2 + len(flow) <= 1200, "together they take no more than all context may"
        assert int(got.headers["x-reprise-memories"]) > 0


async def test_what_does_not_fit_gets_none(app, model):
    client, parts = app
    publish(parts)
    got = await ask(client, "How far away is the moon?")
    assert last_user(model.calls[0]) == "How far away is the moon?"
    assert "x-reprise-flow" not in got.headers


async def test_an_answer_belongs_to_the_version_it_was_made_with(app, model):
    client, parts = app
    await ask(client, PROBLEM)
    made = publish(parts)
    assert did(await ask(client, PROBLEM)) == ("miss", "upstream"), "it was answered without the flow"
    assert did(await ask(client, PROBLEM)) == ("hit", "exact")
    parts.remembering.flows.change(made.id, read_flow(given(description="Another way.")), ADA)
    assert did(await ask(client, PROBLEM)) == ("miss", "upstream"), "it was answered with the version before"
    assert "Another way." in last_user(model.calls[-1])
    parts.remembering.flows.set_status(made.id, "retired", ADA)
    assert did(await ask(client, PROBLEM)) == ("hit", "exact"), "the answer without it holds again"


async def test_a_repeated_call_reads_no_sql_and_embeds_nothing(app, monkeypatch):
    client, parts = app
    publish(parts)
    await ask(client, PROBLEM)
    await ask(client, PROBLEM)
    parts.embedder.asked.clear()
    monkeypatch.setattr(parts.remembering.guidance, "_found", None)
    assert did(await ask(client, PROBLEM)) == ("hit", "exact")
    assert not parts.embedder.asked, "the first words are known"


async def test_where_there_are_no_flows_nothing_is_asked(app, monkeypatch):
    client, parts = app
    await ask(client, PROBLEM)
    monkeypatch.setattr(parts.remembering.guidance, "_found", None)
    await ask(client, "Another question")
    assert parts.health.parts["memory"].ok, "no session has to be looked up"


@pytest.mark.parametrize("state", ["attached", "accepted"])
async def test_a_session_gets_the_flow_that_it_follows(app, model, state):
    client, parts = app
    made = publish(parts, title="Something else", match_keywords=["a1", "b1", "c1", "d1", "e1"])
    follow(parts, "s1", state, made.id)
    await ask(client, "And now?", headers={"x-reprise-session": "s1"})
    assert last_user(model.calls[0]).endswith(text_of(made)), "whatever its words are"


@pytest.mark.parametrize("state", ["declined", "none", "suggested"])
async def test_a_session_that_follows_none_gets_none(app, model, state):
    client, parts = app
    publish(parts)
    follow(parts, "s1", state, None)
    await ask(client, PROBLEM, headers={"x-reprise-session": "s1"})
    assert last_user(model.calls[0]) == PROBLEM, "a person said no, or nobody yes"


async def test_a_decline_counts_from_the_next_call_on(app, model):
    client, parts = app
    made = publish(parts)
    headers = {"x-reprise-session": "s1"}
    await ask(client, PROBLEM, headers=headers)
    assert text_of(made) in last_user(model.calls[0])
    follow(parts, "s1", "declined", None)
    await ask(client, PROBLEM, headers=headers)
    assert last_user(model.calls[1]) == PROBLEM


async def test_what_another_process_changed_is_noticed_after_a_while(app, model, monkeypatch):
    client, parts = app
    publish(parts)
    headers = {"x-reprise-session": "s1"}
    await ask(client, PROBLEM, headers=headers)
    monkeypatch.setattr(parts.remembering.guidance, "changed", lambda *_: None)
    follow(parts, "s1", "declined", None)
    monkeypatch.setattr(parts.remembering.guidance, "_clock", lambda: time.monotonic() + module.RECHECK)
    await ask(client, PROBLEM, headers=headers)
    assert last_user(model.calls[1]) == PROBLEM


async def test_who_begins_alike_is_matched_anew(app, model):
    """A derived session is shared by all who open with the same words: what one declined, another may need."""
    client, parts = app
    first = await ask(client, PROBLEM)
    session = (await logged(client, first))["session_id"]
    follow(parts, session, "none", None)
    made = publish(parts)
    await ask(client, PROBLEM)
    assert text_of(made) in last_user(model.calls[1]), "a flow that was published since is found"
    got = await client.post("/v1/chat/completions", json={"model": "m", "messages": NEXT})
    assert "x-reprise-flow" not in got.headers, "in a later turn the session says what it follows"


async def test_a_session_that_nobody_logs_goes_on_with_what_it_got(app, model, monkeypatch):
    client, parts = app
    made = publish(parts)
    headers = {"x-reprise-session": "s1", "x-reprise-memory": "read"}
    await ask(client, PROBLEM, headers=headers)
    parts.database.transact(lambda connection: connection.execute(sa.delete(session_steps)))
    parts.database.transact(lambda connection: connection.execute(sa.delete(sessions)))
    monkeypatch.setattr(parts.remembering.guidance, "_clock", lambda: time.monotonic() + module.RECHECK)
    await ask(client, "No, it is dark", headers=headers)
    assert last_user(model.calls[1]).endswith(text_of(made))


@pytest.mark.parametrize(("mode", "gets"), [("off", False), ("read", True), ("full", True)])
async def test_the_mode_of_memory_decides(app, model, mode, gets):
    client, parts = app
    made = publish(parts)
    await ask(client, PROBLEM, headers={"x-reprise-memory": mode})
    assert (text_of(made) in last_user(model.calls[0])) == gets


@pytest.mark.parametrize("setting", ["inject", "enabled"])
async def test_it_can_be_switched_off(run_app, model, setting):
    async with run_app(vectors=VECTORS, memory={"flows": {setting: False}}) as (client, parts):
        publish(parts)
        await ask(client, PROBLEM)
        assert last_user(model.calls[0]) == PROBLEM


async def test_a_session_that_is_held_out_gets_none(run_app, model):
    async with run_app(vectors=VECTORS, memory={"context": {"holdout": 1.0}}) as (client, parts):
        publish(parts)
        got = await ask(client, PROBLEM)
        assert last_user(model.calls[0]) == PROBLEM
        assert got.headers["x-reprise-holdout"] == "true"


async def test_whatever_fails_the_call_goes_on_without_it(app, model, monkeypatch):
    client, parts = app
    made = publish(parts)
    guidance, calls = parts.remembering.guidance, []

    def broken(*_):
        calls.append(1)
        raise DatabaseError("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(guidance, "_found", broken)
        await ask(client, PROBLEM)
        assert last_user(model.calls[0]) == PROBLEM, "as it came"
        assert parts.health.parts["memory"].error == "DatabaseError", "and it is told"
        await ask(client, f"{PROBLEM}?")
        assert len(calls) == 1, "for a while nobody tries in vain"
    monkeypatch.setattr(guidance, "_clock", lambda: time.monotonic() + module.REST)
    assert text_of(made) in await said_to(client, model, PROBLEM)
    assert parts.health.parts["memory"].ok, "it works again"


async def test_what_takes_too_long_is_not_waited_for(app, model, monkeypatch):
    client, parts = app
    publish(parts)
    release = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(module, "PATIENCE", 0.01)
        patch.setattr(parts.remembering.guidance, "_found", lambda *_: release.wait(30))
        assert await said_to(client, model, PROBLEM) == PROBLEM
    release.set()
    assert parts.health.parts["memory"].error == "TimeoutError"
    parts.health.worked("memory")


async def test_a_project_has_its_own_flows(app, model):
    client, parts = app
    made = publish(parts, project="apollo")
    await ask(client, PROBLEM)
    await ask(client, PROBLEM, headers={"x-reprise-project": "apollo"})
    assert [text_of(made) in last_user(call) for call in model.calls] == [False, True]


async def test_what_is_said_of_it_elsewhere(app):
    client, parts = app
    made = publish(parts)
    await ask(client, PROBLEM)
    shown = (await client.get("/debug/context")).json()
    assert (shown["flow_used"], shown["bands"]["flow"]) == (made.id, len(text_of(made)))
    told = (
        await client.post("/cache/explain", json={"model": "m", "messages": [{"role": "user", "content": PROBLEM}]})
    ).json()
    assert told["memory"]["flow"] == made.id
    assert "reprise_flows_injected_total" in (await client.get("/metrics")).text


async def test_what_was_forgotten_is_not_remembered_here(app, model):
    client, parts = app
    made = publish(parts)
    await ask(client, PROBLEM)
    parts.database.transact(lambda connection: connection.execute(sa.text("DELETE FROM flows")))
    parts.remembering.flows.forget()
    parts.remembering.guidance.forget()
    await ask(client, f"{PROBLEM} ")
    assert text_of(made) not in last_user(model.calls[-1])


async def said_to(client, model, prompt):
    """What the upstream is asked, when a client asks this."""
    await ask(client, prompt)
    return last_user(model.calls[-1])


# What a conversation is


def test_the_first_words_of_the_user_open_a_conversation():
    talk = talk_of(NEXT, "default", "ses_1", "apollo")
    assert talk == Talk("default", "ses_1", "apollo", PROBLEM, begins=False)
    assert not talk.fresh
    system = {"role": "system", "content": "Be brief."}
    assert talk_of([system, NEXT[0]], "default", "ses_1", "").fresh
    named = talk_of([NEXT[0]], "default", "mine", "")
    assert not named.fresh, "who names a session means that very one"
    assert dataclasses.replace(named, begins=False).key != named.key


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [None],
        [{"role": "user"}],
        [{"role": "user", "content": None}],
        [{"role": "user", "content": [None, 3, {}]}],
        ["x"],
    ],
)
def test_messages_of_any_shape_can_be_read(messages):
    assert talk_of(messages, "default", "ses_1", "").opening == ""


def test_words_in_parts_are_words():
    parts = [
        {"type": "text", "text": "My printer"},
        {"type": "image_url", "image_url": {}},
        {"type": "text", "text": "is off"},
    ]
    assert talk_of([{"role": "user", "content": parts}], "default", "s", "").opening == "My printer\nis off"
