"""An explanation as JSON: what a caller may know of it."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from cache.decision import Bypass, Candidate, Decision, Hit, Miss, Reason
from cache.explanation import Explainer, Explanation, Weighed
from cache.sentences import sentence
from proxy.auth import Caller
from proxy.config import Settings
from proxy.errors import Forbidden, InvalidRequest
from proxy.exchange import Exchange
from proxy.wire import ChatRequest

CALLED: Final = "/v1/chat/completions"
"""The path of the calls that are explained: routes may match on it."""


def as_called(request: ChatRequest) -> ChatRequest:
    """The request as the call that it asks about would come: on the other path, and without a query of ours."""
    kept = [pair for pair in request.query.split("&") if pair.partition("=")[0] not in ("", "namespace")]
    return dataclasses.replace(request, path=CALLED, query="&".join(kept))


def caller_of(caller: Caller, namespace: str | None) -> Caller:
    """Whose call is explained: the caller's own, or for an admin anybody's.

    Raises:
        InvalidRequest: no namespace is called that.
        Forbidden: a client asks about another's.
    """
    if namespace is None or namespace == caller.namespace:
        return caller
    if not namespace.strip():
        raise InvalidRequest("'namespace' must not be blank.", param="namespace")
    if caller.role != "admin":
        raise Forbidden("A client key explains calls of its own namespace only.", param="namespace")
    return dataclasses.replace(caller, namespace=namespace, key_name=None)


async def explanation_of(
    exchange: Exchange, explainer: Explainer, settings: Settings, *, exposed: bool
) -> dict[str, Any]:
    """What the cache would do with a call, and why. Raises ``DatabaseError``.

    Args:
        exposed: may the caller learn of stored prompts, similarities and entry ids?
    """
    call = exchange.call
    if settings.cache.enabled:
        explained = await explainer.explain(call)
    else:
        explained = Explanation(Bypass(Reason.DISABLED), tuple(call.classes), frozenset(), call.policy)
    chosen = exchange.chosen
    told: dict[str, Any] = {
        **_verdict(explained.decision),
        "sentence": sentence(explained, exposed=exposed),
        "namespace": call.scope.namespace,
        "model": exchange.request.model,
        "policy": {
            "name": call.policy.name,
            "route": chosen.route if chosen else None,
            "experiment": chosen.experiment if chosen else None,
            "arm": chosen.arm if chosen else None,
            "ignored": list(exchange.ignored),
        },
        "memory": {
            "mode": call.policy.memory,
            "memories": [id_ for id_, _ in exchange.pack.memories] if exchange.pack else [],
            "state": list(exchange.pack.state) if exchange.pack else [],
            "chunks": [id_ for id_, _ in exchange.pack.chunks] if exchange.pack else [],
            "flow": exchange.pack.flow[0] if exchange.pack and exchange.pack.flow else None,
            "held_out": exchange.holdout is True,
        },
        "classes": list(explained.classes),
        "tiers": sorted(explained.tiers),
    }
    if not exposed:
        return told
    return {
        **told,
        "keys": {"exact": call.exact_key, "compat": call.fuzzy.compat_key if call.fuzzy else None},
        "exact": [_weighed(one) for one in explained.exact],
        "semantic": {
            **_cut(explained),
            "candidates": [_weighed(one) for one in explained.semantic],
            "elsewhere": [_named(one) for one in explained.elsewhere],
        },
        "failures": list(explained.failures),
    }


def _verdict(decision: Decision) -> dict[str, Any]:
    verdict = {Hit: "hit", Bypass: "bypass", Miss: "miss"}[type(decision)]
    if decision.reason == Reason.REFRESH:
        verdict = "refresh"
    elif isinstance(decision, Hit) and decision.stale:
        verdict = "stale"
    tier = decision.tier if isinstance(decision, Hit) else None
    return {"verdict": verdict, "tier": tier, "reason": str(decision.reason)}


def _cut(explained: Explanation) -> dict[str, Any]:
    known = explained.admission
    return {
        "cut": explained.cut,
        "source": explained.cut_source,
        "shadow": explained.shadow,
        "audit_rate": explained.audit_rate,
        "max_error_rate": None
        if explained.policy.similarity_threshold is not None
        else explained.policy.max_error_rate,
        "labels_above": known.labels if known else None,
        "error_at_most": known.bound if known else None,
        "alarm": known.alarm if known else None,
    }


def _named(candidate: Candidate) -> dict[str, Any]:
    entry = candidate.entry
    return {
        "entry": entry.id,
        "prompt": entry.prompt,
        "model": entry.model,
        "project": entry.project,
        "target": entry.target,
        "similarity": round(candidate.similarity, 4),
    }


def _weighed(one: Weighed) -> dict[str, Any]:
    entry, verdict = one.candidate.entry, one.verdict
    told: dict[str, Any] = {
        "entry": entry.id,
        "prompt": entry.prompt,
        "status": entry.status,
        "tier": one.candidate.tier,
        "similarity": round(one.candidate.similarity, 4),
        "quality": round(entry.quality, 4),
        "age": round(one.age, 1),
        "decay": round(one.decay, 4),
        "standing": round(one.standing, 4),
        "rank": round(one.rank, 4),
        "expires_at": entry.expires_at,
        "admitted": isinstance(verdict, Hit),
        "reason": str(verdict.reason),
        "detail": verdict.detail if isinstance(verdict, Miss) else None,
    }
    if one.candidate.tier == "exact":
        return told
    judged = one.judged
    return {
        **told,
        "earlier_turns": [
            {"new": turn.new, "stored": turn.stored, "similarity": round(turn.similarity, 4)}
            for turn in one.candidate.turns
        ],
        "judged_wrong": one.candidate.judged_wrong,
        "guards": [{"guard": said.guard, "words": said.words, "veto": said.veto} for said in one.guards],
        "score": None if judged is None else round(judged.score, 6),
        "signals": None if judged is None else [round(signal, 5) for signal in judged.signals],
        "verifier": None if judged is None else judged.verifier,
        "asked": one.asked,
    }
