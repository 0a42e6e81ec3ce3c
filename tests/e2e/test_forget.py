"""Somebody is forgotten: no table, no collection and no file holds the words any more, and nobody else loses a row."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from memory.memories.memories import Memories
from memory.memories.memory import Actor, Provenance
from store.database import Database
from store.tables import interactions
from store.words import Words
from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, eventually, run

pytestmark = pytest.mark.slow

NAME = "Zoë Quillfeather"
MAIL = "zoe.quillfeather@example.org"
HERS = f"What is the capital of France, for {NAME}?"
REWORDED = f"What's the capital of France, for {NAME}?"
HIS = "What is the capital of Spain, for Bob Marley Junior?"
HIS_REWORDED = "What's the capital of Spain, for Bob Marley Junior?"
WITHOUT_WORDS = {HERS: "seven", HIS: "eight"}
POLICIES = {"cache": {"policies": {"default": {"memory": "off"}, "audited": {"memory": "off", "audit_rate": 1.0}}}}
MANY = 3000


def forget(server: Server, **body: Any) -> dict[str, Any]:
    response = server.http.post("/admin/forget", json=body, timeout=120)
    assert response.status_code == 200, response.text
    return response.json()


def files(server: Server) -> Iterator[tuple[str, bytes]]:
    for path in sorted(server.data_dir.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                yield path.relative_to(server.data_dir).as_posix(), path.read_bytes()


def holding_files(server: Server, *texts: str) -> list[str]:
    """Files that spell one of the texts in UTF-8, UTF-16 or escaped as in JSON."""
    words = [Words(text) for text in texts]
    return [name for name, raw in files(server) if any(one.stand_in_bytes(raw) for one in words)]


def rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of every table of a database."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield table, dict(row)


def holding_tables(server: Server, *texts: str) -> set[str]:
    """Tables with one of the texts in a row, in SQL and in the vector index."""
    words = [Words(text) for text in texts]
    databases = (server.data_dir / "reprise.db", server.data_dir / "chroma" / "chroma.sqlite3")
    return {
        f"{path.name}: {table}"
        for path in databases
        for table, row in rows(path)
        for value in row.values()
        if any(one.stand_in(str(value)) for one in words)
    }


def of(server: Server, table: str) -> list[dict[str, Any]]:
    return [row for name, row in rows(server.data_dir / "reprise.db") if name == table]


def remember(server: Server, content: str, interaction: str, *, status: str = "candidate") -> str:
    """A memory as extraction stores it, beside the running server."""
    database = Database(server.data_dir / "reprise.db")
    try:
        memory, _ = Memories(database).add(
            namespace="default",
            project="",
            memory_type="knowledge",
            content=content,
            actor=Actor("extraction"),
            status=status,
            written_by="extraction",
            provenance=Provenance(interaction, "user", "fact_heading", "rules/1", 0, 9, content),
        )
        return memory.id
    finally:
        database.close()


def id_of(response: httpx2.Response) -> str:
    return response.headers["x-reprise-interaction"]


def live(server: Server, prompt: str, reworded: str, headers: dict[str, str]) -> None:
    """What a person leaves behind: calls of all kinds, verdicts, memories with a history."""
    first = server.chat(prompt, headers)
    server.chat(prompt, headers, stream=True)
    hit = server.chat(reworded, headers)
    assert hit.headers["x-reprise-tier"] == "semantic", "a hit by meaning, whose label quotes both prompts"
    said = {"interaction_id": id_of(hit), "correct": True, "comment": f"that is what {prompt} asks"}
    assert server.http.post("/v1/feedback", json=said).status_code == 200
    history = [
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": f"About {prompt}: see the manual."},
        {"role": "user", "content": "And then?"},
    ]
    server.chat(history, headers)
    escaped = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": f"note\n{prompt}"}]})
    server.http.post("/v1/chat/completions", content=escaped, headers={**headers, "content-type": "application/json"})
    tool = {
        "interaction_type": "tool",
        "tool_id": "lookup",
        "input": {"who": prompt},
        "output": "found",
        "metadata": {},
    }
    assert server.http.post("/interactions", json=tool).status_code == 200
    remember(server, f"What was asked: {prompt}", id_of(first))
    remember(server, f"Nothing but the call says so, number {WITHOUT_WORDS[prompt]}", id_of(first))
    promoted = remember(server, f"Somebody once asked: {prompt}", id_of(hit))
    server.http.post(f"/memory/{promoted}/promote").raise_for_status()
    edited = {"content": f"Somebody once asked twice: {prompt}"}
    server.http.put(f"/memory/{promoted}", json=edited).raise_for_status()


@pytest.fixture(scope="module")
def lived(launch_shared: Launch) -> Server:
    """A server that two people have used."""
    server = launch_shared(POLICIES)
    live(server, HERS, REWORDED, {"x-reprise-client": "hers"})
    live(server, HIS, HIS_REWORDED, {"x-reprise-client": "his"})
    for reworded in (REWORDED, HIS_REWORDED):
        audited = server.chat(reworded.replace("What's", "what is"), {"x-reprise-policy": "audited"})
        assert audited.headers["x-reprise-reason"].startswith("audit"), "a would-be hit, forwarded for a label"
    mail = [{"role": "user", "content": [{"type": "text", "text": f"Write to {MAIL.upper()}"}]}]
    server.chat(mail, {"x-reprise-client": "hers"})
    eventually(lambda: len(of(server, "labels")) == 4, "both audits have made labels, beside those of two people")
    return server


def test_nothing_of_her_is_left_and_all_of_his_is(lived: Server, upstream: Upstream) -> None:
    server = lived
    before = {table: of(server, table) for table in ("interactions", "memories", "labels", "entries", "audit")}
    assert len(holding_tables(server, NAME)) >= 5, "interactions, entries, labels, memories, audit hold her name"
    counted = forget(server, subject=NAME, dry_run=True)["counts"]
    receipt = forget(server, subject=NAME)
    assert receipt["complete"], receipt["left"]
    assert {name: receipt["counts"][name] for name in ("interactions", "labels", "memories")} == {
        name: counted[name] for name in ("interactions", "labels", "memories")
    }, "as many as a dry run said"
    assert forget(server, subject=MAIL)["complete"], "her address, too"
    eventually(lambda: not holding_files(server, NAME, MAIL, "quillfeather"), "no file holds the words", 10)
    assert holding_tables(server, NAME, MAIL, "quillfeather") == set(), "nor any table, nor the index"

    def his(table: str, *columns: str) -> set[str]:
        return {row["id"] for row in before[table] if any("Bob Marley" in str(row[column]) for column in columns)}

    for table, columns in {
        "interactions": ("request", "prompt"),
        "memories": ("content",),
        "labels": ("prompt",),
        "entries": ("prompt",),
        "audit": ("after",),
    }.items():
        assert his(table, *columns), f"there are rows of his in {table}"
        assert his(table, *columns) <= {row["id"] for row in of(server, table)}, f"{table}: his are all there"
    bodies = {row["id"]: row["after"] for row in of(server, "audit")}
    assert all(bodies[id_] for id_ in his("audit", "after")), "what was said of his memories is still on record"
    contents = [row["content"] for row in of(server, "memories")]
    assert f"Nothing but the call says so, number {WITHOUT_WORDS[HERS]}" not in contents, (
        "what came from her call alone went too"
    )
    assert f"Nothing but the call says so, number {WITHOUT_WORDS[HIS]}" in contents, "what came from his did not"
    assert server.chat(HIS).headers["x-reprise-cache"] == "hit", "his answer is served"


def test_what_was_forgotten_stays_so(lived: Server, upstream: Upstream) -> None:
    server = lived
    forget(server, subject=NAME)
    ran = run("reindex", "--json", "--data-dir", server.data_dir, "--config", server.folder / "config.yaml")
    assert ran.code == 0, ran.err
    server.stop()
    server.start()
    assert holding_files(server, NAME, "quillfeather") == [], "neither a new index nor a restart brings it back"
    asked = upstream.seen[HERS]
    answered = server.chat(HERS, {"cache-control": "no-store"})
    assert answered.headers["x-reprise-cache"] == "miss", "her question is a new one"
    assert upstream.seen[HERS] == asked + 1, "which the upstream has to answer"
    again = forget(server, subject=NAME)
    assert again["counts"]["interactions"] == 1, "that call was logged anew"
    assert holding_files(server, NAME, "quillfeather") == []


def test_vectors_of_the_forgotten_leave_the_files_of_the_index(launch: Launch) -> None:
    server = launch()
    server.chat(HERS)
    server.chat(HIS)
    eventually(lambda: sum(row["indexed"] for row in of(server, "entries")) == 2, "both are in the index")
    hers, his = (next(row["vector"] for row in of(server, "entries") if row["prompt"] == text) for text in (HERS, HIS))
    assert any(hers[40:200] in raw for name, raw in files(server) if name.startswith("chroma/")), "it is in the index"
    receipt = forget(server, subject=NAME)
    assert receipt["counts"]["vectors"] == 1
    assert [name for name, raw in files(server) if hers[40:200] in raw] == [], "in no file, free pages among them"
    assert any(his[40:200] in raw for name, raw in files(server) if name.startswith("chroma/")), "the other is"


def test_calls_go_on_while_somebody_is_forgotten(launch: Launch, upstream: Upstream) -> None:
    server = launch()
    stop, failed, numbers = threading.Event(), list[str](), iter(range(100_000))

    def ask(words: str) -> None:
        with httpx2.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                body = {"model": "scripted", "messages": [{"role": "user", "content": f"{words} {next(numbers)}"}]}
                if client.post("/v1/chat/completions", json=body).status_code != 200:
                    failed.append(words)

    with ThreadPoolExecutor(4) as threads:
        for words in (HIS, "Who cooks?", "What is the time?"):
            threads.submit(ask, words)
        for number in range(50):
            server.chat(f"{HERS} {number}")
        slow = threads.submit(server.chat, f"{HERS} [delay 1.0]")
        eventually(lambda: upstream.seen[f"{HERS} [delay 1.0]"], "a call of hers is under way")
        receipt = forget(server, subject=NAME)
        assert slow.result().status_code == 200, "its caller is answered"
        stop.set()
    assert failed == []
    assert receipt["complete"], receipt["left"]
    assert holding_tables(server, NAME) == set(), "what was under way is not logged after the receipt"
    assert holding_files(server, NAME) == []
    logged = [row["prompt"] for row in of(server, "interactions")]
    assert len(logged) == sum(upstream.seen[text] for text in set(logged)), "every other call is logged"


def fill(server: Server, number: int) -> None:
    """Log interactions, every third of them hers, before the server starts."""
    database = Database(server.data_dir / "reprise.db")
    made = [
        {
            "id": f"int_{at:024x}",
            "created_at": "2026-01-01 00:00:00",
            "interaction_type": "llm",
            "namespace": "default",
            "success": 1,
            "prompt": f"{HERS if at % 3 == 0 else HIS} {at}",
            "request": json.dumps({"messages": [{"role": "user", "content": f"{HERS if at % 3 == 0 else HIS} {at}"}]}),
            "response": "so " * 500,
        }
        for at in range(number)
    ]
    database.transact(lambda connection: connection.execute(interactions.insert(), made) and None)
    database.close()


def logged(server: Server) -> int:
    with contextlib.closing(sqlite3.connect(server.data_dir / "reprise.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM interactions").fetchone()[0])


def test_a_killed_forgetting_leaves_no_receipt_and_is_finished_when_asked_again(launch: Launch) -> None:
    server = launch(start=False)
    server.data_dir.mkdir(parents=True)
    fill(server, MANY)
    server.start()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(httpx2.post, f"{server.url}/admin/forget", json={"subject": NAME}, timeout=60)
        while logged(server) == MANY and not asked.done():
            time.sleep(0.001)
        server.kill()
        with contextlib.suppress(httpx2.TransportError):
            asked.result()
    left = [row for row in of(server, "interactions") if Words(NAME).stand_in(row["prompt"])]
    assert 0 < len(left) < MANY / 3, "it was killed half way"
    assert of(server, "audit") == [], "there is no receipt"
    server.start()
    receipt = forget(server, subject=NAME)
    assert receipt["complete"], receipt["left"]
    assert receipt["counts"]["interactions"] == len(left), "the rest of it"
    assert holding_files(server, NAME) == []
    assert logged(server) == MANY - MANY / 3, "and nobody else's"


def test_the_command_forgets_with_and_without_a_server(launch: Launch, tmp_path: Path) -> None:
    server = launch()
    server.chat(HERS)
    server.chat(f"{HERS} Tell me.")
    server.chat(HIS)
    where = ("--data-dir", server.data_dir, "--config", server.folder / "config.yaml")
    counted = run("forget", "--subject", NAME, "--dry-run", "--json", *where)
    assert (counted.code, json.loads(counted.out)["counts"]["interactions"]) == (0, 2)
    refused = run("forget", "--subject", NAME, *where)
    assert (refused.code, "--yes" in refused.err) == (2, True), "nobody is asked in vain"
    assert run("forget", *where).code == 2, "one selection is needed"
    assert len(server.listed()) == 3, "nothing went"
    done = run("forget", "--subject", NAME, "--yes", "--json", *where)
    assert (done.code, json.loads(done.out)["complete"]) == (0, True), done.err
    server.chat(HERS)
    server.stop()
    done = run("forget", "--subject", NAME, "--yes", *where)
    assert done.code == 0, done.err
    assert done.out.startswith("forgotten: "), done.out
    assert NAME not in done.out, "a receipt holds none of the words"
    assert holding_files(server, NAME) == []
    assert logged(server) == 1
