"""One answer on its way into the store, and what became of it there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from proxy.controls import NAME_CHARS

IMPORTED: Final = "imported"
"""The tag of every answer that did not come through the proxy."""

KEY: Final = re.compile("[0-9a-f]{64}")
"""An exact_key, a compat_key or a loose_key."""

MOST: Final = 1e9
"""Pseudo-counts for or against an answer stay below."""
LATEST: Final = 1e11
"""Seconds since 1970 that no moment reaches: the year is 5138."""

Status = Literal["stored", "duplicate", "refused"]


class Unfit(Exception):
    """A record that is fine and yet not to be imported; its text is the reason in one word."""


class BadRecord(ValueError):
    """A record that holds no pair of request and answer; its text says why, and repeats nothing of what it holds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What an exported answer brings with it: its keys, its age, and what speaks for it."""

    exact_key: str
    compat_key: str | None
    partition: str
    target: str | None
    alpha: float
    beta: float
    created_at: float | None = None
    """Seconds since 1970, as ``expires_at``; None: as old as its import."""
    expires_at: float | None = None
    loose_key: str | None = None
    earlier: tuple[str, ...] = ()
    prompt: str | None = None
    answered_by: str | None = None
    cost: float | None = None
    whole: bool = True
    """Is the request known, so that keys can be computed anew?"""


@dataclass(frozen=True, slots=True)
class Item:
    """A request as its clients send it, and its answer."""

    request: Mapping[str, Any] = field(repr=False)
    """A chat body."""
    response: Mapping[str, Any] = field(repr=False)
    """A chat completion."""
    namespace: str
    project: str = ""
    policy: str | None = None
    """The policy that its clients name; None: none."""
    tags: tuple[str, ...] = ()
    ttl: float | None = None
    """Seconds; None: the policy's."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers that its clients send and that can change the answer, lower-case names."""
    made: bool = False
    """Was the completion made from a text alone, so that what it says of its model is not the upstream's word?"""
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item."""

    status: Status
    key: str | None = None
    """The exact_key; None where the item has none."""
    id: str | None = None
    reason: str | None = None
    """Why it was refused: ``invalid``, the name of a class of calls, or a rule of storing."""
    message: str = ""


def completion(answer: Any, model: str) -> tuple[dict[str, Any], bool]:
    """A chat completion, and whether it was made here: from a text, an assistant message, or a completion as it is.

    Raises:
        BadRecord: it is none of these.
    """
    if isinstance(answer, list) and answer:
        # A conversation's end, as in data sets of "prompt" and "completion" that are lists of messages.
        answer = answer[-1]
    if isinstance(answer, Mapping) and isinstance(answer.get("choices"), list):
        return dict(answer), False
    message: Mapping[str, Any]
    if isinstance(answer, str):
        message = {"content": answer}
    elif isinstance(answer, Mapping) and answer.get("role", "assistant") == "assistant" and _says(answer):
        message = {name: value for name, value in answer.items() if name != "weight"}
    else:
        raise BadRecord("its answer is neither a text nor an assistant's message nor a chat completion")
    reason = "stop"
    if message.get("tool_calls"):
        reason = "tool_calls"
    elif message.get("function_call"):
        reason = "function_call"
    choice = {"index": 0, "message": {**message, "role": "assistant"}, "logprobs": None, "finish_reason": reason}
    return {"object": "chat.completion", "model": model, "choices": [choice]}, True


def read_tags(value: Any) -> tuple[str, ...]:
    """Tags of a record: a list of texts, or texts with commas between. Raises ``BadRecord``."""
    if value is None:
        return ()
    given = value.split(",") if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(tag, str) for tag in given):
        raise BadRecord("its tags are not a list of texts")
    return clean_tags(tag for tag in given if tag.strip())


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without blanks around, sorted. Raises ``BadRecord`` for one that a call could not have."""
    found = sorted({tag.strip() for tag in tags})
    if any(not tag or len(tag) > NAME_CHARS or not tag.isprintable() for tag in found):
        raise BadRecord(f"a tag takes 1 to {NAME_CHARS} printable characters")
    return tuple(found)


def _says(message: Mapping[str, Any]) -> bool:
    return any(name in message for name in ("content", "tool_calls", "function_call", "refusal"))


def parsed(value: Any) -> Any:
    """What a text holds as a JSON object; a text that holds none, and all else, as it is."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, dict) else value
