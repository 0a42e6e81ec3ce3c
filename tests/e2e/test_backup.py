"""Backups of a running server: made under load, put back after it was killed, with all that they promise."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Server, answer, body, environment, eventually, run

pytestmark = pytest.mark.slow

THREADS = 3
COUNTRIES = "France Spain Italy Portugal Germany Austria Poland Hungary Romania Bulgaria Greece Turkey Norway".split()
FRANCE, REWORDED = "What is the capital of France?", "What's the capital of France?"
ALICE = {"authorization": f"Bearer {KEY_MARK}alice"}
NOTES = {
    "nests.md": "# Herons\n\n## Nests\n\nHerons build their nests of twigs in the crowns of tall trees.\n",
    "tides.md": "# Harbour\n\n## Tides\n\nThe ferry leaves at high water, twice on most days.\n",
}


def rows(path: Path) -> dict[str, tuple[int, str]]:
    """By table, how many rows and a hash of them all."""
    found = {}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            if not name.startswith("sqlite_"):
                texts = sorted(repr(row) for row in connection.execute(f'SELECT * FROM "{name}"'))
                found[name] = (len(texts), hashlib.sha256("\n".join(texts).encode()).hexdigest())
    return found


class Load:
    """Clients that ask one unique thing after the other; whatever fails is noted."""

    def __init__(self, server: Server) -> None:
        self.had: list[str] = []
        """Interactions whose answers were had in full."""
        self.broken: list[str] = []
        self._server = server
        self._numbers = itertools.count()
        self._stop = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Let them ask while this lasts."""
        with ThreadPoolExecutor(THREADS) as threads:
            asking = [threads.submit(self._ask) for _ in range(THREADS)]
            try:
                yield
            finally:
                self._stop.set()
        for one in asking:
            one.result()

    def _ask(self) -> None:
        while not self._stop.is_set():
            prompt = f"What is behind door {next(self._numbers)}?"
            try:
                with httpx2.Client(base_url=self._server.url, timeout=30, trust_env=False) as client:
                    got = client.post("/v1/chat/completions", json=body(prompt))
                got.raise_for_status()
                self.had.append(got.headers["x-reprise-interaction"])
            except httpx2.HTTPError as error:
                self.broken.append(repr(error))
            time.sleep(0.005)


def backup(server: Server, **wanted: Any) -> dict[str, Any]:
    found: dict[str, Any] = server.http.post("/admin/backup", json=wanted).raise_for_status().json()
    return found


def command(server: Server, *arguments: str) -> tuple[int, Any, str]:
    """(exit code, what is printed, what is complained of) of ``reprise backup``."""
    where = ("--config", server.folder / "config.yaml", "--data-dir", server.data_dir)
    done = run("backup", *arguments, "--json", *where, cwd=server.folder)
    return done.code, json.loads(done.out) if done.out else None, done.err


def nests(server: Server) -> list[dict[str, Any]]:
    """What is found in the sources about a question."""
    found = server.http.post("/query", json={"prompt": "Where do herons nest?", "top_k": 2}).raise_for_status()
    results: list[dict[str, Any]] = found.json()["results"]
    return results


@pytest.fixture
def server(launch: Launch, tmp_path: Path) -> Server:
    """A server that has answered calls and read documents, of which both tiers and ``/query`` find some."""
    notes = tmp_path / "notes"
    notes.mkdir()
    for name, text in NOTES.items():
        (notes / name).write_text(text)
    server = launch({"memory": {"sources": {"notes": str(notes)}}})
    for country in COUNTRIES:
        server.chat(f"What is the capital of {country}?", ALICE).raise_for_status()
    assert server.chat(REWORDED, ALICE).headers["x-reprise-tier"] == "semantic", "there is a hit by meaning"
    server.http.post("/ingest/sources").raise_for_status()
    eventually(lambda: nests(server), "what the sources say is found", 60)
    return server


@pytest.mark.parametrize("include_chroma", [False, True], ids=["without chroma", "with chroma"])
def test_a_backup_made_under_load_is_what_a_killed_server_comes_back_to(server: Server, include_chroma: bool) -> None:
    load = Load(server)
    with load.running():
        eventually(lambda: len(load.had) >= 20, "calls are answered")
        for _ in range(5):
            before = list(load.had)
            made = backup(server, include_chroma=include_chroma)
            during = len(load.had) - len(before)
            if during:
                # A small log may be backed up between two answers.
                break
        eventually(lambda: len(load.had) >= len(before) + during + 20, "calls go on")
    server.kill()
    assert load.broken == [], "no call fails because of a backup"
    assert during > 0, "calls are answered while it is made"
    assert made["includes"] == (["chroma", "chroma-sources"] if include_chroma else []), made["left_out"]

    stamp, folder = made["stamp"], server.data_dir / "backups" / made["stamp"]
    code, checked, _ = command(server, "validate", stamp)
    assert (code, checked["valid"], checked["rows"]) == (0, True, made["rows"]), checked["problems"]
    copied = rows(folder / "reprise.db")
    assert {name: count for name, (count, _) in copied.items()} == made["rows"], "it says what it holds"
    code, restored, told = command(server, "restore", stamp, "--yes")
    assert code == 0, told
    assert rows(server.data_dir / "reprise.db") == copied, "every row is back, and none that came after"
    with contextlib.closing(sqlite3.connect(folder.parent / restored["safety"] / "reprise.db")) as connection:
        kept = {id_ for (id_,) in connection.execute("SELECT id FROM interactions")}
    assert kept.issuperset(load.had), "what the restore replaced is in the safety backup, every answer that was had"

    server.start()
    for interaction in before:
        assert server.interaction(interaction)["success"], "with its answer"
    assert ("writing it again" in server.log) is not include_chroma, "an index is rebuilt only where it must be"
    again = server.chat(REWORDED, ALICE)
    assert again.headers["x-reprise-tier"] == "semantic", "the same caller finds it by meaning: the key is back, too"
    assert again.json()["choices"][0]["message"]["content"] == answer(FRANCE)
    found = eventually(lambda: nests(server), "the sources are found again", 60)
    assert "twigs" in found[0]["content"], "the right piece"
    assert server.readiness()["status"] == "ready"


