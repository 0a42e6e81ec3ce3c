"""The vector index can be lost: SQL holds all it is made of."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, answer, run

pytestmark = pytest.mark.slow

COUNTRIES = """
    France Spain Italy Portugal Germany Austria Poland Hungary Romania Bulgaria Greece Turkey Norway Sweden Finland
    Denmark Iceland Ireland Belgium Luxembourg Switzerland Croatia Slovenia Slovakia Serbia Albania Estonia Latvia
    Lithuania Ukraine Georgia Armenia Kazakhstan Mongolia China Japan Vietnam Thailand Malaysia Indonesia Australia
    Fiji Canada Mexico Cuba Jamaica Guatemala Honduras Panama Colombia Ecuador Peru Bolivia Chile Argentina Uruguay
    Paraguay Brazil Venezuela Morocco Algeria Tunisia Egypt Ethiopia Kenya
""".split()
FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"


def ask_reworded(server: Server) -> float:
    """The rewording must hit by meaning; gives its similarity."""
    got = server.chat(REWORDED)
    assert (got.headers["x-reprise-cache"], got.headers["x-reprise-tier"]) == ("hit", "semantic")
    assert got.json()["choices"][0]["message"]["content"] == answer(FRANCE)
    return float(got.headers["x-reprise-similarity"])


@pytest.fixture(scope="module")
def filled(launch_shared: Launch, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A data directory with so many answers of one kind that only the index can tell the nearest, and a similarity."""
    server = launch_shared()
    for country in COUNTRIES:
        got = server.chat(f"What is the capital of {country}?")
        assert got.headers["x-reprise-cache"] == "miss"
    similarity = ask_reworded(server)
    server.stop(signal.SIGINT)
    assert (server.data_dir / "chroma").is_dir()
    return server.data_dir, similarity


@pytest.fixture
def copied(filled: tuple[Path, float], tmp_path: Path) -> tuple[Path, float]:
    """A copy of that data directory without its index, and the similarity."""
    data_dir = tmp_path / "data"
    shutil.copytree(filled[0], data_dir)
    shutil.rmtree(data_dir / "chroma")
    return data_dir, filled[1]


def test_reindex_brings_the_index_back(launch: Launch, copied: tuple[Path, float]) -> None:
    data_dir, similarity = copied
    done = run("reindex", "--json", "--data-dir", data_dir, cwd=data_dir.parent)
    assert (done.code, json.loads(done.out)) == (0, {"vectors": len(COUNTRIES)})
    assert (data_dir / "chroma").is_dir()
    server = launch(data_dir=data_dir)
    assert ask_reworded(server) == pytest.approx(similarity, abs=0.001)
    assert "writing it again" not in server.log


def test_a_start_brings_the_index_back_by_itself(launch: Launch, copied: tuple[Path, float]) -> None:
    data_dir, similarity = copied
    server = launch(data_dir=data_dir)
    assert server.readiness()["status"] == "ready"
    assert ask_reworded(server) == pytest.approx(similarity, abs=0.001)
    assert "writing it again" in server.log

    # With the server up, the command goes through it.
    done = run("reindex", "--json", "--data-dir", data_dir, cwd=data_dir.parent)
    assert (done.code, json.loads(done.out)) == (0, {"vectors": len(COUNTRIES)})
    assert ask_reworded(server) == pytest.approx(similarity, abs=0.001)
    assert run("reindex", "--data-dir", data_dir, cwd=data_dir.parent).out == f"{len(COUNTRIES)} vectors written\n"
    assert server.http.post("/cache/reindex").json() == {"status": "done", "vectors": len(COUNTRIES)}
    assert server.chat("What is the capital of Spain?").headers["x-reprise-tier"] == "exact"


def test_reindex_where_nothing_is_stored(tmp_path: Path) -> None:
    done = run("reindex", "--data-dir", tmp_path / "nothing", cwd=tmp_path)
    assert done.code == 2
    assert done.err == f"reprise: nothing is stored in {tmp_path / 'nothing'}\n"
    assert not (tmp_path / "nothing").exists()
