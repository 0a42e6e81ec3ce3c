"""Contradictions: whether a user's next turn speaks against a memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.echo.contradiction import contradicts

DEPOT = "The depot opens at 6 on weekdays."
DUTCH = "The user speaks Dutch with the depot staff."
LATCH = "The gate latch is never oiled."


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (DEPOT, "The depot opens at 7 on weekdays now."),
        (DEPOT, "The depot no longer opens on weekdays at six."),
        (DUTCH, "I don't speak Dutch with the depot staff."),
        (DUTCH, "We speak German with the depot staff instead of Dutch."),
        (LATCH, "The gate latch is oiled every spring."),
        ("Le dépôt ouvre à 6 heures.", "Non, le dépôt ouvre à 7 heures."),
    ],
)
def test_another_value_a_denial_or_a_change_contradicts(memory, said):
    assert contradicts(memory, said), said


@pytest.mark.parametrize(
    ("memory", "said"),
    [
        (DEPOT, "The depot opens at six on weekdays, right."),
        (DEPOT, "Does the depot open at 7 on weekdays?"),
        (DEPOT, "Thanks! I need 7 pallets."),
        (DEPOT, "No thanks, 7 is too early for the depot."),
        (DUTCH, "I don't like rain."),
        (LATCH, "Never mind."),
        (DEPOT, ""),
    ],
)
def test_agreement_questions_and_other_topics_do_not(memory, said):
    assert not contradicts(memory, said), said


def test_a_bare_correction_speaks_of_what_was_just_told():
    assert contradicts(DEPOT, "No, at 7.", told=True), "the answer had said six"
    assert not contradicts(DEPOT, "No, at 7."), "nobody had spoken of it"


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=120), st.text(max_size=120), st.booleans())
def test_nothing_raises(memory, said, told):
    assert contradicts(memory, said, told=told) in (True, False), "an answer for any text"
