"""Projects and their state over HTTP: shapes, errors, who may do what, and where names are resolved."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from memory.memories.memory import Actor
from memory.projects.state import CATEGORIES
from proxy.moving.exporter import Wanted, entries_wanted, interactions_wanted
from proxy.remembering.projects import MERGE, PART, moving, parting
from store import tables
from store.jobs import Job
from tests.proxy.test_memory_routes import ADMIN, KEYS, A, ok, refused

APOLLO = {"project_id": "apollo", "aliases": ["Apollo Program", "moon shot"], "description": "To the moon."}
FACT = {"project": "apollo", "category": "decision", "key": "language", "value": "Ada"}


@pytest.fixture
async def keyless(run_app, tmp_path):
    (tmp_path / "notes" / "apollo").mkdir(parents=True)
    async with run_app(memory={"sources": {"notes": str(tmp_path / "notes")}}) as (client, parts):
        yield client, parts


@pytest.fixture
async def keyed(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        yield client, parts


def rows(parts, table):
    return parts.database.query(sa.select(table).order_by(table.c.id))


def chat(prompt="Hi", **headers):
    named = {f"x-reprise-{name}": value for name, value in headers.items()}
    return {"json": {"model": "m", "messages": [{"role": "user", "content": prompt}]}, "headers": named}


# The registry


async def test_a_project_is_registered_listed_and_changed(keyless):
    client, _ = keyless
    root = {"source": "notes", "subpath": "apollo", "label": "Notes"}
    made = await ok(client.post("/projects/register", json={**APOLLO, "ingest_roots": [root]}))
    assert made["status"] == "registered"
    assert made["moved"] == {}, "nothing stood under its names"
    (listed,) = (await ok(client.get("/projects")))["projects"]
    expected = {"id": "apollo", "aliases": APOLLO["aliases"], "description": "To the moon.", "ingest_roots": [root]}
    assert {name: listed[name] for name in expected} == expected, "it is listed as it was written"
    changed = await ok(client.put("/projects/MOON%20shot", json={"description": "And back."}))
    assert (changed["status"], changed["project"]["id"]) == ("updated", "apollo"), "an alias names it, too"
    assert changed["project"]["aliases"] == APOLLO["aliases"], "what is left out stays"
    again = await ok(client.put("/projects/apollo", json={"description": "And back."}))
    assert again["status"] == "unchanged"


async def test_registering_it_again_changes_nothing_and_otherwise_is_refused(keyless):
    client, _ = keyless
    await ok(client.post("/projects/register", json=APOLLO))
    assert (await ok(client.post("/projects/register", json=APOLLO)))["status"] == "unchanged"
    error = await refused(client.post("/projects/register", json={**APOLLO, "aliases": []}), 400)
    assert error["param"] == "project_id", "an update is a PUT, so that no alias is lost by the way"
    told = await ok(client.get("/projects/template"))
    assert told["sources"] == ["notes"]
    other = {**told["template"], "project_id": "gemini"}
    assert (await ok(client.post("/projects/register", json=other)))["status"] == "registered", "the template fits"


BAD = {
    "a word in capitals": ({"project_id": "Apollo"}, "project_id"),
    "two dashes": ({"project_id": "a--b"}, "project_id"),
    "no id": ({"aliases": []}, "project_id"),
    "a blank alias": ({"project_id": "a", "aliases": [" "]}, "aliases"),
    "an unknown source": ({"project_id": "a", "ingest_roots": [{"source": "other"}]}, "ingest_roots.0.source"),
    "a climbing path": (
        {"project_id": "a", "ingest_roots": [{"source": "notes", "subpath": "x/../../y"}]},
        "ingest_roots.0.subpath",
    ),
    "an absolute path": (
        {"project_id": "a", "ingest_roots": [{"source": "notes", "subpath": "/etc"}]},
        "ingest_roots.0.subpath",
    ),
    "an unknown field": ({"project_id": "a", "owner": "x"}, "owner"),
}


async def test_bad_input_is_a_400_that_names_the_field(keyless):
    client, parts = keyless
    for kind, (body, param) in BAD.items():
        for route in ("register", "proposal"):
            error = await refused(client.post(f"/projects/{route}", json=body), 400)
            assert error["param"] == param, f"{kind}, {route}"
    assert not rows(parts, tables.projects), "and nothing is registered"


async def test_a_name_belongs_to_one_project(keyless):
    client, _ = keyless
    await ok(client.post("/projects/register", json=APOLLO))
    taken = {"project_id": "gemini", "aliases": ["Moon  Shot"]}
    error = await refused(client.post("/projects/register", json=taken), 400)
    assert (error["param"], "apollo" in error["message"]) == ("aliases", True)
    other = {**APOLLO, "project_id": "x", "aliases": ["APOLLO"]}
    assert (await refused(client.post("/projects/register", json=other), 400))["param"] == "aliases"
    await ok(client.post("/projects/register", json={"project_id": "gemini"}))
    error = await refused(client.put("/projects/gemini", json={"aliases": ["moon shot"]}), 400)
    assert error["param"] == "aliases", "nor may it get one later"
    told = await ok(client.post("/projects/proposal", json=taken))
    assert (told["valid"], told["collisions"]) == (False, [{"name": "Moon Shot", "project": "apollo"}])


async def test_an_unknown_project_is_a_404(keyless):
    client, _ = keyless
    assert (await refused(client.put("/projects/nobody", json={"description": "x"}), 404))["param"] == "name"
    assert (await refused(client.put("/projects/nobody", json={}), 400))["param"] == "body"


async def test_a_proposal_says_what_would_be_and_changes_nothing(keyless):
    client, parts = keyless
    for project in ("Moon Shot", "moon shot", "apollo", "other"):
        await ok(client.post("/interactions", json={"prompt": "Hi", "project": project}))
        await ok(client.post("/memory", json={"memory_type": "project", "content": "A long tale", "project": project}))
    root = {"source": "notes", "subpath": "nowhere"}
    told = await ok(client.post("/projects/proposal", json={**APOLLO, "ingest_roots": [root]}))
    assert (told["valid"], told["registered"]) == (True, False)
    assert told["would_move"] == {name: {"interactions": 1, "memories": 1} for name in ("Moon Shot", "moon shot")}
    assert told["warnings"] == ["notes/nowhere: nothing is there that could be read."]
    assert not rows(parts, tables.projects), "nothing was registered"
    assert {row["project"] for row in rows(parts, tables.interactions)} > {"Moon Shot"}, "and nothing moved"


async def test_a_proposal_names_the_state_of_which_one_value_will_stay(keyless):
    client, _ = keyless
    for project, value in (("apollo", "old"), ("Moon Shot", "new"), ("Moon Shot", "new")):
        said = {"project": project, "category": "decision", "key": "database", "value": value}
        await ok(client.post("/project/state", json=said))
    await ok(client.post("/project/state", json={**said, "key": "alone"}))
    told = await ok(client.post("/projects/proposal", json=APOLLO))
    assert told["warnings"] == ["State decision/database stands under several of its names: the value said last stays."]


async def test_state_keeps_a_contacts_address_and_no_secret(keyless):
    client, _ = keyless
    said = {"project": "apollo", "category": "contact", "key": "Ada"}
    told = await ok(client.post("/project/state", json={**said, "value": "Ada <ada@example.org>, +49 30 1234567"}))
    assert told["value"] == "Ada <ada@example.org>, +49 30 1234567"
    told = await ok(
        client.post("/project/state", json={**said, "value": "Her key is sk-proj-abcdefghijklmnopqrstuvwx12345678"})
    )
    assert "abcdefghijklmnop" not in told["value"], "the answer says what was kept"


async def test_roots_that_change_are_told_once_committed(keyless):
    client, parts = keyless
    told, registry = [], parts.remembering.projects
    registry.on_roots_changed = lambda sources: told.append((sources, registry.owner("notes", "apollo/a.md")))
    root = {"source": "notes", "subpath": "apollo"}
    await ok(client.post("/projects/register", json={**APOLLO, "ingest_roots": [root]}))
    await ok(client.put("/projects/apollo", json={"description": "x"}))
    await ok(client.put("/projects/apollo", json={"ingest_roots": []}))
    assert told == [(frozenset({"notes"}), "apollo"), (frozenset({"notes"}), "")], "the description moves no document"


# State


async def test_what_is_said_is_read_superseded_and_taken_back(keyless):
    client, parts = keyless
    made = await ok(client.post("/project/state", json={**FACT, "source": "minutes", "confidence": 0.9}))
    assert (made["status"], made["changed"]) == ("ok", True)
    again = await ok(client.post("/project/state", json=FACT))
    assert (again["id"], again["changed"]) == (made["id"], False), "the same value changes nothing"
    told = await ok(client.get("/project/state/apollo"))
    assert (told["project"], told["categories"]) == ("apollo", list(CATEGORIES))
    (entry,) = told["entries"]
    assert set(entry) == {"category", "key", "value", "source", "confidence", "status", "updated_at"}
    assert (entry["value"], entry["source"], entry["confidence"], entry["status"]) == ("Ada", "minutes", 0.9, "active")
    await ok(client.post("/project/state", json={**FACT, "value": "Rust"}))
    (entry,) = (await ok(client.get("/project/state/apollo", params={"category": "decision"})))["entries"]
    assert (entry["value"], entry["source"]) == ("Rust", ""), "a new value has its own source"
    assert (await ok(client.get("/project/state/apollo", params={"category": "contact"})))["entries"] == []
    place = {name: FACT[name] for name in ("project", "category", "key")}
    gone = await ok(client.request("DELETE", "/project/state", json=place))
    assert gone["status"] == "deleted"
    assert (await ok(client.get("/project/state/apollo")))["entries"] == []
    assert (await refused(client.request("DELETE", "/project/state", json=place), 404))["param"] == "key"
    statuses = sorted(row["status"] for row in rows(parts, tables.project_state))
    assert statuses == ["deleted", "superseded"], "the rows stay, for the history"


async def test_what_a_fact_cannot_be_is_a_400(keyless):
    client, _ = keyless
    wrong = {"category": "mood", "key": " ", "value": "x" * 2001, "project": " ", "confidence": 1.1}
    for name, value in wrong.items():
        assert (await refused(client.post("/project/state", json={**FACT, name: value}), 400))["param"] == name
    assert (await refused(client.get("/project/state/apollo", params={"category": "mood"}), 400))["param"] == "category"


async def test_a_change_of_state_can_be_undone(keyless):
    client, parts = keyless
    await ok(client.post("/project/state", json=FACT))
    await ok(client.post("/project/state", json={**FACT, "value": "Rust", "reason": "faster"}))
    newest = (await ok(client.get("/admin/audit", params={"limit": 2})))["audit"]
    assert {row["action"] for row in newest} == {"supersede", "add"}
    assert newest[0]["reason"] == "faster", "the audit says why"
    await ok(client.post("/review/undo", json={"audit_id": newest[0]["id"].partition(".")[0]}))
    (entry,) = (await ok(client.get("/project/state/apollo")))["entries"]
    assert entry["value"] == "Ada", "what was superseded holds again"
    assert parts.remembering.state.version("default") == 3, "and whoever keeps packs is told"


async def test_a_registration_is_undone_with_the_rows_that_followed_it(keyless):
    client, parts = keyless
    memory = {"memory_type": "project", "content": "A long tale", "project": "moon shot"}
    id_ = (await ok(client.post("/memory", json=memory)))["id"]
    made = await ok(client.post("/projects/register", json=APOLLO))
    assert made["moved"] == {"memories": 1}
    asked = {"audit_id": made["audit_id"]}
    told = await ok(client.post("/review/undo", json={**asked, "dry_run": True}))
    assert (told["status"], told["moved"]) == ("dry_run", {"memories": 1})
    assert (await ok(client.get("/projects")))["projects"], "the dry run changed nothing"
    undone = await ok(client.post("/review/undo", json=asked))
    assert (undone["status"], undone["action"], undone["moved"]) == ("undone", "register", {"memories": 1})
    assert (await ok(client.get("/projects")))["projects"] == []
    assert parts.remembering.memories.get(id_).project == "moon shot", "where it stood"
    error = await refused(client.post("/review/undo", json=asked), 409)
    assert "changed since" in error["message"], "a second time there is nothing to be undone"
    back = await ok(client.post("/review/undo", json={"audit_id": undone["audit_id"]}))
    assert back["moved"] == {"memories": 1}, "undoing is undone, too"
    assert parts.remembering.memories.get(id_).project == "apollo"


async def test_undoing_ingest_roots_tells_whose_documents_they_are(keyless):
    client, parts = keyless
    root = {"source": "notes", "subpath": "apollo"}
    made = await ok(client.post("/projects/register", json={**APOLLO, "ingest_roots": [root]}))
    assert parts.remembering.projects.owner("notes", "apollo/a.md") == "apollo"
    told = []
    parts.remembering.projects.on_roots_changed = told.append
    await ok(client.post("/review/undo", json={"audit_id": made["audit_id"]}))
    assert told == [frozenset({"notes"})]
    assert parts.remembering.projects.owner("notes", "apollo/a.md") == ""


async def test_a_killed_process_puts_the_rest_back_by_its_job(keyless):
    client, parts = keyless
    await ok(client.post("/v1/chat/completions", **chat(project="moon shot")))
    made = await ok(client.post("/projects/register", json=APOLLO))
    parts.remembering.merging.settle("apollo", Actor("ada"))
    parts.remembering.memories.followers.clear()
    await ok(client.post("/review/undo", json={"audit_id": made["audit_id"]}))
    (job,) = [row for row in parts.database.query(sa.select(tables.jobs)) if row["kind"] == PART]
    assert job["run_after"] > time.time() + 5, "whoever undoes puts the rows back at once; this is for the rest"
    assert rows(parts, tables.interactions)[0]["project"] == "apollo"
    lane = parting(parts.remembering.merging)
    lane.work(Job(1, PART, job["key"], "", 1, 0.0))
    assert rows(parts, tables.interactions)[0]["project"] == "moon shot"
    assert rows(parts, tables.entries)[0]["project"] == "moon shot"
    again = await ok(client.post("/v1/chat/completions", **chat(project="moon shot")))
    assert again["choices"], "answered"
    assert rows(parts, tables.interactions)[-1]["cache_status"] == "hit", "its stored answer is in reach again"


async def test_a_name_that_nobody_registered_is_told_with_one_like_it(keyless):
    client, _ = keyless
    assert (await ok(client.post("/project/state", json=FACT)))["registered"] is False
    await ok(client.post("/projects/register", json=APOLLO))
    known = await ok(client.post("/project/state", json={**FACT, "project": "Moon Shot"}))
    assert (known["registered"], "did_you_mean" in known) == (True, False)
    for name, meant in (("apolo", "apollo"), ("Apollo Programm", "Apollo Program"), ("billing", None)):
        said = await ok(client.post("/project/state", json={**FACT, "project": name}))
        assert (said["registered"], said.get("did_you_mean")) == (False, meant), name
    memory = {"memory_type": "project", "content": "A long tale"}
    assert "registered" not in await ok(client.post("/memory", json=memory)), "of every project"
    made = await ok(client.post("/memory", json={**memory, "project": "appollo"}))
    assert (made["registered"], made["did_you_mean"]) == (False, "apollo")
    moved = await ok(client.put(f"/memory/{made['id']}", json={"project": "apollo"}))
    assert moved["registered"] is True
    assert "registered" not in await ok(client.put(f"/memory/{made['id']}", json={"confidence": 0.5}))


async def test_secrets_are_not_kept_in_state(keyless):
    client, _ = keyless
    key = "sk-proj-" + "a1B2c3D4" * 6
    await ok(client.post("/project/state", json={**FACT, "value": f"the key is {key}"}))
    assert key not in (await client.get("/project/state/apollo")).text
    assert key not in (await client.get("/admin/audit")).text


# Who may do what


async def test_clients_read_the_state_of_their_own_namespace_and_write_nothing(keyed):
    client, _ = keyed
    mine = {**FACT, "namespace": "team-a"}
    await ok(client.post("/project/state", json=mine, headers=ADMIN))
    await ok(client.post("/project/state", json={**FACT, "value": "C"}, headers=ADMIN))
    (entry,) = (await ok(client.get("/project/state/apollo", headers=A)))["entries"]
    assert entry["value"] == "Ada", "a client sees its own namespace's"
    (entry,) = (await ok(client.get("/project/state/apollo", headers=ADMIN)))["entries"]
    assert entry["value"] == "C", "an admin its own, or another's by name"
    (entry,) = (await ok(client.get("/project/state/apollo?namespace=team-a", headers=ADMIN)))["entries"]
    assert entry["value"] == "Ada"
    error = await refused(client.get("/project/state/apollo?namespace=ops", headers=A), 403)
    assert error["param"] == "namespace"
    routes = [
        ("GET", "/projects"),
        ("GET", "/projects/template"),
        ("POST", "/projects/proposal"),
        ("POST", "/projects/register"),
        ("PUT", "/projects/apollo"),
        ("POST", "/project/state"),
        ("DELETE", "/project/state"),
    ]
    for method, path in routes:
        assert (await client.request(method, path, json={}, headers=A)).status_code == 403, path
        assert (await client.request(method, path, json={})).status_code == 401, path


# Names at the boundaries


async def test_what_is_stored_under_an_alias_is_stored_under_the_id(keyless, model):
    client, parts = keyless
    await ok(client.post("/projects/register", json=APOLLO))
    alias = "Apollo  PROGRAM"
    body = {"memory_type": "project", "content": "Launch is on Monday", "project": alias}
    id_ = (await ok(client.post("/memory", json=body)))["id"]
    await ok(client.put(f"/memory/{id_}", json={"project": "moon shot"}))
    await ok(client.post("/interactions", json={"prompt": "Posted", "project": alias}))
    await ok(client.post("/project/state", json={**FACT, "project": alias}))
    await ok(client.post("/v1/chat/completions", **chat(project=alias)))
    for table in (tables.memories, tables.interactions, tables.project_state, tables.entries):
        assert {row["project"] for row in rows(parts, table)} <= {"apollo"}, table.name
    await ok(client.post("/v1/chat/completions", **chat(project="moon shot")))
    assert len(model.bodies) == 1, "the answer made under one name serves the other"
    found = await ok(client.post("/cache/invalidate", json={"project": "moon shot", "dry_run": True}))
    assert found["count"] == 1, "and is invalidated under it"


async def test_a_name_that_nobody_registered_is_kept(keyless):
    client, _ = keyless
    await ok(client.post("/interactions", json={"prompt": "Hi", "project": " Some Name "}))
    (row,) = (await ok(client.get("/interactions", params={"project": "Some Name"})))["interactions"]
    assert row["project"] == "Some Name", "trimmed, and otherwise as it is"
    assert (await ok(client.get("/project/state/Some%20Name")))["project"] == "Some Name", "and no 404"


async def test_a_route_that_names_an_alias_means_the_project(run_app, model):
    cache = {
        "verifier": {"model": "cosine"},
        "policies": {"careful": {"tiers": []}},
        "routes": [{"match": {"project": "moon shot"}, "policy": "careful"}],
    }
    async with run_app(cache=cache) as (client, _):
        await ok(client.post("/projects/register", json=APOLLO))
        for name in ("moon shot", "apollo", "Apollo Program"):
            answer = await client.post("/v1/chat/completions", **chat(project=name))
            assert answer.headers["x-reprise-policy"] == "careful", name


async def test_exports_find_a_project_under_its_aliases(keyless, model):
    client, parts = keyless
    await ok(client.post("/projects/register", json=APOLLO))
    await ok(client.post("/v1/chat/completions", **chat(project="apollo")))
    await ok(client.post("/v1/chat/completions", **chat(project="other")))
    parts.entries.flush()
    for name, count in (("apollo", 1), ("Moon  SHOT", 1), ("other", 1), ("nobody", 0)):
        wanted = Wanted(project=name)
        for query in (entries_wanted(wanted, time.time()), interactions_wanted(wanted)):
            assert len(parts.database.query(query)) == count, name


async def test_a_job_moves_what_the_request_did_not(keyless):
    client, parts = keyless
    await ok(client.post("/interactions", json={"prompt": "Hi", "project": "Moon Shot"}))
    # As if the process had been killed right after the commit.
    parts.remembering.projects.register("apollo", ["Moon Shot"], actor=Actor("ada"))
    (queued,) = [row for row in parts.database.query(sa.select(tables.jobs)) if row["kind"] == MERGE]
    assert queued["run_after"] > queued["queued_at"], "after what is being written just now"
    job = Job(queued["id"], MERGE, queued["key"], "", 1, queued["queued_at"])
    moving(parts.remembering.merging).work(job)
    assert [row["project"] for row in rows(parts, tables.interactions)] == ["apollo"]
