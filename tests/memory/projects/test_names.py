"""Names of projects: which are the same, which may be, and which paths stay within a source."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.memories.memory import MemoryFault
from memory.projects.names import MOST_ALIASES, Root, checked, folded, project_id, subpath

SOURCES = {"notes"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Apollo", " apollo "),
        ("Moon Shot", "moon\t shot"),
        ("Straße", "STRASSE"),
        ("ﬁle", "FILE"),
        ("cafe\u0301", "Café"),
        ("zero\u200bwidth", "ZeroWidth"),
    ],
)
def test_spellings_of_one_name(one, other):
    assert folded(one) == folded(other)


@given(st.text())
def test_folding_twice_is_folding_once(name):
    assert folded(folded(name)) == folded(name)


@pytest.mark.parametrize("name", ["a", "apollo", "apollo-11", "11", "a-b-c"])
def test_ids_are_kebab_case(name):
    assert project_id(f" {name} ") == name, "spaces around it are a slip"


@pytest.mark.parametrize("name", ["", "-a", "a-", "a--b", "A", "a_b", "a b", "a/b", "ä", "a" * 201, 7, None])
def test_anything_else_is_no_id(name):
    with pytest.raises(MemoryFault) as fault:
        project_id(name)
    assert fault.value.field == "project_id"


def test_aliases_are_kept_once_and_the_id_is_none():
    made = checked("apollo", ["Moon Shot", " moon  SHOT", "APOLLO", "m\u200bx"], None, None, SOURCES)
    assert made.aliases == ("Moon Shot", "mx"), "as they were first written, without hidden characters"
    assert made.folded == ("apollo", "moon shot", "mx")


@pytest.mark.parametrize(
    "aliases", [[" "], ["\u200b"], ["x" * 201], [7], "abc", ["x"] * (MOST_ALIASES + 1), ["\ud800"]]
)
def test_what_an_alias_cannot_be(aliases):
    with pytest.raises(MemoryFault) as fault:
        checked("apollo", aliases, "", (), SOURCES)
    assert fault.value.field == "aliases"


@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), (".", ""), ("a//b/./c/", "a/b/c"), ("a\\b", "a/b"), ("..a/b..", "..a/b..")]
)
def test_paths_within_a_source(given, kept):
    assert subpath(given) == kept


@pytest.mark.parametrize(
    "given", ["..", "a/../b", "a/..", "/a", "\\a", "a\\..\\b", "C:\\a", "c:a", "~/a", "a\0b", "x" * 1001, 7]
)
def test_paths_that_lead_out_of_it(given):
    with pytest.raises(MemoryFault) as fault:
        checked("apollo", (), "", [{"source": "notes", "subpath": given}], SOURCES)
    assert fault.value.field == "ingest_roots.0.subpath"


@given(st.lists(st.sampled_from(["..", ".", "a", "", "/", "\\", "C:", "~", "b"]), max_size=6).map("/".join))
def test_no_path_that_is_kept_leads_out(path):
    try:
        kept = subpath(path)
    except MemoryFault:
        return
    assert not kept.startswith("/"), "it is relative"
    assert ".." not in kept.split("/"), "and climbs nowhere"


@pytest.mark.parametrize(
    "roots", [[7], [{}], [{"source": "other"}], [{"source": "notes", "label": "x" * 201}], "notes"]
)
def test_what_a_root_cannot_be(roots):
    with pytest.raises(MemoryFault) as fault:
        checked("apollo", (), "", roots, SOURCES)
    assert fault.value.field.startswith("ingest_roots"), "the field is named"


def test_a_root_covers_what_lies_below_it():
    root = Root("notes", "apollo")
    assert root.covers("notes", "apollo/a.md"), "a file below it"
    assert root.covers("notes", "apollo"), "the file it names"
    assert not root.covers("notes", "apollo-11/a.md"), "not its neighbour"
    assert not root.covers("other", "apollo/a.md"), "nor another source"
    assert Root("notes").covers("notes", "a.md"), "without a path it is all of the source"
