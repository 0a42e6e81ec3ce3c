"""Sources in a real server: read, changed, deleted, watched; nothing is lost by a crash or with the index."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, eventually, run, write_config

pytestmark = pytest.mark.slow

FILES = 200
ADMIN, TEAM_A, TEAM_B = "sk-e2e-sources-admin", "sk-e2e-sources-team-a", "sk-e2e-sources-team-b"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of two documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "harbour.md").write_text("# Harbour\n\n## Opening hours\n\nThe harbour opens at six in the morning.\n")
    (folder / "garden.md").write_text("# Garden\n\n## Watering\n\nRoses want water twice a week.\n")
    return folder


def sources(**given: Any) -> dict[str, Any]:
    return {"memory": {"sources": given}}


def ingest(server: Server, path: str, **more: Any) -> dict[str, Any]:
    """Ingest and wait."""
    told: dict[str, Any] = server.http.post("/ingest", json={"path": path, **more}).raise_for_status().json()
    return told


def found(server: Server, prompt: str, key: str | None = None) -> list[str]:
    """What the pieces nearest to a prompt say."""
    headers = {"authorization": f"Bearer {key}"} if key else None
    response = server.http.post("/query", json={"prompt": prompt, "top_k": 3}, headers=headers).raise_for_status()
    return [result["content"] for result in response.json()["results"]]


def rows(server: Server) -> tuple[list[str], Counter[str]]:
    """Paths of the documents, and how often each piece's text is stored."""
    with contextlib.closing(sqlite3.connect(server.data_dir / "reprise.db")) as connection:
        paths = [path for (path,) in connection.execute("SELECT path FROM documents ORDER BY path")]
        return paths, Counter(content for (content,) in connection.execute("SELECT content FROM chunks"))


