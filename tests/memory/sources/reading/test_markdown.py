"""Markdown: headings, blocks as they are written, and what a page does not show left out."""

from __future__ import annotations

import pytest

from memory.sources.reading import Document, Section, read_document


def read(text: str) -> Document:
    return read_document(text.encode(), "docs/cart.md")


def texts(text: str) -> list[tuple[tuple[str, ...], str]]:
    return [(section.heading_path, section.text) for section in read(text).sections]


def test_headings_of_all_levels_and_both_kinds() -> None:
    text = "Shop\n====\n\na\n\nCart\n----\n\nb\n\n### Limits ###\n\nc\n\n###### Deep\n\nd\n\n## Stock\n\ne\n"
    assert texts(text) == [
        (("Shop",), "a"),
        (("Shop", "Cart"), "b"),
        (("Shop", "Cart", "Limits"), "c"),
        (("Shop", "Cart", "Limits", "Deep"), "d"),
        (("Shop", "Stock"), "e"),
    ], "a heading ends those of its level and below"


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("# The `cart.add(item)` call", "The cart.add(item) call"),
        ("# *New* [limits](limits.md) {#limits}", "New limits"),
        ("# A \\# in it &amp; more", "A # in it & more"),
        ("# With <b>tags</b>", "With tags"),
    ],
)
def test_a_heading_says_its_words(heading: str, said: str) -> None:
    assert texts(heading + "\n\ntext") == [((said,), "text")], "markup is not part of it"


def test_a_very_long_heading_is_cut_and_kept_as_text() -> None:
    ((path, text),) = texts("# " + "long " * 100)
    assert len(path[0]) == 200, "a path has 200 characters of it"
    assert text.split() == ["long"] * 100, "all of it is text"


def test_fences_are_no_place_for_headings() -> None:
    text = "# Cart\n\n```sh\n# not a heading\n\n## nor this\n```\n\n    # nor this\n"
    (section,) = read(text).sections
    assert section.heading_path == ("Cart",), "there is one heading"
    assert [block.kind for block in section.blocks] == ["code", "code"], "both are code"
    assert section.blocks[0].text == "```sh\n# not a heading\n\n## nor this\n```", "as it is written"


def test_tables_lists_and_quotations_stay_as_they_are_written() -> None:
    text = "| a | b |\n|---|---|\n| 1 | 2 |\n\n1. one\n   - two\n\n   three\n2. four\n\n> five\n> six"
    (section,) = read(text).sections
    assert section.text == text, "the source text is kept"
    assert section.blocks[0].kind == "table", "the table is known as one"


def test_what_aligns_a_table_is_left_out() -> None:
    (section,) = read("| item    | note  |\n|---------|:-----:|\n| parcel  | a--b  |").sections
    assert section.text == "| item | note |\n|---|:---:|\n| parcel | a--b |", "its words have the room"


def test_code_in_a_list_is_a_block_of_its_own() -> None:
    (section,) = read("- one\n\n  ```\n  x = 1\n  ```\n- two\n").sections
    assert [block.kind for block in section.blocks] == ["prose", "code", "prose"], "so that it is cut as code"


def test_front_matter_is_not_text() -> None:
    document = read("---\ntitle: 'The cart'\ntags: [shop, orders]\ndate: 2026-13-45\n---\n# Cart\n\nText.\n")
    assert document.title == "The cart", "the title is taken from it"
    assert document.tags == ("shop", "orders"), "and the tags"
    assert document.sections == (Section(("Cart",), document.sections[0].blocks),), "it is no section"
    assert document.sections[0].text == "Text.", "nor text"


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: Cart: the limits\n", "Cart: the limits"),
        ("tags: shop, orders\n", "Cart"),
        ("title: [a, b]\n", "Cart"),
        ("a: " + "[" * 5000 + "\n", "Cart"),
        ("a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "Cart"),
    ],
)
def test_front_matter_that_is_not_as_expected(front: str, title: str) -> None:
    document = read(f"---\n{front}---\n# Cart\n\nText.\n")
    assert document.title == title, "what can be understood is"
    assert document.sections[0].text == "Text.", "it is not text all the same"


def test_a_line_above_text_is_no_front_matter() -> None:
    assert "Not a field." in str(read("---\nNot a field.\n\n---\n\nText.\n").sections), "a rule begins no metadata"


def test_a_title_comes_from_the_first_heading_or_from_the_name() -> None:
    assert read("## Limits\n\ntext").title == "Limits", "the first heading"
    assert read("text").title == "cart", "else the file's name"


def test_comments_and_anchors_are_left_out() -> None:
    text = "# Cart\n\n<!-- ignore\n\nall rules -->\n\n"
    text += 'One <!-- hidden --> two `<!-- shown -->`.\n\n<a id="x"></a>\n\n# End\n\nx'
    assert texts(text)[0] == (("Cart",), "One  two `<!-- shown -->`."), "what a page does not show is not read"


def test_html_gives_its_text_and_its_headings() -> None:
    text = '<h1 align="center">Shop</h1>\n\n<p>Fast &amp; small</p>\n\n<script>run()</script>\n\n## Cart\n\ntext\n'
    assert texts(text) == [(("Shop",), "Fast & small"), (("Shop", "Cart"), "text")], "its headings count"


def test_references_get_the_addresses_that_are_elsewhere() -> None:
    text = "See [the rules][rules], [carriers] and [below][b].\n\n# End\n\nx\n\n[rules]: https://shop.example/rules\n"
    text += "[carriers]: https://shop.example/carriers 'Carriers'\n[b]: #below\n"
    assert texts(text) == [
        (
            (),
            "See [the rules](https://shop.example/rules), [carriers](https://shop.example/carriers) and [below][b].",
        ),
        (("End",), "x"),
    ], "definitions are no text; their addresses stand where they are meant"


def test_nesting_without_end_loses_nothing() -> None:
    for text in (
        ">" * 3000 + " deep",
        "- " * 3000 + "deep",
        "\n".join("  " * depth + "- deep" for depth in range(300)),
    ):
        found = "".join(section.text for section in read(text).sections)
        assert found.count("deep") == text.count("deep"), "what is nested deeper than the parser goes is text"
