"""What a call is matched on. Only the last user text is fuzzy; everything else must be equal.

``exact_key`` hashes everything that can change the answer; ``compat_key`` hashes the same with the last user text
taken out. A field nobody knows is part of both: an unknown option may change the answer.
"""

from __future__ import annotations

import functools
import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

IRRELEVANT = frozenset(
    {
        "stream",
        "stream_options",
        "user",
        "metadata",
        "safety_identifier",
        "store",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        # Reprise's own control, never sent upstream.
        "cache",
    }
)
"""Body fields that do not change the answer."""

POLICY_EPOCH = 1
"""Raised when the rules of storing change, so that older entries no longer match."""

_PLACEHOLDER = {"reprise": "last user text"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a call belongs: calls of different scopes never share an answer."""

    namespace: str
    part: str = ""
    """A part within the namespace, named by the client."""
    project: str = ""
    memory: str = ""
    """The memory mode and the versions of what is injected."""
    target: str = ""
    """The upstream that answers: provider, its model and base."""
    headers: str = ""
    """Request headers that change the answer, such as OpenAI-Beta."""

    @property
    def partition(self) -> str:
        """Digest of namespace, part and policy epoch; never holds the prompt."""
        return _partition(self.namespace, self.part)


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """The part of a call that may be matched by meaning, and the key of all that may not."""

    compat_key: str
    text: str


def exact_key(body: Mapping[str, Any], scope: Scope) -> str:
    """SHA-256 over the canonical JSON of all that can change the answer, as 64 hex digits."""
    return _digest("exact", [_placed(scope), _relevant(body)])


def fuzzy_part(body: Mapping[str, Any], scope: Scope) -> Fuzzy | None:
    """Take the last user text out of a call; None where that cannot be done cleanly.

    It can when the last message is the user's and its content is one text, as a string or as a single text part.
    Images, audio, several parts, tool results or an assistant's prefill after it leave the call exact-only.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return None
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        return None
    content = last.get("content")
    emptied: Any
    if isinstance(content, str):
        text, emptied = content, _PLACEHOLDER
    elif isinstance(content, list) and len(content) == 1 and _is_text(content[0]):
        text, emptied = content[0]["text"], [{**content[0], "text": _PLACEHOLDER}]
    else:
        return None
    if not text.strip():
        return None
    rest = {**body, "messages": [*messages[:-1], {**last, "content": emptied}]}
    return Fuzzy(_digest("compat", [_placed(scope), _relevant(rest)]), text)


def canonical(value: Any) -> str:
    """JSON text in which equal meanings are equal: sorted keys, integral numbers as integers, strings in NFC."""
    return json.dumps(_normalised(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@functools.lru_cache(maxsize=4096)
def _partition(namespace: str, part: str) -> str:
    return _digest("partition", [namespace, part, POLICY_EPOCH])[:32]


def _placed(scope: Scope) -> list[str]:
    return [scope.partition, scope.project, scope.memory, scope.target, scope.headers]


def _relevant(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in IRRELEVANT}


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, dict):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _digest(kind: str, value: Any) -> str:
    return hashlib.sha256(f"{kind}\0{canonical(value)}".encode("utf-8", "surrogatepass")).hexdigest()
