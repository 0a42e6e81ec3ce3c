"""To which classes a call belongs, and which tiers policy leaves it.

The shape of a call (tools, choices, media, temperature) is certain. What it asks for is judged from words of the last
user text: English only, on the side of not caching. Other languages are left to the threshold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cache.policy import Policy, Tier

_POLITE = (
    r"^\W*(?:(?:please|hey|hi|ok|okay|now|so|can you|could you|would you|will you|i want you to|i need you to)\W+)*"
)

_ASKS: Final[dict[str, re.Pattern[str]]] = {
    "random": re.compile(
        r"\b(?:roll|throw|toss|flip)\b.{0,20}\b(?:die|dice|coin)\b|\bheads or tails\b|\brandom(?:ly)?\b"
        r"|\bsurprise me\b|\b(?:generate|create|make|give me)\b.{0,30}\b(?:password|passphrase|uuid|guid)\b",
        re.IGNORECASE,
    ),
    "volatile": re.compile(
        r"\b(?:right now|at the moment|currently|today(?:'s)?|tonight|tomorrow|yesterday|this (?:morning|evening|week)"
        r"|latest|breaking|up[- ]to[- ]date|what(?:'s| is) the (?:time|date)|what time is it|what day is it"
        r"|weather|forecast|stock price|exchange rate|news|score of the game)\b"
        r"|\bcurrent (?:time|date|price|weather|temperature|rate|status|version|president|prime minister|ceo)\b",
        re.IGNORECASE,
    ),
    "action": re.compile(
        _POLITE
        + r"(?:set (?:an?|my|the) (?:alarm|timer|reminder)|remind me|turn (?:on|off|up|down)\b|(?:send|forward)\b"
        r".{0,40}\b(?:to|email|message|text)\b|call (?:my|mom|dad|\w+ (?:back|now))|text (?:my|mom|dad)\b"
        r"|book (?:a|an|me)\b"
        r"|order (?:a|an|me|some)\b|buy (?:a|an|me|some)\b|schedule\b|cancel my\b|play\b|pause\b|delete my\b"
        r"|add .{1,60} to (?:my|the) .{0,20}(?:list|cart|calendar)|(?:transfer|pay|wire)\b|repeat (?:that|what you)"
        r"|start recording|change (?:my|your) (?:name|language|accent|volume|speed))",
        re.IGNORECASE,
    ),
    "own-data": re.compile(
        r"\b(?:what(?:'s| is| are| was| were)|when(?:'s| is| are| was)|where(?:'s| is| are)|how (?:much|many|long)"
        r"|show|check|list|read|tell)\b.{0,40}\bmy\b.{0,20}\b(?:balance|account|orders?|bills?|statements?|transactions?"
        r"|subscription|appointments?|calendar|meetings?|messages?|emails?|inbox|reservations?|flight|deliver(?:y|ies)"
        r"|package|credit (?:score|limit)|payday|paycheck|salary|points|(?:to-?do|shopping) list|reminders?|location"
        r"|due|name|passwords?|pin)\b|\bwhere am i\b|\bwhat did i\b|\bdo i have (?:any|enough)\b",
        re.IGNORECASE,
    ),
    "creative": re.compile(
        r"\b(?:write|compose|create|invent|make up|tell)\b(?: me| us)?.{0,20}\b(?:poem|haiku|sonnet|limerick|story|tale"
        r"|song|lyrics|rap|joke|riddle|slogan|tagline|novel|script|dialogue)\b|\bbrainstorm\b",
        re.IGNORECASE,
    ),
    "secrets": re.compile(
        r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bxox[abprs]-[\w-]{10,}"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
        r"|\b(?i:password|passwd|pwd|api[_ -]?key|secret)\b\s*(?:is|[:=])\s*\S{6,}"
        r"|\b\d{3}-\d{2}-\d{4}\b|\b(?:\d[ -]?){15}\d\b",
    ),
}


JUDGED_CHARS = 2000
"""Of a long text, so many characters at either end are judged."""


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
    text = last_user_text(messages)
    if len(text) > 2 * JUDGED_CHARS:
        # What is asked stands at either end; patterns over megabytes would hold up every other call.
        text = f"{text[:JUDGED_CHARS]}\n{text[-JUDGED_CHARS:]}"
    return [*found, *_asked(text)]


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
def _asked(text: str) -> tuple[str, ...]:
    """Remembered, because repeated prompts are what the exact tier lives on and the patterns cost more than its hit."""
    return tuple(name for name, asks in _ASKS.items() if asks.search(text))


def _text_in(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("text"), str)


def _has_media(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        not isinstance(part, dict) or part.get("type") != "text" for part in content
    )
