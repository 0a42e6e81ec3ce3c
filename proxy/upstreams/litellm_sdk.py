"""Every other provider, through LiteLLM's SDK. It is imported when a call first needs it: that takes seconds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson

from proxy.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from proxy.sse import DONE, event
from proxy.upstreams.base import UpstreamCall, UpstreamResponse
from proxy.upstreams.fields import CHAT_FIELDS

BACKSTOP = 5.0
"""Seconds that LiteLLM gets beyond our own timeouts, so that ours are the ones that end a call."""

_TOLD = ("retry-after", "x-ratelimit-", "x-request-id")
"""Headers of a refusal that mean something to the caller."""
_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8"}


class LiteLLMUpstream:
    """Chat calls through ``litellm.acompletion``, its own cache and retries off."""

    def __init__(self) -> None:
        self._module: Any = None
        self._importing = asyncio.Lock()

    @asynccontextmanager
    async def send(self, call: UpstreamCall) -> AsyncIterator[UpstreamResponse]:
        """Call the provider and give its answer in OpenAI's wire format."""
        arguments = _arguments(call)
        litellm = await self._litellm()
        try:
            async with asyncio.timeout(_patience(call)):
                answer = await litellm.acompletion(**arguments)
        except TimeoutError as error:
            raise UpstreamTimeout("The upstream did not answer in time.") from error
        except Exception as error:  # noqa: BLE001  LiteLLM's errors derive from OpenAI's, which are not imported here
            yield _as_response(error)
            return
        if call.stream:
            try:
                yield UpstreamResponse(200, _EVENTS, _events(answer, call))
            finally:
                # A stream that is left early would otherwise go on until somebody collects it.
                await answer.aclose()
        else:
            yield UpstreamResponse(200, _JSON, _once(orjson.dumps(_as_openai(answer))))

    async def close(self) -> None:
        """Close LiteLLM's pooled clients, if it was ever imported."""
        if self._module is not None:
            await self._module.close_litellm_async_clients()

    async def _litellm(self) -> Any:
        async with self._importing:
            if self._module is None:
                self._module = await asyncio.to_thread(_import)
        return self._module


def _import() -> Any:
    # Otherwise importing it fetches a price list from the network.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = False
    return litellm


def _arguments(call: UpstreamCall) -> dict[str, Any]:
    target = call.target
    body = {key: value for key, value in call.body.items() if key not in ("cache", "model")}
    for name in body:
        # Any other name is an argument of LiteLLM's own, such as api_base: with it a caller could have the configured
        # key sent elsewhere.
        if name not in CHAT_FIELDS:
            raise InvalidRequest(f"'{name}' is not a field that can be sent to {target.provider}.", param=name)
    arguments: dict[str, Any] = {
        **target.params,
        **body,
        "model": f"{target.provider}/{target.model}",
        "timeout": _patience(call) + BACKSTOP,
        "num_retries": 0,
        "max_retries": 0,
        "caching": False,
    }
    if target.api_base:
        arguments["api_base"] = target.api_base
    if target.api_key:
        scheme, _, token = target.api_key.partition(" ")
        arguments["api_key"] = token if target.own_key and scheme.lower() == "bearer" else target.api_key
    if target.extra_headers:
        arguments["extra_headers"] = dict(target.extra_headers)
    return arguments


def _patience(call: UpstreamCall) -> float:
    return call.target.stream_timeout if call.stream else call.target.timeout


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _events(chunks: Any, call: UpstreamCall) -> AsyncIterator[bytes]:
    options = call.body.get("stream_options")
    tells_usage = isinstance(options, Mapping) and bool(options.get("include_usage"))
    iterator = aiter(chunks)
    while True:
        try:
            async with asyncio.timeout(_patience(call)):
                chunk = await anext(iterator)
        except StopAsyncIteration:
            yield DONE
            return
        except TimeoutError as error:
            raise UpstreamTimeout("The upstream fell silent in the middle of its answer.") from error
        except Exception as error:
            raise UpstreamError("The upstream's stream broke off.", code="upstream_connection_lost") from error
        yield event(orjson.dumps(_as_chunk(chunk, named_reason=_named_reason(chunks), tells_usage=tells_usage)))


def _named_reason(chunks: Any) -> bool:
    """Did the provider itself say why its answer ended? LiteLLM makes up a ``stop`` for a stream that just ends."""
    reasons = ("received_finish_reason", "intermittent_finish_reason")
    return not hasattr(chunks, reasons[0]) or any(getattr(chunks, name, None) for name in reasons)


def _as_chunk(chunk: Any, *, named_reason: bool, tells_usage: bool) -> dict[str, Any]:
    made = _as_openai(chunk)
    if not named_reason:
        for choice in made["choices"]:
            choice["finish_reason"] = None
    if tells_usage:
        last = "usage" in made and not any(choice.get("delta") or choice["finish_reason"] for choice in made["choices"])
        made["choices"] = [] if last else made["choices"]
        made.setdefault("usage", None)
    return made


def _as_openai(answer: Any) -> dict[str, Any]:
    """An answer of LiteLLM's as JSON, without its many nulls but with those that OpenAI's clients look for."""
    made: dict[str, Any] = answer.model_dump(exclude_none=True)
    for choice in made.setdefault("choices", []):
        choice.setdefault("finish_reason", None)
        if "message" in choice:
            choice["message"].setdefault("content", None)
    return made


def _as_response(error: Exception) -> UpstreamResponse:
    """A provider's refusal with its own status; anything without one could not be reached."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status < 600 or (status >= 500 and _lost_connection(error)):
        raise UpstreamError("The upstream cannot be reached.", code="upstream_unreachable") from error
    if "Timeout" in type(error).__name__:
        raise UpstreamTimeout("The upstream did not answer in time.") from error
    body = {
        "message": str(getattr(error, "message", error)),
        "type": _text(error, "type") or type(error).__name__,
        "param": _text(error, "param"),
        "code": _text(error, "code"),
    }
    return UpstreamResponse(status, {**_JSON, **_told_headers(error)}, _once(orjson.dumps({"error": body})))


def _lost_connection(error: BaseException | None) -> bool:
    """LiteLLM gives what it could not send a status of 500: what it arose from tells it from a provider's own."""
    while error is not None:
        if isinstance(error, OSError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _text(error: Exception, name: str) -> str | None:
    value = getattr(error, name, None)
    return None if value is None else str(value)


def _told_headers(error: Exception) -> Mapping[str, str]:
    headers = getattr(error, "litellm_response_headers", None) or {}
    return {name.lower(): str(value) for name, value in headers.items() if name.lower().startswith(_TOLD)}
