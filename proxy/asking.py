"""One safe way to ask a configured model something of our own.

The call goes to the upstream by the way of every call, with the key of the model's entry; it is neither stored in the
cache nor logged as an interaction.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import orjson

from proxy.auth import Caller
from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.upstreams.base import Target, Upstream, UpstreamCall
from proxy.upstreams.router import is_direct

MOST_REPLY: Final = 4 << 20
"""Bytes of a reply at most."""
# What some servers or models do not take: left out where they refuse it.
_REFUSALS: Final = frozenset({400, 415, 422})
_NOBODY: Final = Caller(namespace="", role="client")


class Resolves(Protocol):
    """Says where a call for a model goes: ``proxy.upstreams.router.Router``, or what is in force of it."""

    def resolve(self, model: str, caller: Caller) -> Target:
        """The upstream of a model. Raises ``NotFound``."""
        ...


class Asks(Protocol):
    """Whatever can ask a model: ``Asking``."""

    async def ask(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] | None = None,
        timeout: float,  # noqa: ASYNC109  the caller's setting, told to the upstream too
    ) -> Mapping[str, Any]:
        """A chat completion. Raises ``ProxyError``."""
        ...


class Asking:
    """Asks models of ``model_list`` by the name that callers would write."""

    def __init__(self, router: Resolves, upstreams: Mapping[str, Upstream]) -> None:
        self._router = router
        self._upstreams = upstreams
        self._manners: dict[tuple[str, str], int] = {}

    async def ask(
        self,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        *,
        schema: Mapping[str, Any] | None = None,
        timeout: float,  # noqa: ASYNC109  the caller's setting, told to the upstream too
    ) -> Mapping[str, Any]:
        """The chat completion that the model answers with; whether it is finished is the asker's to see.

        Args:
            schema: JSON schema of the reply, with a ``title``; enforced where the model's server can do it.
            timeout: seconds that the whole may take.

        Raises:
            ProxyError: the model is not configured, or cannot be reached, or gives no answer, or not in time.
        """
        target = self._router.resolve(model, _NOBODY)
        target = dataclasses.replace(target, timeout=min(target.timeout, timeout))
        try:
            async with asyncio.timeout(timeout):
                return await self._ask(target, messages, schema)
        except TimeoutError as error:
            raise UpstreamTimeout(f"The model {model!r} gave no answer in {timeout:g} s.") from error

    async def _ask(
        self, target: Target, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        manners = _manners(schema)
        kind = (target.identity, str((schema or {}).get("title")))
        status = 0
        for number in range(self._manners.get(kind, 0), len(manners)):
            status, answer = await self._send(target, {"messages": list(messages), **manners[number]})
            if answer is not None and 200 <= status < 300:
                # What worked is tried first from now on. A refusal alone may be for another reason, such as length.
                self._manners[kind] = number
                return answer
            if status not in _REFUSALS:
                break
        raise UpstreamError("The model gave no answer.", code=f"model_status_{status}")

    async def _send(self, target: Target, fields: Mapping[str, Any]) -> tuple[int, Mapping[str, Any] | None]:
        body = {"model": target.model, **fields}
        headers = {"content-type": "application/json", "accept": "application/json"}
        call = UpstreamCall(target, orjson.dumps(body), body, headers, "")
        upstream = self._upstreams["direct" if is_direct(target) else "litellm"]
        read = bytearray()
        async with upstream.send(call) as response:
            async for chunk in response.chunks:
                read += chunk
                if len(read) > MOST_REPLY:
                    raise UpstreamError("The model's reply is too long.", code="model_reply_too_long")
        try:
            answer = orjson.loads(read)
        except orjson.JSONDecodeError:
            return response.status, None
        return response.status, answer if isinstance(answer, dict) else None


def _manners(schema: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """From the strictest way to ask down to the plain one."""
    if schema is None:
        return [{"temperature": 0}, {}]
    named = {"name": str(schema.get("title", "reply")), "strict": True, "schema": schema}
    strict = {"type": "json_schema", "json_schema": named}
    return [{"temperature": 0, "response_format": strict}, {"temperature": 0}, {}]
