"""Stale-while-revalidate (RFC 5861): behind a stale answer that was served, one call fetches a fresh one.

The call is that of the prompt which was just asked, with its caller's own target and credentials. Its answer takes the
stale one's place where both belong to the same prompt; else it becomes an entry of its own.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Final

import structlog
from cachetools import TTLCache

from cache.decision import Hit, Miss, Reason
from cache.lookup import Lookup
from proxy.errors import ProxyError
from proxy.exchange import Exchange, Outcome
from proxy.flight import Flights
from proxy.forwarding import Forwarding
from proxy.metrics import Metrics
from proxy.recorder import Recorder
from store.ids import new_id

AT_ONCE: Final = 8
"""Refreshes under way; beyond it a stale answer is served without one, and the next call tries again."""
REST: Final = 10.0
"""Seconds after a failed refresh before the same call is refreshed again."""
GRACE: Final = 2.0
"""Seconds that a stopping server lets refreshes go on."""

_log = structlog.get_logger(__name__)


class Refresher:
    """Starts refreshes; each prompt has at most one under way. Belongs to one event loop."""

    def __init__(
        self, flights: Flights, forwarding: Forwarding, recorder: Recorder, metrics: Metrics, at_once: int = AT_ONCE
    ) -> None:
        self._flights = flights
        self._forwarding = forwarding
        self._recorder = recorder
        self._metrics = metrics
        self._at_once = at_once
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._resting: TTLCache[str, None] = TTLCache(1000, REST)

    def served(self, exchange: Exchange, lookup: Lookup) -> None:
        """A hit is about to be served: if it is stale, fetch a fresh answer behind it. Returns at once, never raises.

        Not for a caller who wants nothing stored, or nobody asked.
        """
        call, hit = exchange.call, lookup.decision
        if not isinstance(hit, Hit) or not hit.stale or not call.store or exchange.request.controls.only_if_cached:
            return
        key = call.exact_key
        if key in self._under_way or key in self._resting:
            return
        if len(self._under_way) >= self._at_once:
            self._count("skipped")
            return
        task = asyncio.create_task(self._refresh(exchange, lookup, hit))
        self._under_way[key] = task
        task.add_done_callback(lambda _: self._under_way.pop(key, None))

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way.values()))

    async def close(self) -> None:
        """Give refreshes a moment to end, then end them."""
        tasks = list(self._under_way.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _refresh(self, exchange: Exchange, found: Lookup, hit: Hit) -> None:
        # A round trip of its own in the log.
        exchange = dataclasses.replace(exchange, interaction_id=new_id("int"))
        # The stale answer of this very prompt makes room for the fresh one.
        decision = Miss(Reason.EXPIRED, hit.similarity, judged=hit.judged)
        lookup = dataclasses.replace(found, decision=decision, outdated=found.outdated or hit.tier == "exact")
        flight, _ = self._flights.board(None, lambda: self._forwarding.start(exchange, lookup))
        error: str | None = None
        try:
            await flight.body()
        except ProxyError as failure:
            error = failure.code or "upstream_failed"
        except asyncio.CancelledError:
            self._count("failed")
            raise
        finally:
            flight.leave()
        if error is None and flight.failed:
            error = "upstream_refused"
        if error is not None:
            self._resting[exchange.call.exact_key] = None
            _log.warning("a stale answer could not be refreshed", error=error)
        self._count("failed" if error else "stored" if flight.entry_id else "unstored")
        status = flight.head.status if flight.head else 502
        outcome = Outcome(
            decision=decision,
            status=status,
            answer=flight.answer,
            error=error,
            upstream_status=flight.head.status if flight.head else None,
            upstream_ms=round(flight.upstream_ms, 3),
            entry_id=flight.entry_id,
        )
        await self._recorder.refreshed(exchange, outcome)

    def _count(self, outcome: str) -> None:
        self._metrics.stale_refreshes.labels(outcome).inc()
