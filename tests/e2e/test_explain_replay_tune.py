"""An operator's day: explain a call, replay the log through another policy, tune, take the proposal up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.rehearsal.log import read_log
from store.database import Database
from store.ids import new_id
from store.labels import Label, Labels
from tests.e2e.conftest import Launch
from tests.e2e.support import Server, run

pytestmark = pytest.mark.slow

FRANCE, REWORDED, SPAIN = "What is the capital of France?", "What's the capital of France?", "How do I boil an egg?"
OTHERS = [f"Please explain the word {word} to me." for word in "river engine garden violin window planet".split()]
CONFIG = {"cache": {"policies": {"exact-only": {"tiers": ["exact"]}, "loose": {"similarity_threshold": 0.85}}}}


def drive(server: Server) -> None:
    """A few dozen calls: repeats, rewordings, streams, refreshes, bypasses."""
    for text in (FRANCE, REWORDED, SPAIN, *OTHERS, "What time is it now?"):
        for _ in range(3):
            server.chat(text).raise_for_status()
    server.chat(SPAIN, stream=True).raise_for_status()
    server.chat(FRANCE, {"cache-control": "no-cache"}).raise_for_status()
    server.chat(OTHERS[0], {"x-reprise-project": "apollo"}, temperature=0.0).raise_for_status()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below, byte for byte."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def told(command: str, server: Server, *options: str | Path) -> Any:
    """What a command prints as JSON, on a server's data directory."""
    config = server.folder / "config.yaml"
    done = run(command, *options, "--json", "--config", config, "--data-dir", server.data_dir, cwd=server.folder)
    assert done.code == 0, done.err
    return json.loads(done.out)


def said(command: str, server: Server, *options: str | Path, code: int = 0) -> str:
    """What a command prints for people."""
    config = server.folder / "config.yaml"
    done = run(command, *options, "--config", config, "--data-dir", server.data_dir, cwd=server.folder)
    assert done.code == code, done.err
    return done.out if code == 0 else done.err


@pytest.fixture(scope="module")
def running(launch_shared: Launch) -> Server:
    """A server that has answered a few dozen calls."""
    server = launch_shared(CONFIG)
    drive(server)
    return server


@pytest.fixture(scope="module")
def stopped(launch_shared: Launch) -> Server:
    """One that has stopped since."""
    server = launch_shared(CONFIG)
    drive(server)
    server.stop()
    return server


# ---- explain


def test_explain_through_the_running_server(running: Server) -> None:
    got = running.chat(REWORDED)
    explained = told("explain", running, REWORDED, "--model", "scripted")
    assert (explained["verdict"], explained["tier"]) == (got.headers["x-reprise-cache"], got.headers["x-reprise-tier"])
    near = told("explain", running, "Tell me what the capital of France is.", "--model", "scripted")
    assert near["semantic"]["candidates"][0]["prompt"] in (FRANCE, REWORDED)
    assert near["semantic"]["candidates"][0]["score"] is not None
    assert near["sentence"].split(":")[0] == near["verdict"].capitalize()


def test_explain_says_it_in_words(running: Server) -> None:
    text = said("explain", running, "What time is it now?", "--model", "scripted")
    assert "Bypass: the call is in the class 'volatile'" in text
    assert "policy     default" in text
    assert "of their own" in said("explain", running, FRANCE, "--model", "another"), "why nothing may be found"
    theirs = ("--header", "authorization: Bearer sk-e2e-nobody")
    assert "of their own" not in said("explain", running, FRANCE, "--model", "another", *theirs), "it was said whose"
    unknown = ("--header", "x-reprise-thresold: 0.9")
    assert "Did you mean x-reprise-threshold?" in said("explain", running, FRANCE, "--model", "m", *unknown, code=2)


def test_explain_takes_a_whole_body_and_headers(running: Server, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "scripted", "temperature": 0.0, "messages": []}), encoding="utf-8")
    project = ("--header", "x-reprise-project: apollo")
    found = told("explain", running, OTHERS[0], "--body", body, *project)
    assert (found["verdict"], found["tier"]) == ("hit", "exact")


