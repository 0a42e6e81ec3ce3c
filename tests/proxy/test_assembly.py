"""A stream of chunks becomes the completion it amounts to, whatever habits the provider has."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.assembly import StreamAssembler, merge
from proxy.scripted import chunks, completion, last_text
from proxy.sse import DONE, event
from tests.proxy.completions import ANYTHING, TEXT, assembled, delta, examples, stream_of, without_nulls

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}


def arguments(text, index=0, **more):
    """A delta that holds a piece of a tool call's arguments."""
    return delta(tool_calls=[{"index": index, "function": {"arguments": text}, **more}])


def message_of(*given_chunks):
    return assembled(stream_of(*given_chunks, delta(finish_reason="stop")))["choices"][0]["message"]


def body(prompt, **fields):
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], "stream": True, **fields}


# What a well-behaved stream becomes


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("does", [{}, {"tool": "weather"}, {"refuse": ""}, {"reason": ""}, {"finish": "length"}])
def test_the_scripted_stream_is_the_scripted_completion(does, n):
    asked = body("What is the capital of France? 🦉", n=n, stream_options={"include_usage": True})
    whole = completion(asked, last_text(asked), does)
    given_chunks = stream_of(*chunks(asked, whole))
    assert without_nulls(assembled(given_chunks)) == without_nulls(whole)


@examples
@given(st.lists(TEXT, max_size=6), st.data())
def test_text_is_joined_however_the_bytes_are_cut(pieces, data):
    stream = stream_of(*[delta(content=piece) for piece in pieces], delta(finish_reason="stop"))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    assembler = StreamAssembler()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        assembler.feed(stream[start:end])
    assert assembler.done
    assert assembler.answer()["choices"][0]["message"]["content"] == ("".join(pieces) if pieces else None)


@examples
@given(st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_parallel_tool_calls_are_told_apart_by_their_index_however_their_pieces_interleave(calls, random):
    pieces = [(index, number, text) for index, call in enumerate(calls) for number, text in enumerate(call)]
    # Each call's own pieces stay in order; which call goes on next is chance.
    order = sorted(pieces, key=lambda piece: (random.random(), piece[1]))
    following = {index: iter(call) for index, call in enumerate(calls)}
    given_chunks = [
        delta(tool_calls=[{"index": index, "id": f"call_{index}", "function": {"name": "f", "arguments": ""}}])
        for index in reversed(range(len(calls)))
    ]
    given_chunks += [arguments(next(following[index]), index) for index, _, _ in order]
    found = message_of(*given_chunks)["tool_calls"]
    assert [(call["id"], call["function"]["arguments"]) for call in found] == [
        (f"call_{index}", "".join(call)) for index, call in enumerate(calls)
    ]
    assert all("index" not in call for call in found)


def test_two_pieces_of_one_call_may_come_in_one_chunk():
    first, second = ({"index": 0, "function": {"arguments": text}} for text in ('{"a', '": 1}'))
    assert message_of(delta(tool_calls=[CALL, first, second]))["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'


def test_choices_are_told_apart_by_their_index_and_stand_in_its_order():
    stream = stream_of(
        delta(1, content="b"), delta(0, content="a"), delta(1, content="B"), delta(1, "stop"), delta(0, "length")
    )
    choices = assembled(stream)["choices"]
    assert [(choice["index"], choice["message"]["content"]) for choice in choices] == [(0, "a"), (1, "bB")]
    assert [choice["finish_reason"] for choice in choices] == ["length", "stop"]


def test_logprobs_are_joined():
    made = [
        {**delta(content=token), "choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": token}]}}]}
        for token in ("a", "b")
    ]
    made.insert(0, {**delta(), "choices": [{"index": 0, "delta": {}, "logprobs": None}]})
    made.append({**delta(), "choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]})
    assert assembled(stream_of(*made))["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}]}


@examples
@given(ANYTHING, ANYTHING, ANYTHING)
def test_fields_nobody_knows_are_kept_at_every_level(top, choice, message):
    first = delta(content="a", x_message=message)
    first["choices"][0]["x_choice"] = choice
    found = assembled(stream_of({**first, "x_top": top}, delta(finish_reason="stop")))
    assert found["x_top"] == top
    assert found["choices"][0]["x_choice"] == choice
    assert found["choices"][0]["message"]["x_message"] == message


def test_an_answer_has_the_shape_of_an_unstreamed_one():
    assert assembled(stream_of(delta(role="assistant", content="a"), delta(finish_reason="stop"))) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}],
    }


