"""Which answers may be stored, and whether they may then be found by meaning: the rules, without IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cache import answers
from cache.call import Call
from cache.policy import Tier
from store.entry import Entry
from store.ids import new_id

Refusal = Literal["no-store", "no-tier", "stream", "incomplete", "tool-calls"]

UNSTORED: Final[Mapping[str, str]] = {
    "no-store": "its caller asked that it is not stored",
    "no-tier": "policy lets calls like this use no tier",
    "stream": "a stream was asked for, and policy stores no answers of streams",
    "incomplete": "the answer is empty, cut off, or not a chat completion",
    "tool-calls": "the answer calls tools, and policy stores none that do",
}
"""What each refusal means."""


@dataclass(frozen=True, slots=True)
class Storable:
    """An answer that may be stored."""

    by_meaning: bool
    """May it be found by meaning?"""
    calls_tools: bool


def storable(call: Call, tiers: frozenset[Tier], answer: Mapping[str, Any]) -> Storable | Refusal:
    """May the answer to a call be stored?

    Args:
        tiers: those that the call may use (``cache.classes.allowed_tiers``).
    """
    if not call.store:
        return "no-store"
    if not tiers:
        return "no-tier"
    if call.streamed and not call.policy.store_streams:
        return "stream"
    if not answers.is_complete(answer):
        return "incomplete"
    calls_tools = answers.has_tool_calls(answer)
    if calls_tools and call.policy.store_tool_calls == "never":
        return "tool-calls"
    reusable = not calls_tools or call.policy.store_tool_calls == "semantic"
    return Storable(call.fuzzy is not None and "semantic" in tiers and reusable, calls_tools)


def entry_of(
    call: Call, answer: Mapping[str, Any], may: Storable, now: float, interaction_id: str | None = None
) -> Entry:
    """A new entry for an answer that may be stored.

    Args:
        now: seconds since 1970.
        interaction_id: the round trip that brought the answer; None for one that came from elsewhere.
    """
    alpha, beta = answers.prior(answer)
    return Entry(
        id=new_id("ent"),
        exact_key=call.exact_key,
        compat_key=call.fuzzy.compat_key if call.fuzzy and may.by_meaning else None,
        partition=call.scope.partition,
        namespace=call.scope.namespace,
        model=call.body.get("model"),
        prompt=call.fuzzy.text if call.fuzzy else None,
        answer=dict(answer),
        created_at=now,
        expires_at=now + (call.policy.store_ttl or call.policy.ttl),
        alpha=alpha,
        beta=beta,
        has_tool_calls=may.calls_tools,
        source_interaction_id=interaction_id,
        tags=call.tags,
        policy=call.policy.name,
        project=call.scope.project or None,
        target=call.scope.target or None,
        answered_by=answers.model_of(answer),
        loose_key=call.earlier.loose_key if call.earlier and may.by_meaning else None,
        earlier=call.earlier.texts if call.earlier and may.by_meaning else (),
    )
