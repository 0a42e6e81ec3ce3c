"""To which classes a call belongs, and which tiers policy leaves it.

The shape of a call (tools, choices, media, temperature) is certain. What it asks for is judged from words of the last
user text, English only (``asked``); secrets and personal data from their form (``private``).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from cache.classes.asked import asked
from cache.classes.private import ENDS_CHARS, private
from cache.policy import Policy, Tier


def classes_of(body: Mapping[str, Any], policy: Policy) -> list[str]:
    """The classes of a chat call, certain ones first."""
    messages = [message for message in body.get("messages") or () if isinstance(message, dict)]
    found = []
    if not messages or messages[-1].get("role") not in ("user", "system", "developer"):
        found.append("tool-loop")
    if (body.get("n") or 1) > 1:
        found.append("several-choices")
    if any(map(_has_media, messages)) or "audio" in (body.get("modalities") or ()):
        found.append("multimodal")
    if (body.get("temperature") or 0) > policy.max_temperature:
        found.append("high-temperature")
    return [*found, *_told_from_words(_ends(last_user_text(messages)))]


def allowed_tiers(classes: list[str], policy: Policy) -> tuple[frozenset[Tier], str | None]:
    """The tiers left to a call of these classes, and the class that took away the last one."""
    tiers = policy.tiers
    for name in classes:
        tiers = tiers & policy.classes.get(name, tiers)
        if not tiers:
            return tiers, name
    return tiers, None


def last_user_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last user message, its parts joined; empty where there is none."""
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            if isinstance(content, str):
                return content
            parts = content if isinstance(content, list) else ()
            return "\n".join(part["text"] for part in parts if isinstance(part, dict) and _text_in(part))
    return ""


@functools.lru_cache(maxsize=4096)
def _told_from_words(text: str) -> tuple[str, ...]:
    """Remembered, because repeated prompts are what the exact tier lives on and the rules cost more than its hit."""
    return (*asked(text), *private(text))


def _ends(text: str) -> str:
    """Both ends of a long text, where what is asked stands: megabytes are neither read nor remembered."""
    if len(text) <= 2 * ENDS_CHARS:
        return text
    return f"{text[:ENDS_CHARS]}\n{text[-ENDS_CHARS:]}"


def _text_in(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), str)


def _has_media(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        not isinstance(part, dict) or part.get("type") != "text" for part in content
    )
