"""Memories, their audit and the review queue over HTTP: shapes, errors, and who may do what."""

from __future__ import annotations

import asyncio
import json

import pytest

from memory.memories.memory import STATUSES, TYPES, Actor, Provenance

A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin", "name": "ada"},
    ]
}
TEA = "The user drinks green tea"


@pytest.fixture
async def keyless(run_app):
    async with run_app() as (client, parts):
        yield client, parts


@pytest.fixture
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        yield client, parts


def candidate(parts, content=TEA, namespace="default", source="int_0", **given):
    """What an extractor would raise; gives its id."""
    memory, _ = parts.remembering.memories.add(
        namespace=namespace,
        project="apollo",
        memory_type="preference",
        content=content,
        actor=Actor("extraction"),
        status="candidate",
        confidence=0.5,
        written_by="extraction",
        provenance=Provenance(source, "user", "preference_sentence", "rules/1", 0, 9, content),
        **given,
    )
    return memory.id


async def ok(call):
    response = await call
    assert response.status_code == 200, response.text
    return response.json()


async def refused(call, status):
    response = await call
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}, "errors have one shape"
    return error


# Memories


async def test_a_memory_is_written_listed_changed_and_deleted(keyless):
    client, _ = keyless
    body = {"memory_type": "preference", "content": TEA, "project": "apollo", "tags": ["drinks"]}
    made = await ok(client.post("/memory", json=body))
    assert made == {"status": "ok", "id": made["id"], "memory_type": "preference", "registered": False}
    assert (await ok(client.post("/memory", json=body)))["id"] == made["id"], "the same text is the same memory"
    listed = await ok(client.get("/memory"))
    assert (listed["types"], listed["statuses"]) == (list(TYPES), list(STATUSES))
    (row,) = listed["memories"]
    expected = {"content": TEA, "project": "apollo", "confidence": 1.0, "status": "active", "reference_count": 0}
    assert {name: row[name] for name in expected} == expected
    assert row["last_referenced_at"] is None, "nothing used it yet"
    change = {"content": "The user drinks mate", "confidence": 0.5, "valid_until": "2030-01-01T02:00:00+02:00"}
    changed = await ok(client.put(f"/memory/{made['id']}", json=change))
    assert (changed["status"], changed["id"]) == ("updated", made["id"])
    got = await ok(client.get(f"/memory/{made['id']}"))
    assert (got["content"], got["valid_until"]) == ("The user drinks mate", "2030-01-01 00:00:00")
    assert got == changed["memory"]
    assert await ok(client.delete(f"/memory/{made['id']}")) == {"status": "invalid", "id": made["id"]}
    assert (await ok(client.get("/memory")))["memories"] == []
    assert (await ok(client.get("/memory?active_only=false")))["count"] == 1, "its row stays"


async def test_promoting_and_rejecting(keyless):
    client, parts = keyless
    one, other = candidate(parts), candidate(parts, "Maybe")
    assert [row["id"] for row in (await ok(client.get("/memory?status=candidate")))["memories"]] == [other, one]
    assert await ok(client.post(f"/memory/{one}/promote")) == {"status": "promoted", "id": one}
    assert (await refused(client.post(f"/memory/{one}/promote"), 404))["param"] == "id", "it is a candidate no more"
    await refused(client.post(f"/memory/{one}/reject"), 404)
    assert await ok(client.post(f"/memory/{other}/reject", json={"reason": "no"})) == {
        "status": "rejected",
        "id": other,
    }
    assert candidate(parts, "Maybe") == other, "and is not raised again"
    history = await ok(client.get(f"/memory/{other}/audit"))
    assert [(row["action"], row["reason"]) for row in history["audit"]] == [("reject", "no"), ("add", None)]


async def test_promoting_what_is_active_already_says_which_memory_stands(keyless):
    client, parts = keyless
    body = {"memory_type": "preference", "content": TEA, "project": "apollo"}
    active = (await ok(client.post("/memory", json=body)))["id"]
    promoted = await ok(client.post(f"/memory/{candidate(parts)}/promote"))
    assert promoted["superseded_by"] == active


