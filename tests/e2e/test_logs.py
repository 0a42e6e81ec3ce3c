"""Every server's log is searched for prompts, answers and keys when its tests end; this holds the search itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.support import KEY_MARK, PROMPT_MARK, Server

BANNER = "Reprise listens on http://127.0.0.1:1\n"
LEAKS = {
    "prompt": "Where did the heron land this morning?",
    "cut-off-prompt": "Where did the heron land this morni",
    "answer": "error: could not write 'It landed on the old pier.'",
    "message-of-the-request": "You are a keeper of herons.",
    "key": f"bad key {KEY_MARK}abc",
    "marked": f"unknown header {PROMPT_MARK}",
    "traceback": "Traceback (most recent call last):",
    "lost-error": "Task exception was never retrieved",
}


def server_that_wrote(folder: Path, line: str) -> Server:
    """A server that has ended, with this line in its log and one call in its database."""
    data = folder / "data"
    data.mkdir()
    request = '{"messages": [{"role": "system", "content": "You are a keeper of herons."}]}'
    with closing(sqlite3.connect(data / "reprise.db")) as connection, connection:
        connection.execute("CREATE TABLE interactions (prompt TEXT, request TEXT, response TEXT)")
        row = ("Where did the heron land this morning?", request, "It landed on the old pier.")
        connection.execute("INSERT INTO interactions VALUES (?, ?, ?)", row)
    (folder / "server.log").write_text(f"{BANNER}{line}\n")
    return Server(folder, {}, data)


@pytest.mark.parametrize("name", LEAKS)
def test_leaks_are_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssertionError):
        server_that_wrote(tmp_path, LEAKS[name]).check_log()


def test_other_lines_are_fine(tmp_path: Path) -> None:
    line = "part failed; calls go on without it  part=vectors error=VectorIndexError"
    assert server_that_wrote(tmp_path, line).check_log() is None
