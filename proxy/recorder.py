"""Writes each round trip to the log, and to the metrics, before its caller has the last byte."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cache.classes import last_user_text
from cache.decision import Bypass, Hit
from memory.extraction.backlog import UNLEARNED
from memory.interactions import Interaction, Interactions, summary_of
from proxy.exchange import Exchange, Outcome
from proxy.health import Health
from proxy.labels.reactions import Reactions
from proxy.metrics import Metrics
from proxy.prices import Prices
from proxy.remembering.forgotten import Forgotten
from proxy.remembering.logged import Redaction
from proxy.usage import cached_tokens, response_text, usage_of
from store.writer import Statement

CONTEXTS: Final = {None: "none", False: "injected", True: "held_out"}
"""What memory did for a call, by ``Exchange.holdout``: a label of the metrics of tokens."""
REFRESH: Final = "refresh"
"""``interaction_type`` of an upstream call that refreshed a stale answer."""
PATIENCE = 5.0
"""Seconds that an answer waits for its log line, before it goes out without."""


class Recorder:
    """Turns exchanges into interactions. A log that fails breaks no call: it is counted and shown.

    Args:
        lessons: what is written with an interaction, for memory to work on.
        forgotten: what was forgotten while calls were under way: they are answered and counted, but not logged.
        redaction: gives each interaction as it may be logged.
    """

    def __init__(
        self,
        interactions: Interactions,
        metrics: Metrics,
        health: Health,
        prices: Prices,
        reactions: Reactions,
        *,
        log_calls: Callable[[], bool] = lambda: True,
        lessons: Callable[[Exchange, Outcome], Sequence[Statement]] = lambda exchange, outcome: (),
        forgotten: Forgotten | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self._interactions = interactions
        self._metrics = metrics
        self._health = health
        self._prices = prices
        self._reactions = reactions
        self._log_calls = log_calls
        self._lessons = lessons
        self._forgotten = forgotten or Forgotten()
        self._redaction = redaction or Redaction()

    async def record(self, exchange: Exchange, outcome: Outcome) -> None:
        """Log a round trip; returns once it survives a killed process, or the log has failed."""
        asked = exchange.call.asked
        if not self._forgotten.since(asked):
            self._reactions.answered(exchange, outcome)
        try:
            interaction = self._interaction(exchange, outcome)
            self._measure(exchange, outcome, interaction)
            if self._log_calls() and not self._forgotten.covers(interaction, asked):
                async with asyncio.timeout(PATIENCE):
                    logged = await self._redaction(interaction)
                    await self._interactions.record(logged, self._lessons(exchange, outcome))
                self._health.worked("log")
        except Exception as error:  # noqa: BLE001  the caller gets its answer, whatever the log does
            self._health.failed(error, "log")

    async def refreshed(self, exchange: Exchange, outcome: Outcome) -> None:
        """Log the upstream call behind a stale answer: it cost money, but nobody asked for it."""
        if not self._log_calls():
            return
        try:
            interaction = self._interaction(exchange, outcome)
            if not self._forgotten.covers(interaction, exchange.call.asked):
                logged = await self._redaction(dataclasses.replace(interaction, interaction_type=REFRESH))
                await self._interactions.record(logged)
        except Exception as error:  # noqa: BLE001  as above
            self._health.failed(error, "log")

    def price(self, exchange: Exchange, answer: Mapping[str, Any]) -> float | None:
        """US dollars of a fresh answer; None where its model has no price."""
        return self._prices.of_answer(exchange.target, answer, usage_of(exchange.outgoing.raw, answer))

    def store_failed(self, error: Exception) -> None:
        """Count an answer that could not be stored."""
        self._health.failed(error, "entries")

    def _interaction(self, exchange: Exchange, outcome: Outcome) -> Interaction:
        request = exchange.request
        messages = request.body["messages"]
        answer = outcome.answer or {}
        response = response_text(answer)
        usage = usage_of(exchange.outgoing.raw, answer)
        price = self._prices.of_answer(exchange.target, answer, usage) if answer else None
        hit = isinstance(outcome.decision, Hit)
        trial, pack = exchange.trial, exchange.pack
        return Interaction(
            id=exchange.interaction_id,
            prompt=last_user_text(messages),
            request=request.raw.decode("utf-8", "replace"),
            response=response,
            response_summary=summary_of(response),
            namespace=exchange.call.scope.namespace,
            project=exchange.call.scope.project,
            client=exchange.client,
            session_id=exchange.session,
            model=request.model,
            provider=exchange.target.provider,
            stream=request.stream,
            success=outcome.error is None and outcome.status < 400,
            status_code=outcome.status,
            error=outcome.error,
            latency_ms=round(exchange.elapsed * 1000, 3),
            upstream_ms=outcome.upstream_ms,
            input_hash=exchange.call.exact_key,
            prompt_tokens=usage.prompt if answer else None,
            completion_tokens=usage.completion if answer else None,
            tokens_estimated=usage.estimated and bool(answer),
            cost=None if hit or outcome.collapsed else price,
            cost_saved=price if hit or outcome.collapsed else None,
            cache_status=outcome.cache_status,
            tier=outcome.tier,
            reason=outcome.decision.reason,
            entry_id=outcome.entry_id,
            similarity=outcome.similarity,
            policy=exchange.call.policy.name,
            experiment=trial.experiment if trial else None,
            arm=trial.arm if trial else None,
            compat_key=exchange.call.known_compat_key,
            # A replay asked no upstream, and who joined a call in flight asked none of its own.
            cached_tokens=None if hit or outcome.collapsed else cached_tokens(answer),
            holdout=exchange.holdout,
            collapsed=outcome.collapsed,
            memories_used=[id_ for id_, _ in pack.memories] if pack else (),
            chunks_used=[id_ for id_, _ in pack.chunks] if pack else (),
            context_pack=pack.as_log() if pack else None,
            metadata=_metadata(exchange, outcome),
        )

    def _measure(self, exchange: Exchange, outcome: Outcome, interaction: Interaction) -> None:
        metrics, decision = self._metrics, outcome.decision
        tier = outcome.tier if isinstance(decision, Hit) else "none" if isinstance(decision, Bypass) else "all"
        bound = metrics.bound(
            exchange.request.model, tier, outcome.cache_status, decision.reason, failed=not interaction.success
        )
        bound.requests.inc()
        bound.lookups.inc()
        bound.duration.observe(exchange.elapsed)
        if outcome.similarity is not None:
            bound.similarity.observe(outcome.similarity)
        if outcome.upstream_ms is not None and not outcome.collapsed:
            metrics.upstream.observe(outcome.upstream_ms / 1000)
        if outcome.collapsed:
            metrics.collapsed.inc()
        if isinstance(decision, Hit):
            metrics.prompt_saved.inc(interaction.prompt_tokens or 0)
            metrics.completion_saved.inc(interaction.completion_tokens or 0)
            metrics.cost_saved.inc(interaction.cost_saved or 0)
        elif exchange.pack is not None and not outcome.collapsed:
            metrics.memories_injected.inc(len(exchange.pack.memories))
            metrics.state_injected.inc(len(exchange.pack.state))
            metrics.chunks_injected.inc(len(exchange.pack.chunks))
            metrics.flows_injected.inc(exchange.pack.flow is not None)
        if interaction.cached_tokens is not None:
            context = CONTEXTS[exchange.holdout]
            metrics.input_tokens.labels(context).inc(interaction.prompt_tokens or 0)
            metrics.input_cached_tokens.labels(context).inc(interaction.cached_tokens)


def _metadata(exchange: Exchange, outcome: Outcome) -> dict[str, Any]:
    """Tags, wishes, and what the verifier made of the nearest candidate: with it feedback on this call is a label."""
    found: dict[str, Any] = {"tags": list(exchange.call.tags)} if exchange.call.tags else {}
    wishes = exchange.request.controls.wishes()
    if wishes:
        found["controls"] = wishes
    if exchange.trial is not None:
        found["unit"] = exchange.trial.unit
    if not exchange.learns:
        found[UNLEARNED] = exchange.call.policy.memory
    if exchange.call.scope.memory:
        # With it a logged call can be told from one into which other memories were put.
        found["memory"] = exchange.call.scope.memory
    if outcome.refusal:
        found["upstream_error"] = outcome.refusal
    if exchange.chosen is not None and exchange.chosen.route is not None:
        found["route"] = exchange.chosen.route
    judged = outcome.judged
    if judged is not None:
        found |= {
            "candidate": judged.entry.id,
            "score": round(judged.score, 6),
            "signals": [round(signal, 5) for signal in judged.signals],
            "verifier": judged.verifier,
            "embedder": judged.embedder,
        }
    return found