async def test_two_promotions_at_once_one_wins(keyless):
    client, parts = keyless
    path = f"/memory/{candidate(parts)}/promote"
    statuses = [response.status_code for response in await asyncio.gather(client.post(path), client.post(path))]
    assert sorted(statuses) == [200, 404]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": TEA}, "memory_type"),
        ({"memory_type": "preference"}, "content"),
        ({"memory_type": "taste", "content": TEA}, "memory_type"),
        ({"memory_type": "preference", "content": " \u200b "}, "content"),
        ({"memory_type": "preference", "content": "half \ud800"}, "content"),
        ({"memory_type": "preference", "content": TEA, "confidence": 2}, "confidence"),
        ({"memory_type": "preference", "content": TEA, "confidence": "1"}, "confidence"),
        ({"memory_type": "preference", "content": TEA, "tags": "drinks"}, "tags"),
        ({"memory_type": "preference", "content": TEA, "valid_until": "soon"}, "valid_until"),
        ({"memory_type": "preference", "content": TEA, "status": "active"}, "status"),
        ({"memory_type": "preference", "content": TEA, "reason": "half \ud800"}, "reason"),
    ],
)
async def test_a_bad_memory_is_refused_by_field(keyless, body, field):
    client, _ = keyless
    headers = {"content-type": "application/json"}
    error = await refused(client.post("/memory", content=json.dumps(body).encode(), headers=headers), 400)
    assert error["param"] == field


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("memory_type=taste", "memory_type"),
        ("status=gone", "status"),
        ("min_confidence=2", "min_confidence"),
        ("min_confidence=nan", "min_confidence"),
        ("limit=x", "limit"),
        ("active_only=perhaps", "active_only"),
    ],
)
async def test_a_bad_filter_is_refused_by_name(keyless, query, field):
    client, _ = keyless
    assert (await refused(client.get(f"/memory?{query}"), 400))["param"] == field


async def test_a_bad_change_is_refused_by_field(keyless):
    client, parts = keyless
    id_ = candidate(parts)
    for body, field in (({"status": "gone"}, "status"), ({"memory_type": "x"}, "memory_type"), ({}, "body")):
        assert (await refused(client.put(f"/memory/{id_}", json=body), 400))["param"] == field
    assert (await refused(client.put(f"/memory/{id_}", json={"content": None}), 400))["param"] == "content"


async def test_a_change_into_what_another_says_is_a_409(keyless):
    client, _ = keyless
    for content in (TEA, "Mate"):
        made = await ok(client.post("/memory", json={"memory_type": "preference", "content": content}))
    assert (await refused(client.put(f"/memory/{made['id']}", json={"content": TEA}), 409))["code"] == "conflict"


async def test_what_is_not_there_is_a_404(keyless):
    client, _ = keyless
    for call in (
        client.get("/memory/mem_none"),
        client.put("/memory/mem_none", json={"confidence": 0.1}),
        client.delete("/memory/mem_none"),
        client.post("/memory/mem_none/promote"),
        client.post("/memory/mem_none/reject"),
        client.get("/memory/mem_none/audit"),
    ):
        assert (await refused(call, 404))["code"] == "not_found", "said so in OpenAI's shape"


async def test_personal_data_and_secrets_never_reach_a_memory(keyless):
    client, _ = keyless
    body = {"memory_type": "identity", "content": "Reach Ann at ann.lee@example.org", "tags": ["ann.lee@example.org"]}
    made = await ok(client.post("/memory", json={**body, "reason": "from ann.lee@example.org"}))
    assert "ann.lee" not in str(await ok(client.get(f"/memory/{made['id']}")))
    assert "ann.lee" not in str(await ok(client.get("/admin/audit")))


# The audit


async def test_the_audit_is_filtered(keyless):
    client, parts = keyless
    one = candidate(parts)
    await ok(client.post(f"/memory/{one}/promote"))
    audit = await ok(client.get("/admin/audit"))
    assert [row["action"] for row in audit["audit"]] == ["promote", "add"]
    assert (await ok(client.get("/admin/audit?actor=extraction")))["count"] == 1
    assert (await ok(client.get("/admin/audit?action=promote")))["count"] == 1
    assert (await ok(client.get("/admin/audit?object_id=mem_none")))["count"] == 0
    assert (await ok(client.get("/admin/audit?namespace=default")))["count"] == 2
    assert (await ok(client.get("/admin/audit?since=2999-01-01T00:00:00Z")))["count"] == 0
    assert (await ok(client.get("/admin/audit?limit=1")))["count"] == 1
    assert (await refused(client.get("/admin/audit?since=soon"), 400))["param"] == "since"


# The queue


async def test_the_queue_is_decided_in_bulk_and_nothing_is_lost(keyless):
    client, parts = keyless
    ids = [candidate(parts, f"Candidate {number}") for number in range(4)]
    queue = await ok(client.get("/review"))
    assert (queue["count"], queue["waiting"]["memory"]) == (4, 4)
    card = queue["cards"][0]
    assert (card["id"], card["kind"], card["rule"], card["supports"]) == (ids[0], "memory", "preference_sentence", 1)
    assert card["span"]["interaction_id"] == "int_0"
    decisions = [
        {"id": ids[0], "action": "approve"},
        {"id": ids[1], "action": "edit", "content": "Edited"},
        {"id": ids[2], "action": "publish"},
        {"id": "mem_none", "action": "approve"},
        {"id": ids[3], "action": "reject", "reason": "no"},
    ]
    decided = await ok(client.post("/review", json={"decisions": decisions}))
    assert (decided["done"], decided["failed"]) == (3, 2)
    assert [result.get("status") for result in decided["results"]] == ["active", "active", None, None, "invalid"]
    assert decided["results"][2]["error"]["param"] == "action"
    assert decided["results"][3]["error"]["code"] == "not_found"
    assert [card["id"] for card in (await ok(client.get("/review")))["cards"]] == [ids[2]]


