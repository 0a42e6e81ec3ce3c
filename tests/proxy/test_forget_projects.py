"""Forgetting in projects, their state and the sources: what goes, what stays, and what the receipt says of it."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from store import tables
from tests.proxy.test_forget import ADMIN, KEYS, NAME, A, forgotten, gone, holding
from tests.proxy.test_memory_routes import ok


@pytest.fixture
def docs(tmp_path):
    """A source with three files, one of them about her."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "team.md").write_text(f"# Team\n\nAbout all of us.\n\n## Lead\n\n{NAME} leads it.\n")
    (folder / "plan.md").write_text("# Plan\n\nPears next year.\n")
    (folder / "quill.md").write_text("# Quill\n\nOf a feather.\n")
    return folder


@pytest.fixture
async def server(run_app, docs):
    async with run_app(vectors={}, memory={"sources": {"docs": str(docs)}}) as (client, parts):
        parts.remembering.library.open()
        await ok(client.post("/ingest", json={"path": "docs"}))
        yield client, parts


def rows(parts, table):
    return parts.database.query(sa.select(table).order_by(table.c.id))


def fact(value, key="lead", **given):
    return {"project": "apollo", "category": "contact", "key": key, "value": value, **given}


async def test_what_is_said_of_a_project_is_forgotten_with_its_history(run_app):
    async with run_app() as (client, parts):
        for body in (fact(f"ask {NAME}"), fact("ask Ada"), fact(f"{NAME}'s desk", "place"), fact("Rome", "city")):
            await ok(client.post("/project/state", json=body))
        await ok(client.get("/project/state/apollo"))
        version = parts.remembering.state.version("default")
        dry = await ok(client.post("/admin/forget", json={"subject": NAME, "dry_run": True}))
        assert dry["counts"]["project_state"] == 2, "the dry run counts it"
        receipt = await forgotten(client, subject=NAME)
        assert gone(receipt)["project_state"] == 2, "what holds now and what held once"
        assert receipt["complete"], receipt["left"]
        assert holding(parts, NAME) == set(), "nothing in SQL says it any more, audit included"
        left = (await ok(client.get("/project/state/apollo")))["entries"]
        assert [entry["value"] for entry in left] == ["Rome", "ask Ada"], "the rest stays"
        assert parts.remembering.state.version("default") > version, "whoever keeps packs is told"


async def test_a_namespace_takes_its_state_along(run_app):
    async with run_app(auth=KEYS) as (client, parts):
        for namespace in ("team-a", "team-b"):
            await ok(client.post("/project/state", json=fact("Ada", namespace=namespace), headers=ADMIN))
        receipt = await forgotten(client, ADMIN, namespace="team-a")
        assert gone(receipt)["project_state"] == 1
        assert (await ok(client.get("/project/state/apollo", headers=A)))["entries"] == []
        assert [row["namespace"] for row in rows(parts, tables.project_state)] == ["team-b"]


async def test_a_project_loses_the_words_and_stays_registered(server):
    client, parts = server
    body = {
        "project_id": "apollo",
        "aliases": ["Moon", f"Project {NAME}"],
        "description": f"Led by {NAME}.",
        "ingest_roots": [{"source": "docs", "subpath": "plan.md", "label": f"by {NAME}"}],
    }
    await ok(client.post("/projects/register", json=body))
    receipt = await forgotten(client, subject=NAME)
    assert gone(receipt)["projects"] == 1
    (project,) = (await ok(client.get("/projects")))["projects"]
    assert (project["aliases"], project["description"]) == (["Moon"], "")
    assert project["ingest_roots"] == [{"source": "docs", "subpath": "plan.md", "label": ""}]
    assert parts.remembering.projects.resolve(f"Project {NAME}") == f"Project {NAME}", "the alias is gone at once"
    assert holding(parts, NAME) == set()


async def test_a_name_that_only_an_operator_can_change_is_told(run_app):
    async with run_app() as (client, _):
        await ok(client.post("/projects/register", json={"project_id": "quillfeather"}))
        receipt = await forgotten(client, subject="Quillfeather")
        assert "the registry of projects: an id, or the path of an ingest root" in receipt["left"], receipt["left"]
        assert "uillfeather" not in str(receipt), "without the words"
        assert not receipt["complete"]


async def test_documents_go_whole_and_the_file_is_named(server, docs):
    client, parts = server
    assert parts.remembering.shelf.count() == 4, "the index is there"
    receipt = await forgotten(client, subject=NAME)
    assert (gone(receipt)["documents"], gone(receipt)["chunks"]) == (1, 2), "all of its pieces go"
    assert receipt["left"] == ["file team.md of source docs, which is read again when that is ingested"]
    assert not receipt["complete"]
    assert holding(parts, NAME) == set()
    assert {row["path"] for row in rows(parts, tables.documents)} == {"plan.md", "quill.md"}
    assert parts.remembering.shelf.count() == 2, "and the others can be found still"
    (docs / "team.md").unlink()
    assert (await forgotten(client, subject=NAME))["complete"], "once the file is gone nothing is left"


async def test_a_path_that_holds_the_words_is_not_told(server):
    client, _ = server
    receipt = await forgotten(client, subject="quill")
    assert gone(receipt)["documents"] == 2, "one by its text, one by its name"
    assert "uill" not in str(receipt), receipt["left"]
    assert "1 more files of sources, which are read again when these are ingested" in receipt["left"]
    assert "file team.md of source docs, which is read again when that is ingested" in receipt["left"]
