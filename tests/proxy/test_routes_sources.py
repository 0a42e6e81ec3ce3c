"""Sources over HTTP: what is ingested, by whom, and how it stands; no path of this machine is told."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

CLIENT, OTHER, ADMIN = "client-key-0000", "other-key-00000", "admin-key-00000"
KEYS = {
    "keys": [
        {"key": CLIENT, "namespace": "team-a"},
        {"key": OTHER, "namespace": "team-b"},
        {"key": ADMIN, "namespace": "ops", "role": "admin"},
    ]
}
AS_CLIENT, AS_ADMIN = ({"authorization": f"Bearer {key}"} for key in (CLIENT, ADMIN))


@pytest.fixture
def folders(tmp_path):
    """Two sources with a file each, dated an hour ago."""
    found = {}
    for name, text in (("docs", "# Fruit\n\nAbout apples.\n"), ("plans", "# Plan\n\nPears next year.\n")):
        folder = found[name] = tmp_path / name
        folder.mkdir()
        (folder / "first.md").write_text(text)
        os.utime(folder / "first.md", (time.time() - 3600,) * 2)
    return found


@pytest.fixture
async def server(run_app, folders):
    """The application over both, ``plans`` for team-a alone."""
    sources = {"docs": str(folders["docs"]), "plans": {"path": str(folders["plans"]), "namespaces": ["team-a"]}}
    async with run_app(vectors={}, headers=AS_ADMIN, auth=KEYS, memory={"sources": sources}) as (client, parts):
        yield client, parts


def error_of(response, status):
    assert response.status_code == status, response.text
    return response.json()["error"]


@pytest.mark.parametrize("given", ["docs", "docs/", "docs/first.md", "./docs"])
async def test_a_source_or_what_is_in_it_is_ingested_by_name(server, given):
    client, _ = server
    told = (await client.post("/ingest", json={"path": given})).json()
    assert (told["status"], told["source"], told["read"], told["chunks"]) == ("done", "docs", 1, 1), told


async def test_or_by_an_absolute_path(server, folders):
    client, _ = server
    told = (await client.post("/ingest", json={"path": str(folders["docs"] / "first.md")})).json()
    assert (told["status"], told["path"], told["read"]) == ("done", "first.md", 1), "the answer names what is below it"
    assert str(folders["docs"]) not in str(told), "and no machine path"


async def test_whatever_is_outside_is_refused_and_nothing_told(server, folders, tmp_path):
    client, _ = server
    (tmp_path / "secret.md").write_text("# Secret\n\nText.\n")
    (folders["docs"] / "link.md").symlink_to(tmp_path / "secret.md")
    (folders["docs"] / "out").symlink_to(tmp_path)
    given = [
        str(tmp_path / "secret.md"),
        str(tmp_path / "missing.md"),
        "/etc/passwd",
        "../secret.md",
        "docs/../../secret.md",
        f"{folders['docs']}/../secret.md",
        "docs/link.md",
        "docs/out/secret.md",
        "docs/out/missing.md",
        "nowhere",
        "~/x.md",
    ]
    told = [error_of(await client.post("/ingest", json={"path": path}), 403) for path in given]
    assert len({str(error) for error in told}) == 1, "what exists and what does not are told alike"
    assert (told[0]["param"], told[0]["code"]) == ("path", "forbidden"), told[0]
    assert str(tmp_path) not in str(told), "no machine path"


async def test_inside_but_not_there(server):
    client, _ = server
    assert error_of(await client.post("/ingest", json={"path": "docs/none.md"}), 404)["param"] == "path"


async def test_a_file_that_was_deleted_is_purged_by_its_path(server, folders):
    client, _ = server
    await client.post("/ingest", json={"path": "docs"})
    (folders["docs"] / "first.md").unlink()
    assert (await client.post("/ingest", json={"path": "docs/first.md"})).json()["purged"] == 1
    assert error_of(await client.post("/ingest", json={"path": "docs/first.md"}), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/ingest", {}, "path"),
        ("/ingest", {"path": " "}, "path"),
        ("/ingest", {"path": "docs\0"}, "path"),
        ("/ingest", {"path": 5}, "path"),
        ("/ingest", {"path": "docs", "wait": "no"}, "wait"),
        ("/ingest", {"path": "docs", "other": 1}, "other"),
        ("/ingest/sources", {"sources": "docs"}, "sources"),
    ],
)
async def test_bad_bodies(server, path, body, field):
    client, _ = server
    error = error_of(await client.post(path, json=body), 400)
    assert (error["type"], error["param"]) == ("invalid_request_error", field)


async def test_a_kind_of_file_that_is_not_read(server, folders):
    client, _ = server
    (folders["docs"] / "data.bin").write_bytes(b"\0")
    assert ".md" in error_of(await client.post("/ingest", json={"path": "docs/data.bin"}), 400)["message"]


async def test_all_sources_or_some(server):
    client, _ = server
    told = (await client.post("/ingest/sources")).json()
    assert told["status"] == "done", told
    assert [(run["source"], run["read"]) for run in told["runs"]] == [("docs", 1), ("plans", 1)], "all of them"
    told = (await client.post("/ingest/sources", json={"sources": ["plans"]})).json()
    assert [(run["source"], run["unchanged"]) for run in told["runs"]] == [("plans", 1)], "those named"
    assert error_of(await client.post("/ingest/sources", json={"sources": ["none"]}), 404)["param"] == "sources"


async def test_a_source_whose_folder_is_gone_fails_alone(server, folders):
    client, _ = server
    folders["plans"].rename(folders["plans"].with_name("elsewhere"))
    told = (await client.post("/ingest/sources")).json()
    assert told["status"] == "partial", "the other was read"
    assert [(run["status"], run["error"]) for run in told["runs"]] == [
        ("done", None),
        ("failed", "the folder does not exist"),
    ]
    assert error_of(await client.post("/ingest", json={"path": "plans"}), 404)["param"] == "path"
    standing = {source["name"]: source for source in (await client.get("/sources")).json()["sources"]}
    assert (standing["docs"]["exists"], standing["plans"]["exists"]) == (True, False), "and it shows"


async def test_without_waiting_the_answer_comes_at_once(server):
    client, parts = server
    response = await client.post("/ingest", json={"path": "docs", "wait": False})
    assert (response.status_code, response.json()["status"]) == (202, "running"), response.text
    for _ in range(500):
        standing = (await client.get("/sources")).json()
        if standing["running"] is None and not standing["queued"]:
            break
        await asyncio.sleep(0.02)
    assert parts.remembering.shelf.count() == 1, "it goes on behind"


async def test_equal_requests_that_wait_are_one_run(server):
    _, parts = server
    ingesting = parts.remembering.ingesting
    first, second, third = ingesting.begin("docs"), ingesting.begin("plans"), ingesting.begin("plans")
    assert second is third, "whoever asks for what waits gets that run"
    await asyncio.gather(first, second)
    assert parts.remembering.library.ingestion.runs.counts(None)["done"]["runs"] == 2, "each ran once"


async def test_how_sources_stand(server, folders):
    client, _ = server
    before = (await client.get("/sources")).json()["sources"][0]
    assert (before["name"], before["enabled"], before["exists"], before["ready"]) == ("docs", True, True, False), (
        "unread"
    )
    assert (await client.get("/health")).json()["sources_ready"] is False, "nothing was read yet"
    (folders["docs"] / "bad.pdf").write_bytes(b"no PDF")
    await client.post("/ingest/sources")
    standing = await client.get("/sources")
    docs = standing.json()["sources"][0]
    assert (docs["ready"], docs["documents"], docs["chunks"], docs["failed"]) == (True, 1, 1, 1), docs
    assert [failure["path"] for failure in docs["failures"]] == ["bad.pdf"], "with what failed"
    assert docs["last_run"]["status"] == "partial", "and the last run"
    health = await client.get("/health", headers={"authorization": ""})
    assert health.status_code == 200, "open to everybody"
    assert health.json().items() >= {"vector_count": 2, "sources_ready": True}.items(), health.json()
    assert str(folders["docs"].parent) not in standing.text + health.text, "no machine path"


async def test_statistics_show_a_client_its_own_sources(server):
    client, _ = server
    await client.post("/ingest/sources")
    every = (await client.get("/stats")).json()["ingestion"]
    assert (every["documents"], every["chunks"], every["runs"]["done"]["runs"]) == (2, 2, 2), every
    own = (await client.get("/stats", headers={"authorization": f"Bearer {OTHER}"})).json()["ingestion"]
    assert (list(own["sources"]), own["documents"], "runs" in own) == (["docs"], 1, False), "not that of others"
    metrics = (await client.get("/metrics")).text
    assert 'reprise_source_documents{status="ready"} 2.0' in metrics, "and the operator its metrics"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/ingest"), ("POST", "/ingest/sources"), ("GET", "/sources"), ("POST", "/projects/p/refresh")],
)
async def test_only_admins(server, method, path):
    client, _ = server
    assert error_of(await client.request(method, path, json={"path": "docs"}, headers=AS_CLIENT), 403)["code"]


async def test_a_project_is_refreshed_by_any_of_its_names(server, folders):
    client, parts = server
    (folders["docs"] / "apollo").mkdir()
    (folders["docs"] / "apollo" / "a.md").write_text("# Apollo\n\nThe rocket.\n")
    roots = [{"source": "docs", "subpath": "apollo"}, {"source": "docs", "subpath": "missing"}]
    body = {"project_id": "apollo", "aliases": ["moonshot"], "description": "To the moon.", "ingest_roots": roots}
    assert (await client.post("/projects/register", json=body)).status_code == 200
    told = (await client.post("/projects/moonshot/refresh", params={"purge_deleted": True})).json()
    wanted = {"project": "apollo", "aliases": ["moonshot"], "description": "To the moon.", "purge_deleted": True}
    assert told.items() >= wanted.items(), told
    assert (told["status"], told["roots_ingested"], told["roots_skipped"]) == ("partial", 1, 1), told
    assert [root["status"] for root in told["roots"]] == ["done", "skipped"], "each root is told of"
    known = parts.remembering.library.ingestion.documents.known("docs")
    assert {path: known[path].project for path in known} == {"apollo/a.md": "apollo"}, "its documents are its own"
    assert error_of(await client.post("/projects/nobody/refresh"), 404)["code"] == "not_found"
    body = {"project_id": "empty"}
    await client.post("/projects/register", json=body)
    assert (await client.post("/projects/empty/refresh")).json()["status"] == "nothing_to_ingest"


async def test_reindexing_covers_documents(server):
    client, _ = server
    await client.post("/ingest/sources")
    parts = server[1]
    parts.semantic.reindex = lambda: 0
    assert (await client.post("/cache/reindex")).json()["vectors"] == 2, "pieces are counted with the answers"
