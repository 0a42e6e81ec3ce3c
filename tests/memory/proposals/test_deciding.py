"""What a resolved session teaches, at and around each boundary."""

from __future__ import annotations

import math

import pytest

from memory.proposals.deciding import decide

JUST_BELOW_HALF = math.nextafter(0.5, 0)
JUST_ABOVE_HALF = math.nextafter(0.5, 1)
JUST_ABOVE = math.nextafter(0.8, 1)
JUST_BELOW = math.nextafter(0.8, 0)


@pytest.mark.parametrize("free_text", [False, True])
@pytest.mark.parametrize("score", [None, 0.0, 0.3, 0.49, JUST_BELOW_HALF, float("nan")])
def test_below_a_half_a_flow_is_another_matter(score, free_text):
    assert decide(score, True, free_text) == "new_flow", "no flow fitted"


@pytest.mark.parametrize("score", [0.5, JUST_ABOVE_HALF, 0.6, 0.75, JUST_BELOW, 0.8, JUST_ABOVE, 0.95, 1.0])
def test_from_a_half_on_own_words_enhance(score):
    assert decide(score, True, True) == "enhancement", "0.5 itself included, which an earlier system reinforced"


@pytest.mark.parametrize("score", [0.5, JUST_ABOVE_HALF, 0.6, 0.75, JUST_BELOW, 0.8, JUST_ABOVE, 1.0])
def test_without_own_words_the_flow_is_reinforced(score):
    assert decide(score, True, False) == "auto_reinforced", "above 0.8 by its rule, down to 0.5 by what is left"


@pytest.mark.parametrize("score", [None, 0.5, 0.8, JUST_ABOVE, 1.0])
@pytest.mark.parametrize("free_text", [False, True])
def test_a_flow_that_is_gone_is_no_flow(score, free_text):
    assert decide(score, False, free_text) == "new_flow", "there is nothing to reinforce or to enhance"
