"""Which proposals are one: by their titles, by their meaning, never where they say the opposite."""

from __future__ import annotations

import pytest

from memory.proposals.similar import MEANINGS, TITLES, Subject, likeness, most_alike, subject_text, title_overlap
from store.embedder import EmbedderSpec, load_embedder
from tests.fakes import near
from tests.memory.proposals.pairs import DIFFERENT, SAME


def subject(title, similarity=None, id_="", embedder="fake"):
    return Subject(id_, title, embedder, None if similarity is None else near(similarity))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("Printer offline", "printer is OFFLINE", 1.0),
        ("Printer offline after update", "Printer offline after an update in Windows", 0.75),
        ("red green blue", "red green yellow", 0.5),
        ("red green blue brown", "red green blue", 0.75),
        ("red green blue", "red green blue brown black", 0.6),
        ("", "Printer", 0.0),
        ("how to", "How to", 1.0),
    ],
)
def test_titles_share_words(one, other, overlap):
    assert title_overlap(one, other) == pytest.approx(overlap), "shared of all"
    assert title_overlap(other, one) == pytest.approx(overlap), "either way round"


def test_titles_alone_make_one_above_the_cut_only():
    assert likeness(subject("red green blue"), subject("red green blue brown black")) == 0.0, "0.6 itself is not above"
    assert likeness(subject("red green blue"), subject("red green blue brown")) > TITLES, "0.75 is"


def test_meaning_alone_makes_one_from_the_cut_on():
    first = subject("Nothing on paper", 1.0)
    assert likeness(first, subject("Blank sheets", MEANINGS + 0.01)) > 0, "above"
    assert likeness(first, subject("Blank sheets", MEANINGS - 0.01)) == 0.0, "below"
    assert likeness(first, subject("Blank sheets", 1.0, embedder="other")) == 0.0, (
        "vectors of two embedders say nothing"
    )
    assert likeness(first, subject("Blank sheets")) == 0.0, "nor does none"


def test_opposites_are_never_one():
    one, other = "Enable remote desktop for a user", "Disable remote desktop for a user"
    assert likeness(subject(one, 1.0), subject(other, 0.99)) == 0.0, "however alike their words are"


def test_the_most_alike_is_taken_and_of_equals_the_earlier():
    among = [subject("Blank sheets", 0.7, "a"), subject("Empty pages", 0.9, "b"), subject("White paper", 0.9, "c")]
    assert most_alike(subject("Nothing on paper", 1.0), among) == "b", "the nearest that came first"
    assert most_alike(subject("Something else"), among) is None, "nothing is alike"


@pytest.mark.slow
def test_pairs_that_were_written_beforehand(model_cache):
    embedder = load_embedder(EmbedderSpec(), model_cache)

    def are_one(pair):
        first, second = (
            Subject(str(at), title, embedder.id, embedder.embed([subject_text(title, said)])[0])
            for at, (title, said) in enumerate(pair)
        )
        return likeness(first, second) > 0

    assert [pair for pair in SAME if not are_one(pair)] == [], "all that belong together are found"
    assert [pair for pair in DIFFERENT if are_one(pair)] == [], "and nothing else"
