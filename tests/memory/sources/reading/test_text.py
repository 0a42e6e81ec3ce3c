"""Plain text and reStructuredText."""

from __future__ import annotations

from memory.sources.reading import read_document


def texts(text: str, path: str) -> list[tuple[tuple[str, ...], list[str]]]:
    sections = read_document(text.encode(), path).sections
    return [(section.heading_path, [block.text for block in section.blocks]) for section in sections]


def test_plain_text_is_paragraphs() -> None:
    assert texts("one\ntwo\n\n \n  three\n", "a.txt") == [((), ["one\ntwo", "  three"])], "blank lines part them"


def test_titles_of_restructured_text() -> None:
    text = "====\nShop\n====\n\na\n\nCart\n====\n\nb\n\nLimits\n------\n\nc\n\nStock\n=====\n\nd\n"
    assert texts(text, "a.rst") == [
        (("Shop",), ["a"]),
        (("Shop", "Cart"), ["b"]),
        (("Shop", "Cart", "Limits"), ["c"]),
        (("Shop", "Stock"), ["d"]),
    ], "levels are as the underlines come"


def test_what_is_no_title() -> None:
    text = "Cart\n====\n\n=====  ====\nitem   note\n=====  ====\na      b\n=====  ====\n\nlong line\n--\n\n----\n\nend"
    ((path, _),) = texts(text, "a.rst")
    assert path == ("Cart",), "neither a table, nor too short a line, nor a rule"


def test_code_of_restructured_text_is_code() -> None:
    text = "Do this::\n\n    x = 1\n\n    y = 2\n\nDone.\n\n.. code-block:: python\n\n   z = 3\n\nEnd."
    (section,) = read_document(text.encode(), "a.rst").sections
    assert [block.kind for block in section.blocks] == ["prose", "code", "code", "prose", "prose", "code", "prose"], (
        "what is indented below a double colon is"
    )
