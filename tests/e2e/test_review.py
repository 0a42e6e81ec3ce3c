"""The review queue by command: over a running server and without one, on a pipe and in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from memory.interactions import Interaction, Interactions
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Provenance
from store.database import Database
from store.tables import memory_pairs
from tests.e2e.conftest import Launch
from tests.e2e.support import REPRISE, Ran, Server, environment, eventually, run

pytestmark = pytest.mark.slow

PROMPT = "Hello there. I always drink green tea in the morning. What is the weather like?"
SAID = "I always drink green tea in the morning."
TEXTS = ("The user drinks green tea", "Releases are on Fridays", "The cluster runs in Paris")
EXTRACTION = Actor("extraction")


def seed(data_dir: Path) -> list[str]:
    """A log with a call that says something, three candidates and an active memory; gives the candidates' ids."""
    data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(data_dir / "reprise.db")
    interaction = Interaction(prompt=PROMPT, response="I cannot know.")

    async def record() -> None:
        await Interactions(database).record(interaction)

    asyncio.run(record())
    memories = Memories(database)
    start = PROMPT.index(SAID)
    origin = Provenance(interaction.id, "user", "habit_sentence", "rules/1", start, start + len(SAID), SAID)
    given = {"namespace": "default", "project": "apollo", "memory_type": "preference", "actor": EXTRACTION}
    memories.add(**given, content="The user drinks black tea")
    found = {"status": "candidate", "confidence": 0.5, "written_by": "extraction", "provenance": origin}
    ids = [memories.add(**given, **found, content=text)[0].id for text in TEXTS]
    database.close()
    return ids


@pytest.fixture
def seeded(launch: Launch, tmp_path: Path) -> tuple[Server, list[str]]:
    """A server, not started yet, and the ids of the candidates in its data directory."""
    ids = seed(tmp_path / "data")
    server = launch(data_dir=tmp_path / "data", start=False)
    (server.folder / "config.yaml").write_text(json.dumps(server.config))
    return server, ids


def review(server: Server, *arguments: str, typed: str | None = None) -> Ran:
    return run("review", *where(server), *arguments, cwd=server.folder, typed=typed)


def where(server: Server) -> list[str]:
    return ["--config", str(server.folder / "config.yaml"), "--data-dir", str(server.data_dir)]


def memory(server: Server, id_: str) -> dict[str, Any]:
    return dict(server.http.get(f"/memory/{id_}").raise_for_status().json())


