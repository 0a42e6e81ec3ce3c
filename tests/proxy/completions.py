"""Chat completions of every shape, made by Hypothesis."""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st

from proxy.assembly import StreamAssembler
from proxy.sse import EventReader, event

examples = settings(max_examples=40, deadline=None)
"""For a shared machine: few examples, however long one takes."""

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=120) | st.text(
    'aé🦉👩‍👩‍👧\u0301\u200d\n" ', max_size=120
)
WORD = st.text("abcdefgh_", min_size=1, max_size=12)
NUMBER = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=3),
    max_leaves=4,
)
UNKNOWN = st.dictionaries(WORD.map("x_{}".format), ANYTHING, max_size=2)
COUNT = st.integers(0, 10**6)

_ARGUMENTS = TEXT | ANYTHING.map(json.dumps) | st.just("")
_FUNCTION_CALL = st.builds(
    lambda id_, name, arguments, call_more, function_more: {
        "id": id_,
        "type": "function",
        "function": {"name": name, "arguments": arguments, **function_more},
        **call_more,
    },
    WORD,
    WORD,
    _ARGUMENTS,
    UNKNOWN,
    UNKNOWN,
)
_CUSTOM_CALL = st.builds(
    lambda id_, name, text: {"id": id_, "type": "custom", "custom": {"name": name, "input": text}}, WORD, WORD, TEXT
)
_TOKEN = st.builds(
    lambda token, logprob: {"token": token, "logprob": logprob, "bytes": list(token.encode()), "top_logprobs": []},
    TEXT.map(lambda text: text[:4]),
    st.floats(-20, 0),
)
_LOGPROBS = st.none() | st.fixed_dictionaries(
    {"content": st.none() | st.lists(_TOKEN, max_size=3), "refusal": st.none()}
)
_CITATION = st.builds(
    lambda start, url: {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": start + 1, "title": url, "url": url},
    },
    COUNT,
    TEXT,
)
_USAGE = st.builds(
    lambda prompt, completion, more: {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "completion_tokens_details": {"reasoning_tokens": 1},
        **more,
    },
    COUNT,
    COUNT,
    UNKNOWN,
)


@st.composite
def _choices(draw, index, calls):
    message = {"role": "assistant", "content": draw(st.none() | TEXT)}
    optional = {
        "refusal": st.none() | TEXT,
        "reasoning_content": TEXT,
        "reasoning": TEXT,
        "tool_calls": st.lists(calls, min_size=1, max_size=3),
        "annotations": st.lists(_CITATION, max_size=2),
    }
    for name, values in optional.items():
        if draw(st.booleans()):
            message[name] = draw(values)
    return {
        "index": index,
        "message": message | draw(UNKNOWN),
        "logprobs": draw(_LOGPROBS),
        **draw(UNKNOWN),
        "finish_reason": draw(st.sampled_from(("stop", "length", "tool_calls", "content_filter"))),
    }


@st.composite
def completions(draw, *, custom_calls=True):
    """An unstreamed chat completion."""
    calls = _FUNCTION_CALL | _CUSTOM_CALL if custom_calls else _FUNCTION_CALL
    made = {
        "id": "chatcmpl-stored",
        "object": "chat.completion",
        "created": 1700000000,
        "model": draw(WORD),
        "choices": [draw(_choices(index, calls)) for index in range(draw(st.integers(1, 3)))],
    }
    for name, values in {"usage": _USAGE, "system_fingerprint": st.none() | WORD}.items():
        if draw(st.booleans()):
            made[name] = draw(values)
    return made | draw(UNKNOWN)


def events_in(stream):
    """The data of a stream's events."""
    return EventReader().feed(stream)


def chunks_in(stream):
    """The chunks of a stream, without its end."""
    return [json.loads(data) for data in events_in(stream) if data != b"[DONE]"]


def assembled(stream):
    """What a stream amounts to; it must be whole."""
    assembler = StreamAssembler()
    assert assembler.feed(stream)
    assert assembler.error is None
    return assembler.answer()


def stream_of(*chunks):
    """Chunks as a stream, with its end."""
    return b"".join(event(json.dumps(chunk).encode()) for chunk in chunks) + b"data: [DONE]\n\n"


def delta(index=0, finish_reason=None, **fields):
    """A chunk with one delta."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-x",
        "choices": [{"index": index, "delta": fields, "finish_reason": finish_reason}],
    }


def timeless(answer):
    """An answer without what every replay makes anew."""
    return {key: value for key, value in answer.items() if key not in ("id", "created")}


def without_nulls(value):
    """A value in which a field that is null is not there: to a client they are the same."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
