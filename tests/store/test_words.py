"""Words are found in whatever form a text was stored, and only there."""

from __future__ import annotations

import json
import unicodedata

import pytest

from store.words import Words, fold

NAME = "Zoë Quillfeather"


@pytest.mark.parametrize(
    "text",
    [
        "ask Zoë Quillfeather about it",
        "ZOË QUILLFEATHER",
        "zoë\n\t quillfeather's desk",
        unicodedata.normalize("NFD", NAME),
        "Zoë Quillfeather".replace("Z", "Ｚ"),  # as wide as a sign of Chinese
        "Zo\u200bë Quill\u00adfeather",
        "dear Zoë\u00a0Quillfeather",
    ],
)
def test_case_spacing_and_ways_to_write_a_sign_make_no_difference(text):
    assert Words(NAME).stand_in(text)


@pytest.mark.parametrize("ascii_only", [True, False])
def test_words_are_found_within_json_and_json_within_it(ascii_only):
    body = {"content": f"ask {NAME.upper()}\nabout it"}
    for level in range(3):
        text = json.dumps(body, ensure_ascii=ascii_only)
        assert Words(NAME).stand_in(text), f"at level {level}"
        body = {"arguments": text}


def test_words_across_an_escaped_line_end_are_found():
    assert Words("Ada Quill").stand_in(json.dumps("ask Ada\nQuill"))
    assert Words("ada@quill.example").stand_in(r"mail ada\u0040quill.example")
    assert Words("O'Quill").stand_in(r'{"name": "O\u0027Quill"}')


def test_signs_beyond_the_first_plane_are_read_as_two_halves():
    assert Words("Quill 🪶").stand_in(json.dumps("ask QUILL 🪶"))


@pytest.mark.parametrize("text", ["Zoe Quillfeather", "ZoëQuillfeather", "Quillfeather, Zoë", "", None, "\\u00eb\\"])
def test_other_words_are_not_found(text):
    assert not Words(NAME).stand_in(text)


def test_a_part_of_a_word_counts_unless_whole_words_are_asked_for():
    assert Words("ann").stand_in("planning"), "nothing may be left over"
    whole = Words("Ann", whole=True)
    assert not whole.stand_in("planning for Annette, max_ann"), "no part of a word"
    assert whole.stand_in("it is ANN's"), "a sign that is no letter ends a word"


def test_words_need_something_to_look_for():
    with pytest.raises(ValueError, match="no words"):
        Words(" \u200b ")


def test_folding_leaves_plain_text_as_it_is():
    assert fold("Straße  ÉTÉ ") == "strasse été"
    assert fold("plain  Text", spaces=False) == "plain  text"


@pytest.mark.parametrize("stored", ["Zoë Quillfeather", "ZOË QUILLFEATHER", "zoë quillfeather"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-16-le", "utf-16-be", "json"])
def test_the_bytes_of_a_file_give_them_away(stored, coding):
    raw = json.dumps(stored).encode() if coding == "json" else stored.encode(coding)
    assert Words(NAME).stand_in_bytes(b"\x00\xff" + raw + b"\x80")


def test_the_bytes_of_a_longer_word_do_not_where_whole_words_are_asked_for():
    assert not Words("Ann", whole=True).stand_in_bytes(b"planning")
    assert Words("Ann", whole=True).stand_in_bytes(b'"ann"')
