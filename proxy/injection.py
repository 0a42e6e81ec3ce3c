"""What memory puts into a call, decided before the cache is asked: an answer belongs to the memories it was made with.

The block stands at the end of the last user message, behind all that the client itself wrote, so that what an upstream
has cached of a conversation's beginning stays good. The call's keys are taken from the client's own request and from
what was put in. On any failure the call goes on as it came.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson

from cache.classes import last_user_text
from memory.context.packs import Pack
from memory.flows.statement import Guide, cost, guided
from memory.interactions import stamp_at
from proxy.auth import Caller
from proxy.contexts import Contexts
from proxy.exchange import Exchange
from proxy.guidance import Guidance, talk_of
from proxy.holdout import settled
from proxy.lastpacks import LastPacks, Shown
from proxy.wire import ChatRequest

_GAP: Final = "\n\n"


class Injection:
    """Puts what memory has into calls. Belongs to one event loop.

    Args:
        last: keeps what each caller was given.
        told: notes a failure, or that all is well again.
        holdout: share of sessions that get nothing, in [0, 1].
        guidance: knows the flows that sessions follow; None: no call gets one.
    """

    def __init__(
        self,
        contexts: Contexts,
        last: LastPacks,
        told: Callable[[BaseException | None], None] = lambda error: None,
        holdout: Callable[[], float] = lambda: 0.0,
        guidance: Guidance | None = None,
    ) -> None:
        self._contexts = contexts
        self._last = last
        self._told = told
        self._holdout = holdout
        self._guidance = guidance
        self._failing = False

    async def into(self, exchange: Exchange, by: Caller | None = None) -> Exchange:
        """The exchange with what memory has for it, or as it is. Never raises.

        Args:
            by: who can look at it afterwards as what was given last; None where nothing is given, but only said.
        """
        changed = await self._given(exchange)
        if by is not None and (changed.pack is not None or self._last.of(by) is not None):
            # Nothing, too, is what was given last.
            self._keep(by, changed, changed.pack or Pack(""))
        return changed

    async def _given(self, exchange: Exchange) -> Exchange:
        if exchange.call.policy.memory == "off":
            return exchange
        try:
            chosen = await self._choice(exchange)
            changed = exchange if chosen is None else injected(exchange, chosen)
            changed = settled(exchange, changed, self._holdout())
        except Exception as error:  # noqa: BLE001  whatever fails here, the call goes on
            self._failing = True
            self._told(error)
            return exchange
        if self._failing:
            self._failing = False
            self._told(None)
        return changed

    def _keep(self, caller: Caller, exchange: Exchange, pack: Pack) -> None:
        project, budget = exchange.call.scope.project, self._contexts.budget
        self._last.put(
            caller, Shown(pack, project, budget, stamp_at(time.time()), exchange.session, exchange.interaction_id)
        )

    async def _choice(self, exchange: Exchange) -> Pack | None:
        messages, scope = exchange.request.body["messages"], exchange.call.scope
        guide = await self._guide(exchange)
        asked = last_user_text(messages)
        if not asked.strip():
            # A picture alone, or no user at all, asks for nothing that words could be found for.
            return guided(None, guide)
        return guided(await self._contexts.choice(scope.namespace, scope.project, asked, cost(guide)), guide)

    async def _guide(self, exchange: Exchange) -> Guide | None:
        if self._guidance is None:
            return None
        scope = exchange.call.scope
        talk = talk_of(exchange.request.body["messages"], scope.namespace, exchange.session, scope.project)
        return await self._guidance.choice(talk)


def behind(words: str, text: str) -> str:
    """A user's words with a block behind them."""
    return f"{words}{_GAP}{text}"


def with_block(body: Mapping[str, Any], text: str) -> dict[str, Any] | None:
    """The body with a block at the end of its last user message, all else as it was; None where there is no place."""
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].get("role") != "user":
            continue
        content = messages[at].get("content")
        if isinstance(content, str):
            content = behind(content, text)
        elif isinstance(content, list):
            content = [*content, {"type": "text", "text": text}]
        else:
            return None
        return {**body, "messages": [*messages[:at], {**messages[at], "content": content}, *messages[at + 1 :]]}
    return None


def injected(exchange: Exchange, chosen: Pack) -> Exchange:
    """The exchange with a block, and its keys with it; as it is where there is no place for one."""
    if exchange.call.policy.memory == "off":
        return exchange
    body = with_block(exchange.request.body, chosen.text)
    if body is None:
        return exchange
    request = exchange.request
    sent = ChatRequest(
        _as_bytes(body), body, request.headers, request.query, request.controls, request.started, request.path
    )
    call = exchange.call
    scope = dataclasses.replace(call.scope, memory=f"{call.policy.memory}:{chosen.digest}")
    return dataclasses.replace(exchange, call=dataclasses.replace(call, scope=scope), pack=chosen, sent=sent)


def _as_bytes(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # A number beyond 64 bits, or half a surrogate pair.
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()
