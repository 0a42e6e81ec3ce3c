"""Flows over HTTP: shapes, errors, and who may do what."""

from __future__ import annotations

import pytest

from memory.memories.memory import Actor
from tests.memory.flows.made import given, node
from tests.proxy.test_memory_routes import ADMIN, KEYS, A, B, ok, refused

ADA = Actor("ada")


@pytest.fixture(scope="module")
async def keyless(run_app):
    async with run_app() as (client, parts):
        yield client, parts


@pytest.fixture(scope="module")
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        yield client, parts


def renamed(title):
    return given(title=title)


async def test_a_flow_is_written_listed_read_changed_and_drawn(keyless):
    client, parts = keyless
    made = await ok(client.post("/flows", json=given(project="apollo", reason="it helps")))
    assert made == {"id": made["id"], "version": 1, "status": "published"}
    (row,) = (await ok(client.get("/flows", params={"project": "apollo"})))["flows"]
    expected = {"id": made["id"], "project": "apollo", "title": given()["title"], "nodes": 5, "success_rate": None}
    assert {name: row[name] for name in expected} == expected
    assert "tree_structure" not in row, "a list is read by people"
    whole = await ok(client.get(f"/flows/{made['id']}"))
    assert {name: whole[name] for name in given()} == given(), "as it was written"
    changed = await ok(
        client.put(f"/flows/{made['id']}", json={**renamed("Printer is silent"), "diff_description": "Title."})
    )
    assert (changed["version"], changed["changed"]) == (2, True)
    again = await ok(client.put(f"/flows/{made['id']}", json=renamed("Printer is silent")))
    assert (again["version"], again["changed"]) == (2, False), "the same again is no version"
    old = await ok(client.get(f"/flows/{made['id']}", params={"version": 1}))
    assert (old["title"], old["version"], old["newest_version"]) == (given()["title"], 1, 2)
    listed = await ok(client.get(f"/flows/{made['id']}/versions"))
    assert [(one["version"], one["diff_description"]) for one in listed["versions"]] == [(2, "Title."), (1, None)]
    assert [row["reason"] for row in parts.remembering.trail.of(made["id"])] == [None, "it helps"], (
        "why goes into the audit"
    )


async def test_a_chart_is_text_or_json(keyless):
    client, _ = keyless
    id_ = (await ok(client.post("/flows", json=given())))["id"]
    text = await client.get(f"/flows/{id_}/mermaid")
    assert text.headers["content-type"].startswith("text/plain")
    assert text.text.startswith("flowchart TD\n")
    told = await ok(client.get(f"/flows/{id_}/mermaid", params={"version": 1}, headers={"accept": "application/json"}))
    assert told == {"id": id_, "version": 1, "mermaid": text.text}
    error = await refused(client.get(f"/flows/{id_}/mermaid", params={"version": 2}), 404)
    assert error["param"] == "version"


async def test_what_is_wrong_is_told_all_at_once_and_by_name(keyless):
    client, parts = keyless
    before = parts.remembering.flows.list()
    flow = given(match_keywords=["one"], problem_domain="magic")
    node(flow, "restart")["next_node_id"] = "nowhere"
    error = await refused(client.post("/flows", json=flow), 400)
    assert error["param"] == "match_keywords"
    for part in ("5 to 10, not 1", "'magic' is none of", "node 'restart': it leads to 'nowhere'"):
        assert part in error["message"], "nobody has to try twice"
    assert parts.remembering.flows.list() == before, "and nothing was published"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"titel": "x"}, "titel"),
        ({**given(), "namespace": ""}, "namespace"),
        ({**given(), "title": 3}, "title"),
        ({}, "title"),
        ([], "body"),
    ],
)
async def test_bad_bodies_name_their_field(keyless, body, param):
    client, _ = keyless
    assert (await refused(client.post("/flows", json=body), 400))["param"] == param


async def test_a_flow_is_retired_restored_and_undone(keyless):
    client, parts = keyless
    id_ = (await ok(client.post("/flows", json=given())))["id"]
    assert (await ok(client.post(f"/flows/{id_}/retire")))["status"] == "retired"
    listed = (await ok(client.get("/flows", params={"status": "published"})))["flows"]
    assert id_ not in [one["id"] for one in listed]
    assert (await ok(client.post(f"/flows/{id_}/restore", json={"reason": "too early"})))["status"] == "published"
    audit_id = parts.remembering.trail.of(id_)[0]["id"]
    await ok(client.post("/review/undo", json={"audit_id": audit_id}))
    assert (await ok(client.get(f"/flows/{id_}")))["status"] == "retired"


async def test_a_version_that_is_old_by_now_is_a_conflict(keyless):
    client, _ = keyless
    id_ = (await ok(client.post("/flows", json=given())))["id"]
    await ok(client.put(f"/flows/{id_}", json={**renamed("Second"), "version": 1}))
    error = await refused(client.put(f"/flows/{id_}", json={**renamed("Third"), "version": 1}), 409)
    assert "version 2" in error["message"]


async def test_what_is_not_there_is_a_404(keyless):
    client, _ = keyless
    for method, path in (
        ("GET", ""),
        ("GET", "/versions"),
        ("GET", "/mermaid"),
        ("POST", "/retire"),
        ("POST", "/restore"),
    ):
        await refused(client.request(method, f"/flows/flo_nobody{path}"), 404)
    await refused(client.put("/flows/flo_nobody", json=given()), 404)


async def test_clients_read_their_own_and_write_nothing(keyed):
    client, parts = keyed
    id_ = (await ok(client.post("/flows", json=given(namespace="team-a"), headers=ADMIN)))["id"]
    assert (await ok(client.get("/flows", headers=A)))["count"] == 1
    assert (await ok(client.get("/flows", headers=B)))["count"] == 0
    await refused(client.get("/flows", params={"namespace": "team-a"}, headers=B), 403)
    for path in ("", "/versions", "/mermaid"):
        assert (await client.get(f"/flows/{id_}{path}", headers=A)).status_code == 200, "its own can be read"
        await refused(client.get(f"/flows/{id_}{path}", headers=B), 404)
    for method, path in (("POST", ""), ("PUT", f"/{id_}"), ("POST", f"/{id_}/retire"), ("POST", f"/{id_}/restore")):
        body = {"json": given()} if method == "PUT" or not path else {}
        await refused(client.request(method, f"/flows{path}", headers=A, **body), 403)
    assert parts.remembering.flows.get(id_).version == 1, "nothing happened"


async def test_people_are_told_of_what_is_published(keyless, monkeypatch):
    client, parts = keyless
    told = []
    monkeypatch.setattr(parts.remembering.notifying.notifier, "notify", lambda *event: told.append(event))
    id_ = (await ok(client.post("/flows", json=given())))["id"]
    await ok(client.put(f"/flows/{id_}", json=renamed("Second")))
    await ok(client.put(f"/flows/{id_}", json=renamed("Second")))
    assert [(event[0], event[3], event[5]) for event in told] == [
        ("flow.published", id_, {"version": 1}),
        ("flow.published", id_, {"version": 2}),
    ], "each version once"
