"""Does what a user says next contradict a memory? Pure, and shy: what is not understood contradicts nothing.

A statement contradicts where it speaks of the same thing and gives another amount, denies it, or says that it has
changed. Questions, and turns about something else, say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memory.echo.evidence import Places
from memory.echo.reading import Reading, Sentence, Token, read

OPENING: Final = 400
"""Characters of a turn that are read: who objects does it at once."""
TOPIC_AT: Final = 0.34
"""Share of what a memory speaks of that must stand in the statement beside another amount."""
SAME_AT: Final = 0.5
"""The same where the statement denies it."""

_CHANGED = re.compile(
    r"\b(?:no longer|any ?more|not (?:true|right|correct|the case)|wrong|outdated|out of date|used to|instead of"
    r"|rather than|(?:has|have|'ve) (?:changed|moved|switched)|moved (?:to|away|from)|switched (?:to|from)|changed to"
    r"|n'est plus|ne .{1,30} plus|n'.{1,30} plus|faux|c'est fini|au lieu de|plutot que|(?:a|ont|ai) change)\b"
)
_OBJECTS = re.compile(
    r"^(?:no|nope|nah|wrong|actually|that'?s (?:wrong|not)|not (?:true|right|quite|correct)|non|faux|c'est faux|en fait"
    r"|it'?s not|you'?re wrong|sorry,? (?:but )?(?:no|that'?s)|i meant)\b"
)
_THANKS = re.compile(
    r"^(?:no|non|nope)[\s,.!]*(?:thanks|thank you|thx|problem|worries|merci|need|that'?s (?:all|it|fine))"
)


def contradicts(memory: str, said: str, *, told: bool = False) -> bool:
    """Does a user's turn contradict a memory?

    Args:
        told: the answer that the turn reacts to said what the memory says, so that "no, at three" may speak of it.
    """
    known, turn = read(memory), read(said[:OPENING])
    if _THANKS.match(_straight(said)):
        return False
    objects = told and _OBJECTS.match(_straight(said)) is not None
    return any(
        _denies(known, sentence, objects) for sentence in turn.sentences if not sentence.text.rstrip().endswith("?")
    )


def _denies(memory: Reading, sentence: Sentence, objects: bool) -> bool:
    there = Places(Reading(sentence.text, memory.language, (sentence,)))
    shared = _share([token for token in memory.tokens if token.quantity is None], there)
    if _other_amount(memory.tokens, there):
        return objects or shared >= TOPIC_AT
    if shared < SAME_AT:
        return False
    return _CHANGED.search(_straight(sentence.text)) is not None or sentence.negated != memory.negated


def _other_amount(wanted: Sequence[Token], there: Places) -> bool:
    """Is an amount of the memory missing, and another one of its kind said?"""
    return any(
        token.quantity is not None
        and not there.of(token)
        and any(token.quantity.comparable(other) for other, _ in there.quantities)
        for token in wanted
    )


def _share(wanted: Sequence[Token], there: Places) -> float:
    whole = sum(token.weight for token in wanted)
    return sum(token.weight * max(there.of(token).values(), default=0.0) for token in wanted) / (whole or 1.0)


def _straight(text: str) -> str:
    folded = text.lower().replace("’", "'").strip()
    return "".join(letter for letter in folded.translate(_ACCENTS))


_ACCENTS = str.maketrans("éèêëàâùûîïôç", "eeeeaauuiioc")
