"""HTML: what a reader of the page sees."""

from __future__ import annotations

import pytest

from memory.sources.reading import Document, Unreadable, apart, read_document


def read(text: str, path: str = "cart.html") -> Document:
    return read_document(text.encode(), path)


def texts(text: str, path: str = "cart.html") -> list[tuple[tuple[str, ...], str]]:
    return [(section.heading_path, section.text) for section in read(text, path).sections]


def test_headings_and_paragraphs() -> None:
    page = "<title>The cart</title><body><h1>Shop</h1><p>One\n two.</p>"
    page += "<div>Three <b>fo</b>ur<br>five</div><h2>Cart</h2>six"
    assert read(page).title == "The cart", "the title is the page's"
    assert texts(page) == [(("Shop",), "One two.\n\nThree four\nfive"), (("Shop", "Cart"), "six")], (
        "text as it is shown"
    )


def test_what_is_not_shown_is_not_read() -> None:
    hidden = "<script>a</script><style>b</style><nav>c</nav><template><p>d</p></template><!-- e --><p hidden>f</p>"
    hidden += "<p style='display: none'>g</p><div role=navigation>h</div><noscript>i</noscript>"
    assert texts(f"<p>Shown.</p>{hidden}<p>Too.</p>") == [((), "Shown.\n\nToo.")], "neither code nor what is hidden"


def test_lists_code_and_tables() -> None:
    page = "<ul><li>one<ol><li>two</li><li>three</li></ol></li><li><p>four</p></li></ul><pre>x = 1\n  y</pre>"
    page += "<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2 <i>3</i></td></tr></table>"
    ((_, text),) = texts(page)
    assert text == (
        "- one\n  1. two\n  2. three\n- four\n\n```\nx = 1\n  y\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 3 |"
    ), "they are written as Markdown would write them"


def test_a_table_that_lays_out_a_page_is_none() -> None:
    assert texts("<table><tr><td><h1>Cart</h1><p>text</p></td></tr></table>") == [(("Cart",), "text")], (
        "its cells are read"
    )


def test_marks_of_documentation_tools_are_no_text() -> None:
    page = '<h1><div>The</div>Cart<button>Copy</button><a class="headerlink" href="#c">¶</a></h1><p>text</p>'
    assert texts(page) == [(("The Cart",), "text")], "the mark is not in the heading"


def test_xhtml_closes_what_html_would_leave_open() -> None:
    page = '<?xml version="1.0"?><html><head><script src="x"/></head><body><p>text</p></body></html>'
    assert texts(page, "cart.xhtml") == [((), "text")], "the text is not taken for a script"


def test_a_large_page_is_read_by_a_process_of_its_own() -> None:
    page = "<title>Cart</title><h1>Cart</h1>" + "<p>A parcel goes by sea.</p>" * 2000
    document = read(page)
    assert document.title == "Cart", "its title comes back"
    assert document.sections[0].text.count("sea") == 2000, "and all of its text"


def test_a_page_made_to_keep_a_parser_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(apart.SECONDS, "html", 1)
    with pytest.raises(Unreadable, match="too"):
        read("<div>" * 200_000)


def test_deep_nesting_is_no_recursion() -> None:
    assert texts("<div>" * 3000 + "deep") == [((), "deep")], "it is read"
