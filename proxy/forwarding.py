"""One upstream call for an exchange, and what becomes of its answer: compared, priced, stored, its version noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cache.answers import model_of
from cache.decision import Miss, Reason
from cache.lookup import Cache, Lookup
from proxy.entries.versions import Versions
from proxy.exchange import Exchange
from proxy.flight import Flight
from proxy.labels.labelling import Compared, Comparison, Labelling
from proxy.recorder import Recorder
from proxy.remembering.forgotten import Forgotten
from proxy.upstreams.base import Upstream, UpstreamCall
from proxy.upstreams.router import is_direct

_SOURCES: Mapping[str, Compared] = {Reason.AUDIT: "audit", Reason.SHADOW: "shadow"}


class Forwarding:
    """Starts flights."""

    def __init__(
        self,
        upstreams: Mapping[str, Upstream],
        cache: Cache,
        recorder: Recorder,
        labelling: Labelling,
        versions: Versions,
        forgotten: Forgotten,
    ) -> None:
        self._upstreams = upstreams
        self._cache = cache
        self._recorder = recorder
        self._labelling = labelling
        self._versions = versions
        self._forgotten = forgotten

    def start(self, exchange: Exchange, lookup: Lookup) -> Flight:
        """Send the call. Whoever gets the flight must join it."""
        request = exchange.outgoing

        async def landed(answer: Mapping[str, Any]) -> str | None:
            return await self._landed(exchange, lookup, answer)

        upstream = self._upstreams["direct" if is_direct(exchange.target) else "litellm"]
        sent = UpstreamCall(exchange.target, request.raw, request.body, request.headers, request.query)
        return Flight(upstream, sent, landed)

    async def _landed(self, exchange: Exchange, lookup: Lookup, answer: Mapping[str, Any]) -> str | None:
        """A whole answer is there; gives the stored entry's id."""
        self._versions.seen(exchange.call.scope.target, exchange.target.model, model_of(answer))
        self._compare(exchange, lookup, answer)
        try:
            cost = self._recorder.price(exchange, answer)
            entry = await self._cache.store(exchange.call, lookup, answer, exchange.interaction_id, cost)
        except Exception as error:  # noqa: BLE001  storing must never break the answer
            self._recorder.store_failed(error)
            return None
        return entry.id if entry else None

    def _compare(self, exchange: Exchange, lookup: Lookup, answer: Mapping[str, Any]) -> None:
        """Have a fresh answer compared with the stored one that came nearest to being served: a label for free."""
        decision, call = lookup.decision, exchange.call
        if not isinstance(decision, Miss) or decision.judged is None or call.fuzzy is None:
            return
        if self._forgotten.since(call.asked):
            # The candidate may be gone, or this very call.
            return
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
                source=_SOURCES.get(decision.reason, "miss"),
                propensity=judged.propensity,
                interaction_id=exchange.interaction_id,
                fresh=answer,
            )
        )
