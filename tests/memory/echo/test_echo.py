"""Echoes: whether a text states what a memory says. Without an embedder; nearness has its own test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memory.echo.common import Common
from memory.echo.echo import Echoes, echoes
from memory.echo.numbers import Quantity, quantity
from memory.echo.reading import folded, language_of, prose, read
from store.embedder import EmbedderError


def first(text):
    """The first quantity of a text."""
    words = [folded(word) for word in text.replace("-", " ").replace("%", " %").split()]
    return next(found[0] for found in (quantity(words, at) for at in range(len(words))) if found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("48 hours", "two days"),
        ("72 heures", "trois jours"),
        ("six months", "half a year"),
        ("12 months", "one year"),
        ("30 days", "a month"),
        ("60 secondes", "une minute"),
        ("98 %", "quatre-vingt-dix-huit pour cent"),
        ("71 kg", "soixante et onze kilos"),
        ("1.8 km", "1800 m"),
        ("2 TB", "two terabytes"),
        ("205", "two hundred and five"),
    ],
)
def test_amounts_are_the_same_in_words_and_in_other_units(one, other):
    assert first(one).likeness(first(other)) == 1.0, f"{one} is {other}"


@pytest.mark.parametrize(
    ("one", "other"),
    [("48 hours", "three days"), ("5 kg", "5 km"), ("8 %", "12 %"), ("1 day", "1"), ("30 days", "30 hours")],
)
def test_other_amounts_are_not_the_same(one, other):
    assert first(one).likeness(first(other)) == 0.0, f"{one} is not {other}"


def test_a_bare_number_may_stand_for_one_with_a_unit_but_less_surely():
    assert 0 < Quantity(8, "time", 28800).likeness(Quantity(8)) < 1, "eight may be eight hours"


@pytest.mark.parametrize(
    ("memory", "text", "question"),
    [
        ("The kiln reaches 1,240 degrees.", "The kiln gets up to 1240 degrees.", ""),
        ("The ferry leaves at 07:30 from pier four.", "It leaves at half seven.\nThe ferry leaves pier 4 at 7:30.", ""),
        ("The lease of the workshop ends in March.", "Your workshop lease is ending in March.", ""),
        ("Greta's allotment is number 17.", "It is number 17, Greta's allotment.", "Which allotment is Greta's?"),
        ("Les clés de l'atelier sont chez Marthe.", "Marthe a les clés de l'atelier chez elle.", ""),
        ("The museum does not lend its globes.", "The globes are not lent by the museum.", ""),
    ],
)
def test_a_restatement_is_an_echo(memory, text, question):
    assert echoes(memory, text, question), "it says the same"


@pytest.mark.parametrize(
    ("memory", "text"),
    [
        ("The ferry leaves from pier four.", "Bring a coat, the wind is cold out there."),
        ("The kiln reaches 1,240 degrees.", "Write to the office at pier 1240."),
        ("The user likes tea.", "I'd like to see how users fill in this form."),
        ("Greta's allotment is number 17.", "The choir has 17 singers."),
        ("The museum lends its globes to schools.", ""),
        ("The museum lends its globes to schools.", "..."),
    ],
)
def test_another_topic_is_none(memory, text):
    assert not echoes(memory, text), "it says something else"


def test_what_code_does_is_not_stated():
    memory = "The jobs time out after 25 minutes."
    stated = "timeout: the jobs time out after 25 minutes"
    assert echoes(memory, stated), "in words"
    assert not echoes(memory, f"```yaml\n{stated}\n```"), "in fenced code"
    assert prose("a\n```\nb\n```\nc").split() == ["a", "c"], "code is cut"


def test_language_is_told_by_small_words():
    assert (language_of("Où sont les clés ?"), language_of("Where are the keys?")) == ("fr", "en"), "both"


class Near:
    """An embedder for which all texts are one, or that fails."""

    id, dimension, window = "near", 2, 256

    def __init__(self, failing=False):
        self.failing = failing
        self.asked = 0

    def fits(self, text):
        return True

    def embed(self, texts):
        self.asked += len(texts)
        if self.failing:
            raise EmbedderError("down")
        return np.array([[1.0, 0.0]] * len(texts), dtype=np.float32)


def test_nearness_decides_where_words_leave_it_open_and_is_not_asked_elsewhere():
    near = Near()
    text = Echoes("The workshop's lease runs out this spring.", "", lambda: near)
    assert not text.hold("The museum lends globes to schools."), "no word is shared"
    assert near.asked == 0, "so nothing was embedded"
    assert text.hold("The lease of the workshop ends in March."), "words half, meaning whole"
    assert near.asked == 2, "the memory and the stretch"


def test_an_embedder_that_fails_leaves_the_words():
    memory = "The lease of the workshop ends in March."
    assert echoes(memory, f"Mind that {memory}", "", lambda: Near(failing=True)), "the words suffice"


TEXTS = st.text(max_size=200)


@settings(max_examples=60, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_nothing_raises(memory, text, question):
    assert echoes(memory, text, question) in (True, False), "an answer for any text"


@settings(max_examples=60, deadline=None)
@given(TEXTS.filter(str.strip))
@example("...")
def test_a_text_echoes_itself(text):
    if prose(text).strip() == text.strip():
        assert echoes(text, text), "verbatim"


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_reading_keeps_to_its_ranges(text):
    for token in read(text).tokens:
        assert 0 <= token.weight <= 5, "weights are from 0 to 5"


def test_words_that_most_of_a_pool_share_tell_little():
    pool = Common(f"The choir of Elmstead meets in room {number}." for number in range(2, 50))
    assert pool.share("choir") == pytest.approx(0.0, abs=0.01), "every memory has it"
    assert pool.share("kiln") == 1.0, "none has it"
    assert pool.share("#7") == 1.0, "one has it"
    memory, text = "The choir of Elmstead meets in room 7.", "The choir of Elmstead sings on Sunday in town."
    weighed = [token.weight for token in pool.weighed(read(memory)).tokens if token.stem in ("choir", "elmstead")]
    assert max(weighed) < 0.1, "what all share is no evidence"
    assert not Echoes(text, pool=pool).hold(memory), "another statement of the same choir"


def test_a_small_pool_changes_nothing():
    memory = read("The choir meets in room 7.")
    assert Common(["The choir meets in room 7."] * 5).weighed(memory) is memory, "chance is no measure"
