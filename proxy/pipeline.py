"""The walk of one chat call: wire in, identity, lookup, then replay or forward, record, wire out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cache.call import Call
from cache.decision import Bypass, Hit, Miss, Reason
from cache.identity import Scope as CacheScope
from cache.identity import canonical
from cache.lookup import Cache, Lookup
from cache.policy import Policy
from memory.sessions import derive_session
from proxy import replay
from proxy.auth import Authenticator, Caller
from proxy.config import Settings
from proxy.controls import apply_controls
from proxy.disconnect import ClientGone, while_connected
from proxy.errors import NotCached, ProxyError, Unavailable
from proxy.exchange import Exchange, Outcome
from proxy.flight import Flight, Flights, Head
from proxy.headers import cache_headers, passed_on
from proxy.labelling import Compared, Comparison, Labelling
from proxy.reactions import Reactions
from proxy.recorder import Recorder
from proxy.relay import CLIENT_GONE, Relay, Trip
from proxy.upstreams.base import Upstream, UpstreamCall
from proxy.upstreams.outgoing import steering
from proxy.upstreams.router import Router, is_direct
from proxy.usage import usage_of
from proxy.wire import ChatRequest, read_chat
from store.entries import Entry

_JSON = "application/json"
_EVENTS = "text/event-stream; charset=utf-8"


class Pipeline:
    """Answers chat calls, from the cache or from an upstream."""

    def __init__(
        self,
        settings: Settings,
        policies: Mapping[str, Policy],
        authenticator: Authenticator,
        router: Router,
        upstreams: Mapping[str, Upstream],
        cache: Cache,
        recorder: Recorder,
        reactions: Reactions,
        labelling: Labelling,
    ) -> None:
        self._settings = settings
        self._policies = policies
        self._authenticator = authenticator
        self._router = router
        self._upstreams = upstreams
        self._cache = cache
        self._recorder = recorder
        self._reactions = reactions
        self._labelling = labelling
        self.flights = Flights()

    async def chat(self, http: Request) -> Response:
        """Answer one call. Raises ``ProxyError`` for what the caller must be told otherwise."""
        caller = self._authenticator.identify(http.headers)
        request = await read_chat(http, self._settings.server.max_body)
        exchange = self._place(request, caller)
        self._reactions.arrived(exchange)
        lookup = await self._look_up(exchange)
        if isinstance(lookup.decision, Hit):
            return await self._replay(exchange, lookup.decision)
        if request.controls.only_if_cached:
            outcome = Outcome(lookup.decision, NotCached.status, error=NotCached.code)
            await self._recorder.record(exchange, outcome)
            error = NotCached(f"Nothing stored answers this call ({lookup.decision.reason}).")
            error.told = cache_headers(exchange, outcome, self._settings.server.expose)
            raise error
        return await self._forward(http, exchange, lookup)

    def _place(self, request: ChatRequest, caller: Caller) -> Exchange:
        """Identity: whose call it is, where it would go, which policy it meets."""
        controls = request.controls
        target = self._router.resolve(request.model, caller)
        policy, ignored = apply_controls(controls, self._policies, self._policies["default"])
        scope = CacheScope(
            namespace=caller.namespace,
            part=controls.part,
            project=controls.project,
            memory=controls.memory,
            target=target.identity,
            headers=canonical([steering(request.headers), request.query]),
        )
        call = Call(
            request.body,
            scope,
            policy,
            refresh=controls.no_cache,
            store=not controls.no_store,
            tags=controls.tags,
            auditable=not controls.only_if_cached,
        )
        session = controls.session or _session_in(request.body)
        return Exchange(
            request=request,
            target=target,
            call=call,
            session=session or derive_session(caller.namespace, request.body["messages"]),
            client=controls.client or caller.key_name or _product(request.headers.get("user-agent", "")),
            ignored=tuple(ignored),
        )

    async def _look_up(self, exchange: Exchange) -> Lookup:
        """Memory first; then, unless an identical call is in flight, SQL and the semantic tier."""
        call = exchange.call
        if not self._settings.cache.enabled:
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
        headers = cache_headers(exchange, outcome, self._settings.server.expose)
        if estimated:
            headers["x-reprise-usage"] = "estimated"
        return Response(body, media_type=_EVENTS if request.stream else _JSON, headers=headers)

    def _with_usage(self, exchange: Exchange, entry: Entry) -> tuple[Mapping[str, Any], bool]:
        """The answer with a usage that its caller may count on: that of a stream is unknown as a rule."""
        request = exchange.request
        if entry.answer.get("usage") is not None or (request.stream and not request.include_usage):
            return entry.answer, False
        return {**entry.answer, "usage": usage_of(request.raw, entry.answer).as_body()}, True

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
            error.told = cache_headers(exchange, outcome, self._settings.server.expose)
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
        outcome = trip.outcome(head.status, None if head.ok else "upstream_refused")
        await self._recorder.record(exchange, outcome)
        return Response(body, head.status, self._headers(exchange, outcome, head))

    def _board(self, exchange: Exchange, lookup: Lookup, *, alone: bool) -> Trip:
        """Join an identical call in flight, or start one."""
        call, request = exchange.call, exchange.request

        async def landed(answer: Mapping[str, Any]) -> str | None:
            self._compare(exchange, lookup, answer)
            try:
                entry = await self._cache.store(call, lookup, answer, exchange.interaction_id)
            except Exception as error:  # noqa: BLE001  storing must never break the answer
                self._recorder.store_failed(error)
                return None
            return entry.id if entry else None

        def start() -> Flight:
            upstream = self._upstreams["direct" if is_direct(exchange.target) else "litellm"]
            sent = UpstreamCall(exchange.target, request.raw, request.body, request.headers, request.query)
            return Flight(upstream, sent, landed)

        flight, joined = self.flights.board(None if alone else self._flight_key(exchange, lookup), start)
        return Trip(lookup, flight, joined)

    def _compare(self, exchange: Exchange, lookup: Lookup, answer: Mapping[str, Any]) -> None:
        """Have a fresh answer compared with the stored one that came nearest to being served: a label for free."""
        decision, call = lookup.decision, exchange.call
        if not isinstance(decision, Miss) or decision.judged is None or call.fuzzy is None:
            return
        sources: dict[str, Compared] = {Reason.AUDIT: "audit", Reason.SHADOW: "shadow"}
        judged = decision.judged
        self._labelling.consider(
            Comparison(
                namespace=call.scope.namespace,
                prompt=call.fuzzy.text,
                prompt_key=call.exact_key,
                entry=judged.entry,
                similarity=judged.similarity,
                score=judged.score,
                signals=judged.signals,
                verifier=judged.verifier,
                embedder=judged.embedder,
                source=sources.get(decision.reason, "miss"),
                propensity=judged.propensity,
                interaction_id=exchange.interaction_id,
                fresh=answer,
            )
        )

    def _flight_key(self, exchange: Exchange, lookup: Lookup) -> Hashable | None:
        """What calls must agree on to share a flight; None where they may not."""
        if not lookup.shareable or not exchange.call.store:
            return None
        # Streams share their very bytes, so the form of the answer counts too.
        request = exchange.request
        return exchange.call.exact_key, request.stream, str(request.body.get("stream_options"))

    def _headers(self, exchange: Exchange, outcome: Outcome, head: Head) -> dict[str, str]:
        return {**passed_on(head.headers), **cache_headers(exchange, outcome, self._settings.server.expose)}


def _session_in(body: Mapping[str, Any]) -> str | None:
    metadata = body.get("metadata")
    session = metadata.get("session_id") if isinstance(metadata, Mapping) else None
    return session if isinstance(session, str) and session.strip() else None


def _product(user_agent: str) -> str:
    """``OpenAI/Python 2.54.0`` is the client ``OpenAI/Python``; ``curl/8.5`` is ``curl``."""
    first = user_agent.split(" ")[0]
    name, _, version = first.partition("/")
    return name if version[:1].isdigit() else first
