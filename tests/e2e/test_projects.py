"""Projects on a real server: an alias added later, a namespace that sees nothing of another's, restarts and kills."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from store.database import Database
from store.tables import interactions, jobs
from tests.e2e.conftest import Launch
from tests.e2e.support import Server, eventually

pytestmark = pytest.mark.slow

ADA, BOB, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("key-of-ada-00", "key-of-bob-00", "key-of-admin-0"))
KEYS = [
    {"key": "key-of-ada-00", "namespace": "ada"},
    {"key": "key-of-bob-00", "namespace": "bob"},
    {"key": "key-of-admin-0", "namespace": "ops", "role": "admin"},
]
APOLLO = {"project_id": "apollo", "aliases": ["Moon Shot"], "description": "To the moon."}
FACT = {"category": "decision", "key": "language", "value": "Everything is written in Ada", "namespace": "ada"}
LOGGED = 10_000


def post(server: Server, path: str, body: dict[str, Any], headers: dict[str, str] = ADMIN) -> dict[str, Any]:
    return dict(server.http.post(path, json=body, headers=headers).raise_for_status().json())


def get(server: Server, path: str, headers: dict[str, str] = ADMIN, **params: str) -> dict[str, Any]:
    return dict(server.http.get(path, params=params, headers=headers).raise_for_status().json())


def ask(server: Server, prompt: str, project: str, headers: dict[str, str]) -> httpx2.Response:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]}
    named = {**headers, "x-reprise-project": project}
    return server.http.post("/v1/chat/completions", json=body, headers=named).raise_for_status()


def found(server: Server, name: str, headers: dict[str, str]) -> tuple[int, int, int]:
    """How many memories, interactions and facts a caller finds under a project's name."""
    memories = get(server, "/memory", headers, project=name)["count"]
    logged = get(server, "/interactions", headers, project=name)["count"]
    return memories, logged, len(get(server, f"/project/state/{name}", headers)["entries"])


def test_an_alias_added_later_finds_the_old_rows(launch: Launch) -> None:
    server = launch({"auth": {"keys": KEYS}})
    memory = {"memory_type": "project", "content": "The launch is on Monday", "namespace": "ada"}
    post(server, "/memory", {**memory, "project": "Moon Shot"})
    post(server, "/project/state", {**FACT, "project": "Moon Shot"})
    post(server, "/interactions", {"prompt": "Hello", "project": "Moon Shot"}, ADA)
    ask(server, "When is the launch?", "Moon Shot", ADA)
    assert found(server, "apollo", ADA) == (0, 0, 0), "nobody knows yet that it is the same"
    moved = post(server, "/projects/register", APOLLO)["moved"]
    assert {name: moved[name] for name in ("memories", "project_state", "interactions")} == {
        "memories": 1,
        "project_state": 1,
        "interactions": 2,
    }
    for name in ("apollo", "MOON  SHOT"):
        assert found(server, name, ADA) == (1, 2, 1), name
        assert found(server, name, BOB) == (0, 0, 0), "another namespace sees nothing of it"
    refused = server.http.get("/project/state/apollo", params={"namespace": "ada"}, headers=BOB)
    assert refused.status_code == 403, "nor by asking for it"
    first = ask(server, "Which language, and when is the launch?", "moon shot", ADA)
    again = ask(server, "Which language, and when is the launch?", "apollo", ADA)
    assert again.headers["x-reprise-cache"] == "hit", "one project has one key"
    assert first.headers["x-reprise-memories"] != "0", "and its memories"
    log = get(server, f"/interactions/{first.headers['x-reprise-interaction']}", ADA)
    assert "Everything is written in Ada" in str(log["context_pack"]), "and its state, put into the call"
    other = ask(server, "Which language, and when is the launch?", "apollo", BOB)
    assert "Ada" not in str(get(server, f"/interactions/{other.headers['x-reprise-interaction']}", BOB)["context_pack"])
    server.stop()
    server.start()
    assert found(server, "moon shot", ADA) == (1, 3 + 1, 1), "a restart keeps all of it"
    (project,) = get(server, "/projects")["projects"]
    assert {name: project[name] for name in ("id", "aliases", "description")} == {
        "id": "apollo",
        "aliases": ["Moon Shot"],
        "description": "To the moon.",
    }


def test_a_server_killed_while_it_moves_rows_loses_none(launch: Launch, tmp_path: Path) -> None:
    seed(tmp_path / "data")
    server = launch(data_dir=tmp_path / "data")
    database = Database(server.data_dir / "reprise.db")

    def stands() -> dict[str, int]:
        counted = sa.select(interactions.c.project, sa.func.count().label("n")).group_by(interactions.c.project)
        return {row["project"]: row["n"] for row in database.query(counted)}

    def register() -> None:
        with contextlib.suppress(httpx2.TransportError):
            server.http.post("/projects/register", json=APOLLO)

    moving = threading.Thread(target=register)
    moving.start()
    eventually(lambda: stands().get("apollo"), "rows to move")
    server.kill()
    moving.join()
    halfway = stands()
    assert sum(halfway.values()) == LOGGED, "none is lost"
    server.start()
    (project,) = get(server, "/projects")["projects"]
    assert project["aliases"] == ["Moon Shot"], "the project stands"
    post(server, "/projects/register", APOLLO)
    assert stands() == {"apollo": LOGGED}, f"and asking again moves the rest of {halfway}"
    database.close()


def test_a_server_killed_while_it_undoes_puts_the_rest_back_by_itself(launch: Launch, tmp_path: Path) -> None:
    seed(tmp_path / "data")
    server = launch(data_dir=tmp_path / "data")
    made = post(server, "/projects/register", APOLLO)
    assert made["moved"] == {"interactions": LOGGED}
    database = Database(server.data_dir / "reprise.db")

    def stands() -> dict[str, int]:
        counted = sa.select(interactions.c.project, sa.func.count().label("n")).group_by(interactions.c.project)
        return {row["project"]: row["n"] for row in database.query(counted)}

    def undo() -> None:
        with contextlib.suppress(httpx2.TransportError):
            server.http.post("/review/undo", json={"audit_id": made["audit_id"]})

    undoing = threading.Thread(target=undo)
    undoing.start()
    eventually(lambda: stands().get("Moon Shot"), "rows to go back")
    server.kill()
    undoing.join()
    assert sum(stands().values()) == LOGGED, "none is lost"
    # The job waits a while, for whoever undoes does it at once.
    database.transact(due)
    server.start()
    assert get(server, "/projects")["projects"] == [], "nobody registered it"
    eventually(lambda: stands() == {"Moon Shot": LOGGED}, "the rest to go back")
    database.close()


def due(connection: sa.Connection) -> None:
    connection.execute(sa.update(jobs).values(run_after=0.0))


def seed(data_dir: Path) -> None:
    """A log with many calls under a name that is to become an alias."""
    data_dir.mkdir(parents=True)
    database = Database(data_dir / "reprise.db")
    rows = [
        {"id": f"int_{number:024x}", "created_at": "2026-01-01 00:00:00", "namespace": "default", "success": 1}
        | {"prompt": f"Prompt {number} " + "x" * 500, "project": "Moon Shot", "interaction_type": "llm"}
        for number in range(LOGGED)
    ]
    database.transact(lambda connection: execute(connection, rows))
    database.close()


def execute(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    connection.execute(sa.insert(interactions), rows)
