"""A real server that keeps its SQL on a real PostgreSQL server."""

from __future__ import annotations

import itertools
import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Ran, Server, Upstream, answer, async_client_of, body, client_of, eventually, run, user
from tests.e2e.test_crash import kill_under_load
from tests.postgres import Server as Postgres
from tests.postgres import running

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(300)]

FRANCE, REWORDED = "What is the capital of France?", "What's the capital of France?"
SAID = "I prefer oat milk in all coffee drinks. What is a cortado?"
STRANGE = "What does NUL do? \0 and this sign? ␀0 ␀"
KEY = "sk-e2e-nobody"
FACT = {"project": "apollo", "category": "fact", "key": "port", "value": "The ferry leaves at noon."}

NUMBERS = itertools.count()

Start = Callable[..., Server]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture
def start(postgres: Postgres, launch: Launch) -> Start:
    """Starts a server on a database of its own, or on the one named."""

    def starting(database: str | None = None, **config: Any) -> Server:
        url = postgres.url(database) if database else postgres.create(f"e2e_{next(NUMBERS)}")
        server = launch({"store": {"sql": "os.environ/E2E_SQL"}, **config}, key=KEY, start=False, E2E_SQL=url)
        server.private.add(postgres.password)
        return server.start()

    return starting


def command(server: Server, name: str, *arguments: str) -> Ran:
    """A command on the server's data directory and database."""
    where = ("--config", str(server.folder / "config.yaml"), "--data-dir", str(server.data_dir))
    return run(name, *arguments, *where, cwd=server.folder, env=server.env)


def said(done: Ran) -> Any:
    assert done.code == 0, done.err
    return json.loads(done.out)


