"""Single flight: identical calls in flight share one upstream call, streams included.

The upstream is read by a task of its own, so that no caller's leaving disturbs the others; the last one to leave ends
it. What was read so far is kept, so that a late joiner gets it all.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from proxy.assembly import StreamAssembler
from proxy.errors import ProxyError, UpstreamError
from proxy.refusals import refusal_in
from proxy.sse import event
from proxy.upstreams.base import Upstream, UpstreamCall, UpstreamResponse

Landed = Callable[[Mapping[str, Any]], Awaitable[str | None]]
"""Told of a whole answer, before any caller has its last byte; gives the stored entry's id."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of the upstream's answer."""

    status: int
    headers: Mapping[str, str]
    is_stream: bool

    @property
    def ok(self) -> bool:
        """Did the upstream accept the call?"""
        return 200 <= self.status < 300


class Flight:
    """One upstream call and those who wait for it."""

    def __init__(self, upstream: Upstream, call: UpstreamCall, landed: Landed) -> None:
        self.head: Head | None = None
        self.error: ProxyError | None = None
        """Why there is no head, or why the body broke off."""
        self.answer: dict[str, Any] | None = None
        """The answer as a chat completion: whole, or as far as a stream came."""
        self.entry_id: str | None = None
        self.refusal: str | None = None
        """What the upstream said of a call it refuses."""
        self.upstream_ms = 0.0
        self._upstream = upstream
        self._call = call
        self._landed = landed
        self._chunks: list[bytes] = []
        self._end: int | None = None
        """The first chunk with the stream's end in it; from there on all wait until the answer is stored."""
        self._finished = False
        self._whole = False
        """Has the upstream said all it will?"""
        self._changed = asyncio.Event()
        self._callers = 0
        self.task = asyncio.create_task(self._run())

    def join(self) -> None:
        """One more caller waits."""
        self._callers += 1

    def leave(self) -> None:
        """A caller is done or gone; the last one to go ends the upstream call."""
        self._callers -= 1
        # Once the answer is whole it is stored, whoever still waits for it.
        if self._callers == 0 and not self._finished and not self._whole:
            # Cancelling takes a turn of the loop; nobody may join meanwhile.
            self.error = UpstreamError("The call was given up.")
            self.task.cancel()

    @property
    def failed(self) -> bool:
        """Did it end without an answer that others could use?"""
        return self.error is not None or (self.head is not None and not self.head.ok)

    async def opened(self) -> Head:
        """The head, once it is there. Raises the ``ProxyError`` that prevented it."""
        while self.head is None:
            if self._finished:
                raise self.error or UpstreamError("The call was given up.")
            await self._changed.wait()
        return self.head

    async def body(self) -> bytes:
        """The whole body. Raises the ``ProxyError`` that broke it off."""
        while not self._finished:
            await self._changed.wait()
        if self.error is not None:
            raise self.error
        return b"".join(self._chunks)

    async def stream(self) -> AsyncIterator[bytes]:
        """Chunks as they come, up to the stream's end; ``ending`` has the rest."""
        sent = 0
        while True:
            ready = len(self._chunks) if self._end is None else self._end
            if sent < ready:
                yield b"".join(self._chunks[sent:ready])
                sent = ready
            elif self._finished or self._end is not None:
                return
            else:
                await self._changed.wait()

    async def ending(self) -> bytes:
        """The chunks from the stream's end on, once the answer is stored."""
        while not self._finished:
            await self._changed.wait()
        return b"" if self._end is None else b"".join(self._chunks[self._end :])

    def _change(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _run(self) -> None:
        started = time.perf_counter()
        try:
            async with self._upstream.send(self._call) as response:
                self.head = Head(response.status, response.headers, response.is_stream)
                self._change()
                if response.is_stream and self.head.ok:
                    await self._read_stream(response, started)
                else:
                    await self._read_body(response, self.head, started)
        except ProxyError as error:
            self.error = error
        except asyncio.CancelledError:
            self.error = self.error or UpstreamError("The call was given up.")
            raise
        except Exception as error:  # noqa: BLE001  callers wait for this task and must hear of anything
            _log.error("forwarding failed", error=type(error).__name__, exc_info=error)
            self.error = UpstreamError("The upstream's answer could not be read.")
        finally:
            self.upstream_ms = self.upstream_ms or _since(started)
            self._finished = True
            self._change()

    async def _read_body(self, response: UpstreamResponse, head: Head, started: float) -> None:
        self._chunks = [chunk async for chunk in response.chunks]
        self.upstream_ms = _since(started)
        self._whole = True
        body = b"".join(self._chunks)
        if not head.ok:
            self.refusal = refusal_in(body)
            return
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            _must_be_json(body)
            # Clients read it (a lone surrogate, NaN in logprobs), but it could not be stored and replayed.
            return
        if not isinstance(answer, dict):
            raise _not_an_object()
        self.answer = answer
        self.entry_id = await self._landed(answer)

    async def _read_stream(self, response: UpstreamResponse, started: float) -> None:
        assembler = StreamAssembler()
        try:
            async for chunk in response.chunks:
                if assembler.feed(chunk) and self._end is None:
                    self._end = len(self._chunks)
                self._whole = assembler.done
                self._chunks.append(chunk)
                self._change()
            if assembler.error is None and not assembler.done and not assembler.finished:
                raise UpstreamError("The upstream's stream ended early.", code="upstream_incomplete_stream")
        except ProxyError as error:
            # What breaks after the end takes nothing back. Before it, the caller has read a part: what is left to say
            # must be said as an event.
            if not assembler.done:
                self._end = len(self._chunks)
                self._chunks.append((b"" if assembler.between_events else b"\n\n") + event(orjson.dumps(error.body())))
                self.error = error
        finally:
            self.upstream_ms = _since(started)
            self.answer = assembler.answer()
        if self.error is None and assembler.error is not None:
            self.error = UpstreamError(f"In the stream, {assembler.error}.", code="upstream_stream_error")
        if self.error is None and assembler.storable:
            self.entry_id = await self._landed(self.answer)


class Flights:
    """The calls in flight that others may join, by what they ask."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}
        self._all: set[Flight] = set()

    def __len__(self) -> int:
        """Upstream calls in flight, shared ones and others."""
        return len(self._all)

    def board(self, key: Hashable | None, start: Callable[[], Flight]) -> tuple[Flight, bool]:
        """Join the flight under this key, else start one; True when joined. Without a key, nobody else can join.

        The caller must ``leave`` the flight.
        """
        flight = self._flights.get(key) if key is not None else None
        joined = flight is not None and not flight.failed
        if flight is None or not joined:
            flight = start()
            self._all.add(flight)
            flight.task.add_done_callback(lambda _: self._all.discard(flight))
            if key is not None:
                self._flights[key] = flight
                flight.task.add_done_callback(lambda _: self._remove(key, flight))
        flight.join()
        return flight, joined

    def airborne(self, key: Hashable | None) -> bool:
        """Is there a flight under this key that could be joined?"""
        flight = self._flights.get(key)
        return flight is not None and not flight.failed

    def _remove(self, key: Hashable, flight: Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


def _must_be_json(body: bytes) -> None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise _not_an_object()


def _not_an_object() -> UpstreamError:
    return UpstreamError("The upstream's answer is not a JSON object.", code="upstream_invalid_response")


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
