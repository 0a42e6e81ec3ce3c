"""A stored answer is replayed faithfully: as it was, but for ``id`` and ``created``, in either form."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxy.replay import as_json, as_stream
from proxy.scripted import chunks, completion
from tests.proxy.completions import (
    ANYTHING,
    TEXT,
    assembled,
    chunks_in,
    completions,
    delta,
    events_in,
    examples,
    stream_of,
    timeless,
    without_nulls,
)
from tests.proxy.fakes import answer

NOW = 1_800_000_000.7
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def with_message(**fields):
    """An answer whose message holds these fields."""
    choice = {"index": 0, "message": {"role": "assistant", **fields}, "logprobs": None, "finish_reason": "stop"}
    return answer(choices=[choice])


def read_by_openai(stream):
    """What OpenAI's own client makes of a stream."""
    state = ChatCompletionStreamState()
    for chunk in chunks_in(stream):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    return state.current_completion_snapshot


# As JSON


@examples
@given(completions())
def test_an_unstreamed_replay_keeps_everything_but_id_and_created(stored):
    replayed = json.loads(as_json(stored, NOW))
    assert timeless(replayed) == timeless(stored)
    assert replayed["id"] != stored["id"]
    assert replayed["created"] == 1_800_000_000


@examples
@given(completions(custom_calls=False))
def test_openais_types_read_an_unstreamed_replay(stored):
    read = ChatCompletion.model_validate_json(as_json(stored, NOW))
    assert len(read.choices) == len(stored["choices"])


def test_an_answer_stored_from_a_stream_is_replayed_as_a_completion():
    replayed = json.loads(as_json({**answer(), "object": "chat.completion.chunk"}, NOW))
    assert replayed["object"] == "chat.completion"


# As a stream


@examples
@given(completions(), st.booleans())
def test_a_streamed_replay_amounts_to_the_stored_answer(stored, include_usage):
    replayed = assembled(as_stream(stored, NOW, include_usage=include_usage))
    expected = timeless(stored)
    if not include_usage:
        expected.pop("usage", None)
    assert timeless(replayed) == expected
    assert replayed["id"] != stored["id"]
    assert replayed["created"] == 1_800_000_000


@examples
@given(completions())
def test_a_stream_that_was_stored_is_replayed_as_the_same_answer_again_and_again(stored):
    first = json.loads(json.dumps(assembled(as_stream(stored, NOW, include_usage=True))))
    second = assembled(as_stream(first, NOW, include_usage=True))
    assert timeless(second) == timeless(first)
    assert timeless(json.loads(as_json(first, NOW))) == timeless(first)


@pytest.mark.parametrize("does", [{}, {"tool": "weather"}, {"refuse": ""}, {"reason": ""}, {"finish": "length"}])
def test_a_models_stream_and_its_replay_amount_to_the_same(does):
    asked = {"model": "m", "messages": [], "stream_options": {"include_usage": True}}
    live = assembled(stream_of(*chunks(asked, completion(asked, "How long is a piece of string? 🦉", does))))
    replayed = assembled(as_stream(live, NOW, include_usage=True))
    assert without_nulls(timeless(replayed)) == without_nulls(timeless(live))


