"""What a turn is about: whose words are in it, whether it plays a part, whether it runs an errand. Pure."""

from __future__ import annotations

import re
from typing import Final

from memory.extraction import guards
from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence

_READ: Final = 4000
"""Characters of a turn that say what it is about."""
_BEFORE: Final = 8
"""Earlier turns that do."""

LASTING: Final = re.compile(
    r"\b(?:always|never|every|usually|generally|in general|normally|from now on|by default|all my|toujours|jamais"
    r"|en général)\b",
    re.IGNORECASE,
)
"""Words that say of a wish that it is not for the errand at hand."""


def is_staged(fresh: Fresh) -> bool:
    """Does somebody play a part here, so that nobody speaks for themselves?"""
    texts = [fresh.prompt, *(text for role, text in fresh.earlier[-_BEFORE:] if role == "user")]
    return any(guards.is_role_play(text[:_READ]) for text in texts)


def is_errand(fresh: Fresh) -> bool:
    """Is something to be found or booked, or does the turn answer what was asked for that?"""
    turns = [text for role, text in fresh.earlier[-_BEFORE:] if role == "user"]
    if any(guards.BOOKING.search(text[:_READ]) for text in turns):
        return True
    asked = fresh.earlier[-1][1] if fresh.earlier and fresh.earlier[-1][0] == "assistant" else ""
    if "?" in asked and guards.OFFER.search(asked[-600:]):
        return True
    return guards.ERRAND.search(fresh.prompt[:_READ]) is not None


def own_words(fresh: Fresh) -> list[Sentence]:
    """The user's sentences and headings, without the text that a task is about or that somebody else wrote."""
    lines = [line for line in fresh.user if line.kind in ("text", "item", "heading")]
    if guards.EDITED.search(fresh.prompt[:_READ]):
        return [line for line in lines if line.paragraph == 0 and line.kind == "text" and LASTING.search(line.plain)]
    kept: list[Sentence] = []
    quoted: int | None = None
    for line in lines:
        if quoted == line.paragraph:
            continue
        begins = guards.object_begins(line.plain) if line.kind != "heading" else -1
        if begins >= len(line.plain.rstrip()):
            break
        if begins >= 0:
            quoted = line.paragraph
        else:
            kept.append(line)
    return kept
