"""Bytes into text: which encoding, and what is no text at all."""

from __future__ import annotations

import codecs

import pytest

from memory.sources.reading import Unreadable, read_document
from memory.sources.reading.decoding import decoded

WORDS = "Café – „Größe“ – naïve"


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (WORDS.encode(), "utf-8"),
        (b"plain", "utf-8"),
        (b"", "utf-8"),
        (WORDS.encode("utf-8-sig"), "utf-8-sig"),
        (codecs.BOM_UTF16_LE + WORDS.encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + WORDS.encode("utf-16-be"), "utf-16"),
        (codecs.BOM_UTF32_LE + WORDS.encode("utf-32-le"), "utf-32"),
        (WORDS.encode("cp1252"), "cp1252"),
    ],
)
def test_the_encoding_is_found(data: bytes, encoding: str) -> None:
    text, found = decoded(data)
    assert found == encoding, "it is told"
    assert text in (WORDS, "plain", ""), "and the text is what was written, without a mark"


def test_what_cp1252_leaves_undefined_is_latin_1() -> None:
    assert decoded("Größe ".encode("latin-1") + b"\x81")[1] == "latin-1", "0x81 is no character of CP1252"


@pytest.mark.parametrize(
    "data",
    [b"a\0b", bytes(range(1, 256)) * 4, codecs.BOM_UTF16_LE + b"\x00\xd8a", codecs.BOM_UTF8 + b"\xff", b"PK\x03\x04\0"],
)
def test_binary_data_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decoded(data)


def test_text_is_made_plain() -> None:
    data = "Cafe\u0301\r\none\rtwo\u2028three\u200b\u202e four\fpage\u0007".encode()
    assert decoded(data)[0] == "Café\none\ntwo\nthree four\n\npage ", "composed, visible, with line feeds"


def test_a_run_of_combining_characters_takes_no_long_time() -> None:
    assert len(decoded(("a" + "\u0301\u0327" * 100_000).encode())[0]) > 190_000, "it is normalized in stretches"


def test_a_name_that_is_not_read() -> None:
    with pytest.raises(Unreadable, match="kind"):
        read_document(b"text", "server.log")


def test_a_file_of_endless_lines_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="lines"):
        read_document(b"\n" * 500_000, "a.md")