@examples
@given(completions(custom_calls=False), st.booleans())
def test_openais_client_reads_the_same_from_a_streamed_replay_as_from_the_stored_answer(stored, include_usage):
    read = read_by_openai(as_stream(stored, NOW, include_usage=include_usage))
    expected = ChatCompletion.model_validate(stored)
    assert (read.model, read.system_fingerprint) == (expected.model, expected.system_fingerprint)
    assert read.usage == (expected.usage if include_usage else None)
    for found, choice in zip(read.choices, expected.choices, strict=True):
        assert (found.index, found.finish_reason) == (choice.index, choice.finish_reason)
        assert (found.message.role, found.message.content or None) == ("assistant", choice.message.content or None)
        assert (found.message.refusal or None) == (choice.message.refusal or None)
        calls = [(call.id, call.function.name, call.function.arguments) for call in found.message.tool_calls or ()]
        assert calls == [
            (call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()
        ]
        tokens = found.logprobs.content if found.logprobs else None
        assert (tokens or None) == ((choice.logprobs.content if choice.logprobs else None) or None)


@examples
@given(completions(), st.booleans())
def test_every_chunk_has_one_identity_and_the_end_comes_last(stored, include_usage):
    stream = as_stream(stored, NOW, include_usage=include_usage)
    assert stream.endswith(b"data: [DONE]\n\n")
    assert events_in(stream).count(b"[DONE]") == 1
    made = chunks_in(stream)
    assert {(chunk["id"], chunk["created"], chunk["object"], chunk["model"]) for chunk in made} == {
        (made[0]["id"], 1_800_000_000, "chat.completion.chunk", stored["model"])
    }


def test_two_replays_have_two_identities():
    stored = answer()
    ids = [json.loads(as_json(stored, NOW))["id"] for _ in range(2)]
    ids += [chunks_in(as_stream(stored, NOW, include_usage=False))[0]["id"] for _ in range(2)]
    assert len({*ids, stored["id"]}) == 5
    assert all(id_.startswith("chatcmpl-") for id_ in ids)


@pytest.mark.parametrize("form", ["json", "stream"])
def test_replaying_does_not_change_what_is_stored(form):
    stored = with_message(
        content="a", tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    )
    before = json.dumps(stored)
    as_json(stored, NOW) if form == "json" else as_stream(stored, NOW, include_usage=True)
    assert json.dumps(stored) == before


# Usage


@examples
@given(completions())
def test_with_usage_asked_for_it_stands_in_a_last_chunk_of_its_own_and_is_null_before(stored):
    stored["usage"] = USAGE
    *rest, last = chunks_in(as_stream(stored, NOW, include_usage=True))
    assert (last["choices"], last["usage"]) == ([], USAGE)
    assert rest
    assert all(chunk["usage"] is None and len(chunk["choices"]) == 1 for chunk in rest)


@examples
@given(completions())
def test_without_usage_asked_for_no_chunk_names_it(stored):
    stored["usage"] = USAGE
    made = chunks_in(as_stream(stored, NOW, include_usage=False))
    assert all("usage" not in chunk and len(chunk["choices"]) == 1 for chunk in made)


@pytest.mark.parametrize("stored", [answer(usage=False), answer(usage=None)])
def test_usage_that_is_not_known_is_null_throughout(stored):
    made = chunks_in(as_stream(stored, NOW, include_usage=True))
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in made)


# How an answer is cut


@examples
@given(TEXT.filter(bool), st.sampled_from(("content", "refusal", "reasoning_content", "reasoning")))
def test_text_comes_in_pieces_that_join_to_it(text, name):
    text *= 3
    made = chunks_in(as_stream(with_message(content=None) | with_message(**{name: text}), NOW, include_usage=False))
    pieces = [chunk["choices"][0]["delta"][name] for chunk in made if chunk["choices"][0]["delta"].get(name)]
    assert "".join(pieces) == text
    assert all(len(piece) <= 48 for piece in pieces)
    assert len(pieces) == -(-len(text) // 48)


def test_the_role_comes_first_and_the_finish_reason_last():
    made = [chunk["choices"][0] for chunk in chunks_in(as_stream(answer("Paris."), NOW, include_usage=False))]
    assert made[0]["delta"] == {"role": "assistant", "content": ""}
    assert [choice["finish_reason"] for choice in made] == [None] * (len(made) - 1) + ["stop"]
    assert made[-1]["delta"] == {}
    assert all("role" not in choice["delta"] for choice in made[1:])


def test_reasoning_comes_before_the_content():
    stored = with_message(content="c", reasoning_content="r", refusal=None)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks_in(as_stream(stored, NOW, include_usage=False))]
    assert [next(iter(each), None) for each in deltas] == ["role", "reasoning_content", "content", None]


def test_tool_calls_come_with_their_names_whole_and_their_arguments_in_pieces():
    text = json.dumps({"city": "Zürich " * 20})
    calls = [
        {"id": f"call_{n}", "type": "function", "function": {"name": f"f{n}", "arguments": text}} for n in range(2)
    ]
    made = chunks_in(as_stream(with_message(content=None, tool_calls=calls), NOW, include_usage=False))
    pieces = [call for chunk in made for call in chunk["choices"][0]["delta"].get("tool_calls", ())]
    for number, call in enumerate(calls):
        opening, *rest = [piece for piece in pieces if piece["index"] == number]
        assert opening == {**call, "index": number, "function": {"name": f"f{number}", "arguments": ""}}
        assert "".join(piece["function"]["arguments"] for piece in rest) == text
        assert len(rest) > 1
        assert all(set(piece) == {"index", "function"} for piece in rest)


