"""Pieces: none too long, none across a heading, no text lost, cut where a reader would pause."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from memory.sources.reading import LIMIT, Block, Document, Piece, Section, chunked, read_document

SENTENCE = "The cart keeps what was put into it until the order is paid. "


def pieces_of(text: str, path: str = "notes.md") -> list[Piece]:
    return chunked(read_document(text.encode(), path))


def contents(*blocks: Block) -> list[str]:
    return [piece.content for piece in chunked(Document("text", "utf-8", "", (Section((), blocks),)))]


def is_within(part: str, whole: str) -> bool:
    """Are the characters of one text all in the other, in their order?"""
    rest = iter(whole)
    return all(character in rest for character in part if not character.isspace())


LINES = st.text(alphabet="ab1 .!,:|-`#>*_\t漢é", max_size=120)
BLOCKS = st.builds(
    lambda lines, times, kind, depth: Block(
        ("\n".join(lines) * times).strip("\n"), kind, depth, "\n" if depth else "\n\n"
    ),
    st.lists(LINES, min_size=1, max_size=6),
    st.sampled_from([1, 1, 3, 15]),
    st.sampled_from(["prose", "code", "table"]),
    st.integers(0, 3),
).filter(lambda block: bool(block.text))
FENCED = st.builds(
    lambda lines, times: Block("```python\n" + "\n".join(lines * times) + "\n```", "code"),
    st.lists(st.text(alphabet="ab (:\t)=", max_size=60), min_size=1, max_size=5),
    st.sampled_from([1, 20]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(BLOCKS, FENCED), min_size=1, max_size=8))
def test_nothing_is_lost_and_no_piece_is_too_long(blocks: list[Block]) -> None:
    section = Section(("Cart",), tuple(blocks))
    document = Document("markdown", "utf-8", "", (section,))
    pieces = chunked(document)
    assert all(0 < len(piece.content) <= LIMIT for piece in pieces), "a piece has 1 to 800 characters"
    assert is_within(section.text, "".join(piece.content for piece in pieces)), "all of the text is in the pieces"
    assert pieces == chunked(document), "the same document gives the same pieces"


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(LINES, st.just("# A"), st.just("```"), st.just(""), st.just("- b"), st.just("> c")), max_size=40)
)
def test_any_markdown_is_read(lines: list[str]) -> None:
    document = read_document("\n".join(lines).encode(), "a.md")
    text = "".join(section.text for section in document.sections)
    assert is_within(text, "".join(piece.content for piece in chunked(document))), "all of its text is in the pieces"


def test_short_paragraphs_under_one_heading_are_one_piece() -> None:
    (piece,) = pieces_of("# Cart\n\nOne.\n\nTwo.\n\n- three\n- four\n")
    assert piece == Piece(("Cart",), "One.\n\nTwo.\n\n- three\n- four"), "they are merged, as they are written"


def test_no_piece_reaches_across_a_heading() -> None:
    pieces = pieces_of("# Cart\n\nOne.\n\n## Payment\n\nTwo.\n\n# Stock\n\nThree.\n")
    assert pieces == [
        Piece(("Cart",), "One."),
        Piece(("Cart", "Payment"), "Two."),
        Piece(("Stock",), "Three."),
    ], "each section has pieces of its own, under all of its headings"


def test_headings_without_text_count_in_the_path() -> None:
    (piece,) = pieces_of("# Shop\n\n## Cart\n\n### Limits\n\nTen items.\n\n## Stock\n")
    assert piece.heading_path == ("Shop", "Cart", "Limits"), "empty sections give no pieces, but their headings stay"


def test_a_piece_ends_between_paragraphs_where_it_can() -> None:
    paragraphs = [(SENTENCE * 5).strip(), (SENTENCE * 7).strip(), (SENTENCE * 4).strip()]
    assert contents(*map(Block, paragraphs)) == [
        "\n\n".join(paragraphs[:2]) if len("\n\n".join(paragraphs[:2])) <= LIMIT else paragraphs[0],
        paragraphs[2],
    ], "whole paragraphs are put together as far as they fit"


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    pieces = contents(Block((SENTENCE * 40).strip()))
    assert len(pieces) == 4, "as many sentences as fit are put together"
    assert all(piece.endswith("paid.") for piece in pieces), "each piece ends with a sentence"


def test_abbreviations_end_no_sentence() -> None:
    sentence = "Some carriers, e.g. Those of the north, take 2. Class parcels, i.e. the heavy ones and more, at once. "
    assert all(piece.endswith("once.") for piece in contents(Block((sentence * 20).strip()))), "only the full stop does"


def test_a_long_sentence_is_cut_between_words_and_a_long_word_anywhere() -> None:
    words = contents(Block("parcel " * 300))
    assert all(set(piece.split()) == {"parcel"} for piece in words), "no word is cut"
    assert [len(piece) for piece in contents(Block("x" * 2000))] == [800, 800, 400], "what has no border is cut hard"


def test_code_that_fits_stays_whole() -> None:
    code = "```python\n" + "total += price\n\n" * 30 + "```"
    pieces = contents(Block((SENTENCE * 9).strip()), Block(code, "code"), Block((SENTENCE * 6).strip()))
    assert code in pieces[1], "the fence is not cut, though some of it would fit before"


def test_long_code_is_cut_between_lines_and_fenced_again() -> None:
    pieces = contents(Block("```python\n" + "total += price\n" * 120 + "```", "code"))
    for piece in pieces:
        assert piece.startswith("```python\ntotal"), "the fence is opened again"
        assert piece.endswith("price\n```"), "and closed"


def test_code_is_best_cut_before_what_begins_anew() -> None:
    function = "def f():\n" + "    total += price\n" * 20
    pieces = contents(Block("```\n" + "\n".join([function] * 4) + "```", "code"))
    assert all(piece.startswith("```\ndef f") for piece in pieces), "each piece begins with a function"


def test_table_rows_are_not_cut_and_keep_their_header() -> None:
    row = "| parcel | " + "heavy " * 15 + "|"
    pieces = contents(Block("\n".join(["| item | note |", "|---|---|", *[row] * 20]), "table"))
    assert len(pieces) > 1, "it is cut"
    for piece in pieces:
        assert piece.startswith("| item | note |\n|---|---|\n"), "each part has the header"
        assert set(piece.split("\n")[2:]) == {row}, "each row is whole"


def test_words_that_announce_go_with_what_they_announce() -> None:
    first = (SENTENCE * 11).strip()
    pieces = contents(Block(first), Block("These carriers are known:"), Block("```\n" + "north\n" * 60 + "```", "code"))
    assert pieces[0] == first, "the piece ends before them"
    assert pieces[1].startswith("These carriers are known:\n\n```\nnorth"), "they begin the next"


def test_a_long_list_is_cut_between_its_own_items_first() -> None:
    item = "- Carriers of the north\n" + "".join(f"  - line {number}, which goes by sea\n" for number in range(9))
    pieces = pieces_of(item * 6)
    assert all(piece.content.startswith("- Carriers") for piece in pieces), "an item stays with those in it"


def test_the_last_piece_is_not_left_tiny() -> None:
    pieces = contents(
        *[Block((SENTENCE * 3).strip()) for _ in range(4)],
        Block("See there for what becomes of orders that nobody pays for, or that come back by post."),
    )
    assert len(pieces) == 2, "it takes two pieces"
    assert min(map(len, pieces)) > 150, "the last took over a paragraph of the one before"
