"""The score of a piece: its cosine, raised and lowered by what is known of it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.context.ranking import PLAIN, Weights, rank, with_tags
from memory.context.terms import terms
from memory.sources.shelf import Chunk, Found

NUMBERS = iter(range(1_000_000))
WEIGHTS = Weights()


def chunk(content="Nothing in common", path="guide.md", headings=("Guide",), project="", tags=(), **changes):
    """A piece of a document; ids rise in the order of making."""
    number = f"{next(NUMBERS):06d}"
    values = {"id": f"chk_{number}", "document_id": "doc_1", "source": "docs", "title": "", "digest": number}
    given = {"path": path, "project": project, "heading_path": headings, "content": content, "tags": tags}
    return Chunk(**{**values, **given, **changes})


def factor(piece, prompt="", project="", weights=WEIGHTS):
    """What the cosine of a piece is multiplied by."""
    return rank([Found(piece, 0.5)], terms(prompt), project, weights)[0].score / 0.5


def test_the_calls_own_project_counts_twice():
    own = chunk(project="apollo")
    assert factor(own, project="apollo") == pytest.approx(2.0), "it is the call's"
    assert factor(own, project="hermes") == pytest.approx(1.0), "it is another's"
    assert factor(own) == pytest.approx(1.0), "the call has none"
    assert factor(chunk()) == pytest.approx(1.0), "nobody claims it, and no project is named"


def test_each_distinct_word_of_the_prompt_counts_once():
    piece = chunk("Backups run nightly; backups are kept", headings=("Disks",))
    assert factor(piece, "backups") == pytest.approx(1.08), "however often it stands there"
    assert factor(piece, "When do the backups run nightly?") == pytest.approx(1.24), "backups, run, nightly"
    assert factor(piece, "disks for backups") == pytest.approx(1.16), "headings count, too"
    assert factor(piece, "the of and what") == pytest.approx(1.0), "small words do not"
    assert factor(piece, "backup disk") == pytest.approx(1.16), "words are compared by their stems"


def test_shared_words_multiply_by_so_much_at_most():
    piece = chunk("alpha beta gamma delta epsilon zeta")
    assert factor(piece, "alpha beta gamma delta") == pytest.approx(1.32), "four reach the cap"
    assert factor(piece, "alpha beta gamma delta epsilon zeta") == pytest.approx(1.32), "six do not pass it"


@pytest.mark.parametrize(
    ("path", "headings", "expected"),
    [
        ("status.md", (), 1.18),
        ("docs/Decisions/0001-store.md", (), 1.18),
        ("guide.md", ("Current requirements",), 1.18),
        ("roadmap/status.md", ("Status",), 1.18),
        ("archive/2024.md", (), 0.72),
        ("guide.md", ("Deprecated", "Old history"), 0.72),
        ("archive/decisions.md", (), 1.18 * 0.72),
        ("guide.md", ("Setup",), 1.0),
        ("golden/threshold.md", ("Status-quo",), 1.18),
        ("golden/threshold.md", (), 1.0),
    ],
)
def test_words_of_its_place_raise_and_lower_once_each(path, headings, expected):
    assert factor(chunk(path=path, headings=headings)) == pytest.approx(expected), f"{path} {headings}"


def test_configured_words_count_that_say_nothing_of_a_prompt():
    weights = dataclasses.replace(WEIGHTS, raising=("Now",))
    assert factor(chunk(path="plans/NOW.md"), weights=weights) == pytest.approx(1.18), "a small word, in any case"


def test_all_of_them_multiply():
    piece = chunk("backups", "decisions/disks.md", project="apollo")
    assert factor(piece, "backups", "apollo") == pytest.approx(2.0 * 1.08 * 1.18)


def test_without_boosts_it_is_the_cosine():
    piece = chunk("backups", "archive/decisions.md", project="apollo")
    assert factor(piece, "backups", "apollo", PLAIN) == 1.0


def test_what_is_unlike_the_prompt_is_not_made_more_unlike_by_a_boost():
    mine, other = chunk(project="apollo"), chunk()
    found = rank([Found(other, -0.2), Found(mine, -0.2)], frozenset(), "apollo", WEIGHTS)
    assert [one.chunk.project for one in found] == ["apollo", ""], "its own comes first"


def test_equal_scores_stand_in_one_order():
    pieces = [chunk(path=path) for path in ("b.md", "a.md", "a.md")]
    found = [Found(piece, 0.5) for piece in pieces]
    wanted = [pieces[1].id, pieces[2].id, pieces[0].id]
    for order in (found, found[::-1]):
        assert [one.chunk.id for one in rank(order, frozenset(), "", WEIGHTS)] == wanted, "by source, path and id"


def test_every_tag_is_needed():
    both, one = (Found(chunk(tags=tags), 0.5) for tags in (("Ops", "draft"), ("ops",)))
    assert with_tags([both, one], ["OPS"]) == [both, one], "case makes no difference"
    assert with_tags([both, one], ["ops", "draft"]) == [both]
    assert with_tags([both, one], ["legal"]) == []
    assert with_tags([both, one], []) == [both, one]


_PIECES = st.builds(
    chunk,
    st.text(st.sampled_from("ab backups nightly"), max_size=40),
    st.sampled_from(["a.md", "archive/a.md", "status/b.md", "décisions/ß.md", "İ/\ud800.md"]),
    st.lists(st.text(max_size=8), max_size=3).map(tuple),
    st.sampled_from(["", "apollo"]),
)
_FOUND = st.lists(st.builds(Found, _PIECES, st.floats(-1, 1)), max_size=8)


@given(_FOUND, st.text(max_size=30), st.sampled_from(["", "apollo"]))
def test_any_pieces_are_ranked_within_bounds_whatever_order_they_come_in(found, prompt, project):
    ranked = rank(found, terms(prompt), project, WEIGHTS)
    assert ranked == rank(found[::-1], terms(prompt), project, WEIGHTS), "the order of asking makes no difference"
    assert sorted(one.chunk.id for one in ranked) == sorted(one.chunk.id for one in found), "none is lost"
    most = 2.0 * 1.32 * 1.18
    assert all(abs(one.score) <= most + 1e-9 for one in ranked), "no factor counts twice"
    assert all((one.score > 0) == (one.cosine > 0) or abs(one.cosine) < 1e-300 for one in ranked), "nor turns a sign"