async def test_decisions_are_undone(keyless):
    client, parts = keyless
    one = candidate(parts)
    decided = await ok(client.post("/review", json={"decisions": [{"id": one, "action": "approve"}]}))
    undone = await ok(client.post("/review/undo", json={"audit_id": decided["results"][0]["audit_id"]}))
    assert (undone["status"], undone["action"], undone["object_id"]) == ("undone", "promote", one)
    assert (await ok(client.get(f"/memory/{one}")))["status"] == "candidate"
    await refused(client.post("/review/undo", json={"audit_id": decided["results"][0]["audit_id"]}), 409)
    await ok(client.post("/review", json={"decisions": [{"id": one, "action": "reject"}]}))
    assert (await ok(client.post("/review/undo")))["action"] == "reject", "left out: the last decision"
    assert (await refused(client.post("/review/undo"), 404))["param"] == "audit_id"
    assert (await refused(client.post("/review/undo", json={"audit_id": "aud_none"}), 404))["param"] == "audit_id"


@pytest.mark.parametrize(
    ("body", "field"), [({}, "decisions"), ({"decisions": [3]}, "decisions.0"), ({"decisions": "all"}, "decisions")]
)
async def test_a_body_that_is_no_list_of_decisions_is_refused(keyless, body, field):
    client, _ = keyless
    assert (await refused(client.post("/review", json=body), 400))["param"] == field


async def test_a_bad_kind_is_refused_by_name(keyless):
    client, _ = keyless
    assert (await refused(client.get("/review?kind=x"), 400))["param"] == "kind"


# Rights


async def test_a_client_reads_its_own_memories_and_changes_none(keyed):
    client, parts = keyed
    own, foreign = candidate(parts, namespace="team-a"), candidate(parts, namespace="team-b")
    listed = await ok(client.get("/memory?status=candidate", headers=A))
    assert [row["id"] for row in listed["memories"]] == [own]
    assert (await ok(client.get(f"/memory/{own}", headers=A)))["id"] == own
    assert (await ok(client.get(f"/memory/{own}/audit", headers=A)))["count"] == 1
    for path in (f"/memory/{foreign}", f"/memory/{foreign}/audit"):
        await refused(client.get(path, headers=A), 404)
    await refused(client.get("/memory?namespace=team-b", headers=A), 403)
    for method, path in (
        ("POST", "/memory"),
        ("PUT", f"/memory/{own}"),
        ("DELETE", f"/memory/{own}"),
        ("POST", f"/memory/{own}/promote"),
        ("POST", f"/memory/{own}/reject"),
        ("GET", "/admin/audit"),
        ("GET", "/review"),
        ("POST", "/review"),
        ("POST", "/review/undo"),
    ):
        body = {} if method in ("POST", "PUT") else None
        await refused(client.request(method, path, json=body, headers=A), 403)
        await refused(client.request(method, path, json=body), 401)
    assert (await ok(client.get(f"/memory/{own}", headers=A)))["status"] == "candidate"


async def test_an_admin_sees_all_and_writes_for_any_namespace_under_its_name(keyed):
    client, parts = keyed
    own, foreign = candidate(parts, namespace="team-a"), candidate(parts, namespace="team-b")
    listed = await ok(client.get("/memory?status=candidate", headers=ADMIN))
    assert {row["id"] for row in listed["memories"]} == {own, foreign}
    assert (await ok(client.get("/memory?status=candidate&namespace=team-b", headers=ADMIN)))["count"] == 1
    body = {"memory_type": "identity", "content": "The team is called A", "namespace": "team-a"}
    made = (await ok(client.post("/memory", json=body, headers=ADMIN)))["id"]
    assert (await ok(client.get("/memory", headers=A)))["memories"][0]["id"] == made
    assert (await ok(client.get("/admin/audit?actor=ada", headers=ADMIN)))["audit"][0]["object_id"] == made
    ours = (await ok(client.post("/memory", json={**body, "namespace": None}, headers=ADMIN)))["id"]
    assert (await ok(client.get(f"/memory/{ours}", headers=ADMIN)))["namespace"] == "ops", "left out: the caller's own"
