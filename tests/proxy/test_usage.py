"""How many tokens an answer cost: as the upstream said, else estimated and marked so."""

from __future__ import annotations

import pytest
from hypothesis import given

from proxy.usage import Usage, cached_tokens, response_text, usage_of
from tests.proxy.completions import ANYTHING, completions, examples
from tests.proxy.fakes import answer

ESTIMATED = Usage(11, 2, estimated=True)


def test_what_the_upstream_names_is_believed():
    assert usage_of(b"x" * 41, answer()) == Usage(7, 2, estimated=False)
    assert usage_of(b"x", answer(usage={"prompt_tokens": 0, "completion_tokens": 0})) == Usage(0, 0, estimated=False)


@pytest.mark.parametrize("half", [None, "7", 7.0, -1, 2**32, 2**63, 2**64 - 1, [], {}])
def test_what_makes_no_sense_is_not(half):
    for usage in ({"prompt_tokens": half, "completion_tokens": 1}, {"prompt_tokens": 1, "completion_tokens": half}):
        assert usage_of(b"x" * 41, answer("12345", usage=usage)) == ESTIMATED


@pytest.mark.parametrize("usage", [None, False, {}, [], "x", {"prompt_tokens": 7}])
def test_four_characters_count_as_a_token_where_none_is_named(usage):
    assert usage_of(b"x" * 41, answer("12345", usage=usage)) == ESTIMATED


@examples
@given(ANYTHING, completions())
def test_any_usage_and_any_answer_give_counts_that_a_log_can_hold(usage, found):
    counted = usage_of(b"{}", found | {"usage": usage})
    assert 0 <= counted.prompt < 2**63
    assert 0 <= counted.completion < 2**63


def test_usage_is_told_as_a_completion_names_it():
    body = {"prompt_tokens": 11, "completion_tokens": 2, "total_tokens": 13}
    assert ESTIMATED.as_body() == body


def test_the_text_of_an_answer_is_its_first_choices_else_its_message():
    assert response_text(answer("Paris.")) == "Paris."
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
    assert '"tool_calls":[{"id":"c"}]' in response_text(answer(choices=[{"message": message}]))
    assert response_text({}) == response_text(answer(choices=[])) == ""


@pytest.mark.parametrize("message", [{"content": "half \ud83d"}, {"content": None, "x": ["half \ud83d"]}])
def test_the_text_of_an_answer_is_always_text_that_can_be_kept(message):
    text = response_text(answer(choices=[{"message": message}]))
    assert "half ?" in text
    assert text.encode()


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens": 1100, "prompt_tokens_details": {"cached_tokens": 1024}}, 1024),
        ({"prompt_tokens_details": {"cached_tokens": 0}}, 0),
        ({"prompt_tokens": 9, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 2}, 7),
        ({"prompt_tokens_details": {"cached_tokens": None}, "cache_read_input_tokens": 7}, 7),
        ({"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 3}, 64),
        ({"prompt_tokens": 9}, None),
        ({"prompt_tokens_details": {"cached_tokens": True}}, None),
        ({"prompt_tokens_details": {"cached_tokens": -1}}, None),
        ({"prompt_tokens_details": [], "cache_read_input_tokens": "7"}, None),
        (None, None),
    ],
)
def test_what_was_cached_is_read_as_each_provider_says_it(usage, cached):
    assert cached_tokens(answer(usage=usage)) == cached