@pytest.mark.parametrize("calls", [[], None])
def test_no_tool_calls_are_replayed_as_none(calls):
    replayed = assembled(as_stream(with_message(content="a", tool_calls=calls), NOW, include_usage=False))
    assert not replayed["choices"][0]["message"].get("tool_calls")


@pytest.mark.parametrize("given_arguments", [{"a": 1}, None, 7])
def test_arguments_that_are_no_text_are_replayed_whole(given_arguments):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given_arguments}}
    stored = with_message(content=None, tool_calls=[call])
    assert timeless(assembled(as_stream(stored, NOW, include_usage=True))) == timeless(stored)


@examples
@given(ANYTHING.filter(lambda value: not isinstance(value, str)))
def test_content_that_is_no_text_is_replayed_whole(content):
    stored = with_message(content=content)
    assert timeless(assembled(as_stream(stored, NOW, include_usage=True))) == timeless(stored)


def test_a_call_of_the_old_kind_is_replayed():
    stored = with_message(content=None, function_call={"name": "f", "arguments": '{"a": 1}'})
    assert timeless(assembled(as_stream(stored, NOW, include_usage=True))) == timeless(stored)


def test_several_choices_are_replayed_each_under_its_index():
    choices = [
        {
            "index": n,
            "message": {"role": "assistant", "content": f"answer {n}"},
            "logprobs": None,
            "finish_reason": "stop",
        }
        for n in range(3)
    ]
    stored = answer(choices=choices)
    assert assembled(as_stream(stored, NOW, include_usage=True))["choices"] == choices
    assert [
        choice.message.content for choice in read_by_openai(as_stream(stored, NOW, include_usage=True)).choices
    ] == [
        "answer 0",
        "answer 1",
        "answer 2",
    ]


def test_logprobs_that_were_not_stored_are_null_at_most():
    stored = assembled(stream_of(delta(role="assistant", content="a"), delta(finish_reason="stop")))
    replayed = assembled(as_stream(stored, NOW, include_usage=False))
    assert "logprobs" not in stored["choices"][0]
    assert timeless(without_nulls(replayed)) == timeless(without_nulls(stored))


# Habits of providers


def calls(*indices):
    """Tool calls that name their own index, as some providers have it in unstreamed answers, too."""
    return [
        {
            "id": f"call_{n}",
            "type": "function",
            "index": index,
            "function": {"name": f"f{n}", "arguments": f'{{"a": {n}}}'},
        }
        for n, index in enumerate(indices)
    ]


def with_calls(tool_calls):
    message = {"role": "assistant", "content": None, "tool_calls": tool_calls}
    return answer(choices=[{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}])


@pytest.mark.parametrize("indices", [(0, 0), (1, 0), (1, 2), (None, None), (0, None)])
def test_parallel_tool_calls_stay_apart_whatever_index_they_were_stored_with(indices):
    stored = with_calls(calls(*indices))
    found = assembled(as_stream(stored, NOW, include_usage=False))["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]) for call in found] == [
        (call["id"], call["function"]) for call in stored["choices"][0]["message"]["tool_calls"]
    ]


def test_several_choices_stored_without_an_index_stay_apart():
    choices = [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} for text in ("a", "b")]
    found = assembled(as_stream(answer(choices=choices), NOW, include_usage=False))["choices"]
    assert [choice["message"]["content"] for choice in found] == ["a", "b"]


@pytest.mark.parametrize("tool_calls", ["text", {"id": "call_1"}, ["text"], [None], [7], True])
def test_tool_calls_of_a_strange_shape_do_not_make_a_stored_answer_unplayable(tool_calls):
    stored = with_calls(tool_calls)
    assert json.loads(as_json(stored, NOW))["choices"][0]["message"]["tool_calls"] == tool_calls
    assert as_stream(stored, NOW, include_usage=True).endswith(b"data: [DONE]\n\n")
