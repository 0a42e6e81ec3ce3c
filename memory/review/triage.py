"""A model's word on candidates: what it is shown, and what of its reply counts. Pure.

The candidate is a stranger's text, and approval makes it part of other prompts. So the reply must be one bare verdict,
and what looks as if it spoke to an assistant is left to a person whatever a model says of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from memory.memories.memory import Memory

Word = Literal["approve", "reject", "person"]
WORDS: Final[tuple[Word, ...]] = get_args(Word)
SCHEMA: Final = {
    "title": "verdict",
    "type": "object",
    "properties": {
        "verdict": {"type": "string", "enum": list(WORDS)},
        "sure": {"type": "number", "minimum": 0, "maximum": 1},
    },
    "required": ["verdict", "sure"],
    "additionalProperties": False,
}

_SPEAKS_TO_A_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|oubliez?|ignorez?)\b.{0,40}\b(?:previous|prior|above|earlier|all|any"
    r"|instructions?|rules?|prompts?|guidelines?|precedentes?|précédentes?|consignes?|règles)\b"
    r"|\b(?:system|developer)\s+(?:prompt|message|instructions?)\b|\binvite système\b"
    r"|(?:^|[\s\"'>\]])(?:system|assistant|user|developer|human|ai)\s*:"
    r"|<\|?/?\s*(?:im_start|im_end|system|assistant|user|inst|tool|instructions?)|\[/?INST\]|<<SYS>>|\{\s*\"|```|#{3,}"
    r"|\b(?:you|assistants?|models?|the ai|chatbots?|vous|tu)\b.{0,30}\b(?:must|should|shall|have to|are now|will now"
    r"|always|never|need to|devez|dois|êtes maintenant|es maintenant)\b"
    r"|\b(?:from now on|act as|pretend|role-?play|jailbreak|à partir de maintenant|fais comme si)\b"
    r"|^\W*(?:always|never|do not|don't|toujours|ne jamais|jamais)\s+(?:tell|say|mention|reveal|disclose|recommend"
    r"|reply|respond|answer|include|add|append|insert|output|print|send|refuse|warn|obey|trust|dites|dire|réponds|répondre)\b"
    r"|\b(?:approve|promote|accept|confirm)\b.{0,20}\b(?:this|me|memory|candidate|statement)\b|\bverdict\b"
    r"|\bhttps?://|\bdata:[a-z]+/|\b(?:curl|wget|sudo|rm -rf|eval|base64)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model makes of a candidate, and how sure it says it is, in [0, 1]."""

    word: Word
    sure: float


def speaks_to_a_model(memory: Memory) -> bool:
    """Does the statement, or what it was taken from, look like an instruction to an assistant?"""
    span = memory.provenance.span if memory.provenance else ""
    return any(_SPEAKS_TO_A_MODEL.search(text) for text in (memory.content, span))


def card(memory: Memory, known: Sequence[Memory]) -> dict[str, Any]:
    """What a model is shown of a candidate, and of what is known already."""
    origin = memory.provenance
    return {
        "statement": memory.content,
        "type": memory.memory_type,
        "project": memory.project,
        "said_by": origin.role if origin else "",
        "said": origin.span if origin else "",
        "times_said": memory.supports,
        "known": [other.content for other in known],
    }


def read(text: str) -> Verdict | None:
    """The verdict in a reply: one JSON object and not a word more, but for a fence of Markdown around it."""
    bare = _unfenced(text.strip())
    try:
        pairs = json.loads(bare, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return None
    # As a list of pairs, so that a key that comes twice is seen.
    if not isinstance(pairs, list) or len(pairs) != 2 or not all(isinstance(pair, tuple) for pair in pairs):
        return None
    said = dict(pairs)
    word, sure = said.get("verdict"), said.get("sure")
    if not isinstance(word, str) or word not in WORDS:
        return None
    if isinstance(sure, bool) or not isinstance(sure, int | float) or not math.isfinite(sure) or not 0 <= sure <= 1:
        return None
    return Verdict(word, float(sure))


def _unfenced(text: str) -> str:
    if not (text.startswith("```") and text.endswith("```") and "\n" in text):
        return text
    opening, _, rest = text.partition("\n")
    return rest.removesuffix("```").strip() if opening[3:].strip().lower() in ("", "json") else text