def test_a_folder_is_ingested_changed_and_deleted(launch: Launch, docs: Path) -> None:
    server = launch(sources(docs=str(docs)))
    told = ingest(server, "docs")
    assert (told["status"], told["found"], told["read"], told["chunks"]) == ("done", 2, 2, 2), told
    assert "harbour opens at six" in found(server, "When does the harbour open?")[0], "found by meaning"

    (docs / "harbour.md").write_text("# Harbour\n\n## Opening hours\n\nThe harbour opens at noon.\n")
    (docs / "garden.md").unlink()
    told = ingest(server, "docs")
    assert (told["read"], told["unchanged"], told["purged"], told["chunks"]) == (1, 0, 1, 1), told
    everything = found(server, "When does the harbour open?")
    assert len(everything) == 1, "what was deleted or replaced is not found"
    assert "opens at noon" in everything[0], "what it says now is"

    (docs / "damaged.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    told = ingest(server, "docs/damaged.pdf")
    assert (told["status"], told["failed"], told["failures"][0]["path"]) == ("partial", 1, "damaged.pdf"), told
    assert server.readiness()["status"] == "ready", "a bad file breaks nothing"


def test_killed_in_the_middle_and_asked_again(launch: Launch, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:03}.md").write_text(
            f"# Note {number}\n\nThe parcel number {number} goes to shelf {number}.\n"
        )
    server = launch(sources(many=str(folder)))
    asking = threading.Thread(target=lambda: _ignoring(server, "many"))
    asking.start()
    eventually(lambda: len(rows(server)[0]) >= FILES // 6, "some files are stored")
    server.kill()
    asking.join()
    before = rows(server)[0]
    assert FILES // 6 <= len(before) < FILES, "it was killed in the middle"

    server.start()
    last = server.http.get("/sources").json()["sources"][0]["last_run"]
    assert last["status"] == "stopped", "the run that was cut off is told as such"
    told = ingest(server, "many")
    assert (told["status"], told["found"], told["failed"]) == ("done", FILES, 0), told
    assert told["read"] + told["unchanged"] == FILES, told
    assert told["read"] <= FILES - len(before), "what was stored is not read again"
    paths, contents = rows(server)
    assert len(paths) == FILES, "every file once"
    assert set(contents.values()) == {1}, "no piece twice"
    assert len(contents) == FILES, "none missing"
    assert server.http.get("/health").json()["vectors"]["chunks"] == FILES, "all of them can be found"
    assert f"parcel number {FILES - 1} " in found(server, f"Where does parcel number {FILES - 1} go?")[0], "by meaning"


def _ignoring(server: Server, path: str) -> None:
    with contextlib.suppress(Exception):
        ingest(server, path)


def test_the_index_is_written_again_when_it_is_lost(launch: Launch, docs: Path) -> None:
    server = launch(sources(docs=str(docs)))
    ingest(server, "docs")
    server.stop()
    shutil.rmtree(server.data_dir / "chroma-sources")
    server.start()
    eventually(lambda: found(server, "When does the harbour open?"), "pieces are found again")
    assert "harbour opens" in found(server, "When does the harbour open?")[0], "the same ones"
    done = run("reindex", "--json", "--data-dir", server.data_dir, cwd=server.folder)
    assert (done.code, '"vectors": 2' in done.out) == (0, True), done.out
    assert "harbour opens" in found(server, "When does the harbour open?")[0], "after a reindex, too"


def test_what_is_outside_is_refused(launch: Launch, docs: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("# Secret\n\nThe vault opens with four sevens.\n")
    (docs / "link.md").symlink_to(secret)
    (docs / "up").symlink_to(tmp_path)
    server = launch(sources(docs=str(docs)))
    for path in (str(secret), "/etc/passwd", "docs/../secret.md", f"{docs}/../secret.md", "docs/link.md", "docs/up"):
        refused = server.http.post("/ingest", json={"path": path})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden"), path
        assert str(tmp_path) not in refused.text, "no path of this machine is told"
    ingest(server, "docs")
    assert not any("sevens" in content for content in found(server, "What opens the vault?")), "links bring nothing in"


def test_watched_sources_follow_their_files_and_the_configuration(launch: Launch, docs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "ships.md").write_text("# Ships\n\nThe ferry carries forty cars.\n")
    server = launch(sources(docs={"path": str(docs), "watch": True}))
    eventually(lambda: len(found(server, "When does the harbour open?")) == 2, "read at the start")

    (docs / "harbour.md").write_text("# Harbour\n\n## Opening hours\n\nThe harbour opens at noon.\n")
    eventually(lambda: "at noon" in found(server, "When does the harbour open?")[0], "a change is read")
    (docs / "sub").mkdir()
    (docs / "sub" / "lamp.md").write_text("# Lamp\n\nThe lighthouse lamp is changed in spring.\n")
    eventually(lambda: "lamp is changed" in found(server, "When is the lighthouse lamp changed?")[0], "a new file too")
    (docs / "garden.md").unlink()
    eventually(lambda: len(found(server, "roses")) == 2, "a deleted one is purged")

    server.config = {**server.config, **sources(ships={"path": str(other), "watch": True})}
    write(server)
    eventually(lambda: found(server, "How many cars fit on the ferry?") == ["The ferry carries forty cars."], "another")
    eventually(lambda: rows(server)[0] == ["ships.md"], "what was configured before is purged")


def write(server: Server) -> None:
    """Put the configuration where the server reads it."""
    write_config(server.folder, server.config)


def test_a_source_of_one_namespace_is_invisible_to_another(launch: Launch, docs: Path) -> None:
    keys = [
        {"key": ADMIN, "namespace": "ops", "role": "admin"},
        {"key": TEAM_A, "namespace": "team-a"},
        {"key": TEAM_B, "namespace": "team-b"},
    ]
    config = {**sources(docs={"path": str(docs), "namespaces": ["team-a"]}), "auth": {"keys": keys}}
    server = launch(config, key=ADMIN)
    ingest(server, "docs")
    assert "harbour opens" in found(server, "When does the harbour open?", TEAM_A)[0], "its own namespace finds it"
    assert found(server, "When does the harbour open?", TEAM_B) == [], "another does not"
    refused = server.http.post("/ingest", json={"path": "docs"}, headers={"authorization": f"Bearer {TEAM_A}"})
    assert refused.status_code == 403, "only admins ingest"
    for key, documents in ((TEAM_A, 2), (TEAM_B, 0)):
        stats = server.http.get("/stats", headers={"authorization": f"Bearer {key}"}).json()["ingestion"]
        assert stats["documents"] == documents, "nor do statistics tell of it"


def test_explain_knows_documents_whether_a_server_runs_or_not(launch: Launch, docs: Path) -> None:
    server = launch(sources(docs=str(docs)))
    ingest(server, "docs")
    asked = ("explain", "When does the harbour open?", "--model", "scripted", "--json", "--data-dir", server.data_dir)
    running = run(*asked, cwd=server.folder)
    server.stop()
    stopped = run(*asked, cwd=server.folder)
    told = [json.loads(done.out)["memory"] for done in (running, stopped)]
    assert len(told[0]["chunks"]) > 0, "the server puts a piece into the prompt"
    assert told[1] == told[0], "and so does the command by itself"
