"""Interactions without secrets and personal data, as ``logging.redact`` has them logged."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, Final

from memory.interactions import Interaction

Redact = Callable[[str], str]

_TEXTS: Final = ("prompt", "response", "response_summary", "error")


def redacted(interaction: Interaction, redact: Redact) -> Interaction:
    """The interaction with ``redact`` done to every text in it; what names it, such as its session, stays.

    The request stays the JSON it was: its strings are redacted, not its text. Keys and ``data:`` URLs, which hold
    images, stay. A request that is no JSON is redacted as text.
    """
    known: dict[str, str] = {}

    def once(text: str) -> str:
        # The prompt stands in the request again.
        if text not in known:
            known[text] = text if text.startswith("data:") else redact(text)
        return known[text]

    changes: dict[str, Any] = {}
    for name in _TEXTS:
        text = getattr(interaction, name)
        if text:
            changes[name] = once(text)
    changes["metadata"] = _within(dict(interaction.metadata), once)
    changes["context_pack"] = _within(interaction.context_pack, once)
    if interaction.request is not None:
        changes["request"] = _request(interaction.request, once)
    return dataclasses.replace(interaction, **changes)


def _request(text: str, redact: Redact) -> str:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text)
    try:
        clean = _within(body, redact)
    except RecursionError:
        return redact(text)
    # As it came, where there is nothing to take out: what is logged can then be compared byte by byte.
    return text if clean == body else json.dumps(clean, ensure_ascii=False, separators=(",", ":"))


def _within(value: Any, redact: Redact) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {key: _within(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_within(item, redact) for item in value]
    return value
