"""Stored answers at work: looked at, invalidated, deleted, served stale, refused again; over HTTP and by command."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from store.database import Database
from store.entry import as_row
from store.statements import INSERT
from store.vectors import ChromaIndex
from tests.e2e.conftest import Launch
from tests.e2e.support import Ran, Server, Upstream, answer, eventually, run
from tests.fakes import entry

pytestmark = pytest.mark.slow

ASKED = "How do I reset my password?"
REWORDED = "How can I reset my password?"
MANY = 6000


def policy(**given: Any) -> dict[str, Any]:
    return {"cache": {"policies": {"default": given}}}


def cache_of(response: httpx2.Response) -> str:
    return response.headers["x-reprise-cache"]


def invalidate(server: Server, **body: Any) -> dict[str, Any]:
    response = server.http.post("/cache/invalidate", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


def entries(server: Server, *arguments: str) -> Ran:
    """``reprise entries`` on the server's data directory, whether it runs or not."""
    config = server.folder / "config.yaml"
    return run("entries", *arguments, "--config", config, "--data-dir", server.data_dir, cwd=server.folder)


def rows(server: Server, sql: str) -> list[Any]:
    with closing(sqlite3.connect(server.data_dir / "reprise.db")) as connection:
        return connection.execute(sql).fetchall()


def vectors(server: Server) -> int:
    """What Chroma holds; the server must have stopped."""
    index = ChromaIndex(server.data_dir / "chroma")
    return sum(collection.count() for collection in index._client.list_collections())


# ---- stale, negative


def test_a_stale_answer_is_served_while_one_call_refreshes_it(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy(ttl="1s", serve_stale_for="10m"))
    prompt = "What is on a classic French menu?"
    first = server.chat(prompt)
    eventually(lambda: time.time() - first_stored(server) > 1.1, "the answer is past its time")
    with upstream.hold("French menu") as gate:
        for _ in range(3):
            stale = server.chat(prompt)
            assert cache_of(stale) == "stale", "nobody waits"
            assert stale.headers["x-reprise-entry"] == first.headers["x-reprise-entry"]
            assert "; ttl=-" in stale.headers["cache-status"]
        gate.release()
    eventually(lambda: server.metric("reprise_stale_refreshes_total", outcome="stored") == 1, "it is refreshed")
    assert upstream.seen[prompt] == 2, "by one call"
    assert len({row[0] for row in rows(server, "SELECT id FROM entries")}) == 2
    assert server.http.get("/stats").json()["hits"] == 3, "stale hits are hits"


def first_stored(server: Server) -> float:
    return float(rows(server, "SELECT min(created_at) FROM entries")[0][0] or time.time())


def test_a_server_that_stops_does_not_wait_for_a_refresh(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy(ttl="1s", serve_stale_for="10m"))
    prompt = "What is a paddle steamer?"
    server.chat(prompt)
    eventually(lambda: time.time() - first_stored(server) > 1.1, "the answer is past its time")
    with upstream.hold("paddle steamer"):
        assert cache_of(server.chat(prompt)) == "stale"
        eventually(lambda: upstream.seen[prompt] == 2, "the refresh is under way")
        server.stop()


def test_a_refusal_is_repeated_without_asking(launch: Launch, upstream: Upstream) -> None:
    server = launch(policy(negative_ttl="30s"))
    prompt = "What is a parameter that nobody knows?"
    upstream.refuse_once("parameter that nobody", 400)
    first, second = server.chat(prompt), server.chat(prompt)
    assert (first.status_code, second.status_code, upstream.seen[prompt]) == (400, 400, 1)
    assert second.json() == first.json()
    assert (cache_of(second), second.headers["x-reprise-reason"]) == ("hit", "negative")
    assert server.chat(prompt, {"cache-control": "no-cache"}).status_code == 200, "asked again on request"
    upstream.refuse_once("rate of refusals", 429)
    limited = [server.chat("What is a rate of refusals?").status_code for _ in range(2)]
    assert limited == [429, 200], "that may pass"
    assert not rows(server, "SELECT id FROM entries WHERE answer LIKE '%refused once%'"), "never on disk as an answer"


