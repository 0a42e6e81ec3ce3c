"""The command ``reprise``: what it says and how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Ran, Server, Upstream, Wire, answer, environment, eventually, run, told

pytestmark = pytest.mark.slow

SECRET = KEY_MARK + "in-the-file"


def refused(*arguments: str | Path, cwd: Path, **env: str) -> str:
    """Run a command that must not work; gives its one line on standard error."""
    done = run(*arguments, cwd=cwd, env=environment(**env))
    assert_one_line(done)
    return done.err.strip()


def assert_one_line(done: Ran) -> None:
    """Exit code 2, and one clear line."""
    assert done.code == 2, done
    assert done.out == ""
    assert len(done.err.strip().splitlines()) == 1, done.err
    assert "Traceback" not in done.err
    assert SECRET not in done.err


def config_file(folder: Path, text: str) -> Path:
    """A file with this text."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


BAD = {
    "unknown-key": ("server:\n  host: 127.0.0.1\n  prot: 4000\n", 3, "server.prot"),
    "wrong-type": ("server:\n  port: many\n", 2, "server.port"),
    "bad-yaml": ("server:\n  host: [127.0.0.1\n", 2, ""),
    "short-key": ("auth:\n  keys:\n    - key: short\n      namespace: team\n", 3, "auth.keys.0.key"),
    "unset-variable": ("store:\n  embedder:\n    model: os.environ/E2E_NOT_SET\n", 3, "store.embedder.model"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_configuration_is_named_by_file_line_and_key(tmp_path: Path, name: str) -> None:
    text, line, key = BAD[name]
    path = config_file(tmp_path, text)
    checked = refused("config", "check", "--config", path, cwd=tmp_path)
    assert checked.startswith(f"{path}:{line}: ")
    assert key in checked


def test_a_server_does_not_start_with_a_bad_configuration(tmp_path: Path) -> None:
    path = config_file(tmp_path, BAD["unknown-key"][0])
    line = refused("serve", "--config", path, "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert line.startswith(f"reprise: {path}:3: server.prot: ")
    assert not (tmp_path / "data").exists()


def test_every_problem_of_a_configuration_is_told_at_once(tmp_path: Path) -> None:
    path = config_file(tmp_path, "server:\n  prot: 1\n  host: 3\nlogging:\n  level: loud\n")
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert done.code == 2
    assert [line.split(": ")[0] for line in done.err.splitlines()] == [f"{path}:2", f"{path}:3", f"{path}:5"]
    as_json = run("config", "check", "--json", "--config", path, cwd=tmp_path)
    told_ = json.loads(as_json.out)
    assert (as_json.code, told_["ok"]) == (2, False)
    assert [(p["file"], p["line"], p["key"]) for p in told_["problems"]] == [
        (str(path), 2, "server.prot"),
        (str(path), 3, "server.host"),
        (str(path), 5, "logging.level"),
    ]


def test_a_missing_configuration(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.yaml"
    for arguments in (("serve", "--config", missing), ("config", "check", "--config", missing)):
        assert f"{missing}: there is no such file" in refused(*arguments, cwd=tmp_path)
    assert "there is no such file" in refused("serve", cwd=tmp_path, REPRISE_CONFIG=str(missing))


def test_a_good_configuration(tmp_path: Path) -> None:
    path = config_file(tmp_path, f"auth:\n  keys:\n    - key: {SECRET}\n      namespace: team\n")
    done = run("config", "check", "--config", path, cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"{path} is fine\n", "")
    as_json = run("config", "check", "--json", cwd=tmp_path)
    assert (as_json.code, json.loads(as_json.out)) == (0, {"ok": True, "problems": [], "warnings": []})


def test_the_schema(tmp_path: Path) -> None:
    done = run("config", "schema", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    schema = json.loads(done.out)
    assert {"server", "auth", "store", "cache", "memory", "logging", "model_list"} <= schema["properties"].keys()
    written = run("config", "schema", "--output", tmp_path / "schema.json", cwd=tmp_path)
    assert (written.code, written.out) == (0, "")
    assert json.loads((tmp_path / "schema.json").read_text("utf-8")) == schema


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("serve", "--port", str(port), "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert line.startswith(f"reprise: cannot listen on 127.0.0.1:{port}: ")


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    with_key = config_file(tmp_path, f"auth:\n  keys:\n    - key: {SECRET}\n      namespace: team\n")
    address = ("--host", "203.0.113.7", "--port", "0", "--data-dir", tmp_path / "data")
    line = refused("serve", "--config", with_key, *address, cwd=tmp_path)
    assert line.startswith("reprise: cannot listen on 203.0.113.7:0: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "example.invalid"])
def test_an_open_address_without_keys(tmp_path: Path, host: str) -> None:
    line = refused("serve", "--host", host, "--port", "0", "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert line.startswith(f"reprise: refusing to listen on {host} without auth.keys")
    assert not (tmp_path / "data").exists()


def test_a_data_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    below = tmp_path / "file" / "data"
    line = refused("serve", "--port", "0", "--data-dir", below, cwd=tmp_path)
    assert line.startswith(f"reprise: data directory {below} is not writable: ")


def test_more_than_one_worker(tmp_path: Path) -> None:
    line = refused("serve", "--workers", "2", "--port", "0", "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert line.startswith("reprise: --workers above 1 is refused: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--port", "70000"),
        ("unknown",),
    ],
)
def test_wrong_arguments(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert "Usage: reprise" in done.err
    assert not (tmp_path / ".reprise").exists()


def test_statistics_of_nothing(tmp_path: Path) -> None:
    line = refused("stats", "--json", "--data-dir", tmp_path / "data", cwd=tmp_path)
    assert line == f"reprise: no log in {tmp_path / 'data'}: no server has run there yet"
    assert not (tmp_path / "data").exists()


def test_a_server_and_its_commands(launch: Launch, upstream: Upstream) -> None:
    """One server: statistics of an empty and a used directory, a second server refused, and SIGTERM at the end."""
    server = launch()
    folder, data = server.folder, ("--data-dir", server.data_dir)
    empty = run("stats", "--json", *data, cwd=folder)
    assert (empty.code, empty.err) == (0, "")
    assert {name: json.loads(empty.out)[name] for name in ("requests", "hits", "hit_rate", "failures")} == {
        "requests": 0,
        "hits": 0,
        "hit_rate": 0.0,
        "failures": 0,
    }

    for prompt in ("What is the capital of France?",) * 3 + ("What's the capital of France?", "Who are you?"):
        server.chat(prompt)
    server.chat("Trip over this. [status 500]")
    used = run("stats", "--json", *data, cwd=folder)
    summary = json.loads(used.out)
    assert used.code == 0
    assert (summary["requests"], summary["hits"], summary["failures"]) == (6, 3, 1)
    assert (summary["tiers"]["exact"]["hits"], summary["tiers"]["semantic"]["hits"]) == (2, 1)
    assert summary["hit_rate"] == 0.5
    over_http = server.http.get("/stats").json()
    assert summary.pop("advice") == server.http.get("/stats/advice").json()["advice"], "what to do next, of few calls"
    assert {**summary, "since": ""} == {**over_http, "since": ""}
    assert refused("stats", "--window", "ages", *data, cwd=folder).startswith("reprise: --window: ")

    second = refused("serve", "--port", "0", *data, cwd=folder)
    assert second.startswith(f"reprise: data directory {server.data_dir} is held by another server (process ")
    assert server.chat("Are you still serving?").status_code == 200

    assert_drains(server, upstream)
    after = run("stats", "--window", "7d", *data, cwd=folder)
    assert (after.code, after.err) == (0, "")
    assert "9  (1 failed, 0 joined)" in after.out
    assert "33.3%  (3 hits)" in after.out


def assert_drains(server: Server, upstream: Upstream) -> None:
    """SIGTERM while calls run: they end well, then the server does."""
    whole, streamed = "Will you finish this whole?", "Will you finish this stream?"
    with (
        ThreadPoolExecutor(2) as threads,
        upstream.hold(whole) as first,
        upstream.hold(streamed, after=2) as second,
    ):
        waiting = threads.submit(server.chat, whole)
        reading = threads.submit(server.chat, streamed, stream=True)
        eventually(lambda: upstream.seen[whole] and upstream.seen[streamed], "both calls run")
        server.signal(signal.SIGTERM)
        eventually(lambda: "Shutting down" in server.log, "the server has heard the signal")
        first.release()
        second.release()
        assert waiting.result().json() == told(whole)
        text = reading.result().text
    assert text.endswith("data: [DONE]\n\n")
    assert answer(streamed).split()[-1] in text
    assert server.wait() == 0


def test_a_call_that_does_not_end_is_given_up(launch: Launch, upstream: Upstream) -> None:
    """Draining has an end; what was cut off is logged as failed."""
    server = launch({"server": {"drain_timeout": "1s"}})
    whole, streamed = "Will you ever answer this whole?", "Will you ever answer this stream?"
    with contextlib.ExitStack() as stack:
        stack.enter_context(upstream.hold(whole))
        stack.enter_context(upstream.hold(streamed, after=2))
        stack.enter_context(Wire(server, whole))
        reader = stack.enter_context(Wire(server, streamed, stream=True))
        reader.read_until(b"chat.completion.chunk")
        eventually(lambda: upstream.seen[whole] == 1, "the upstream is asked")
        server.stop()
        eventually(lambda: upstream.left[whole] and upstream.left[streamed], "the upstream calls are given up")
    summary = run("stats", "--json", "--data-dir", server.data_dir, cwd=server.folder)
    counted = json.loads(summary.out)
    assert (counted["requests"], counted["failures"]) == (2, 2)


def test_the_demo_runs_to_its_end(tmp_path: Path) -> None:
    done = run("demo", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert sum("hit" in line.split() for line in lines) >= 4
    assert any("exact" in line.split() for line in lines)
    assert any("semantic" in line.split() for line in lines)
    assert any("miss" in line.split() for line in lines)
    assert any("hit rate" in line for line in lines)
    assert "export OPENAI_BASE_URL=" in done.out
    # It leaves nothing behind.
    assert list(tmp_path.iterdir()) == []
