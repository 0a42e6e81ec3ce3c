"""The walk of one chat call: wire in, identity, lookup, then replay or forward, record, wire out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cache.decision import Bypass, Hit, Miss, Reason
from cache.lookup import Cache, Lookup
from proxy import replay
from proxy.auth import Caller
from proxy.disconnect import ClientGone, while_connected
from proxy.errors import NotCached, ProxyError, Unavailable
from proxy.exchange import Exchange, Outcome
from proxy.flight import Flights, Head
from proxy.forwarding import Forwarding
from proxy.headers import cache_headers, passed_on
from proxy.injection import Injection
from proxy.labels.reactions import Reactions
from proxy.live.running import Live, Running
from proxy.negative import Negatives, Refusal
from proxy.placing import Names, place
from proxy.recorder import Recorder
from proxy.relay import CLIENT_GONE, Relay, Trip
from proxy.stale import Refresher
from proxy.usage import usage_of
from proxy.wire import ChatRequest, read_chat
from store.entries import Entry
from store.epochs import Epochs

_JSON = "application/json"
_EVENTS = "text/event-stream; charset=utf-8"


class Pipeline:
    """Answers chat calls, from the cache or from an upstream."""

    def __init__(
        self,
        live: Live,
        cache: Cache,
        recorder: Recorder,
        reactions: Reactions,
        flights: Flights,
        forwarding: Forwarding,
        refresher: Refresher,
        negatives: Negatives,
        epochs: Epochs,
        injection: Injection,
        names: Names,
    ) -> None:
        self._live = live
        self._server = live.now.settings.server
        self._cache = cache
        self._recorder = recorder
        self._reactions = reactions
        self.flights = flights
        self._forwarding = forwarding
        self._refresher = refresher
        self._negatives = negatives
        self._epochs = epochs
        self._injection = injection
        self._names = names

    async def chat(self, http: Request) -> Response:
        """Answer one call. Raises ``ProxyError`` for what the caller must be told otherwise."""
        # Read once: an edit of the configuration on the way changes nothing for this call.
        running = self._live.now
        caller = running.authenticator.identify(http.headers)
        request = await read_chat(http, self._server.max_body)
        exchange = await self._injection.into(self.place(request, caller, running), caller)
        self._reactions.arrived(exchange)
        lookup = await self._look_up(exchange, running)
        if isinstance(lookup.decision, Hit):
            self._refresher.served(exchange, lookup)
            return await self._replay(exchange, lookup.decision)
        refusal = self._negatives.known(exchange, lookup)
        if refusal is not None:
            return await self._refuse_again(exchange, refusal)
        if request.controls.only_if_cached:
            outcome = Outcome(lookup.decision, NotCached.status, error=NotCached.code)
            await self._recorder.record(exchange, outcome)
            error = NotCached(f"Nothing stored answers this call ({lookup.decision.reason}).")
            error.told = cache_headers(exchange, outcome, self._server.expose)
            raise error
        return await self._forward(http, exchange, lookup)

    def place(self, request: ChatRequest, caller: Caller, running: Running | None = None) -> Exchange:
        """Identity: whose call it is, where it would go, which policy it meets. Puts nothing into it."""
        running = running or self._live.now
        epoch, mark = self._epochs.of(caller.namespace), self._cache.mark
        return place(request, caller, running.router, running.policies, names=self._names, epoch=epoch, mark=mark)

    async def _look_up(self, exchange: Exchange, running: Running) -> Lookup:
        """Memory first; then, unless an identical call is in flight, SQL and the semantic tier."""
        call = exchange.call
        if not running.settings.cache.enabled:
            return Lookup(Bypass(Reason.DISABLED))
        seen = self._cache.glance(call)
        if not seen.unsearched:
            return seen
        if not exchange.request.controls.only_if_cached and self.flights.airborne(self._flight_key(exchange, seen)):
            return seen
        searched = await self._cache.search(call, seen.tiers)
        if isinstance(searched.decision, Hit):
            return searched
        # What was in flight when the search began may have landed meanwhile.
        again = self._cache.glance(call)
        return again if isinstance(again.decision, Hit) else searched

    async def _replay(self, exchange: Exchange, hit: Hit) -> Response:
        request, entry = exchange.request, hit.entry
        outcome = Outcome(hit, 200, entry.answer, entry_id=entry.id)
        answer, estimated = self._with_usage(exchange, entry)
        if request.stream:
            body = replay.as_stream(answer, time.time(), include_usage=request.include_usage)
        else:
            body = replay.as_json(answer, time.time())
        self._cache.hit(entry)
        await self._recorder.record(exchange, outcome)
        headers = cache_headers(exchange, outcome, self._server.expose)
        if estimated:
            headers["x-reprise-usage"] = "estimated"
        return Response(body, media_type=_EVENTS if request.stream else _JSON, headers=headers)

    def _with_usage(self, exchange: Exchange, entry: Entry) -> tuple[Mapping[str, Any], bool]:
        """The answer with a usage that its caller may count on: that of a stream is unknown as a rule."""
        request = exchange.request
        if entry.answer.get("usage") is not None or (request.stream and not request.include_usage):
            return entry.answer, False
        return {**entry.answer, "usage": usage_of(exchange.outgoing.raw, entry.answer).as_body()}, True

    async def _refuse_again(self, exchange: Exchange, refusal: Refusal) -> Response:
        outcome = Outcome(Miss(Reason.NEGATIVE), refusal.status, error="upstream_refused")
        await self._recorder.record(exchange, outcome)
        return refusal.response(cache_headers(exchange, outcome, self._server.expose))

    async def _forward(self, http: Request, exchange: Exchange, lookup: Lookup) -> Response:
        trip = self._board(exchange, lookup, alone=False)
        try:
            try:
                await while_connected(http.receive, trip.settled())
            except ProxyError:
                if not trip.joined:
                    raise
            if trip.joined and trip.flight.failed:
                # What failed for its leader may yet work for this caller.
                trip.flight.leave()
                trip = self._board(exchange, lookup, alone=True)
                await while_connected(http.receive, trip.settled())
        except ProxyError as error:
            trip.flight.leave()
            outcome = trip.outcome(error.status, error.code)
            await self._recorder.record(exchange, outcome)
            error.told = cache_headers(exchange, outcome, self._server.expose)
            raise
        except ClientGone:
            trip.flight.leave()
            await self._recorder.record(exchange, trip.outcome(CLIENT_GONE, "client_gone"))
            return Response(status_code=CLIENT_GONE)
        except asyncio.CancelledError:
            # Only a server that stops, and has waited long enough, cancels a call.
            trip.flight.leave()
            stopping = Unavailable("The server is stopping.", code="server_stopping")
            await self._recorder.record(exchange, trip.outcome(stopping.status, stopping.code))
            raise stopping from None
        head = await trip.flight.opened()
        if head.is_stream and head.ok:
            headers = self._headers(exchange, trip.outcome(head.status, None), head)
            return Relay(trip, exchange, self._recorder, headers)
        body = await trip.flight.body()
        trip.flight.leave()
        if not head.ok:
            self._negatives.remember(exchange, lookup, head, body)
        outcome = trip.outcome(head.status, None if head.ok else "upstream_refused")
        await self._recorder.record(exchange, outcome)
        return Response(body, head.status, self._headers(exchange, outcome, head))

    def _board(self, exchange: Exchange, lookup: Lookup, *, alone: bool) -> Trip:
        """Join an identical call in flight, or start one."""
        key = None if alone else self._flight_key(exchange, lookup)
        flight, joined = self.flights.board(key, lambda: self._forwarding.start(exchange, lookup))
        return Trip(lookup, flight, joined)

    def _flight_key(self, exchange: Exchange, lookup: Lookup) -> Hashable | None:
        """What calls must agree on to share a flight; None where they may not."""
        if not lookup.shareable or not exchange.call.store:
            return None
        # Streams share their very bytes, so the form of the answer counts too. What was asked before an invalidation
        # is no answer to what is asked after it.
        request, call = exchange.request, exchange.call
        return call.exact_key, call.asked, request.stream, str(request.body.get("stream_options"))

    def _headers(self, exchange: Exchange, outcome: Outcome, head: Head) -> dict[str, str]:
        return {**passed_on(head.headers), **cache_headers(exchange, outcome, self._server.expose)}
