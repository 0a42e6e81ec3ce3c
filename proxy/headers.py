"""Response headers: what the cache did, and what of the upstream's own goes on to the caller."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Literal

from cache.decision import Bypass, Hit, Miss, Reason, lateness
from proxy.errors import NotCached
from proxy.exchange import Exchange, Outcome

Expose = Literal["full", "minimal"]

_NOT_PASSED = frozenset(
    {
        "age",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "server",
        "set-cookie",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def cache_headers(exchange: Exchange, outcome: Outcome, expose: Expose) -> dict[str, str]:
    """``Cache-Status`` (RFC 9211), ``Age`` (RFC 9111) and the ``x-reprise-`` headers.

    With ``expose: minimal``, similarity, quality and entry ids are left out: callers who share a namespace could
    learn from them what others asked.
    """
    decision = outcome.decision
    headers = {
        "cache-status": _cache_status(exchange, outcome),
        "x-reprise-cache": outcome.cache_status,
        "x-reprise-tier": outcome.tier,
        "x-reprise-reason": decision.reason,
        "x-reprise-policy": exchange.call.policy.name,
        "x-reprise-interaction": exchange.interaction_id,
    }
    if isinstance(decision, Miss) and decision.detail is not None and expose == "full":
        headers["x-reprise-reason"] = _header_text(f"{decision.reason}: {decision.detail}")
    headers |= _of_the_call(exchange)
    if isinstance(decision, Hit):
        headers["age"] = str(max(0, int(time.time() - decision.entry.created_at)))
    if expose == "full":
        if exchange.trial is not None:
            headers["x-reprise-experiment"] = f"{exchange.trial.experiment}={exchange.trial.arm}"
        if outcome.similarity is not None:
            headers["x-reprise-similarity"] = f"{outcome.similarity:.4f}"
        if outcome.entry_id is not None:
            headers["x-reprise-entry"] = outcome.entry_id
        if isinstance(decision, Hit):
            headers["x-reprise-quality"] = f"{decision.entry.quality:.3f}"
        if outcome.judged is not None:
            headers["x-reprise-score"] = f"{outcome.judged.score:.4f}"
    return headers


def _of_the_call(exchange: Exchange) -> dict[str, str]:
    """What was not granted, and what was put in."""
    told = {}
    if exchange.ignored:
        told["x-reprise-ignored"] = ", ".join(exchange.ignored)
    if exchange.pack is not None:
        told["x-reprise-memories"] = str(len(exchange.pack.memories))
        counts = ("state", exchange.pack.state), ("memories", exchange.pack.memories), ("chunks", exchange.pack.chunks)
        told["x-reprise-context"] = ", ".join([f"{name}={len(given)}" for name, given in counts])
        if exchange.pack.flow is not None:
            told["x-reprise-flow"] = f"{exchange.pack.flow[0]}; version={exchange.pack.flow[1]}"
    if exchange.holdout:
        told |= {"x-reprise-memories": "0", "x-reprise-holdout": "true"}
    return told


def passed_on(upstream: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that mean something to the caller: rate limits, request ids, retry advice, its type.

    An upstream may be another Reprise: what it says of its own cache is not said of ours.
    """
    return {
        name: value for name, value in upstream.items() if name not in _NOT_PASSED and not name.startswith("x-reprise-")
    }


def _header_text(text: str) -> str:
    """Text that may hold words of a prompt, made safe for a header: printable ASCII on one line, at most 200 long."""
    flat = " ".join(text.split())[:200]
    return "".join(character if " " <= character <= "~" else "?" for character in flat)


def _cache_status(exchange: Exchange, outcome: Outcome) -> str:
    decision = outcome.decision
    if isinstance(decision, Hit):
        # Negative for a stale answer (RFC 9211, section 2.4): it is a hit, and "fwd" is for what was forwarded.
        ttl = math.floor(-lateness(decision.entry, exchange.call.policy, time.time()))
        return f"reprise; hit; ttl={ttl}; detail={decision.tier}"
    if decision.reason == Reason.NEGATIVE:
        return "reprise; hit; detail=negative"
    if outcome.error == NotCached.code:
        return "reprise"
    forwarded = "miss"
    if isinstance(decision, Bypass):
        forwarded = "bypass"
    elif decision.reason == Reason.REFRESH:
        forwarded = "request"
    parts = ["reprise", f"fwd={forwarded}"]
    if outcome.upstream_status is not None:
        parts.append(f"fwd-status={outcome.upstream_status}")
    if outcome.entry_id is not None:
        parts.append("stored")
    if outcome.collapsed:
        parts.append("collapsed")
    return "; ".join(parts)