def counts(server: Server) -> dict[str, int]:
    """By table, how many rows."""
    with psycopg.connect(server.env["E2E_SQL"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for (name,) in names}


def test_hits_of_both_tiers_and_all_that_is_kept_survives_a_kill(start: Start) -> None:
    server = start()
    with client_of(server.url) as client:
        raw = client.chat.completions.with_raw_response
        first = raw.create(**body(FRANCE))
        assert first.headers["x-reprise-cache"] == "miss", "nothing is stored yet"
        again = raw.create(**body(FRANCE), stream=True)
        assert again.headers["x-reprise-tier"] == "exact", "the same again comes out of the store, as a stream too"
        assert "".join(chunk.choices[0].delta.content or "" for chunk in again.parse() if chunk.choices) == answer(
            FRANCE
        )
        meant = eventually(
            lambda: (got := raw.create(**body(REWORDED))).headers["x-reprise-tier"] == "semantic" and got,
            "what means the same is a hit",
        )
        assert meant.parse().choices[0].message.content == answer(FRANCE), "with the answer that was stored"
    load = kill_under_load(server)
    assert not (server.data_dir / "reprise.db").exists(), "nothing of SQL lies in the data directory"
    server.start()
    assert [server.interaction(had.interaction)["response"] for had in load.had] == [
        answer(had.prompt) for had in load.had
    ], "what callers had is in the log"
    assert server.chat(FRANCE).headers["x-reprise-tier"] == "exact", "answers are served as before"
    found = server.http.get("/stats").raise_for_status().json()
    assert found["requests"] >= len(load.had), "the figures count the calls of before"


def test_memories_state_and_every_character_are_kept(start: Start) -> None:
    server = start()
    server.chat(SAID).raise_for_status()
    queue = eventually(
        lambda: server.http.get("/memory", params={"status": "candidate"}).json()["memories"],
        "what somebody says of himself waits for a review",
    )
    waiting = said(command(server, "review", "--json"))["cards"]
    assert [card["id"] for card in waiting] == [queue[0]["id"]], "the command sees it too"
    decided = server.http.post(f"/memory/{queue[0]['id']}/promote", json={"reason": "so it is"})
    assert decided.status_code == 200, decided.text
    assert server.http.get(f"/memory/{queue[0]['id']}").json()["status"] == "active", "a person said so"
    server.http.post("/project/state", json=FACT).raise_for_status()
    entries = server.http.get("/project/state/apollo").raise_for_status().json()["entries"]
    assert [entry["value"] for entry in entries] == [FACT["value"]], "what is said of a project is kept"
    id_ = server.chat(STRANGE).headers["x-reprise-interaction"]
    assert server.interaction(id_)["prompt"] == STRANGE, "characters that PostgreSQL has no place for come back"
    server.stop()
    server.start()
    assert server.interaction(id_)["prompt"] == STRANGE, "and after a restart"


def test_one_server_serves_a_database(start: Start, launch: Launch) -> None:
    server = start()
    other = launch({"store": {"sql": "os.environ/E2E_SQL"}}, key=KEY, start=False, E2E_SQL=server.env["E2E_SQL"])
    refused = command_to_serve(other)
    assert refused.code == 2, "a second server is refused"
    assert "served by another Reprise" in refused.err, "with the reason"
    assert "sesame" not in refused.err, "and without the password"
    server.signal(signal.SIGKILL)
    server.wait()
    eventually(lambda: _starts(other), "a killed server leaves no lock behind", 30)


def _starts(server: Server) -> bool:
    try:
        server.start()
    except AssertionError:
        return False
    return True


def command_to_serve(server: Server) -> Ran:
    from tests.e2e.support import write_config

    write_config(server.folder, server.config)
    return command(server, "serve", "--port", "0")


def test_calls_go_on_while_the_database_is_away_and_are_kept_when_it_is_back(
    start: Start, postgres: Postgres, upstream: Upstream
) -> None:
    server = start()
    server.chat(FRANCE).raise_for_status()
    postgres.stop()
    try:
        with ThreadPoolExecutor(4) as threads:
            got = list(threads.map(lambda n: server.chat(f"What is behind door {n}?"), range(12)))
        assert [one.status_code for one in got] == [200] * 12, "every call is answered"
        assert server.chat(FRANCE).headers["x-reprise-tier"] == "exact", "what memory holds is served"
        ready = server.http.get("/health/readiness")
        assert ready.json()["status"] == "degraded", "readiness says that something is wrong"
        assert not ready.json()["parts"]["log"]["ok"], "and what"
        assert server.metric("reprise_store_errors_total", part="log") > 0, "it is counted"
    finally:
        postgres.start()

    def back() -> bool:
        id_ = server.chat("Is it back? [pause 0.01]").headers["x-reprise-interaction"]
        return server.http.get(f"/interactions/{id_}").status_code == 200

    eventually(back, "calls are logged again, without a restart", 30)
    eventually(lambda: server.readiness()["status"] == "ready", "readiness says so", 30)


@pytest.mark.parametrize("include_chroma", [False, True], ids=["without chroma", "with chroma"])
def test_a_backup_made_while_it_runs_is_put_back(start: Start, include_chroma: bool) -> None:
    server = start()
    for country in ("France", "Spain", "Peru"):
        server.chat(f"What is the capital of {country}?").raise_for_status()
    kept = server.chat(STRANGE).headers["x-reprise-interaction"]
    made = server.http.post("/admin/backup", json={"include_chroma": include_chroma}).raise_for_status().json()
    assert made["sql"] == "postgresql", "it says what it is of"
    assert made["rows"]["interactions"] == 4, "and how much is in it"
    stamp = made["stamp"]
    assert server.http.get(f"/admin/backup/{stamp}/validate").json()["valid"], "it is whole"
    later = server.chat("What came later?").headers["x-reprise-interaction"]
    refused = command(server, "backup", "restore", stamp, "--yes")
    assert (refused.code, "stop it first" in refused.err) == (2, True), "not under a running server"
    server.stop()
    done = said(command(server, "backup", "restore", stamp, "--yes", "--json"))
    assert done["safety"], "what was there is backed up first"
    assert counts(server) == made["rows"], "every table has what the backup says"
    server.start()
    assert server.interaction(kept)["prompt"] == STRANGE, "what was there then is there"
    assert server.http.get(f"/interactions/{later}").status_code == 404, "what came later is not"
    eventually(lambda: server.chat(REWORDED).headers["x-reprise-tier"] == "semantic", "both tiers work again", 60)
    server.stop()
    said(command(server, "backup", "restore", done["safety"], "--yes", "--json"))
    server.start()
    assert server.interaction(later)["prompt"] == "What came later?", "a restore can be undone"


def test_a_backup_of_sqlite_is_not_put_into_postgresql(start: Start, launch: Launch, tmp_path: Path) -> None:
    sqlite = launch(data_dir=tmp_path / "data")
    sqlite.chat(FRANCE).raise_for_status()
    stamp = sqlite.http.post("/admin/backup").raise_for_status().json()["stamp"]
    sqlite.stop()
    server = start()
    server.stop()
    where = ("--config", str(server.folder / "config.yaml"), "--data-dir", str(tmp_path / "data"))
    done = run("backup", "restore", stamp, "--yes", *where, cwd=server.folder, env=server.env)
    assert done.code == 2, "nothing is restored"
    assert "the backup is of SQLite, and PostgreSQL is configured" in done.err, "with the reason"


def test_commands_work_without_a_server(start: Start, upstream: Upstream) -> None:
    server = start()
    for country in ("France", "Spain"):
        server.chat(f"What is the capital of {country}?").raise_for_status()
    server.chat(FRANCE).raise_for_status()
    server.stop()
    assert said(command(server, "stats", "--json"))["requests"] == 3, "the figures"
    assert len(said(command(server, "entries", "list", "--json"))["entries"]) == 2, "stored answers"
    exported = command(server, "export", "interactions", "--output", "-")
    assert exported.code == 0, exported.err
    assert len(exported.out.splitlines()) == 3, "the log, to a file"
    assert said(command(server, "reindex", "--json"))["vectors"] == 2, "the index, written again"
    made = said(command(server, "backup", "create", "--json"))
    assert made["rows"]["entries"] == 2, "a backup"
    forgotten = command(server, "forget", "--subject", "Spain", "--yes", "--json")
    assert forgotten.code == 0, forgotten.err + forgotten.out
    assert said(command(server, "stats", "--json"))["requests"] == 2, "what was forgotten is gone"


async def test_the_password_is_shown_nowhere(start: Start) -> None:
    server = start()
    async with async_client_of(server.url) as client:
        await client.chat.completions.create(model="scripted", messages=user(FRANCE))
    shown = command(server, "config", "show")
    assert shown.code == 0, shown.err
    assert "sesame" not in shown.out, "the configuration is shown without it"
    assert "sesame" not in server.log, "and nothing is logged of it"
