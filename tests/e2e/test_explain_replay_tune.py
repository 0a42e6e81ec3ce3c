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
from tests.e2e.support import Server, eventually, run

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
    text = said("explain", running, FRANCE, "--model", "scripted")
    assert "Hit: this very call was answered" in text
    assert "policy     default" in text


def test_explain_takes_a_whole_body_and_headers(running: Server, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"model": "scripted", "temperature": 0.0, "messages": []}), encoding="utf-8")
    project = ("--header", "x-reprise-project: apollo")
    found = told("explain", running, OTHERS[0], "--body", body, *project)
    assert (found["verdict"], found["tier"]) == ("hit", "exact")
    assert told("explain", running, OTHERS[0], "--body", body)["verdict"] == "miss", "of another project"
    system = told("explain", running, FRANCE, "--model", "scripted", "--system", "Be brief.")
    assert system["reason"] == "no_entry"
    assert system["semantic"]["elsewhere"][0]["prompt"] in (FRANCE, REWORDED)


def test_explain_names_what_is_wrong(running: Server, tmp_path: Path) -> None:
    assert "name the model" in said("explain", running, FRANCE, code=2)
    assert "say what is asked" in said("explain", running, "--model", "m", code=2)
    assert "name: value" in said("explain", running, FRANCE, "--model", "m", "--header", "x", code=2)
    assert "cannot be read" in said("explain", running, FRANCE, "--body", tmp_path / "none.json", code=2)
    unknown = ("--header", "x-reprise-thresold: 0.9")
    assert "Did you mean x-reprise-threshold?" in said("explain", running, FRANCE, "--model", "m", *unknown, code=2)


def test_explain_reads_the_store_where_no_server_runs(running: Server, stopped: Server) -> None:
    before = contents(stopped.data_dir)
    for text in (FRANCE, REWORDED, "Tell me what the capital of France is.", "What time is it now?", OTHERS[2]):
        here, there = (told("explain", server, text, "--model", "scripted") for server in (stopped, running))
        for one in (here, there):
            one["sentence"] = one["sentence"].split(" ")[0]
        same = ("verdict", "tier", "reason", "classes", "tiers", "sentence")
        assert {name: here[name] for name in same} == {name: there[name] for name in same}
    unknown = ("--header", "x-reprise-thresold: 0.9")
    assert "Did you mean x-reprise-threshold?" in said("explain", stopped, FRANCE, "--model", "m", *unknown, code=2)
    assert contents(stopped.data_dir) == before, "nothing is touched"


# ---- replay


def test_replay_of_the_present_policy_reproduces_the_log_beside_a_running_server(running: Server) -> None:
    found = told("replay", running)
    assert found["current"]
    assert found["calls"] >= 30
    assert found["same_outcome"]["share"] == 1.0, found["changes"]
    assert found["logged"] == found["replayed"]


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
    whole = tmp_path / "config.yaml"
    whole.write_text("cache: {policies: {default: {tiers: []}}}\n", encoding="utf-8")
    assert told("replay", stopped, "--policy", whole)["replayed"]["hits"] == 0
    assert contents(stopped.data_dir) == before, "nothing is touched"


def test_replay_says_it_in_words(stopped: Server) -> None:
    text = said("replay", stopped, "--policy", "loose", "--since", "1h", "--limit", "20")
    assert "20 calls through loose" in text
    assert "it is not known what the upstream would have said" in text
    assert "No such" not in text
    wrong = said("replay", stopped, "--policy", "nowhere", code=2)
    assert "neither a policy nor a file" in wrong
    assert "aggressive" in wrong
    assert "--since" in said("replay", stopped, "--since", "soon", code=2)


@pytest.mark.parametrize(
    ("text", "words"),
    [("max_error_rate: 7\n", "max_error_rate"), ("- a\n", "no mapping"), ("cache: {policies: {a: {ttl: 0}}}\n", "ttl")],
)
def test_replay_refuses_a_wrong_file(stopped: Server, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    assert words in said("replay", stopped, "--policy", path, code=2)


def test_an_empty_log_is_said_to_be(launch: Launch, tmp_path: Path) -> None:
    server = launch(CONFIG)
    server.stop()
    assert "no calls" in said("replay", server)
    assert told("replay", server, "--policy", "aggressive")["calls"] == 0
    assert "no calls" in said("tune", server)
    assert told("tune", server)["calls"] == 0
    nowhere = run("replay", "--data-dir", tmp_path / "none", cwd=tmp_path)
    assert (nowhere.code, "no log" in nowhere.err) == (2, True)


# ---- tune


def test_too_few_labels_are_said_to_be_too_few(running: Server) -> None:
    found = told("tune", running, "--max-error", "1%")
    assert (found["proposed"], found["labels"]["needed"]) == (None, 316)
    text = said("tune", running, "--max-error", "0.01")
    assert "Too few labels for 1.00%" in text
    assert "at least 316 above a cut" in text
    for wrong in ("0", "60%", "much"):
        assert "--max-error takes a share" in said("tune", running, "--max-error", wrong, code=2)
    assert "no policy is called" in said("tune", running, "--policy", "nope", code=2)


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
    assert "exists" in said("tune", server, "--write", written, code=2)
    assert "must end in" in said("tune", server, "--plot", tmp_path / "curve.txt", code=2)
    assert "Proposed for policy default: max_error_rate: 0.02" in said("tune", server, "--max-error", "2%")


def test_the_server_goes_on_meanwhile(running: Server) -> None:
    told("replay", running, "--policy", "loose")
    got = running.chat(FRANCE)
    assert got.headers["x-reprise-cache"] == "hit"
    eventually(lambda: running.http.get("/health/readiness").json()["status"] == "ready", "the server is ready")
