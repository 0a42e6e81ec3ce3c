"""Which answers may be stored, and with what quality they start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.answers import has_tool_calls, is_complete, prior, text_of
from tests.fakes import TOOL_CALL, answer, choice


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call", "eos", "end_turn"])
def test_a_finished_answer_is_complete(reason):
    assert is_complete(answer(choice("Paris.", reason)))


@pytest.mark.parametrize(
    "reason",
    [
        "length",
        "content_filter",
        "error",
        "max_tokens",
        "MAX_TOKENS",
        "model_length",
        "SAFETY",
        "insufficient_system_resource",
        "abort",
    ],
)
def test_a_cut_answer_is_not_complete(reason):
    assert not is_complete(answer(choice("The capital of", reason)))


@pytest.mark.parametrize("reason", [None, "", 1, True, ["stop"]])
def test_an_answer_that_never_finished_is_not_complete(reason):
    assert not is_complete(answer(choice("The capital of", reason)))


def test_an_answer_without_a_finish_reason_is_not_complete():
    assert not is_complete(answer({"index": 0, "message": {"content": "Paris."}}))


@pytest.mark.parametrize("content", ["", None, []])
def test_an_empty_answer_is_not_complete(content):
    assert not is_complete(answer(choice(content)))


@pytest.mark.parametrize(
    "message",
    [
        {"tool_calls": [TOOL_CALL]},
        {"function_call": {"name": "look_up", "arguments": "{}"}},
        {"refusal": "I cannot help with that."},
        {"audio": {"id": "audio_1", "data": "AAAA"}},
    ],
    ids=lambda message: next(iter(message)),
)
def test_an_answer_without_text_may_hold_something_else(message):
    assert is_complete(answer(choice(None, **message)))


@pytest.mark.parametrize("message", [{"tool_calls": []}, {"function_call": None}, {"refusal": ""}], ids=repr)
def test_nothing_in_another_form_is_still_nothing(message):
    assert not is_complete(answer(choice(None, **message)))


def test_every_choice_must_be_finished():
    assert is_complete(answer("Paris.", "It is Paris."))
    assert not is_complete(answer("Paris.", choice("It is", "length")))
    assert not is_complete(answer(choice("It is", "length"), "Paris."))
    assert not is_complete(answer("Paris.", choice("")))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": {}},
        {"choices": "Paris."},
        {"choices": ["Paris."]},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"finish_reason": "stop"}]},
        {"choices": [{"finish_reason": "stop", "message": None}]},
        {"choices": [{"finish_reason": "stop", "message": "Paris."}]},
        {"error": {"message": "overloaded"}},
    ],
    ids=repr,
)
def test_a_malformed_answer_is_not_complete_and_has_no_text(given):
    assert not is_complete(given)
    assert text_of(given) == ""


# ---- quality at the start


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_prior_says_nothing_of_length(first, second):
    assert prior(answer(first)) == prior(answer(second))


def test_a_short_answer_may_be_cached():
    alpha, beta = prior(answer("yes"))
    assert alpha / (alpha + beta) == pytest.approx(0.90)


def test_a_refusal_starts_lower():
    alpha, beta = prior(answer(choice(None, refusal="I cannot help with that.")))
    assert alpha / (alpha + beta) == pytest.approx(0.75)


def test_one_refusal_among_several_choices_lowers_the_whole():
    assert prior(answer("Paris.", choice(None, refusal="No."))) == prior(answer(choice(None, refusal="No.")))


# ---- what is in an answer


def test_tool_calls_are_seen_in_any_choice_and_either_form():
    assert not has_tool_calls(answer("Paris."))
    assert not has_tool_calls(answer(choice("Paris.", tool_calls=[])))
    assert has_tool_calls(answer("Paris.", choice(None, "tool_calls", tool_calls=[TOOL_CALL])))
    assert has_tool_calls(answer(choice(None, "function_call", function_call={"name": "f", "arguments": "{}"})))


def test_the_text_is_the_first_choices():
    assert text_of(answer("Paris.", "It is Paris.")) == "Paris."
    assert text_of(answer(choice(None, refusal="No."))) == "No."
    assert text_of(answer(choice(None, tool_calls=[TOOL_CALL]))) == ""
    assert text_of(answer(choice([{"type": "text", "text": "Paris."}]))) == ""
