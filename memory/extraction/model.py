"""Candidates read by a model: what it is asked, and what of its reply counts. Pure.

The texts are strangers' words, and so is the reply: whatever it says of status, confidence or project is not read, and
a statement counts only where it quotes the text and says no more than the quote. A reply that is cut off, refused or no
JSON is a failure; it never stands for "nothing to be kept".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

from memory.context.terms import terms
from memory.extraction.shown import Shown
from memory.memories.memory import LEAST_CHARS, MOST_CHARS, TYPES, Candidate, MemoryType, Role, clean, content_key
from memory.quoting import quoted
from memory.replies import Doubled, ReplyError, found_in, text_of

__all__ = ["Reading", "ReplyError", "extractor_of", "messages", "read"]

PROMPT: Final = "extract.v1"
"""A changed prompt gets a new version: then every interaction counts as unread."""
RULE: Final = "model"
MOST: Final = 50
"""Candidates of one reply."""
DOUBTED: Final = 0.1
"""Confidence of candidates from a reply that names more than that: no exchange says so much."""
SUPPORTED: Final = 0.6
"""Share of a statement's words that its quote must hold, in [0, 1]."""
MOST_ALIKE: Final = 2
"""Statements that may quote one passage."""
SCHEMA: Final = {
    "title": "memories",
    "type": "object",
    "properties": {
        "candidates": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "memory_type": {"type": "string", "enum": list(TYPES)},
                    "content": {"type": "string"},
                    "role": {"type": "string", "enum": ["user", "assistant"]},
                    "quote": {"type": "string"},
                },
                "required": ["memory_type", "content", "role", "quote"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["candidates"],
    "additionalProperties": False,
}

_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_FRAME: Final = terms(
    "the user prefers wants likes dislikes needs works lives says has is decided requirement project their the person"
    " must should always never l'utilisateur préfère veut aime travaille habite décidé exigence projet doit jamais"
    " speaks answer assistant"
)
"""Words by which a statement tells whose it is; a quote need not hold them."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply came to."""

    candidates: Sequence[Candidate]
    refused: int
    """Statements that did not count."""
    doubted: bool
    """Were there so many that none is to be relied on?"""


def extractor_of(model: str) -> str:
    """The name and version under which an interaction counts as read by this model."""
    return f"model/{model}/{PROMPT}"


def messages(given: Shown, mark: str) -> list[dict[str, str]]:
    """What the model is asked; ``mark`` is text that nobody can guess."""
    return quoted(_prompt(), {"user": given.user.text, "assistant": given.answer.text}, mark)


def read(answer: Mapping[str, Any], given: Shown) -> Reading:
    """The candidates in a chat completion. Raises ``ReplyError``."""
    items = _items(text_of(answer))
    doubted = len(items) > MOST
    kept: dict[tuple[str, str], Candidate] = {}
    quotes: dict[tuple[str, int, int], int] = {}
    for item in items:
        found = _candidate(item, given, DOUBTED if doubted else 0.5)
        if found is None:
            continue
        place = (found.role, found.start, found.end)
        quotes[place] = quotes.get(place, 0) + 1
        if quotes[place] <= MOST_ALIKE:
            kept.setdefault((found.memory_type, content_key(found.content)), found)
        if len(kept) == MOST:
            break
    return Reading(list(kept.values()), len(items) - len(kept), doubted)


@functools.cache
def _prompt() -> str:
    return resources.files("memory").joinpath("extraction", "prompts", f"{PROMPT}.txt").read_text("utf-8")


def _items(text: str) -> list[Any]:
    """The statements in a reply's text, whatever stands around the JSON."""
    for found in found_in(text, lambda one: isinstance(one, dict) and isinstance(one.get("candidates"), list)):
        items = found.get("candidates") if isinstance(found, dict) else found
        if isinstance(found, Doubled) and "candidates" in found.doubled:
            raise ReplyError("candidates named twice")
        if isinstance(items, list):
            return items
    raise ReplyError("no JSON with candidates")


def _candidate(item: Any, given: Shown, confidence: float) -> Candidate | None:
    """A statement that counts: of a known type and length, quoted, and supported by its quote."""
    if not isinstance(item, dict) or isinstance(item, Doubled):
        return None
    texts = [item.get(name) for name in ("memory_type", "content", "quote")]
    if not all(isinstance(text, str) for text in texts):
        return None
    named, said, quote = (str(text) for text in texts)
    memory_type = _type(named)
    content = clean(said).rstrip(" .;,")
    if memory_type is None or not LEAST_CHARS <= len(content) <= MOST_CHARS:
        return None
    wanted = item.get("role")
    roles: tuple[Role, ...] = ("user", "assistant")
    for role in (wanted,) if wanted in roles else roles:
        place = given.of(role).find(quote.strip())
        if place is not None and _supports(quote, content):
            return Candidate(memory_type, content, RULE, role, *place, confidence)
    return None


def _type(named: str) -> MemoryType | None:
    wanted = named.strip().lower()
    return next((known for known in TYPES if known == wanted), None)


def _supports(quote: str, content: str) -> bool:
    """Does the quote say what the statement says? All its numbers, and most of its words."""
    numbers = set(_NUMBER.findall(quote))
    if not all(number in numbers for number in _NUMBER.findall(content)):
        return False
    said = terms(content) - _FRAME
    held = terms(quote)
    return bool(said) and len(said & held) >= SUPPORTED * len(said)
