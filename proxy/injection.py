"""What memory puts into a call, decided before the cache is asked: an answer belongs to the memories it was made with.

The block stands at the end of the last user message, behind all that the client itself wrote, so that what an upstream
has cached of a conversation's beginning stays good. The call's keys are taken from the client's own request and from
what was put in. On any failure the call goes on as it came.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import orjson
from cachetools import LRUCache

from cache.classes import last_user_text
from memory.context.packs import Pack, pack, reach
from memory.context.pool import Held, Pool
from memory.context.terms import terms
from proxy.exchange import Exchange
from proxy.wire import ChatRequest

PATIENCE: Final = 2.0
"""Seconds that a call waits for memories that must be read, before it goes on without."""
MOST_KNOWN: Final = 2048
"""Prompts of which it is remembered what they get."""
KNOWN_CHARS: Final = 2000
"""Longer prompts are not remembered."""
_GAP: Final = "\n\n"

Known = MutableMapping[tuple[object, str, str], Pack | None]
"""By the memories (``Held.mark``), project and prompt."""


class Injection:
    """Puts memories into calls. Belongs to one event loop.

    Args:
        budget: characters of context that a call may get.
        told: notes a failure, or that all is well again.
    """

    def __init__(
        self,
        pool: Pool,
        budget: int,
        told: Callable[[BaseException | None], None] = lambda error: None,
    ) -> None:
        self._pool = pool
        self._budget = budget
        self._told = told
        self._failing = False
        self._known: Known = LRUCache(MOST_KNOWN)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-memories")

    async def into(self, exchange: Exchange) -> Exchange:
        """The exchange with what memory has for it, or as it is. Never raises."""
        if exchange.call.policy.memory == "off":
            return exchange
        try:
            scope = exchange.call.scope
            held = self._pool.current(scope.namespace)
            if held is None:
                held = await self._read(scope.namespace)
            changed = injected(exchange, held, self._budget, self._known)
        except Exception as error:  # noqa: BLE001  whatever fails here, the call goes on
            self._failing = True
            self._told(error)
            return exchange
        if self._failing:
            self._failing = False
            self._told(None)
        return changed

    def close(self) -> None:
        """Stop the reading thread."""
        self._thread.shutdown(wait=True)

    async def _read(self, namespace: str) -> Held:
        reading = asyncio.get_running_loop().run_in_executor(self._thread, self._pool.of, namespace)
        return await asyncio.wait_for(reading, PATIENCE)


def injected(exchange: Exchange, held: Held, budget: int, known: Known | None = None) -> Exchange:
    """The exchange with the block that its prompt gets, and its keys with it; as it is where that is none.

    Args:
        budget: characters of context.
        known: what was chosen before: prompts that come again are what the exact tier lives on.
    """
    if not held or exchange.call.policy.memory == "off":
        return exchange
    asked = last_user_text(exchange.request.body["messages"])
    if not asked.strip():
        # A picture alone, or no user at all, asks for nothing that words could be found for.
        return exchange
    key = (held.mark, exchange.call.scope.project, asked)
    if known is not None and key in known:
        chosen = known[key]
    else:
        chosen = pack(held.ranked(key[1], terms(asked), reach(budget)), budget)
        if known is not None and len(asked) <= KNOWN_CHARS:
            known[key] = chosen
    return exchange if chosen is None else _with(exchange, chosen)


def with_block(body: Mapping[str, Any], text: str) -> dict[str, Any] | None:
    """The body with a block at the end of its last user message, all else as it was; None where there is no place."""
    messages: Sequence[Mapping[str, Any]] = body["messages"]
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].get("role") != "user":
            continue
        content = messages[at].get("content")
        if isinstance(content, str):
            content = f"{content}{_GAP}{text}"
        elif isinstance(content, list):
            content = [*content, {"type": "text", "text": text}]
        else:
            return None
        return {**body, "messages": [*messages[:at], {**messages[at], "content": content}, *messages[at + 1 :]]}
    return None


def _with(exchange: Exchange, chosen: Pack) -> Exchange:
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
