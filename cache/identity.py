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
_EARLIER = {"reprise": "earlier text"}


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
    epoch: int = 0
    """The namespace's own: raised to make all that was stored before unreachable."""

    @property
    def partition(self) -> str:
        """Digest of namespace, part and epochs; never holds the prompt."""
        return _partition(self.namespace, self.part, self.epoch)


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """The part of a call that may be matched by meaning, and the key of all that may not."""

    compat_key: str
    text: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was said before the last user turn, and the key of all that must be equal beside it."""

    loose_key: str
    roles: tuple[str, ...]
    """``user`` or ``assistant``, in order."""
    texts: tuple[str, ...]
    """As many."""


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
    taken = _taken_out(last, _PLACEHOLDER)
    if taken is None:
        return None
    text, emptied = taken
    rest = {**body, "messages": [*messages[:-1], {**last, "content": emptied}]}
    return Fuzzy(_digest("compat", [_placed(scope), _relevant(rest)]), text)


def earlier_part(body: Mapping[str, Any], scope: Scope) -> Earlier | None:
    """Take the texts of the turns before the last out too; None where there are none, or not all are plain text.

    System and developer messages stay in the key, and so does all else that a message carries. Tool calls and their
    results, images and several parts leave the history to be matched by equality.
    """
    if fuzzy_part(body, scope) is None:
        return None
    *before, last = body["messages"]
    kept: list[Any] = []
    roles: list[str] = []
    texts: list[str] = []
    for message in before:
        role = message.get("role") if isinstance(message, dict) else None
        if role in ("system", "developer"):
            kept.append(message)
            continue
        taken = _taken_out(message, _EARLIER) if role in ("user", "assistant") else None
        if taken is None or any(message.get(name) for name in ("tool_calls", "function_call", "audio", "refusal")):
            return None
        text, emptied = taken
        roles.append(str(role))
        texts.append(text)
        kept.append({**message, "content": emptied})
    if not texts:
        return None
    rest = {**body, "messages": [*kept, {**last, "content": _PLACEHOLDER}]}
    return Earlier(_digest("loose", [_placed(scope), _relevant(rest)]), tuple(roles), tuple(texts))


def canonical(value: Any) -> str:
    """JSON text in which equal meanings are equal: sorted keys, integral numbers as integers, strings in NFC."""
    return json.dumps(_normalised(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@functools.lru_cache(maxsize=4096)
def _partition(namespace: str, part: str, epoch: int) -> str:
    # Without an epoch of its own, a namespace's entries stay where they are.
    return _digest("partition", [namespace, part, POLICY_EPOCH, *([epoch] if epoch else [])])[:32]


def _placed(scope: Scope) -> list[str]:
    return [scope.partition, scope.project, scope.memory, scope.target, scope.headers]


def _relevant(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in IRRELEVANT}


def _taken_out(message: Mapping[str, Any], placeholder: Any) -> tuple[str, Any] | None:
    """A message's one text, and its content with a placeholder in the text's place; None without such a text."""
    content = message.get("content")
    if isinstance(content, str):
        text, emptied = content, placeholder
    elif isinstance(content, list) and len(content) == 1 and _is_text(content[0]):
        text, emptied = content[0]["text"], [{**content[0], "text": placeholder}]
    else:
        return None
    return (text, emptied) if text.strip() else None


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
