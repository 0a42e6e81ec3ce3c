"""Forgetting over HTTP: sessions, what they taught, and what people were told of it."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from memory.memories.audit_trail import Changed
from memory.memories.memory import Actor
from store import tables
from store.words import Words

pytestmark = pytest.mark.slow

NAME = "Zoë Quillfeather"
HERS = f"The printer of {NAME} is offline"
NOW = "2026-11-20 10:00:00"


@pytest.fixture
async def app(run_app):
    async with run_app(memory={"flows": {"enabled": False}}) as (client, parts):
        yield client, parts


async def ask(client, prompt, session, client_name=None):
    headers = {"x-reprise-session": session} | ({"x-reprise-client": client_name} if client_name else {})
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    response = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert response.status_code == 200, response.text
    return response.headers["x-reprise-interaction"]


async def forget(client, /, **body):
    response = await client.post("/admin/forget", json=body)
    assert response.status_code == 200, response.text
    return response.json()


def put(parts, table, **row):
    parts.database.transact(lambda connection: connection.execute(sa.insert(table).values(**row)) and None)


def session(parts, id_="s-1", *, interactions=(), root=None, namespace="default", **given):
    """A session with a step for each of its interactions."""
    namespace = (
        parts.database.query(sa.select(tables.interactions.c.namespace))[0]["namespace"] if interactions else namespace
    )
    moments = {"started_at": NOW, "last_at": NOW}
    put(parts, tables.sessions, namespace=namespace, id=id_, root=root or id_, **moments, **given)
    for interaction in interactions:
        key = {"interaction_id": interaction, "namespace": namespace, "session_id": id_, "root": root or id_}
        put(parts, tables.session_steps, at=NOW, step_type="question", asked="redacted", said="redacted", **key)
    return namespace


def proposal(parts, id_, *sessions, namespace="default", status="pending", title="Printer offline", **given):
    fields = {"proposal_type": "new_flow", "confidence_score": 0.5, "analyst": "m", "description": "", "content": "{}"}
    moments = {"created_at": NOW, "updated_at": NOW}
    put(
        parts,
        tables.proposals,
        id=id_,
        namespace=namespace,
        status=status,
        title=title,
        **{**fields, **moments, **given},
    )
    for one in sessions:
        put(parts, tables.proposal_sessions, proposal_id=id_, namespace=namespace, session_id=one, at=NOW)


def flow(parts, id_, *versions, title="Printer", namespace="default"):
    texts = {"title": title, "description": "", "keywords": "[]"}
    moments = {"created_at": NOW, "updated_at": NOW}
    put(parts, tables.flows, id=id_, namespace=namespace, status="published", version=len(versions), **moments, **texts)
    for number, content in enumerate(versions, 1):
        put(parts, tables.flow_versions, flow_id=id_, version=number, at=NOW, actor="ada", content=content)


def told(parts, object_type, object_id, title="something", namespace="default"):
    id_ = parts.remembering.notifying.inbox.tell("proposal.pending", namespace, object_type, object_id, title, {})
    put(parts, tables.deliveries, notification_id=id_, channel="webhook", state="waiting", tries=0, due_at=0.0)
    return id_


def column(parts, of):
    return {row[of.name] for row in parts.database.query(sa.select(of))}


def holding(parts, text):
    """Tables with the words in any column of any row."""
    words = Words(text)
    return {
        table.name
        for table in tables.metadata.sorted_tables
        for row in parts.database.query(sa.select(table))
        if any(words.stand_in(value) for value in row.values() if isinstance(value, str))
    }


def flo(number):
    return f"flo_{number:024x}"


def pro(number):
    return f"pro_{number:024x}"


async def test_a_subject_goes_from_sessions_flows_proposals_and_notifications(app):
    client, parts = app
    session(parts, "hers", problem_summary=HERS)
    session(parts, "other", problem_summary="The scanner is offline")
    proposal(parts, pro(1), "other", content=HERS)
    proposal(parts, pro(2), "other")
    flow(parts, flo(1), HERS, title=HERS)
    flow(parts, flo(2), "{}")
    told(parts, "proposal", pro(3), HERS)
    told(parts, "proposal", pro(2))
    receipt = await forget(client, subject=NAME)
    assert holding(parts, NAME) == set(), "her name stands nowhere"
    assert receipt["complete"], "nor in any file"
    counts = {
        name: receipt["counts"][name] for name in ("sessions", "proposals", "flows", "flow_versions", "notifications")
    }
    assert counts == dict.fromkeys(counts, 1), "the receipt counts what went"
    assert column(parts, tables.sessions.c.id) == {"other"}, "another's session stays"
    assert column(parts, tables.proposals.c.id) == {pro(2)}, "another proposal"
    assert column(parts, tables.flows.c.id) == {flo(2)}, "another flow"
    assert len(column(parts, tables.deliveries.c.notification_id)) == 1, "and what tells of them"


async def test_a_session_goes_when_one_of_its_interactions_does(app):
    client, parts = app
    said = await ask(client, HERS, "s-1")
    session(parts, "s-1", interactions=[said], problem_summary="A printer is offline")
    receipt = await forget(client, subject=NAME)
    assert column(parts, tables.sessions.c.id) == set(), "it was made of her words, though it does not repeat them"
    assert column(parts, tables.session_steps.c.interaction_id) == set(), "and so was the step"
    assert (receipt["counts"]["sessions"], receipt["counts"]["session_steps"]) == (1, 1), "both are counted"


@pytest.mark.parametrize(("kind", "value"), [("session", "s-1"), ("client", "ada")])
async def test_a_session_or_a_client_goes_with_what_it_alone_taught(app, kind, value):
    client, parts = app
    said = await ask(client, "The printer is offline", "s-1", "ada")
    other = await ask(client, "The scanner is offline", "s-2", "bob")
    namespace = session(parts, "s-1", interactions=[said], client="ada")
    session(parts, "s-2", interactions=[other], client="bob")
    for number, (supporters, status) in enumerate(
        [(("s-1",), "pending"), (("s-1",), "rejected"), (("s-1",), "approved"), (("s-1", "s-2"), "pending")]
    ):
        proposal(parts, pro(number), *supporters, namespace=namespace, status=status)
    outcome = {"version": 1, "outcome": "resolved", "at": NOW}
    put(parts, tables.flow_outcomes, namespace=namespace, session_id="s-1", flow_id=flo(1), **outcome)
    flow(parts, flo(1), "{}", namespace=namespace)
    told(parts, "session", "s-1", namespace=namespace)
    told(parts, "session", "s-2", namespace=namespace)
    told(parts, "proposal", pro(0), namespace=namespace)
    await forget(client, **{kind: value})
    assert column(parts, tables.sessions.c.id) == {"s-2"}, "the other session stays"
    assert column(parts, tables.session_steps.c.interaction_id) == {other}, "with its step"
    assert column(parts, tables.proposals.c.id) == {pro(2), pro(3)}, "what was approved, and what another supports, too"
    assert column(parts, tables.proposal_sessions.c.session_id) == {"s-2"}, "the support is gone"
    assert column(parts, tables.flow_outcomes.c.session_id) == set(), "and what it followed"
    assert column(parts, tables.flows.c.id) == {flo(1)}, "a flow that is in use stays"
    assert column(parts, tables.notifications.c.object_id) == {"s-2"}, "what tells of it is gone"
    assert len(column(parts, tables.deliveries.c.notification_id)) == 1, "and is sent to nobody"


async def test_one_of_several_sessions_of_an_id_goes_with_its_interactions(app):
    client, parts = app
    first, second = await ask(client, "The printer is offline", "r"), await ask(client, "And the VPN drops", "r")
    session(parts, "r", interactions=[first])
    session(parts, "r.2", interactions=[second], root="r")
    await forget(client, session="r.2")
    assert column(parts, tables.sessions.c.id) == {"r"}, "the other stays"
    assert column(parts, tables.interactions.c.id) == {first}, "and so do its interactions"
    await forget(client, session="r")
    assert column(parts, tables.interactions.c.id) == set(), "by the id that calls bear, all of it goes"


async def test_a_namespace_goes_with_all_of_it(app):
    client, parts = app
    for namespace in ("a", "b"):
        session(parts, "s-1", namespace=namespace)
        proposal(parts, pro(ord(namespace)), "s-1", namespace=namespace, status="approved")
        flow(parts, flo(ord(namespace)), "{}", "{}", namespace=namespace)
        told(parts, "session", "s-1", namespace=namespace)
        put(parts, tables.model_calls, namespace=namespace, day="2026-11-21", purpose="analysis", calls=3)
    await forget(client, namespace="a")
    for table in ("sessions", "proposals", "proposal_sessions", "flows", "notifications", "model_calls"):
        assert column(parts, tables.metadata.tables[table].c.namespace) == {"b"}, table
    assert column(parts, tables.flow_versions.c.flow_id) == {flo(ord("b"))}, "versions have none of their own"
    assert len(parts.database.query(sa.select(tables.deliveries))) == 1, "nor have deliveries"


async def test_of_a_flow_that_names_her_no_more_the_old_version_goes(app):
    client, parts = app
    flow(parts, flo(1), HERS, "{}", "{}")
    receipt = await forget(client, subject=NAME)
    assert column(parts, tables.flow_versions.c.version) == {2, 3}, "the others stay"
    assert receipt["counts"]["flow_versions"] == 1, "one went"
    assert column(parts, tables.flows.c.id) == {flo(1)}, "and the flow is in use"


async def test_who_made_a_version_is_forgotten_and_the_version_stays(app):
    client, parts = app
    flow(parts, flo(1), "{}")
    parts.database.transact(lambda c: c.execute(sa.update(tables.flow_versions).values(actor=NAME)) and None)
    await forget(client, subject=NAME)
    assert column(parts, tables.flow_versions.c.actor) == {"forgotten"}, "nobody's"


async def test_the_audit_of_what_went_is_emptied(app):
    client, parts = app
    session(parts, "s-1", problem_summary="x")
    proposal(parts, pro(1), "s-1")
    trail = parts.remembering.trail
    changes = [
        Changed("s-1", "correct", "default", {"problem_domain": "x"}, {"problem_domain": "y"}, "session"),
        Changed("s-1", "correct", "other", {"problem_domain": "x"}, {"problem_domain": "y"}, "session"),
        Changed(pro(1), "reject", "default", {"status": "pending"}, {"status": "rejected"}, "proposal"),
    ]
    parts.database.transact(lambda connection: trail.write(connection, Actor("ada"), *changes) and None)
    await forget(client, session="s-1")
    rows = {
        (row["namespace"], row["object_id"]): row["after"] for row in trail.list() if row["object_type"] != "receipt"
    }
    assert rows["default", "s-1"] is None, "what became of the session"
    assert rows["default", pro(1)] is None, "and of what it taught"
    assert rows["other", "s-1"] is not None, "another namespace's session of that name is another"


async def test_what_waits_to_be_analysed_is_not(app):
    client, parts = app
    session(parts, "s-1", analysis="waiting")
    await asyncio.to_thread(parts.remembering.jobs.put, "analyse", ["default/s-1"], "default")
    await forget(client, session="s-1")
    assert column(parts, tables.jobs.c.key) == set(), "there is nothing to analyse"


async def test_a_dry_run_counts_and_changes_nothing(app):
    client, parts = app
    session(parts, "s-1", problem_summary=HERS)
    proposal(parts, pro(1), "s-1")
    flow(parts, flo(1), HERS)
    told(parts, "session", "s-1")
    counted = await forget(client, subject=NAME, dry_run=True)
    assert counted["counts"] == {"sessions": 1, "proposals": 1, "flows": 1, "notifications": 1}, "what would go"
    assert column(parts, tables.sessions.c.id) == {"s-1"}, "and is still there"


async def test_what_a_process_holds_of_flows_is_dropped(app):
    client, parts = app
    flow(parts, flo(1), HERS, title=HERS)
    parts.remembering.flows.forget()
    before = parts.remembering.flows.version("default")
    await forget(client, subject=NAME)
    assert parts.remembering.flows.version("default") != before, "whoever holds a copy reads it anew"
    assert parts.remembering.flows.get(flo(1)) is None, "and finds it no more"