def test_explain_reads_the_store_where_no_server_runs(running: Server, stopped: Server) -> None:
    before = contents(stopped.data_dir)
    for text in ("Tell me what the capital of France is.", OTHERS[2]):
        here, there = (told("explain", server, text, "--model", "scripted") for server in (stopped, running))
        for one in (here, there):
            one["sentence"] = one["sentence"].split(" ")[0]
        same = ("verdict", "tier", "reason", "classes", "tiers", "sentence")
        assert {name: here[name] for name in same} == {name: there[name] for name in same}
    assert contents(stopped.data_dir) == before, "nothing is touched"


# ---- replay


def test_replay_of_the_present_policy_reproduces_the_log_beside_a_running_server(running: Server) -> None:
    found = told("replay", running)
    assert found["current"]
    assert found["calls"] >= 30
    assert found["same_outcome"]["share"] == 1.0, found["changes"]
    assert found["logged"] == found["replayed"]
    assert running.chat(FRANCE).headers["x-reprise-cache"] == "hit", "the server goes on meanwhile"


def test_replay_through_other_policies(stopped: Server, tmp_path: Path) -> None:
    before = contents(stopped.data_dir)
    exact = told("replay", stopped, "--policy", "exact-only")
    assert exact["replayed"]["tiers"]["semantic"]["hits"] == 0
    assert exact["logged"]["tiers"]["semantic"]["hits"] > 0
    assert exact["replayed"]["hits"] == exact["replayed"]["tiers"]["exact"]["hits"]
    block = tmp_path / "looser.yaml"
    block.write_text("similarity_threshold: 0.5\n", encoding="utf-8")
    loose = told("replay", stopped, "--policy", block, "--worst", "2")
    assert loose["changes"]["newly_hit"] > 0
    assert loose["wrong"]["semantic"]["wrong"] > 0, "other words are explained in other words"
    assert len(loose["worst"]) == 2
    assert loose["worst"][0]["right"] != loose["worst"][0]["served"]
    assert contents(stopped.data_dir) == before, "nothing is touched"


# ---- tune


def taught(server: Server, labels: int) -> None:
    """Put labels into a stopped server's database: good matches are right, poor ones wrong."""
    database = Database(server.data_dir / "reprise.db")
    calls = read_log(database, since=None, namespace=None, limit=None).calls
    noted = next(call.metadata for call in calls if "verifier" in call.metadata)
    width, first, last = len(noted["signals"]), calls[0].at, calls[-1].at
    kept = Labels(database)
    for number in range(labels):
        good = number % 4 != 0
        similarity, score = (0.97, 0.95) if good else (0.70, 0.2)
        log_odds = 3.0 + number / labels if good else -1.5
        kept.add(
            Label(
                id=new_id("lab"),
                at=first + (last - first) * number / labels,
                namespace="default",
                verifier=noted["verifier"],
                embedder=noted["embedder"],
                prompt_key=f"asked {number}",
                entry_key=f"stored {number}",
                entry_id="ent_1",
                prompt=f"asked {number}",
                stored_prompt=f"stored {number}",
                similarity=similarity,
                score=score,
                signals=(log_odds, similarity, *([0.0] * (width - 2))),
                correct=good,
                source="miss",
                method="meaning",
                propensity=1.0,
            )
        )
    database.close()


def test_a_proposal_is_drawn_written_checked_and_replayed(launch: Launch, tmp_path: Path) -> None:
    server = launch(CONFIG)
    drive(server)
    server.stop()
    taught(server, 800)
    before = contents(server.data_dir)
    written, drawn = tmp_path / "tuned.yaml", tmp_path / "curve.svg"
    found = told("tune", server, "--max-error", "2%", "--write", written, "--plot", drawn)
    assert found["proposed"]["max_error_rate"] == 0.02
    predicted = found["predicted"]
    assert predicted["held_out"]
    assert (predicted["wrong"], predicted["labels"] > 100) == (0, True)
    assert predicted["error_at_most"] < 0.02
    assert predicted["hit_rate_low"] <= predicted["hit_rate"] <= predicted["hit_rate_high"]
    assert {one["kind"] for one in found["curve"]} == {"score", "similarity"}
    assert contents(server.data_dir) == before, "nothing is touched"
    assert drawn.read_bytes().startswith(b"<?xml")
    checked = run("config", "check", "--config", written, cwd=tmp_path)
    assert checked.code == 0, checked.err
    assert told("replay", server, "--policy", written)["calls"] == found["calls"]
