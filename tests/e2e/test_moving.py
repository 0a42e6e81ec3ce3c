"""Answers moved in and out with the command line, with a server running and without."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import REPRISE, Ran, Server, Upstream, environment, eventually, models, run, write_config

pytestmark = pytest.mark.slow

FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"
MODEL = "scripted"


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def pairs(count: int) -> list[dict[str, str]]:
    return [{"prompt": f"What is behind door {n} of the house?", "answer": f"Room {n}."} for n in range(count)]


def import_file(config: Path, data_dir: Path, path: Path, *more: str) -> Ran:
    return run("import", path, "--config", config, "--data-dir", data_dir, "--model", MODEL, *more)


def config_of(server: Server) -> Path:
    return write_config(server.folder, server.config)


def held(data_dir: Path) -> int:
    with contextlib.closing(sqlite3.connect(data_dir / "reprise.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM entries").fetchone()[0])


def test_an_import_without_a_server_is_served_by_the_next_one(
    launch: Launch, upstream: Upstream, tmp_path: Path
) -> None:
    server = launch(start=False)
    config, data_dir = config_of(server), server.data_dir
    path = lines(tmp_path / "pairs.jsonl", {"prompt": FRANCE, "answer": "It is Paris."}, {"prompt": "no answer"})
    asked = upstream.seen[FRANCE]

    rehearsed = import_file(config, data_dir, path, "--dry-run")
    assert (rehearsed.code, rehearsed.out.splitlines()[0]) == (1, "2 records: 1 would be stored")
    assert not data_dir.exists(), "a dry run touches nothing"
    done = import_file(config, data_dir, path, "--json", "--errors", str(tmp_path / "errors"))
    told = json.loads(done.out)
    assert (done.code, told["stored"], told["bad"]) == (1, 1, 1)
    assert told["bad_shown"][0]["line"] == 2
    assert (tmp_path / "errors").read_text().startswith("line 2: it has no answer")

    server.start()
    got = server.http.post(
        "/v1/chat/completions", json={"model": MODEL, "messages": [{"role": "user", "content": FRANCE}]}
    )
    assert (got.headers["x-reprise-tier"], got.json()["choices"][0]["message"]["content"]) == ("exact", "It is Paris.")
    # At its start the server embeds what has no vector.
    reworded = eventually(lambda: _semantic(server), "the import is found by meaning")
    assert reworded == "It is Paris."
    assert upstream.seen[FRANCE] == asked


def _semantic(server: Server) -> str | None:
    got = server.chat(REWORDED, headers={"cache-control": "only-if-cached"})
    if got.status_code != 200:
        return None
    assert got.headers["x-reprise-tier"] == "semantic"
    return str(got.json()["choices"][0]["message"]["content"])


def test_an_import_beside_a_running_server_goes_through_it(launch: Launch, tmp_path: Path) -> None:
    keys = [
        {"key": "e2e-team-key", "namespace": "team"},
        {"key": "e2e-admin-key", "namespace": "ops", "role": "admin"},
    ]
    server = launch({"auth": {"keys": keys}}, key="e2e-team-key")
    config = config_of(server)
    path = tmp_path / "pairs.jsonl.gz"
    records = [*pairs(600), {"prompt": "What is the weather in Paris today?", "answer": "Sunny."}]
    path.write_bytes(gzip.compress("\r\n".join(map(json.dumps, records)).encode("utf-8-sig")))

    nobody = import_file(config, server.data_dir, path)
    assert (nobody.code, "--namespace" in nobody.err) == (2, True), "two keys, two namespaces: one must be named"
    done = import_file(config, server.data_dir, path, "--namespace", "team", "--json")
    told = json.loads(done.out)
    assert (done.code, told["stored"], told["refused"]) == (0, 600, {"total": 1, "volatile": 1}), done.err
    got = server.chat("What is behind door 7 of the house?")
    assert (got.headers["x-reprise-tier"], got.json()["choices"][0]["message"]["content"]) == ("exact", "Room 7.")
    again = import_file(config, server.data_dir, path, "--namespace", "team", "--json")
    assert json.loads(again.out)["duplicates"] == 600

    out = tmp_path / "out.jsonl"
    exported = run("export", "entries", "-o", out, "--config", config, "--data-dir", server.data_dir, "--json")
    assert (exported.code, json.loads(exported.out)) == (0, {"written": 600, "left_out": 0})
    text = out.read_text()
    assert "e2e-team-key" not in text
    assert json.loads(text.splitlines()[0])["namespace"] == "team"


def test_an_export_moves_to_an_empty_directory(launch: Launch, upstream: Upstream, tmp_path: Path) -> None:
    server = launch()
    first = server.chat(FRANCE)
    assert first.headers["x-reprise-cache"] == "miss"
    config = config_of(server)
    out = run("export", "entries", "--config", config, "--data-dir", server.data_dir)
    assert (out.code, out.err) == (0, "1 written\n")
    examples = run("export", "interactions", "--format", "openai", "--config", config, "--data-dir", server.data_dir)
    text = first.json()["choices"][0]["message"]["content"]
    assert json.loads(examples.out) == {
        "messages": [{"role": "user", "content": FRANCE}, {"role": "assistant", "content": text}]
    }
    path = tmp_path / "moved.jsonl"
    path.write_text(out.out)
    done = run("import", path, "--config", config, "--data-dir", tmp_path / "moved", "--json")
    assert (done.code, json.loads(done.out)["stored"]) == (0, 1)

    asked = upstream.seen[FRANCE]
    moved = launch(data_dir=tmp_path / "moved")
    again = moved.chat(FRANCE)
    assert (again.headers["x-reprise-tier"], again.json()["choices"]) == ("exact", first.json()["choices"])
    assert eventually(lambda: _semantic(moved), "the moved answer is found by meaning") == text
    assert upstream.seen[FRANCE] == asked


def test_a_killed_import_goes_on_with_resume(launch: Launch, tmp_path: Path) -> None:
    server = launch(start=False)
    config, data_dir = config_of(server), server.data_dir
    count = 12_000
    path = lines(tmp_path / "pairs.jsonl", *pairs(count), {"prompt": "bad"})
    command = [REPRISE, "import", str(path), "--config", str(config), "--data-dir", str(data_dir), "--model", MODEL]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        eventually(lambda: list((data_dir / "imports").glob("*.json")), "a batch is stored", 60)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it was still at work"
    before = held(data_dir)
    assert 0 < before < count

    other = import_file(config, data_dir, path, "--resume", "--tag", "x")
    assert other.code == 2
    assert "other options" in other.err
    done = import_file(config, data_dir, path, "--resume", "--json")
    told = json.loads(done.out)
    assert done.code == 1
    assert told["records"] == count + 1
    assert told["stored"] + told["duplicates"] == count
    assert told["duplicates"] <= 500, "at most one batch was stored and not noted"
    assert told["bad_shown"][0]["line"] == count + 1
    assert held(data_dir) == count
    assert list((data_dir / "imports").iterdir()) == [], "nothing is left to resume"


def test_a_server_that_goes_away_leaves_a_place_to_go_on_from(launch: Launch, tmp_path: Path) -> None:
    server = launch()
    config = config_of(server)
    path = lines(tmp_path / "pairs.jsonl", *pairs(6_000))
    command = [REPRISE, "import", str(path), "--config", str(config), "--data-dir", str(server.data_dir)]
    with subprocess.Popen(
        [*command, "--model", MODEL], env=environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        eventually(lambda: list((server.data_dir / "imports").glob("*.json")), "a batch is stored", 60)
        server.kill()
        _, err = process.communicate()
    assert process.returncode == 2
    assert "--resume goes on there" in err
    done = import_file(config, server.data_dir, path, "--resume", "--json")
    assert (done.code, json.loads(done.out)["records"]) == (0, 6_000), done.err
    assert held(server.data_dir) == 6_000


def test_what_cannot_run_says_why(tmp_path: Path) -> None:
    config = write_config(tmp_path, {"model_list": [models("http://127.0.0.1:9", "known")]})
    path = lines(tmp_path / "pairs.jsonl", *pairs(1))
    data_dir = tmp_path / "data"

    def told(*arguments: str | Path) -> str:
        done = run("import", *arguments, "--config", config, "--data-dir", data_dir)
        assert done.code == 2
        assert "Traceback" not in done.err
        return done.err

    assert "No such file" in told(tmp_path / "nothing.jsonl")
    assert "not configured" in told(path, "--model", "unknown"), "not told once for each line"
    exported = run("export", "entries", "--config", config, "--data-dir", tmp_path / "nowhere")
    assert (exported.code, exported.err) == (2, f"reprise: nothing is stored in {tmp_path / 'nowhere'}\n")


def test_a_callers_key_names_its_namespace(launch: Launch, tmp_path: Path) -> None:
    server = launch(start=False)
    config = config_of(server)
    path = lines(tmp_path / "pairs.jsonl", {"prompt": FRANCE, "answer": "It is Paris."})
    key = "sk-e2e-caller-of-its-own"
    done = run(
        "import",
        path,
        "--model",
        MODEL,
        "--caller-key",
        "CALLER",
        "--config",
        config,
        "--data-dir",
        server.data_dir,
        env=environment(CALLER=key),
    )
    assert done.code == 0, done.err
    server.start()
    got = server.chat(FRANCE, headers={"authorization": f"Bearer {key}"})
    assert got.headers["x-reprise-tier"] == "exact"
    assert server.chat(FRANCE).headers["x-reprise-cache"] == "miss"
