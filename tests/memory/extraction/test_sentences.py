"""Sentences keep their places, and Markdown keeps its meaning."""

from __future__ import annotations

import pytest

from memory.extraction.masks import BLOT, mask
from memory.extraction.sentences import MOST_READ, sentences


def texts(text: str, kind: str | None = None) -> list[str]:
    return [line.text for line in sentences(text) if kind in (None, line.kind)]


def test_places_are_those_of_the_text() -> None:
    text = "First one.  Second one!\n\n- an item\n# A title\n\nLast"
    assert all(text[line.start : line.end] == line.text for line in sentences(text)), "a place is wrong"
    assert texts(text) == ["First one.", "Second one!", "an item", "A title", "Last"], "sentences are not as written"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("## Decision: go\n#### Fact - yes", "heading", ["Decision: go", "Fact - yes"]),
        ("####### seven", "heading", []),
        ("#no blank", "heading", []),
        ("- one\n* two\n1. three\n2) four", "item", ["one", "two", "three", "four"]),
        ("> quoted\nplain", "quote", ["> quoted"]),
        ("```py\nx = 1\n```\nplain", "code", ["```py", "x = 1", "```"]),
        ("~~~\nnever closed\nstill code", "code", ["~~~", "never closed", "still code"]),
        ("| a | b |", "table", ["| a | b |"]),
    ],
)
def test_markdown_is_told_apart(text: str, kind: str, expected: list[str]) -> None:
    assert texts(text, kind) == expected, f"lines of kind {kind}"


@pytest.mark.parametrize(
    "text",
    ["Dr. Adler and Mr. Bell agree", "use e.g. rye or i.e. spelt flour", "it costs 4.50 at no. 7", "see fig. 3 of it"],
)
def test_an_abbreviation_ends_no_sentence(text: str) -> None:
    assert texts(text) == [text], "a full stop inside was taken for the end"


def test_a_wrapped_line_goes_on_and_a_short_one_ends() -> None:
    wrapped = "this line is long enough that somebody's editor broke it where the\nwindow ended"
    assert len(texts(wrapped)) == 1, "a wrapped sentence was cut"
    assert texts("we use tabs\nsecond line") == ["we use tabs", "second line"], "chat lines are sentences"


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ('say "I prefer tea" in Welsh', "in Welsh"),
        ("she wrote “never call me” twice", "twice"),
        ("il dit « je préfère le thé » ici", "ici"),
        ("he said 'always late' again", "again"),
        ("run `always --force` now", "now"),
    ],
)
def test_what_is_quoted_is_blotted_out(text: str, own: str) -> None:
    plain = mask(text)
    assert len(plain) == len(text), "places moved"
    assert BLOT in plain, "nothing was blotted out"
    assert own in plain, "own words were blotted out"
    assert "prefer" not in plain, "quoted words are still there"
    assert "always" not in plain, "quoted words are still there"


@pytest.mark.parametrize(
    "text", ["I'm 6'5\" tall and don't mind", "the users' data isn't ours", 'a 27" screen, we use two']
)
def test_apostrophes_and_inches_quote_nothing(text: str) -> None:
    assert BLOT not in mask(text), "a mark inside a word or behind a number opened a quotation"


def test_only_the_head_of_a_huge_text_is_read() -> None:
    assert sentences("word. " * 200_000)[-1].end <= MOST_READ, "more was read than is allowed"
