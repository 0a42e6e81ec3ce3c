"""Every file below a folder is searched, whatever it holds."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa

from store import traces as module
from store.database import Database
from store.traces import traces
from store.words import Words

LOCKED = """
import fcntl, sys
with open(sys.argv[1], "r+b") as shared:
    try:
        fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)
    except OSError:
        sys.exit(1)
"""
"""Exits with 1 where somebody holds the byte that says that the shared memory is in use (SQLite's walformat page)."""


def test_files_that_hold_the_words_are_named(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.bin").write_bytes(b"\x00" * 100 + "ADA QUILL".encode("utf-16-le") + b"\xff")
    (tmp_path / "b.json").write_text('"ada\\u0020quill, ada quill"')
    (tmp_path / "c.txt").write_text("somebody else")
    seen = traces(tmp_path, Words("Ada Quill"))
    assert seen.files == 3, "all of them were read"
    assert seen.holding == ("b.json", "deep/a.bin")


def test_words_are_found_where_two_chunks_meet(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 64)
    monkeypatch.setattr(module, "OVERLAP", 16)
    for start in range(50, 70):
        (tmp_path / "file").write_bytes(b"x" * start + b"ada quill" + b"y" * 100)
        assert module.search(tmp_path, Words("Ada Quill")).holding == ("file",), f"at {start}"


def test_a_folder_without_files_holds_nothing(tmp_path):
    assert traces(tmp_path, Words("Ada Quill")).files == 0


@pytest.mark.sqlite
def test_a_database_that_is_open_keeps_its_locks(tmp_path):
    """Another process must not take the database for unused and cut the memory that both share."""
    database = Database(tmp_path / "open.db")
    try:
        database.query(sa.text("SELECT 1"))
        lock = [sys.executable, "-c", LOCKED, str(tmp_path / "open.db-shm")]
        assert subprocess.run(lock, check=False).returncode == 1, "held"
        assert traces(tmp_path, Words("Ada Quill")).files >= 2
        assert subprocess.run(lock, check=False).returncode == 1, "still held"
    finally:
        database.close()


def test_a_search_that_cannot_run_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(OSError, match="were not searched"):
        traces(tmp_path, Words("Ada Quill"))