# Habits of providers


def test_a_tools_name_repeated_in_every_chunk_is_one_name():
    pieces = [delta(tool_calls=[{"index": 0, "function": {"name": "weather", "arguments": text}}]) for text in "{}"]
    (call,) = message_of(delta(tool_calls=[CALL]), *pieces)["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": "{}"}


def test_a_tools_name_cut_up_is_joined():
    opening = {**CALL, "function": {"name": "get_", "arguments": ""}}
    rest = {"index": 0, "function": {"name": "weather", "arguments": "{}"}}
    (call,) = message_of(delta(tool_calls=[opening]), delta(tool_calls=[rest]))["tool_calls"]
    assert call["function"] == {"name": "get_weather", "arguments": "{}"}


@pytest.mark.parametrize("later", ["call_1", "", None])
def test_an_id_repeated_emptied_or_nulled_in_later_chunks_stays(later):
    (call,) = message_of(delta(tool_calls=[CALL]), arguments("{}", id=later, type=later and "function"))["tool_calls"]
    assert (call["id"], call["type"], call["function"]["arguments"]) == ("call_1", "function", "{}")


def test_whole_tool_calls_without_an_index_stay_apart():
    calls = [{"id": f"call_{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}} for n in range(2)]
    assert message_of(delta(tool_calls=calls[:1]), delta(tool_calls=calls[1:]))["tool_calls"] == calls


def test_a_choice_without_an_index_is_the_first():
    made = [delta(content="a"), delta(content="b"), delta(finish_reason="stop")]
    for chunk in made:
        del chunk["choices"][0]["index"]
    (choice,) = assembled(stream_of(*made))["choices"]
    assert (choice["index"], choice["message"]["content"], choice["finish_reason"]) == (0, "ab", "stop")


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_empty_delta_adds_nothing(nothing):
    empty = {**delta(), "choices": [{"index": 0, "delta": nothing}]}
    assert message_of(delta(content="a"), empty, delta(content=None))["content"] == "a"


def test_a_choice_without_a_delta_adds_nothing():
    assert message_of(delta(content="a"), {**delta(), "choices": [{"index": 0}]})["content"] == "a"


@pytest.mark.parametrize("choices", [None, []])
def test_a_chunk_without_choices_adds_nothing_but_its_top(choices):
    found = assembled(
        stream_of({**delta(), "choices": choices, "x": 1}, delta(content="a"), delta(finish_reason="stop"))
    )
    assert (found["x"], len(found["choices"]), found["choices"][0]["message"]["content"]) == (1, 1, "a")


def test_a_role_repeated_in_every_chunk_is_one_role():
    assert message_of(*[delta(role="assistant", content=text) for text in "abc"]) == {
        "role": "assistant",
        "content": "abc",
    }


def test_an_emptied_role_does_not_take_the_role_away():
    assert message_of(delta(role="assistant", content="a"), delta(role="", content="b"))["role"] == "assistant"


def test_obfuscation_is_left_out():
    assert "obfuscation" not in assembled(stream_of({**delta(content="a"), "obfuscation": "xyz"}))


def test_details_of_reasoning_are_joined_by_index_and_keep_their_format():
    pieces = [
        delta(reasoning_details=[{"index": 0, "type": "reasoning.text", "format": "f-1", "text": text}])
        for text in "ab"
    ]
    assert message_of(*pieces)["reasoning_details"] == [
        {"index": 0, "type": "reasoning.text", "format": "f-1", "text": "ab"}
    ]


def test_blocks_of_thinking_without_an_index_are_joined_until_their_signature():
    blocks = [{"type": "thinking", "thinking": text} for text in ("I ", "think.")]
    signed = {"type": "thinking", "thinking": "", "signature": "s1"}
    second = {"type": "thinking", "thinking": "Again."}
    found = message_of(*[delta(thinking_blocks=[block]) for block in (*blocks, signed, second)])
    assert found["thinking_blocks"] == [{"type": "thinking", "thinking": "I think.", "signature": "s1"}, second]


USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


@pytest.mark.parametrize(
    "made",
    [
        [delta(content="a"), delta(finish_reason="stop"), {**delta(), "choices": [], "usage": USAGE}],
        [delta(content="a"), {**delta(finish_reason="stop"), "usage": USAGE}],
        [
            {**delta(content="a"), "usage": {**USAGE, "completion_tokens": 0}},
            {**delta(finish_reason="stop"), "usage": USAGE},
        ],
        [{**delta(content="a"), "usage": USAGE}, {**delta(finish_reason="stop"), "usage": None}],
    ],
    ids=["in a chunk of its own", "in the last content chunk", "running", "null afterwards"],
)
def test_the_last_usage_named_is_kept_wherever_it_comes(made):
    assert assembled(stream_of(*made))["usage"] == USAGE


def test_usage_nobody_named_is_not_made_up():
    assert "usage" not in assembled(stream_of({**delta(content="a"), "usage": None}, delta(finish_reason="stop")))


def test_an_error_field_that_is_null_is_no_error():
    assert assembled(stream_of({**delta(content="a"), "error": None}))["choices"][0]["message"]["content"] == "a"


# What breaks a stream


def test_an_error_chunk_breaks_the_stream_and_leaves_what_came_before():
    assembler = StreamAssembler()
    assembler.feed(stream_of(delta(content="a"), {"error": {"message": "no", "type": "server_error"}}))
    assert assembler.error == "the upstream reported an error in the stream"
    assert assembler.answer()["choices"][0]["message"]["content"] == "a"


@pytest.mark.parametrize("data", [b"{", b"", b"<html>", b"{'a': 1}", b'{"a": "\xff"}', b"[" * 20_000])
def test_a_chunk_that_is_not_json_breaks_the_stream(data):
    assembler = StreamAssembler()
    assembler.feed(event(data) + stream_of(delta(content="a")))
    assert assembler.error == "a chunk is not JSON"
    assert assembler.done


@pytest.mark.parametrize("data", [b"[]", b"null", b'"text"', b"7"])
def test_a_chunk_that_is_no_object_breaks_the_stream(data):
    assembler = StreamAssembler()
    assembler.feed(event(data))
    assert assembler.error == "a chunk is not an object"


def test_a_chunk_that_is_nested_too_deeply_breaks_the_stream_and_nothing_else():
    assembler = StreamAssembler()
    assembler.feed(event(b'{"choices": [{"delta": {"x": ' + b'{"a": ' * 900 + b"1" + b"}" * 900 + b"}}]}"))
    assert assembler.error == "a chunk is nested too deeply"


def test_the_first_error_is_the_one_that_is_told():
    assembler = StreamAssembler()
    assembler.feed(event(b"{") + event(b'{"error": {}}') + event(b'{"error": {"message": "x"}}'))
    assert assembler.error == "a chunk is not JSON"


@examples
@given(st.lists(st.dictionaries(st.sampled_from(("choices", "usage", "error", "id", "model")), ANYTHING), max_size=4))
def test_no_object_whatever_its_shape_makes_the_reader_fail(objects):
    assembler = StreamAssembler()
    assembler.feed(stream_of(*objects))
    assert assembler.answer()["object"] == "chat.completion"


CALLS = st.lists(ANYTHING | st.dictionaries(st.sampled_from(("index", "id", "type", "function")), ANYTHING), max_size=3)
PIECE = st.dictionaries(st.sampled_from(("role", "content", "tool_calls", "x")), ANYTHING | CALLS)
CHOICE = st.fixed_dictionaries(
    {}, optional={"index": ANYTHING, "delta": ANYTHING | PIECE, "logprobs": ANYTHING, "finish_reason": ANYTHING}
)


@examples
@given(st.lists(st.lists(ANYTHING | CHOICE, max_size=3), max_size=4))
def test_no_choice_whatever_its_shape_makes_the_reader_fail(lists):
    assembler = StreamAssembler()
    assembler.feed(stream_of(*[{**delta(), "choices": choices} for choices in lists]))
    assert orjson.loads(orjson.dumps(assembler.answer()))["object"] == "chat.completion"


# What is passed on but not kept


@pytest.mark.parametrize("value", ['"\\ud83d"', "NaN", "-Infinity"])
def test_a_chunk_that_clients_may_read_but_no_store_can_hold_leaves_the_stream_whole_but_unstorable(value):
    assembler = StreamAssembler()
    odd = b'{"choices": [{"delta": {"content": "a"}, "x": %b}]}' % value.encode()
    assert assembler.feed(event(odd) + stream_of(delta(content="b"), delta(finish_reason="stop")))
    assert assembler.error is None
    assert not assembler.storable
    assert assembler.answer()["choices"][0]["message"]["content"] == "ab"


@pytest.mark.parametrize("together", [True, False])
def test_two_tool_calls_under_one_index_are_not_kept(together):
    # Joined, they would be neither.
    calls = [{**CALL, "id": f"call_{n}", "function": {"name": f"f{n}", "arguments": "{}"}} for n in range(2)]
    pieces = [delta(tool_calls=calls)] if together else [delta(tool_calls=[call]) for call in calls]
    assembler = StreamAssembler()
    assembler.feed(stream_of(*pieces, delta(finish_reason="tool_calls")))
    assert assembler.error is None
    assert not assembler.storable


@pytest.mark.parametrize("indices", [(0, 1), (None, None)])
def test_two_tool_calls_that_are_told_apart_are_kept(indices):
    calls = [{**CALL, "id": f"call_{index}{n}", "index": index} for n, index in enumerate(indices)]
    assembler = StreamAssembler()
    assembler.feed(stream_of(*[delta(tool_calls=[call]) for call in calls], delta(finish_reason="tool_calls")))
    assert assembler.storable


@pytest.mark.parametrize("later", ["call_1", "", None])
def test_one_tool_call_in_pieces_is_kept(later):
    assembler = StreamAssembler()
    assembler.feed(stream_of(delta(tool_calls=[CALL]), arguments("{}", id=later), delta(finish_reason="tool_calls")))
    assert assembler.storable


def test_a_whole_stream_is_kept_and_one_without_its_end_or_with_an_error_is_not():
    whole = stream_of(delta(content="a"), delta(finish_reason="stop"))
    for stream, storable in ((whole, True), (whole[: -len(DONE)], False), (event(b"{") + whole, False)):
        assembler = StreamAssembler()
        assembler.feed(stream)
        assert assembler.storable is storable


# Where a stream ends


def test_a_stream_is_done_with_its_end_and_not_before():
    assembler = StreamAssembler()
    assert not assembler.feed(event(json.dumps(delta(finish_reason="stop")).encode()))
    assert assembler.finished
    assert not assembler.feed(DONE[:-1])
    assert assembler.feed(DONE[-1:])


@pytest.mark.parametrize("end", [b"data:[DONE]\n\n", b"data: [DONE] \r\n\r\n", b"event: end\rdata: [DONE]\r\r"])
def test_the_end_is_known_however_it_is_written(end):
    assert StreamAssembler().feed(end)


@pytest.mark.parametrize("together", [True, False])
def test_what_follows_the_end_is_not_part_of_the_answer(together):
    whole = stream_of(delta(content="a"), delta(finish_reason="stop"))
    more = stream_of(delta(content="b"), {"error": {"message": "late"}}) + event(b"{")
    assembler = StreamAssembler()
    for piece in [whole + more] if together else [whole, more]:
        assert assembler.feed(piece)
    assert assembler.error is None
    assert assembler.answer() == assembled(whole)


def test_choices_are_finished_when_each_has_a_reason():
    assembler = StreamAssembler()
    assert not assembler.finished
    assembler.feed(stream_of(delta(0, "stop"), delta(1, content="b")))
    assert not assembler.finished
    assembler = StreamAssembler()
    assembler.feed(stream_of(delta(0, "stop"), delta(1, "stop")))
    assert assembler.finished


# Merging


@examples
@given(st.dictionaries(TEXT, ANYTHING, max_size=4))
def test_a_delta_that_is_merged_is_not_changed_and_shares_nothing(piece):
    before = json.dumps(piece)
    into: dict = {}
    merge(into, piece)
    merge(into, piece)
    assert json.dumps(piece) == before


def test_a_value_of_another_kind_takes_the_place_of_the_old_one():
    into = {"a": "text", "b": {"c": 1}, "d": [1]}
    merge(into, {"a": {"now": "an object"}, "b": 7, "d": "text", "e": None})
    assert into == {"a": {"now": "an object"}, "b": 7, "d": "text", "e": None}
