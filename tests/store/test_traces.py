"""Every file below a folder is searched, whatever it holds."""

from __future__ import annotations

from store import traces as module
from store.traces import traces
from store.words import Words


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
        assert traces(tmp_path, Words("Ada Quill")).holding == ("file",), f"at {start}"


def test_a_folder_without_files_holds_nothing(tmp_path):
    assert traces(tmp_path, Words("Ada Quill")).files == 0
