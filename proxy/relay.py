"""A stream on its way from the upstream to one caller; its end is held back until the call is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cache.lookup import Lookup
from proxy.disconnect import ClientGone, while_connected
from proxy.errors import Unavailable
from proxy.exchange import Exchange, Outcome
from proxy.flight import Flight
from proxy.recorder import Recorder
from proxy.sse import event

CLIENT_GONE = 499
"""Nginx's status for a client that left; nobody sees it, the log does."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One caller's seat in a flight."""

    lookup: Lookup
    flight: Flight
    joined: bool

    async def settled(self) -> None:
        """Wait until it is known what the caller gets: a stream's head, or the whole of anything else."""
        head = await self.flight.opened()
        if not (head.is_stream and head.ok):
            await self.flight.body()

    def outcome(self, status: int, error: str | None) -> Outcome:
        """What the caller got, as far as the flight came."""
        return Outcome(
            decision=self.lookup.decision,
            status=status,
            answer=self.flight.answer,
            error=error,
            upstream_status=self.flight.head.status if self.flight.head else None,
            refusal=self.flight.refusal,
            upstream_ms=round(self.flight.upstream_ms, 3),
            entry_id=self.flight.entry_id,
            collapsed=self.joined,
        )


class Relay(Response):
    """Sends the flight's chunks as they come."""

    def __init__(self, trip: Trip, exchange: Exchange, recorder: Recorder, headers: Mapping[str, str]) -> None:
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._trip = trip
        self._exchange = exchange
        self._recorder = recorder
        self._recorded = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay the stream; when the caller leaves, so does this seat in the flight."""
        try:
            await while_connected(receive, self._send(send))
        except ClientGone:
            # Once queued, the row is written whether or not anybody waits for it.
            if not self._recorded:
                await self._recorder.record(self._exchange, self._trip.outcome(CLIENT_GONE, "client_gone"))
        except asyncio.CancelledError:
            # Only a server that stops, and has waited long enough, cancels a stream.
            stopping = Unavailable("The server is stopping.", code="server_stopping")
            if not self._recorded:
                await self._recorder.record(self._exchange, self._trip.outcome(self.status_code, stopping.code))
            last = b"\n\n" + event(orjson.dumps(stopping.body()))
            await send({"type": "http.response.body", "body": last, "more_body": False})
        finally:
            self._trip.flight.leave()

    async def _send(self, send: Send) -> None:
        flight = self._trip.flight
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for chunk in flight.stream():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        ending = await flight.ending()
        error = flight.error.code if flight.error else None
        self._recorded = True
        await self._recorder.record(self._exchange, self._trip.outcome(self.status_code, error))
        await send({"type": "http.response.body", "body": ending, "more_body": False})
