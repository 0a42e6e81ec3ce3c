"""What tools were given is embedded behind the requests: in the queue with the run, and done after a crash too."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, eventually

pytestmark = pytest.mark.slow

RUNS = 120


def counted(server: Server) -> tuple[int, int]:
    """Vectors, and jobs that wait."""
    with contextlib.closing(sqlite3.connect(server.data_dir / "reprise.db")) as connection:
        vectors = connection.execute("SELECT count(*) FROM interaction_vectors WHERE length(vector) > 0").fetchone()[0]
        jobs = connection.execute("SELECT count(*) FROM jobs WHERE kind = 'embed'").fetchone()[0]
    return vectors, jobs


def post(server: Server, number: int) -> None:
    run = {"interaction_type": "tool", "tool_id": "t", "input": f"look into folder number {number}", "reinforce": False}
    server.http.post("/interactions", json=run).raise_for_status()


def test_every_input_is_embedded_however_the_server_ends(launch: Launch) -> None:
    server = launch()
    for number in range(RUNS):
        post(server, number)
    server.kill()
    vectors, jobs = counted(server)
    assert vectors + jobs >= RUNS, "nothing that was answered is lost"
    server.start()
    eventually(lambda: counted(server) == (RUNS, 0), "all inputs have vectors")
    found = server.http.get("/interactions/similar", params={"tool_id": "t", "text": "look into folder number 7!"})
    assert found.json()["interactions"][0]["prompt"] == "look into folder number 7"


def test_with_embedding_switched_off_nothing_is_queued(launch: Launch) -> None:
    server = launch({"memory": {"interactions": {"embed": False}}})
    post(server, 1)
    assert counted(server) == (0, 0)
    wanted = {"tool_id": "t", "text": "look into folder number 1"}
    assert server.http.get("/interactions/similar", params=wanted).json()["count"] == 1
    assert server.http.get("/interactions/similar", params=wanted | {"text": "folder number 1"}).json()["count"] == 0
