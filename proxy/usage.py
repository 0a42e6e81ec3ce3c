"""How many tokens an answer cost: as the upstream said, else estimated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from cache.answers import text_of

CHARS_PER_TOKEN = 4
"""Rule of thumb where the upstream names no usage, as in most streams."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call."""

    prompt: int
    completion: int
    estimated: bool

    def as_body(self) -> dict[str, int]:
        """As a chat completion names it."""
        total = self.prompt + self.completion
        return {"prompt_tokens": self.prompt, "completion_tokens": self.completion, "total_tokens": total}


def usage_of(raw: bytes, answer: Mapping[str, Any]) -> Usage:
    """The usage an answer names; where it names none, four characters of request and answer count as a token."""
    said = answer.get("usage")
    if isinstance(said, Mapping):
        prompt, completion = said.get("prompt_tokens"), said.get("completion_tokens")
        if _makes_sense(prompt) and _makes_sense(completion):
            return Usage(prompt, completion, estimated=False)
    return Usage(-(-len(raw) // CHARS_PER_TOKEN), -(-len(response_text(answer)) // CHARS_PER_TOKEN), estimated=True)


def cached_tokens(answer: Mapping[str, Any]) -> int | None:
    """How many tokens of the prompt the upstream had cached; None where it does not say.

    As OpenAI says it, else as Anthropic or DeepSeek do, whose fields gateways hand on.
    """
    said = answer.get("usage")
    if not isinstance(said, Mapping):
        return None
    details = said.get("prompt_tokens_details")
    nested = details.get("cached_tokens") if isinstance(details, Mapping) else None
    for cached in (nested, said.get("cache_read_input_tokens"), said.get("prompt_cache_hit_tokens")):
        if _makes_sense(cached) and not isinstance(cached, bool):
            return cached
    return None


def _makes_sense(tokens: Any) -> TypeGuard[int]:
    # Some servers say -1 for "unknown"; nothing beyond 32 bits is a count of tokens.
    return isinstance(tokens, int) and 0 <= tokens < 2**32


def response_text(answer: Mapping[str, Any]) -> str:
    """The first choice's text; where it has none, its message as JSON, so that tool calls are kept."""
    text = text_of(answer) or _message_as_json(answer)
    # Half a surrogate pair is text to a client, but not to a database.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _message_as_json(answer: Mapping[str, Any]) -> str:
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return ""
    return json.dumps(choices[0].get("message") or {}, ensure_ascii=False, separators=(",", ":"), default=str)
