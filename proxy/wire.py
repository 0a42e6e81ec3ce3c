"""Wire in: a chat request's bytes and headers, read and checked as far as Reprise must understand them.

What Reprise does not know is the upstream's business and stays as it came.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from proxy.controls import Controls, read_controls
from proxy.errors import BodyTooLarge, InvalidRequest

MOST_NESTED = 200
"""Lists and objects within each other: no sensible body has more, and whatever walks one has a limit of its own."""

_LONG_NUMBER = re.compile(rb"\d{16}")
_LENGTH_DIGITS = 20
"""No Content-Length with more digits is worth reading as a number."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A chat completion call as it came."""

    raw: bytes = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Lower-case names."""
    query: str
    controls: Controls
    started: float = field(default_factory=time.perf_counter)
    path: str = "/v1/chat/completions"
    """As called, with ``/v1`` where the caller left it out."""

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.body["model"])

    @property
    def stream(self) -> bool:
        """Does the caller want a stream?"""
        return bool(self.body.get("stream"))

    @property
    def user(self) -> str | None:
        """Who asks, as the body says."""
        user = self.body.get("user")
        return user if isinstance(user, str) and user else None

    @property
    def include_usage(self) -> bool:
        """Does the caller want a usage chunk in its stream?"""
        options = self.body.get("stream_options")
        return bool(options.get("include_usage")) if isinstance(options, Mapping) else False


async def read_body(request: Request, most: int) -> bytes:
    """The request's bytes, read no further than ``most``. Raises ``BodyTooLarge``."""
    too_large = BodyTooLarge(f"The request body is larger than {most} bytes (server.max_body).")
    length = request.headers.get("content-length")
    if length is not None and length.isdecimal() and (len(length) > _LENGTH_DIGITS or int(length) > most):
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


async def read_chat(request: Request, most: int) -> ChatRequest:
    """Read a chat call. Raises ``InvalidRequest`` naming the field, or ``BodyTooLarge``."""
    started = time.perf_counter()
    raw = await read_body(request, most)
    body = parse_object(raw)
    check_chat(body)
    headers = _joined_headers(request.scope["headers"])
    controls = read_controls(headers, body.get("cache"))
    query = request.scope["query_string"].decode("latin-1")
    return ChatRequest(raw, body, headers, query, controls, started, full_path(request.scope["path"]))


def full_path(path: str) -> str:
    """The path with the ``/v1`` that callers may leave out."""
    return path if path.startswith("/v1/") else f"/v1{path}"


def _joined_headers(pairs: Collection[tuple[bytes, bytes]]) -> dict[str, str]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(headers) < len(pairs):
        # A field sent twice is one list: RFC 9110, 5.3.
        for name in headers:
            headers[name] = ", ".join(
                value.decode("latin-1") for other, value in pairs if other == name.encode("latin-1")
            )
    return headers


def parse_object(raw: bytes) -> dict[str, Any]:
    """A JSON object. Raises ``InvalidRequest``."""
    try:
        body = orjson.loads(raw)
        if _LONG_NUMBER.search(raw):
            # orjson rounds integers beyond 64 bits; two calls that differ there must not look alike.
            body = json.loads(raw)
    except (orjson.JSONDecodeError, ValueError, RecursionError) as error:
        raise InvalidRequest(
            f"The request body is not valid JSON: {error}.", param="body", code="invalid_json"
        ) from error
    if not isinstance(body, dict):
        raise InvalidRequest("The request body must be a JSON object.", param="body", code="invalid_json")
    if raw.count(b"{") + raw.count(b"[") > MOST_NESTED:
        check_nesting(body)
    return body


def check_nesting(body: dict[str, Any]) -> None:
    """Raises ``InvalidRequest`` for what is nested too deeply."""
    level: list[Any] = [body]
    for _ in range(MOST_NESTED):
        items = (item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer))
        level = [item for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise InvalidRequest(
        f"The request body is nested more than {MOST_NESTED} levels deep.", param="body", code="invalid_json"
    )


def check_chat(body: Mapping[str, Any]) -> None:
    """Check the fields that Reprise itself reads. Raises ``InvalidRequest`` naming the first wrong one."""
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise _wrong("model", "a string naming a model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _wrong("messages", "an array of at least one message")
    for number, message in enumerate(messages):
        _check_message(message, f"messages.{number}")
    for name, kind, wanted in _FIELDS:
        value = body.get(name)
        if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
            raise _wrong(name, wanted)
    n = body.get("n")
    if n is not None and n < 1:
        raise _wrong("n", "an integer of at least 1")


_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("stream", bool, "true or false"),
    ("stream_options", dict, "an object"),
    ("n", int, "an integer of at least 1"),
    ("temperature", int | float, "a number"),
    ("top_p", int | float, "a number"),
    ("max_tokens", int, "an integer"),
    ("max_completion_tokens", int, "an integer"),
    ("tools", list, "an array"),
    ("metadata", dict, "an object"),
    ("modalities", list, "an array"),
)


def _check_message(message: Any, at: str) -> None:
    if not isinstance(message, dict):
        raise _wrong(at, "an object with role and content")
    if not isinstance(message.get("role"), str):
        raise _wrong(f"{at}.role", "a string")
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        raise _wrong(f"{at}.content", "a string, an array of parts, or null")
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if not isinstance(part, dict):
            raise _wrong(f"{at}.content.{number}", "an object with a type")


def _wrong(param: str, wanted: str) -> InvalidRequest:
    return InvalidRequest(f"'{param}' must be {wanted}.", param=param)
