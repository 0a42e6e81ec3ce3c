"""Reading a chat request: what Reprise must understand is checked and named, the rest stays as it came."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import BodyTooLarge, InvalidRequest
from proxy.wire import check_chat, parse_object, read_body, read_chat
from tests.proxy.completions import ANYTHING, examples
from tests.proxy.fakes import MESSAGES, http_request

MOST = 1000


def chat(**fields):
    return {"model": "gpt-x", "messages": MESSAGES, **fields}


async def read(body, headers=(), query="", most=MOST):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await read_chat(http_request(raw, headers, query), most)


def error_of(work, *given_):
    """The refusal that some work ends in; None where it ends well."""
    try:
        work(*given_)
    except InvalidRequest as error:
        return error
    return None


# What is read


async def test_a_request_keeps_its_bytes_body_headers_and_query():
    raw = b'{ "model":"gpt-x",\n\t"messages": [{"content": "hi", "role": "user"}], "x": {"y": [1.50]} }'
    found = await read(raw, [("X-Other", "One"), ("Content-Type", "application/json")], "a=1&b=%20")
    assert found.raw == raw
    assert found.body == json.loads(raw)
    assert (found.headers["x-other"], found.headers["content-type"]) == ("One", "application/json")
    assert (found.query, found.model) == ("a=1&b=%20", "gpt-x")
    assert (found.stream, found.include_usage) == (False, False)


@pytest.mark.parametrize(
    ("fields", "stream", "include_usage"),
    [
        ({"stream": True}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": None}}, True, False),
        ({"stream": None, "stream_options": None}, False, False),
        ({"stream": False, "stream_options": {}}, False, False),
    ],
)
async def test_the_form_of_the_answer_asked_for_is_known(fields, stream, include_usage):
    found = await read(chat(**fields))
    assert (found.stream, found.include_usage) == (stream, include_usage)


async def test_controls_are_read_from_headers_and_body():
    found = await read(chat(cache={"ttl": 60}), [("Cache-Control", "no-store"), ("X-Reprise-Project", "apollo")])
    assert (found.controls.ttl, found.controls.no_store, found.controls.project) == (60.0, True, "apollo")


@pytest.mark.parametrize("order", [("no-store", "max-age=60"), ("max-age=60", "no-store")])
async def test_a_header_that_is_sent_twice_counts_twice(order):
    found = await read(chat(), [("Cache-Control", value) for value in order])
    assert (found.controls.no_store, found.controls.max_age) == (True, 60.0)


@pytest.mark.parametrize(
    "body",
    [
        chat(messages=[{"role": "user", "content": None}]),
        chat(messages=[{"role": "user"}]),
        chat(messages=[{"role": "assistant", "content": "a"}, {"role": "tool", "tool_call_id": "c", "content": "7"}]),
        chat(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {}]}]),
        chat(messages=[{"role": "user", "content": [], "x": 1}]),
        chat(
            n=1, temperature=0, top_p=0.5, max_tokens=5, max_completion_tokens=5, tools=[], metadata={}, modalities=[]
        ),
        chat(n=None, temperature=None, top_p=None, max_tokens=None, tools=None, metadata=None, modalities=None),
        chat(x_unknown={"a": [1]}, seed="a string", stop=7, temperature=1e9, cache=None),
    ],
)
async def test_what_reprise_does_not_read_is_not_its_business(body):
    assert (await read(body)).body == body


# What is refused


async def refusal(body, headers=(), most=MOST):
    with pytest.raises(InvalidRequest) as caught:
        await read(body, headers, most=most)
    assert (caught.value.status, caught.value.type) == (400, "invalid_request_error")
    return caught.value


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        *[({"model": value}, "model") for value in (None, "", "  ", 7, True, [], {})],
        *[({"messages": value}, "messages") for value in (None, [], {}, "hi", 7)],
        *[({"messages": [value]}, "messages.0") for value in (None, "hi", [], 7)],
        *[({"messages": [*MESSAGES, {"role": value}]}, "messages.1.role") for value in (None, 7, [])],
        *[({"messages": [{"role": "user", "content": value}]}, "messages.0.content") for value in (7, True, {})],
        *[
            ({"messages": [{"role": "user", "content": [{"type": "text"}, value]}]}, "messages.0.content.1")
            for value in ("hi", None, 7, [])
        ],
        *[({"stream": value}, "stream") for value in ("true", 1, 0, [])],
        *[({"stream_options": value}, "stream_options") for value in (True, [], "x")],
        *[({"n": value}, "n") for value in (0, -1, 1.0, "2", True, [])],
        *[({"temperature": value}, "temperature") for value in ("1", True, [])],
        *[({"top_p": value}, "top_p") for value in ("1", False)],
        *[({"max_tokens": value}, "max_tokens") for value in (1.5, "5", True)],
        *[({"max_completion_tokens": value}, "max_completion_tokens") for value in (1.5, "5", True)],
        *[({"tools": value}, "tools") for value in ({}, "x", True)],
        *[({"metadata": value}, "metadata") for value in ([], "x", 7)],
        *[({"modalities": value}, "modalities") for value in ({}, "text")],
        *[({"cache": value}, "cache") for value in ([], "no-cache", True)],
        ({"cache": {"ttl": -1}}, "cache.ttl"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(fields, param):
    error = await refusal(chat(**fields))
    assert error.param == param
    assert f"'{param}'" in error.message


@pytest.mark.parametrize("missing", ["model", "messages"])
async def test_a_missing_field_is_refused_by_name(missing):
    body = chat()
    del body[missing]
    assert (await refusal(body)).param == missing


async def test_a_wrong_header_is_refused_by_name():
    assert (await refusal(chat(), [("X-Reprise-Treshold", "0.9")])).param == "x-reprise-treshold"


INVALID = {
    "empty": b"",
    "cut off": b'{"model": "gpt-x", "messages": [',
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(chat()).encode(),
    "invalid UTF-8": b'{"model": "gpt-\xff"}',
    "a character cut in two": '{"model": "é'.encode()[:-1] + b'"}',
    "half a surrogate pair": b'{"model": "\\ud83d"}',
    "UTF-16": json.dumps(chat()).encode("utf-16"),
    "NaN": b'{"model": "gpt-x", "temperature": NaN}',
    "infinity": b'{"model": "gpt-x", "temperature": Infinity}',
    "too large a number": b'{"model": "gpt-x", "temperature": 1e400}',
    "too long a number": b'{"model": "gpt-x", "seed": ' + b"9" * 5000 + b"}",
    "single quotes": b"{'model': 'gpt-x'}",
    "a comma too many": b'{"model": "gpt-x",}',
    "two values": b'{"model": "gpt-x"} {}',
    "a line break in a text": b'{"model": "gpt\nx"}',
    "a list": b"[]",
    "a text": b'"{}"',
    "null": b"null",
    "lists 10,000 deep": b'{"x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "objects 10,000 deep": b'{"x": ' + b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"}",
    "10,000 lists never ended": b"[" * 10_000,
    "lists deep beside a long number": b'{"n": 12345678901234567890, "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
}


@pytest.mark.parametrize("raw", INVALID.values(), ids=INVALID.keys())
async def test_what_is_no_json_object_is_refused_as_such(raw):
    error = await refusal(raw, most=10**6)
    assert (error.param, error.code) == ("body", "invalid_json")


@examples
@given(st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_object_or_refused(raw):
    error = error_of(parse_object, raw)
    assert error is None or (error.param, error.code) == ("body", "invalid_json")


@examples
@given(
    st.fixed_dictionaries(
        {"model": ANYTHING | st.just("gpt-x"), "messages": ANYTHING | st.lists(ANYTHING) | st.just(MESSAGES)},
        optional=dict.fromkeys(
            ("stream", "stream_options", "n", "temperature", "top_p", "tools", "metadata", "modalities"), ANYTHING
        ),
    )
)
def test_any_object_is_a_chat_or_refused_by_the_name_of_a_field(body):
    error = error_of(check_chat, body)
    assert error is None or error.param.split(".")[0] in body


# Numbers and names


@pytest.mark.parametrize("number", [2**63, 2**64, 2**64 + 1, -(2**63) - 1, 10**30, 12345678901234567891])
def test_long_integers_stay_what_they_are(number):
    assert parse_object(json.dumps({"seed": number}).encode())["seed"] == number


def test_two_long_integers_that_differ_in_one_digit_do_not_look_alike():
    first, second = (parse_object(b'{"seed": %d}' % (10**25 + n))["seed"] for n in range(2))
    assert first != second


def test_a_long_number_within_a_text_changes_nothing():
    body = {"prompt": "card 4111111111111111", "x": 0.1234567890123456789, "y": [1e300, -0.0]}
    assert parse_object(json.dumps(body).encode()) == body


@pytest.mark.parametrize("padding", [b"", b', "n": 12345678901234567890'])
def test_of_a_name_given_twice_the_last_value_counts(padding):
    # As with the parsers of most providers; both ways of parsing agree.
    assert parse_object(b'{"a": 1, "a": 2' + padding + b"}")["a"] == 2


# Size


@pytest.mark.parametrize("size", [0, 1, MOST - 1, MOST])
async def test_a_body_within_the_limit_is_read(size):
    body = b"x" * size
    assert await read_body(http_request(body), MOST) == body
    assert await read_body(http_request(chunks=[body[:10], b"", body[10:]]), MOST) == body


async def unreadable():
    raise AssertionError("nothing of the body may be read")


@pytest.mark.parametrize("length", [str(MOST + 1), str(2**31), "9" * 30, "9" * 5000, "0" * 5 + str(MOST + 1)])
async def test_a_length_over_the_limit_is_refused_before_the_body_is_read(length):
    request = http_request(headers=[("content-length", length)])
    request.scope["headers"] = request.scope["headers"][1:]
    request._receive = unreadable
    with pytest.raises(BodyTooLarge) as caught:
        await read_body(request, MOST)
    assert (caught.value.status, caught.value.code) == (413, "body_too_large")
    assert "server.max_body" in caught.value.message


@pytest.mark.parametrize("length", ["", "many", "-1", "\xb2", "1.5"])
async def test_a_length_that_is_no_number_says_nothing(length):
    assert await read_body(http_request(chunks=[b"abc"], headers=[("content-length", length)]), MOST) == b"abc"


async def test_a_body_without_a_length_is_read_no_further_than_the_limit():
    read_so_far = 0

    def endless():
        nonlocal read_so_far
        while True:
            read_so_far += 100
            yield b"x" * 100

    request = http_request(chunks=[])
    pieces = endless()

    async def receive():
        return {"type": "http.request", "body": next(pieces), "more_body": True}

    request._receive = receive
    with pytest.raises(BodyTooLarge):
        await read_body(request, MOST)
    assert read_so_far == MOST + 100


async def test_a_body_that_is_longer_than_it_says_is_read_no_further_than_the_limit():
    request = http_request(b"x" * (MOST + 1), chunks=[b"x" * (MOST + 1)], headers=[("content-length", "5")])
    with pytest.raises(BodyTooLarge):
        await read_body(request, MOST)


# What stands in a log


async def test_a_request_does_not_show_its_prompt_or_its_keys():
    found = await read(chat(), [("Authorization", "Bearer sk-secret")])
    assert "sk-secret" not in repr(found)
    assert "France" not in repr(found)
