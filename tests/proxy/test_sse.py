"""Reading server-sent events: the same events however the bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sse import DONE, EventReader, event
from tests.proxy.completions import examples

LINE_ENDS = (b"\n", b"\r\n", b"\r")
TEXTS = st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), max_size=12)


def read(text, cuts=()):
    """The events of a text that comes in pieces, and the reader."""
    reader = EventReader()
    places = [0, *sorted(cuts), len(text)]
    events = []
    for start, end in itertools.pairwise(places):
        events += reader.feed(text[start:end])
    return events, reader


@st.composite
def cut(draw, texts):
    text = draw(texts)
    return text, draw(st.lists(st.integers(0, len(text)), max_size=8))


@st.composite
def streams(draw):
    """Bytes of a stream, beside the events that they hold."""
    end = draw(st.sampled_from(LINE_ENDS))
    lines, events = [b"\xef\xbb\xbf"] if draw(st.booleans()) else [], []
    for _ in range(draw(st.integers(0, 5))):
        data = draw(st.lists(TEXTS, max_size=3))
        for line in data:
            space = b" " if line.startswith(" ") or draw(st.booleans()) else b""
            lines += [b"data:" + space + line.encode() + end]
            if draw(st.booleans()):
                lines += [draw(st.sampled_from((b": a comment", b"event: message", b"id: 7", b"retry: 5"))) + end]
        lines += [end]
        if data:
            events.append("\n".join(data).encode())
    return b"".join(lines), events


@examples
@given(cut(st.binary(max_size=60) | st.text("dat:e \r\n\ufeffé🦉", max_size=60).map(str.encode)))
def test_the_same_bytes_give_the_same_events_however_they_are_cut(given_):
    text, cuts = given_
    assert read(text, cuts)[0] == read(text)[0]
    assert read(text, range(len(text)))[0] == read(text)[0]


@examples
@given(st.data(), streams())
def test_every_line_end_comment_field_and_mark_is_read_as_the_standard_says(data, stream):
    text, events = stream
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    assert read(text, cuts)[0] == events


@pytest.mark.parametrize("end", LINE_ENDS)
def test_each_kind_of_line_end_ends_lines_and_events(end):
    assert read(b"data: a" + end + end + b"data: b" + end + end)[0] == [b"a", b"b"]


def test_line_ends_may_be_mixed():
    assert read(b"data: a\r\n\ndata: b\r\rdata: c\n\r\n")[0] == [b"a", b"b", b"c"]


def test_a_line_end_cut_between_its_two_characters_is_one_line_end():
    reader = EventReader()
    assert reader.feed(b"data: a\r") == []
    assert reader.feed(b"") == []
    assert reader.feed(b"\n") == []
    assert reader.feed(b"\r") == [b"a"]
    assert reader.feed(b"\ndata: b\n\n") == [b"b"]


def test_lines_of_data_are_joined_by_newlines():
    assert read(b"data: a\ndata: b\n: between\ndata:\n\n")[0] == [b"a\nb\n"]


def test_the_space_after_the_colon_may_be_left_out_and_only_one_is_taken_away():
    assert read(b"data:a\n\ndata:  b\n\n")[0] == [b"a", b" b"]


def test_a_data_line_without_a_colon_is_an_empty_line_of_data():
    assert read(b"data\n\ndata\ndata\n\n")[0] == [b"", b"\n"]


@pytest.mark.parametrize(
    "line", [b": hi", b":", b"event: x", b"id", b"retry: 1", b"database: x", b" data: x", b"Data: x"]
)
def test_comments_and_other_fields_make_no_event(line):
    assert read(line + b"\n\n" + line + b"\ndata: a\n" + line + b"\n\n")[0] == [b"a"]


@pytest.mark.parametrize("cuts", [(), (1,), (1, 2), (3,)])
def test_a_byte_order_mark_at_the_start_is_passed_over(cuts):
    assert read(b"\xef\xbb\xbfdata: a\n\n", cuts)[0] == [b"a"]


def test_a_byte_order_mark_is_passed_over_only_at_the_start():
    assert read(b"data: a\n\n\xef\xbb\xbfdata: b\n\n")[0] == [b"a"]
    assert read(b"data: \xef\xbb\xbf\n\n")[0] == [b"\xef\xbb\xbf"]


def test_a_character_cut_in_its_middle_is_whole_again():
    text = "data: 🦉é\n\n".encode()
    assert all(read(text, (cut_at,))[0] == ["🦉é".encode()] for cut_at in range(len(text)))


def test_an_event_that_is_not_ended_is_not_given():
    for text in (b"data: a", b"data: a\n", b"data: a\r", b"data: a\r\n"):
        assert read(text)[0] == []


def test_whether_another_event_may_be_put_after_what_came_is_known():
    for text in (b"", b"data: a\n\n", b": comment\n", b"data: a\r\n\r\n", b"data: a\n\nevent: x\n"):
        assert read(text)[1].between_events, text
    for text in (b"d", b"data: a", b"data: a\n", b"data: a\n: comment\n", b"data\n"):
        assert not read(text)[1].between_events, text


def test_an_event_that_is_written_can_be_read():
    assert read(event(b'{"a": 1}') + DONE)[0] == [b'{"a": 1}', b"[DONE]"]
