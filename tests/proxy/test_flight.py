"""Single flight: one upstream call for all who ask the same at once, and nobody's leaving disturbs the others."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.flight import Flight, Flights
from proxy.sse import DONE, event
from tests.proxy.completions import chunks_in, delta, stream_of
from tests.proxy.fakes import JSON, FakeUpstream, answer, upstream_call

BODY = json.dumps(answer()).encode()
HELLO = event(json.dumps(delta(content="Hello")).encode())
WORLD = event(json.dumps(delta(content=" world")).encode())
STOP = event(json.dumps(delta(finish_reason="stop")).encode())


class Landing:
    """Where whole answers go; waits for ``open`` and raises ``error``."""

    def __init__(self, error=None):
        self.answers = []
        self.open = asyncio.Event()
        self.open.set()
        self.error = error

    async def __call__(self, landed):
        await self.open.wait()
        if self.error is not None:
            raise self.error
        self.answers.append(landed)
        return "ent_1"


@pytest.fixture
def landing():
    return Landing()


@pytest.fixture
def flights():
    return Flights()


@pytest.fixture
def board(flights, landing):
    """Take a seat in the flight under a key."""

    def take(upstream, key="key"):
        return flights.board(key, lambda: Flight(upstream, upstream_call(stream=True), landing))

    return take


async def all_of(flight):
    """Everything a caller of a stream gets."""
    try:
        return b"".join([chunk async for chunk in flight.stream()]) + await flight.ending()
    finally:
        flight.leave()


async def some_turns():
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


# One call for many callers


async def test_many_callers_share_one_upstream_call_and_get_the_same_bytes(board, landing):
    upstream = FakeUpstream(HELLO, STOP, DONE)
    seats = [board(upstream) for _ in range(10)]
    assert [joined for _, joined in seats] == [False] + [True] * 9
    assert await asyncio.gather(*[all_of(flight) for flight, _ in seats]) == [HELLO + STOP + DONE] * 10
    assert len(upstream.sent) == 1
    assert len(landing.answers) == 1


async def test_callers_of_an_unstreamed_answer_share_it_too(board, landing):
    upstream = FakeUpstream(BODY[:10], BODY[10:], headers=JSON)
    seats = [board(upstream)[0] for _ in range(3)]
    assert await asyncio.gather(*[flight.body() for flight in seats]) == [BODY] * 3
    assert (len(upstream.sent), landing.answers) == (1, [answer()])
    assert [flight.entry_id for flight in seats] == ["ent_1"] * 3


async def test_another_key_is_another_flight(board):
    first, second = FakeUpstream(HELLO, STOP, DONE), FakeUpstream(WORLD, STOP, DONE)
    flights = [board(first, "a")[0], board(second, "b")[0]]
    assert await asyncio.gather(*map(all_of, flights)) == [HELLO + STOP + DONE, WORLD + STOP + DONE]


async def test_without_a_key_nobody_joins(board, flights):
    upstream = FakeUpstream(HELLO, STOP, DONE)
    seats = [board(upstream, None) for _ in range(2)]
    assert [joined for _, joined in seats] == [False, False]
    assert not flights.airborne(None)
    await asyncio.gather(*[all_of(flight) for flight, _ in seats])
    assert len(upstream.sent) == 2


async def test_a_late_joiner_gets_everything_from_the_start(board):
    more = asyncio.Event()
    upstream = FakeUpstream(HELLO, more, WORLD, STOP, DONE)
    leader, _ = board(upstream)
    first = asyncio.create_task(all_of(leader))
    await some_turns()
    late, joined = board(upstream)
    assert joined
    second = asyncio.create_task(all_of(late))
    more.set()
    assert await first == await second == HELLO + WORLD + STOP + DONE


async def test_chunks_are_passed_on_as_they_come(board):
    more = asyncio.Event()
    flight, _ = board(FakeUpstream(HELLO, more, STOP, DONE))
    chunks = flight.stream()
    assert await anext(chunks) == HELLO
    more.set()
    assert await anext(chunks) == STOP
    assert [chunk async for chunk in chunks] == []
    assert await flight.ending() == DONE
    flight.leave()


async def test_a_flight_that_ended_is_not_joined(board, flights):
    upstream = FakeUpstream(HELLO, STOP, DONE)
    flight, _ = board(upstream)
    assert flights.airborne("key")
    await all_of(flight)
    await some_turns()
    assert not flights.airborne("key")
    again, joined = board(upstream)
    assert not joined
    await all_of(again)
    assert len(upstream.sent) == 2


async def test_the_end_of_one_flight_does_not_take_the_place_of_the_next(board, flights, landing):
    hold = asyncio.Event()
    failing, _ = board(FakeUpstream(status=500, headers=JSON))
    await some_turns()
    following, joined = board(FakeUpstream(hold, HELLO, STOP, DONE))
    assert not joined
    failing.leave()
    await some_turns()
    assert flights.airborne("key")
    hold.set()
    await all_of(following)


# Leaving


async def test_the_leader_may_leave_without_disturbing_the_others(board, landing):
    more = asyncio.Event()
    upstream = FakeUpstream(HELLO, more, STOP, DONE)
    leader, _ = board(upstream)
    follower, _ = board(upstream)
    reading = asyncio.create_task(all_of(follower))
    await some_turns()
    leader.leave()
    await some_turns()
    assert upstream.left == 0
    more.set()
    assert await reading == HELLO + STOP + DONE
    assert len(landing.answers) == 1


async def test_the_last_one_to_leave_ends_the_upstream_call(board, landing, flights):
    upstream = FakeUpstream(HELLO, asyncio.Event())
    flight, _ = board(upstream)
    board(upstream)
    await some_turns()
    flight.leave()
    await some_turns()
    assert upstream.left == 0
    flight.leave()
    await some_turns()
    assert (upstream.left, upstream.cancelled) == (1, 1)
    assert landing.answers == []
    assert not flights.airborne("key")


async def test_leaving_before_the_head_ends_the_upstream_call_too(board):
    upstream = FakeUpstream(before=[asyncio.Event()])
    flight, _ = board(upstream)
    await some_turns()
    flight.leave()
    await some_turns()
    assert (upstream.left, upstream.cancelled) == (1, 1)


async def test_nobody_joins_a_flight_that_its_last_caller_has_just_left(board):
    given_up = FakeUpstream(HELLO, asyncio.Event())
    flight, _ = board(given_up)
    flight.leave()
    upstream = FakeUpstream(WORLD, STOP, DONE)
    next_one, joined = board(upstream)
    assert not joined
    assert await all_of(next_one) == WORLD + STOP + DONE


async def test_leaving_after_the_end_changes_nothing(board):
    upstream = FakeUpstream(HELLO, STOP, DONE)
    flight, _ = board(upstream)
    await all_of(flight)
    assert (flight.error, upstream.cancelled) == (None, 0)
    assert flight.answer["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_whole_answer_is_stored_though_everybody_left(board, landing, stream):
    landing.open.clear()
    upstream = FakeUpstream(HELLO, STOP, DONE) if stream else FakeUpstream(BODY, headers=JSON)
    flight, _ = board(upstream)
    await some_turns()
    flight.leave()
    await some_turns()
    landing.open.set()
    await flight.task
    assert (len(landing.answers), upstream.cancelled) == (1, 0)


async def test_a_call_that_was_given_up_tells_those_who_still_wait(board):
    flight, _ = board(FakeUpstream(asyncio.Event(), before=[asyncio.Event()]))
    waiting = [asyncio.create_task(work) for work in (flight.opened(), flight.body())]
    await some_turns()
    flight.leave()
    for task in waiting:
        with pytest.raises(UpstreamError, match="given up"):
            await task


# Failing


@pytest.mark.parametrize("error", [UpstreamError("away"), UpstreamTimeout("slow")])
async def test_an_upstream_that_cannot_be_reached_is_told_to_all(board, error, flights):
    flight, _ = board(FakeUpstream(before=[error]))
    waiting = [flight.opened(), flight.body(), flight.opened()]
    assert await asyncio.gather(*waiting, return_exceptions=True) == [error] * 3
    assert flight.failed
    assert flight.head is None
    assert not flights.airborne("key")
    flight.leave()


@pytest.mark.parametrize(
    "upstream",
    [
        FakeUpstream(b"{}", asyncio.Event(), status=429, headers=JSON),
        FakeUpstream(b"{}", asyncio.Event(), status=500, headers=JSON),
        FakeUpstream(HELLO, UpstreamError("lost"), asyncio.Event()),
        FakeUpstream(before=[UpstreamError("away")]),
    ],
)
async def test_a_failed_flight_is_not_joined(board, flights, upstream):
    failing, _ = board(upstream)
    await some_turns()
    assert failing.failed
    assert not flights.airborne("key")
    fresh = FakeUpstream(HELLO, STOP, DONE)
    second, joined = board(fresh)
    assert not joined
    assert await all_of(second) == HELLO + STOP + DONE
    failing.leave()
    await some_turns()


async def test_a_refusal_of_the_upstream_is_passed_on_as_it_is(board, landing):
    flight, _ = board(FakeUpstream(b'{"error": "no"}', status=418, headers={**JSON, "x-request-id": "r"}))
    head = await flight.opened()
    assert (head.status, head.headers["x-request-id"], head.ok) == (418, "r", False)
    assert await flight.body() == b'{"error": "no"}'
    assert (flight.error, flight.answer, landing.answers) == (None, None, [])
    flight.leave()


async def test_a_refusal_that_comes_as_a_stream_is_no_answer(board, landing):
    flight, _ = board(FakeUpstream(HELLO, STOP, DONE, status=500))
    assert await flight.body() == HELLO + STOP + DONE
    assert (flight.answer, landing.answers) == (None, [])
    flight.leave()


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'"text"', BODY[:-1]])
async def test_an_answer_that_is_no_json_object_is_an_error(board, landing, body):
    flight, _ = board(FakeUpstream(body, headers=JSON))
    with pytest.raises(UpstreamError) as caught:
        await flight.body()
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid_response")
    assert landing.answers == []
    flight.leave()


@pytest.mark.parametrize("value", [b'"\\ud83d"', b"NaN"])
async def test_an_answer_that_clients_may_read_but_no_store_can_hold_is_passed_on_and_does_not_land(
    board, landing, value
):
    body = b'{"choices": [], "x": %b}' % value
    flight, _ = board(FakeUpstream(body, headers=JSON))
    assert await flight.body() == body
    assert (flight.error, landing.answers) == (None, [])
    flight.leave()


async def test_a_stream_that_clients_may_read_but_no_store_can_hold_is_passed_on_and_does_not_land(board, landing):
    odd = b'data: {"choices": [{"index": 0, "delta": {"content": "\\ud83d"}}]}\n\n'
    flight, _ = board(FakeUpstream(odd, STOP, DONE))
    assert await all_of(flight) == odd + STOP + DONE
    assert (flight.error, landing.answers) == (None, [])


async def test_an_error_nobody_foresaw_is_told_without_its_text(board):
    flight, _ = board(FakeUpstream(before=[RuntimeError("sk-secret")]))
    with pytest.raises(UpstreamError) as caught:
        await flight.opened()
    assert "sk-secret" not in str(caught.value)
    flight.leave()


# The end of a stream


async def test_the_end_is_held_back_until_the_answer_has_landed(board, landing):
    landing.open.clear()
    flight, _ = board(FakeUpstream(HELLO, STOP, DONE))
    assert b"".join([chunk async for chunk in flight.stream()]) == HELLO + STOP
    ending = asyncio.create_task(flight.ending())
    await some_turns()
    assert not ending.done()
    landing.open.set()
    assert await ending == DONE
    assert (flight.entry_id, len(landing.answers)) == ("ent_1", 1)
    flight.leave()


async def test_an_end_that_comes_together_with_text_is_held_back_with_it(board, landing):
    landing.open.clear()
    flight, _ = board(FakeUpstream(HELLO, STOP + DONE, b": late comment\n\n"))
    assert b"".join([chunk async for chunk in flight.stream()]) == HELLO
    landing.open.set()
    assert await flight.ending() == STOP + DONE + b": late comment\n\n"
    flight.leave()


async def test_an_unstreamed_answer_is_held_back_until_it_has_landed(board, landing):
    landing.open.clear()
    flight, _ = board(FakeUpstream(BODY, headers=JSON))
    body = asyncio.create_task(flight.body())
    await some_turns()
    assert not body.done()
    landing.open.set()
    assert await body == BODY
    flight.leave()


async def test_landing_that_fails_reaches_every_caller_of_an_unstreamed_answer(flights):
    flight, _ = flights.board(
        "k", lambda: Flight(FakeUpstream(BODY, headers=JSON), upstream_call(), Landing(OSError()))
    )
    flights.board("k", lambda: None)
    found = await asyncio.gather(flight.body(), flight.body(), return_exceptions=True)
    assert [type(error) for error in found] == [UpstreamError, UpstreamError]
    flight.leave()
    flight.leave()


async def test_landing_that_fails_leaves_a_stream_whole(flights):
    upstream = FakeUpstream(HELLO, STOP, DONE)
    flight, _ = flights.board("k", lambda: Flight(upstream, upstream_call(), Landing(OSError("disk"))))
    assert await all_of(flight) == HELLO + STOP + DONE
    assert flight.entry_id is None


async def test_a_stream_that_ends_early_says_so_in_an_event_of_its_own(board, landing):
    flight, _ = board(FakeUpstream(HELLO, WORLD))
    made = chunks_in(await all_of(flight))
    assert [chunk["choices"][0]["delta"]["content"] for chunk in made[:2]] == ["Hello", " world"]
    assert made[2]["error"]["code"] == "upstream_incomplete_stream"
    assert set(made[2]["error"]) == {"message", "type", "param", "code"}
    assert (len(made), flight.error.code, landing.answers) == (3, "upstream_incomplete_stream", [])
    assert flight.answer["choices"][0]["message"]["content"] == "Hello world"


@pytest.mark.parametrize("error", [UpstreamError("lost", code="upstream_connection_lost"), UpstreamTimeout("slow")])
async def test_a_stream_that_breaks_off_says_so_in_an_event_of_its_own(board, error, landing):
    flight, _ = board(FakeUpstream(HELLO, error))
    made = chunks_in(await all_of(flight))
    assert (made[-1], flight.error, landing.answers) == (error.body(), error, [])


@pytest.mark.parametrize("cut", [b'data: {"choices": [', b'data: {"choices": []}', b'data: {"choices": []}\n', b"da"])
async def test_the_event_is_set_apart_from_a_line_that_was_not_ended(board, cut):
    flight, _ = board(FakeUpstream(HELLO, cut))
    text = await all_of(flight)
    assert text.startswith(HELLO + cut + b"\n\ndata: ")
    assert json.loads(text.split(b"data: ")[-1])["error"]["code"] == "upstream_incomplete_stream"


async def test_a_finished_stream_without_its_end_is_passed_on_but_does_not_land(board, landing):
    flight, _ = board(FakeUpstream(HELLO, STOP))
    assert await all_of(flight) == HELLO + STOP
    assert (flight.error, landing.answers) == (None, [])
    assert flight.answer["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("broken", [b"data: {\n\n", b'data: {"error": {"message": "no"}}\n\n'])
async def test_an_error_within_a_stream_is_passed_on_untouched_and_does_not_land(board, landing, broken):
    flight, _ = board(FakeUpstream(HELLO, broken, STOP, DONE))
    assert await all_of(flight) == HELLO + broken + STOP + DONE
    assert (flight.error.code, landing.answers) == ("upstream_stream_error", [])


@pytest.mark.parametrize("late", [UpstreamError("lost"), UpstreamTimeout("slow")])
async def test_a_connection_lost_after_the_end_does_no_harm(board, landing, late):
    flight, _ = board(FakeUpstream(HELLO, STOP, DONE, late))
    assert await all_of(flight) == HELLO + STOP + DONE
    assert flight.error is None
    assert len(landing.answers) == 1


async def test_what_comes_after_the_end_is_passed_on_but_is_no_part_of_the_answer(board, landing):
    flight, _ = board(FakeUpstream(HELLO, STOP, DONE, WORLD))
    assert await all_of(flight) == HELLO + STOP + DONE + WORLD
    assert landing.answers[0]["choices"][0]["message"]["content"] == "Hello"


async def test_the_time_of_the_upstream_is_measured_without_the_landing(board, landing):
    landing.open.clear()
    flight, _ = board(FakeUpstream(HELLO, STOP, DONE))
    await some_turns()
    measured = flight.upstream_ms
    landing.open.set()
    await all_of(flight)
    assert flight.upstream_ms == measured > 0


async def test_an_empty_stream_ends_early(board):
    flight, _ = board(FakeUpstream())
    (only,) = chunks_in(await all_of(flight))
    assert only["error"]["code"] == "upstream_incomplete_stream"


async def test_an_end_without_any_chunk_lands_as_an_answer_without_choices(board, landing):
    flight, _ = board(FakeUpstream(stream_of()))
    assert await all_of(flight) == DONE
    assert landing.answers == [{"object": "chat.completion", "choices": []}]
