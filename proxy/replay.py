"""Replays a stored answer: fresh ``id`` and ``created``, all else as it was, in the form the caller asked for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from proxy.sse import DONE, event

PIECE = 48
"""Characters of text in one replayed chunk."""


def as_json(answer: Mapping[str, Any], now: float) -> bytes:
    """The answer as an unstreamed chat completion."""
    return orjson.dumps({**answer, **_fresh(now), "object": "chat.completion"})


def as_stream(answer: Mapping[str, Any], now: float, *, include_usage: bool) -> bytes:
    """The answer as server-sent events, ``[DONE]`` last; with a usage chunk before it if asked for and known."""
    rest = {key: value for key, value in answer.items() if key not in ("choices", "usage", "id", "created", "object")}
    top: dict[str, Any] = {**_fresh(now), "object": "chat.completion.chunk", **rest}
    # While usage is asked for, every chunk but the last carries it as null.
    silent = {"usage": None} if include_usage else {}
    events = [
        event(orjson.dumps({**top, "choices": [piece], **silent}))
        for number, choice in enumerate(answer["choices"])
        for piece in _pieces(number, choice)
    ]
    if include_usage and answer.get("usage") is not None:
        events.append(event(orjson.dumps({**top, "choices": [], "usage": answer["usage"]})))
    return b"".join(events) + DONE


def _fresh(now: float) -> dict[str, Any]:
    return {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(now)}


def _pieces(number: int, choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The choice as chunk choices: what comes whole, then text in pieces, then tool calls, then the finish reason."""
    index = choice.get("index", number)
    message = dict(choice.get("message") or {})
    calls = message.get("tool_calls")
    if isinstance(calls, list) and all(isinstance(call, Mapping) for call in calls):
        del message["tool_calls"]
    else:
        calls = None
    texts = {key: message.pop(key) for key in _streamed(message)}
    content = {"content": ""} if "content" in texts else {}
    yield _piece(index, {"role": "assistant", **message, **content})
    for key, text in texts.items():
        for start in range(0, len(text), PIECE):
            yield _piece(index, {key: text[start : start + PIECE]})
    for number, call in enumerate(calls or ()):
        yield from _call_pieces(index, number, call)
    rest = {key: value for key, value in choice.items() if key not in ("index", "message", "finish_reason")}
    yield {"index": index, "delta": {}, **rest, "finish_reason": choice.get("finish_reason")}


def _streamed(message: Mapping[str, Any]) -> list[str]:
    """Text that clients join from pieces: reasoning in any provider's spelling first, then content and refusal."""
    names = ("reasoning_content", "reasoning", "content", "refusal")
    return [name for name in names if isinstance(message.get(name), str) and message[name]]


def _call_pieces(index: int, number: int, call: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    function = call.get("function")
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(arguments, str):
        yield _piece(index, {"tool_calls": [{**call, "index": number}]})
        return
    opening = {**call, "index": number, "function": {**function, "arguments": ""}}
    yield _piece(index, {"tool_calls": [opening]})
    for start in range(0, len(arguments), PIECE):
        part = {"index": number, "function": {"arguments": arguments[start : start + PIECE]}}
        yield _piece(index, {"tool_calls": [part]})


def _piece(index: int, delta: Mapping[str, Any]) -> dict[str, Any]:
    return {"index": index, "delta": dict(delta), "logprobs": None, "finish_reason": None}