def test_nothing_is_restored_under_a_running_server_unless_it_is_stopped(server: Server) -> None:
    code, made, told = command(server, "create")
    assert code == 0, told
    code, listed, _ = command(server, "list")
    assert [found["stamp"] for found in listed["backups"]] == [made["stamp"]], "the server tells the command"
    later = server.chat("What came later?").headers["x-reprise-interaction"]
    code, _, told = command(server, "restore", made["stamp"], "--yes")
    assert (code, "a server holds" in told) == (2, True), told
    assert server.interaction(later)["success"], "and nothing has changed"

    answered = threading.Thread(target=lambda: server.chat("Who is asked last? [pause 0.01]"))
    answered.start()
    code, restored, told = command(server, "restore", made["stamp"], "--yes", "--stop-server")
    answered.join()
    assert code == 0, told
    assert server.wait() == 0, "it ended in good order"
    server.start()
    assert server.http.get(f"/interactions/{later}").status_code == 404, "the restore undid it"
    kept = rows(server.data_dir / "backups" / restored["safety"] / "reprise.db")
    assert kept["interactions"][0] > made["rows"]["interactions"], "but it is kept"


def test_a_damaged_backup_is_refused(server: Server) -> None:
    stamp = backup(server)["stamp"]
    path = server.data_dir / "backups" / stamp / "reprise.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"damage")
    told = server.http.get(f"/admin/backup/{stamp}/validate").raise_for_status().json()
    assert (told["exists"], told["valid"]) == (True, False)
    assert told["problems"] == ["reprise.db: its content is another"]
    server.stop()
    before = rows(server.data_dir / "reprise.db")
    code, _, complaint = command(server, "restore", stamp, "--yes")
    assert (code, "its content is another" in complaint) == (1, True), complaint
    assert rows(server.data_dir / "reprise.db") == before, "nothing has changed"


KILLED = """
import os, pathlib, signal, sys
at, data_dir = int(sys.argv[1]), pathlib.Path(sys.argv[2])
made = 0

def dying(change):
    def done(*given, **named):
        global made
        if (data_dir / "restore" / ("journal.json" if at > 0 else "staged")).exists():
            made += 1
            if made > abs(at):
                os.kill(os.getpid(), signal.SIGKILL)
        return change(*given, **named)
    return done

for name in ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync"):
    setattr(os, name, dying(getattr(os, name)))
sys.argv[1:] = sys.argv[3:]
from proxy.cli import main
main()
"""
"""``reprise`` that is killed before a change of files: the n-th once the journal is there, or, below zero, before."""


def test_a_restore_that_was_killed_is_finished_by_the_next_start(server: Server) -> None:
    stamp = backup(server)["stamp"]
    server.chat("What came later?").raise_for_status()
    server.stop()
    database, folder = server.data_dir / "reprise.db", server.data_dir / "backups" / stamp
    old, new = rows(database), rows(folder / "reprise.db")

    _restore_killed(server, stamp, -2)
    assert rows(database) == old, "killed before the journal, nothing has changed"
    for at in (1, 5, 9):
        _restore_killed(server, stamp, at)
        assert rows(database) in (old, new), "killed after the journal, the database is one of the two"
    assert (server.data_dir / "restore" / "journal.json").exists(), "the last one is not finished"
    server.start()
    assert f"a restore of backup {stamp} was interrupted, and is finished now" in server.log, "it is told"
    assert not (server.data_dir / "restore").exists(), "nothing is left of the work"
    listed = {row["id"] for row in server.listed()}
    assert len(listed) == new["interactions"][0], "the server stands on the backup"
    assert server.chat(REWORDED, ALICE).headers["x-reprise-tier"] == "semantic", "with all that it served"


def _restore_killed(server: Server, stamp: str, at: int) -> None:
    where = ("--config", server.folder / "config.yaml", "--data-dir", server.data_dir)
    arguments = (str(at), server.data_dir, "backup", "restore", stamp, "--yes", *where)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *map(str, arguments)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, f"it was not killed: {done.stderr!r}"
