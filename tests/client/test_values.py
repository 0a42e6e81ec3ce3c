"""What names a call, and what comes back from JSON as it went in."""

from __future__ import annotations

import enum
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise_client.values import NotJson, canonical, described, faithful, key_of

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)


class Colour(enum.IntEnum):
    RED = 1


class Text(str):
    pass


@given(JSON)
def test_what_is_json_reads_back_as_it_was(value):
    try:
        text = faithful(value)
    except NotJson:
        assert not _encodes(value), "only half surrogate pairs are refused"
        return
    back = json.loads(text)
    assert back == value
    assert repr(back) == repr(value), "of the same types: 1 is not 1.0, and not True"


def _encodes(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: "a"},
        {"a": {None: 1}},
        {1, 2},
        b"x",
        Colour.RED,
        Text("x"),
        math.nan,
        math.inf,
        [object()],
        "\ud83d",
        {"\ud83d": 1},
        Path("a"),
    ],
)
def test_what_would_come_back_as_something_else_is_refused(value):
    with pytest.raises(NotJson):
        faithful(value)


def test_what_refers_to_itself_is_refused():
    loop = []
    loop.append(loop)
    for make in (faithful, canonical):
        with pytest.raises(NotJson):
            make(loop)
    assert described(loop) == "<list>"


def test_equal_arguments_have_one_key_whatever_their_order():
    assert canonical({"b": 1, "a": [1.5, None, True]}) == '{"a":[1.5,null,true],"b":1}'
    assert canonical({"a": "é", "b": Path("x/y")}) == canonical({"b": "x/y", "a": "é"})


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (1, True), (0, False), (None, "null"), ("1", 1), ([], {}), ("e\u0301", "\u00e9"), ("a", "A"), ("", " ")],
)
def test_different_arguments_have_different_keys(one, other):
    assert key_of({"x": one}) != key_of({"x": other})


def test_a_single_text_stands_for_itself():
    assert key_of({"command": "ls -l"}) == "ls -l"
    assert key_of({"command": "ls", "cwd": "/"}) == '{"command":"ls","cwd":"/"}'


@pytest.mark.parametrize("text", ['{"x":1}', " {", "", " ", "\n"])
def test_a_text_that_might_be_mistaken_is_named(text):
    assert key_of({"x": text}) == canonical({"x": text})
    assert key_of({"x": text}) != key_of({"x": 1})


def test_versions_have_keys_of_their_own():
    keys = {key_of({"x": "a"}, version) for version in (None, "1", "2")}
    assert len(keys) == 3


@pytest.mark.parametrize("value", [{1}, object(), {"a": {2: 3}}, math.nan, Colour.RED])
def test_arguments_that_json_cannot_hold_have_no_key(value):
    with pytest.raises(NotJson):
        key_of({"x": value})


def test_for_the_log_alone_the_rest_is_told_by_its_type():
    assert described({"a": 1, "b": object()}) == '{"a": 1, "b": "<object>"}'