# ---- invalidation


def test_what_is_invalidated_is_served_no_more_nor_after_a_restart(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    server.chat(ASKED, {"x-reprise-tags": "help"})
    other = "What is the tallest mountain on Earth?"
    server.chat(other)
    assert cache_of(server.chat(REWORDED, {"cache-control": "no-store"})) == "hit"
    assert invalidate(server, tag="help", dry_run=True)["count"] == 1
    assert invalidate(server, tag="help") == {"status": "invalidated", "count": 1}
    for prompt in (ASKED, REWORDED):
        assert cache_of(server.chat(prompt, {"cache-control": "no-store"})) == "miss", prompt
    server.stop()
    server.start()
    assert cache_of(server.chat(ASKED, {"cache-control": "no-store"})) == "miss", "after a restart too"
    assert cache_of(server.chat(other)) == "hit", "and nothing else"


def test_an_epoch_outlives_a_restart(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    for prompt in (ASKED, "What is the tallest mountain on Earth?"):
        server.chat(prompt)
    assert invalidate(server, namespace="default", epoch="bump")["epoch"] == 1
    assert cache_of(server.chat(ASKED)) == "miss"
    server.stop()
    server.start()
    assert cache_of(server.chat(ASKED)) == "hit", "the new epoch's own answer"
    assert cache_of(server.chat("What is the tallest mountain on Earth?")) == "miss", "nothing of the older one"
    assert invalidate(server, namespace="default", epoch="bump")["epoch"] == 2, "it counts on"


def stored_before(data_dir: Path, number: int) -> None:
    """A data directory with so many entries."""
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(data_dir / "reprise.db")
    now = time.time()
    made = (
        entry(
            id=f"ent_{i:06}",
            exact_key=f"key {i}",
            compat_key=None,
            namespace="default",
            created_at=now - 60,
            expires_at=now + 3600,
        )
        for i in range(number)
    )
    database.writer.submit(INSERT, *(as_row(one, None, None) for one in made)).result(60)
    database.close()


def test_an_invalidation_that_is_killed_can_be_asked_again(launch: Launch, upstream: Upstream, tmp_path: Path) -> None:
    stored_before(tmp_path / "data", MANY)
    server = launch(data_dir=tmp_path / "data")
    url = f"{server.url}/cache/invalidate"

    def ask() -> None:
        with suppress(httpx2.TransportError):
            httpx2.post(url, json={"namespace": "default"}, timeout=60, trust_env=False)

    asking = threading.Thread(target=ask)
    asking.start()
    gone = "SELECT count(*) FROM entries WHERE status = 'invalidated'"
    eventually(lambda: rows(server, gone)[0][0] > 0, "the first batch is through")
    server.kill()
    asking.join()
    before = rows(server, gone)[0][0]
    assert before > 0
    server.start()
    assert rows(server, gone)[0][0] == before, "what was done is done"
    assert invalidate(server, namespace="default")["count"] == MANY - before, "the rest goes the second time"
    assert rows(server, "SELECT count(*) FROM entries WHERE status = 'active'") == [(0,)]


def test_calls_are_answered_while_many_go(launch: Launch, upstream: Upstream, tmp_path: Path) -> None:
    stored_before(tmp_path / "data", MANY)
    server = launch(data_dir=tmp_path / "data")
    done = threading.Event()
    found: list[int] = []

    def ask() -> None:
        response = httpx2.post(
            f"{server.url}/cache/invalidate", json={"older_than": "30s"}, timeout=60, trust_env=False
        )
        found.append(response.json()["count"])
        done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    answered = 0
    while not done.is_set() or answered == 0:
        response = server.chat(f"What is behind door {answered}?")
        assert response.status_code == 200
        answered += 1
    asking.join()
    assert found == [MANY], "all of them, and none of the new ones"
    assert rows(server, "SELECT count(*) FROM entries WHERE status = 'active'") == [(answered,)]


# ---- deletion


def test_a_deleted_answer_leaves_nothing_behind(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    kept = server.chat("What is the tallest mountain on Earth?").headers["x-reprise-entry"]
    gone = server.chat(ASKED).headers["x-reprise-entry"]
    eventually(lambda: rows(server, "SELECT count(*) FROM entries WHERE indexed = 1") == [(2,)], "both are indexed")
    assert server.http.delete(f"/cache/entries/{gone}").json() == {"id": gone, "status": "deleted"}
    assert server.http.get(f"/cache/entries/{gone}").status_code == 404
    assert server.http.delete(f"/cache/entries/{gone}").status_code == 404
    assert rows(server, "SELECT id FROM entries") == [(kept,)]
    assert cache_of(server.chat(REWORDED, {"cache-control": "no-store"})) == "miss"
    server.stop()
    assert vectors(server) == 1, "its vector is gone too"


# ---- commands


def listed(server: Server, *arguments: str) -> list[str]:
    """Ids that a command lists."""
    ran = entries(server, *arguments, "--json")
    assert (ran.code, ran.err) == (0, ""), ran.err
    return [one["id"] for one in json.loads(ran.out)["entries"]]


FRANCE = "What is the capital of France?"


def test_commands_ask_the_server_that_runs(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    first = server.chat(FRANCE, {"x-reprise-tags": "capitals"}).headers["x-reprise-entry"]
    second = server.chat(ASKED).headers["x-reprise-entry"]
    eventually(lambda: rows(server, "SELECT count(*) FROM entries WHERE indexed = 1") == [(2,)], "both are indexed")
    assert listed(server, "list") == [second, first]
    assert listed(server, "search", "capital city of France", "--like", "--limit", "1") == [first]
    table = entries(server, "search", "PARIS").out
    assert (first in table, second in table) == (True, False), "a table, with ids that can be copied"
    head = table.splitlines()[0].split()
    assert head == ["id", "status", "quality", "hits", "age", "prompt", "answer"], "whole, however long the answer is"
    assert entries(server, "block", first).out == f"{first} is blocked\n"
    assert entries(server, "unblock", first).out == f"{first} is active\n"
    told = entries(server, "invalidate", "--tag", "capitals")
    assert (told.code, "1 entries would be taken out of service" in told.out) == (0, True), "a dry run first"
    assert cache_of(server.chat(FRANCE)) == "hit"
    assert entries(server, "show", "ent_nobody").code == 1
    empty = entries(server, "invalidate", "--yes")
    assert (empty.code, "name a property" in empty.err) == (2, True), "nothing is wiped by accident"


def test_commands_work_on_the_directory_that_no_server_holds(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    first = server.chat(FRANCE, {"x-reprise-tags": "capitals"}).headers["x-reprise-entry"]
    second = server.chat(ASKED).headers["x-reprise-entry"]
    eventually(lambda: rows(server, "SELECT count(*) FROM entries WHERE indexed = 1") == [(2,)], "both are indexed")
    server.stop()
    assert listed(server, "search", "capital city of France", "--like", "--limit", "1") == [first]
    shown = json.loads(entries(server, "show", first, "--json").out)
    assert (shown["prompt"], shown["answer"]["choices"][0]["message"]["content"]) == (FRANCE, answer(FRANCE))
    assert "1 entries are out of service" in entries(server, "invalidate", "--tag", "capitals", "--yes").out
    assert entries(server, "delete", second).out == f"{second} is deleted\n"
    assert vectors(server) <= 1, "its vector went with it"
    assert "epoch 1" in entries(server, "epoch", "bump", "--namespace", "default").out
    server.start()
    assert cache_of(server.chat(FRANCE)) == "miss"


def test_without_a_data_directory_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    ran = run("entries", "list", "--data-dir", tmp_path / "none", cwd=tmp_path)
    assert ran.code == 2
    assert "nothing is stored" in ran.err


@pytest.mark.parametrize("arguments", [("invalidate", "--all", "--yes", "--dry-run")])
def test_contradictions_are_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = run("entries", *arguments, "--data-dir", tmp_path / "none", cwd=tmp_path)
    assert (ran.code, "exclude each other" in ran.err) == (2, True)