def test_cards_are_shown_and_decided_over_a_running_server(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    server.start()
    done = review(server, typed="a\ne\nReleases are on Mondays\nr\n")
    assert done.code == 0, done.err
    assert "«I always drink green tea in the morning.»" in done.out, "the exact span"
    assert "Hello there." in done.out, "and what stands around it"
    assert "habit_sentence (rules/1)" in done.out, "who found it"
    assert "The user drinks [-black-] {+green+} tea" in done.out, "the nearest active memory, with a diff"
    assert "1 approved, 1 edited, 1 rejected. 0 still wait." in done.out
    assert [memory(server, id_)["status"] for id_ in ids] == ["active", "active", "invalid"]
    assert memory(server, ids[1])["content"] == "Releases are on Mondays"
    again = review(server)
    assert (again.code, again.out.strip()) == (0, "Nothing waits for review.")


def test_it_works_without_a_server_too_and_undoes(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    done = review(server, typed="x\na\nu\nr\ns\n")
    assert done.code == 0, done.err
    assert "Answer with one of: a, e, r, d, m, s, u, q." in done.out, "what is no answer is asked again"
    assert "Undone: promote" in done.out
    assert "1 rejected, 1 skipped. 2 still wait." in done.out, "the end of the input ends it"
    undone = review(server, typed="u\nq\n")
    assert "Undone: reject" in undone.out, "what an earlier sitting decided can be undone too"
    queue = json.loads(review(server, "--json").out)
    assert [card["id"] for card in queue["cards"]] == ids
    assert queue["waiting"]["memory"] == 3


def test_json_prints_the_queue_as_it_is_filtered(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    assert [card["id"] for card in json.loads(review(server, "--json", "--limit", "1").out)["cards"]] == ids[:1]
    assert json.loads(review(server, "--json", "--project", "gemini").out)["count"] == 0
    assert json.loads(review(server, "--json", "--namespace", "default").out)["count"] == 3
    refused = review(server, "--json", "--kind", "flows")
    assert refused.code == 2, "it could not run"
    assert "kind must be one of" in refused.err


def test_without_a_log_it_says_so(launch: Launch, tmp_path: Path) -> None:
    nothing = run("review", "--data-dir", tmp_path / "none", cwd=tmp_path)
    assert nothing.code == 2
    assert "nothing is stored" in nothing.err


def test_doubted_memories_and_pairs_are_decided_too(seeded: tuple[Server, list[str]]) -> None:
    server, _ = seeded
    database = Database(server.data_dir / "reprise.db")
    memories = Memories(database)
    given = {"namespace": "default", "project": "apollo", "memory_type": "project", "actor": EXTRACTION}
    texts = ("Deploys go out on Tuesdays", "Deploys go out on Tuesday mornings", "Nobody asks for this")
    first, second, unused = (memories.add(**given, content=text)[0].id for text in texts)

    def work(connection: sa.Connection) -> None:
        row = {"kind": "merge", "first": first, "second": second, "score": 0.9, "status": "open", "at": "2026-01-01"}
        connection.execute(sa.insert(memory_pairs).values(**row))
        memories.adjust(connection, unused, actor=Actor("reinforcement"), action="unused", review="unused")

    database.transact(work)
    database.close()
    server.start()
    done = review(server, "--kind", "merge", typed="m\n3\nm\n2\n")
    assert "1 merged. 0 still wait." in done.out, done.err
    assert memory(server, first)["superseded_by"] == second
    assert "1 retired" in review(server, "--kind", "unused", typed="t\n").out
    assert memory(server, unused)["status"] == "superseded"


def test_what_somebody_else_decided_meanwhile_is_told(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    server.start()
    with sitting(server) as (process, read):
        read("[q] quit")
        server.http.post(f"/memory/{ids[0]}/reject").raise_for_status()
        tell(process, "a\nq\n")
        out = read("still wait")
    assert "Not done: Memory" in out
    assert memory(server, ids[0])["status"] == "invalid"


def test_ctrl_c_loses_nothing(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    server.start()
    with sitting(server) as (process, read):
        read("1 of 3")
        tell(process, "a\n")
        read("2 of 3")
        process.send_signal(signal.SIGINT)
        out = read("still wait")
        assert process.wait(20) == 0
    assert "1 approved. 2 still wait" in out
    assert [memory(server, id_)["status"] for id_ in ids] == ["active", "candidate", "candidate"]


def test_in_a_terminal_the_text_is_edited_where_it_stands(seeded: tuple[Server, list[str]]) -> None:
    server, ids = seeded
    server.start()
    with terminal(server) as (type_, read):
        read("[q] quit")
        type_("e\n")
        read(TEXTS[0])
        type_(" with milk\n")
        read("2 of 3")
        type_("q\n")
        read("still wait")
    assert memory(server, ids[0])["content"] == "The user drinks green tea with milk"


def test_an_editor_is_used_where_one_is_set(seeded: tuple[Server, list[str]], tmp_path: Path) -> None:
    server, ids = seeded
    server.start()
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/green/oolong/' \"$1\"\n")
    editor.chmod(0o755)
    with terminal(server, EDITOR=str(editor)) as (type_, read):
        read("[q] quit")
        type_("e\n")
        read("2 of 3")
        type_("q\n")
        read("still wait")
    assert memory(server, ids[0])["content"] == "The user drinks oolong tea"


@contextlib.contextmanager
def sitting(server: Server) -> Iterator[tuple[subprocess.Popen[str], Callable[[str], str]]]:
    """``reprise review`` on pipes; gives it and what reads its output up to some words."""
    process = subprocess.Popen(
        [REPRISE, "review", *where(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=server.folder,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        yield process, reader(process.stdout.fileno())
    finally:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def terminal(server: Server, **env: str) -> Iterator[tuple[Callable[[str], object], Callable[[str], str]]]:
    """``reprise review`` in a terminal of its own; gives what types, and what reads the screen up to some words."""
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [REPRISE, "review", *where(server)],
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=server.folder,
        env={**environment(), "TERM": "xterm", **env},
        start_new_session=True,
    )
    os.close(its)
    try:
        yield lambda text: os.write(ours, text.encode()), reader(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def reader(file: int) -> Callable[[str], str]:
    os.set_blocking(file, False)
    seen = ""

    def read(words: str) -> str:
        nonlocal seen

        def more() -> bool:
            nonlocal seen
            with contextlib.suppress(BlockingIOError, OSError):
                seen += os.read(file, 65536).decode("utf-8", "replace")
            return words in seen

        eventually(more, f"{words!r} is shown")
        found, _, seen = seen.partition(words)
        return found + words

    return read


def tell(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text)
    process.stdin.flush()
