"""Adds the plain routes to the OpenAPI document: what a client may send to chat completions, and what comes back."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from proxy.routes.access import AnyCaller

_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {"type": "string"},
        "content": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}, {"type": "null"}],
        },
    },
}
_CHAT_BODY = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {"type": "string", "minLength": 1},
        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
        "stream": {"type": ["boolean", "null"]},
        "n": {"type": ["integer", "null"], "minimum": 1},
        "temperature": {"type": ["number", "null"]},
        "cache": {
            "type": ["object", "null"],
            "properties": {
                "no-cache": {"type": "boolean"},
                "no-store": {"type": "boolean"},
                "ttl": {"type": ["number", "string"]},
                "s-maxage": {"type": ["number", "string"]},
                "namespace": {"type": "string"},
            },
            "additionalProperties": False,
        },
    },
}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_STATUSES = {
    "400": "The body, a header or a parameter is wrong; `param` names it.",
    "401": "No key, or an unknown one.",
    "403": "The key may not do this.",
    "404": "No such model or thing.",
    "405": "Another method.",
    "409": "What is stored stands against it.",
    "413": "The body is too large.",
    "502": "The upstream cannot be reached or makes no sense.",
    "503": "A part that this route needs does not work now.",
    "504": "The upstream took too long, or nothing is stored.",
}


def describe(app: FastAPI) -> None:
    """Complete the generated document once it is first asked for."""
    generate = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            document["paths"]["/v1/chat/completions"] = {"post": _chat()}
            document["paths"]["/cache/explain"]["post"]["requestBody"] = _chat()["requestBody"]
            for methods in document["paths"].values():
                for operation in methods.values():
                    operation["responses"].pop("422", None)
                    operation["responses"] |= _errors() | {
                        status: told for status, told in operation["responses"].items() if "content" in told
                    }
        return app.openapi_schema or {}

    app.openapi = complete  # type: ignore[method-assign]

    @app.get("/openapi.json", include_in_schema=False)
    def document(_: AnyCaller) -> dict[str, Any]:
        return complete()


def _chat() -> dict[str, Any]:
    return {
        "tags": ["chat"],
        "operationId": "chat_completions",
        "summary": "Chat completion, from the cache or from an upstream",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _CHAT_BODY}}},
        "responses": {
            "200": {
                "description": "The completion; server-sent events when `stream` is true.",
                "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {}},
            }
        },
    }


def _errors() -> dict[str, Any]:
    content = {"application/json": {"schema": _ERROR}}
    return {status: {"description": text, "content": content} for status, text in _STATUSES.items()}
