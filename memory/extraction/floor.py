"""The floor: "I prefer X", "decided to X", "the requirement is X", wherever they are meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from memory.extraction import guards
from memory.extraction.clauses import statement_end
from memory.extraction.finding import Finding
from memory.extraction.refusals import refused
from memory.extraction.rules import Rule
from memory.extraction.sentences import Sentence
from memory.extraction.setting import LASTING
from memory.extraction.wording import fitting, prefers
from memory.memories.memory import Role

_PREFERENCE: Final = "preference_sentence"
_DECISION: Final = "decided_to_sentence"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Floor:
    rule: Rule
    opening: str
    roles: tuple[Role, ...] = ("user", "assistant")


_FLOOR: Final = (
    _Floor(Rule(_PREFERENCE, "preference", _pattern(r"\bthe user prefers (?P<x>\S.*)")), "The user prefers "),
    _Floor(
        Rule(
            _PREFERENCE,
            "preference",
            _pattern(
                r"\bI (?:(?:really|much|also|generally|usually|always|strongly|still|definitely|personally) )*prefer"
                r" (?P<x>\S.*)"
            ),
        ),
        "The user prefers ",
        ("user",),
    ),
    _Floor(
        Rule(
            _DECISION,
            "adaptation",
            _pattern(
                r"\bdecided to (?!ask\b|write to|contact|reach out|turn to|come to|try\b|check\b|see\b|give\b|call you)"
                r"(?P<x>\S.*)"
            ),
            lasting=True,
        ),
        "Decided to ",
    ),
    _Floor(
        Rule("requirement_sentence", "project", _pattern(r"\bthe requirement is (?P<x>\S.*)")),
        "The requirement is ",
    ),
)
"""An answer's "I prefer" is the assistant's own and never the user's."""

_OF_THIS = _pattern(
    r"(?:this|that|these|those|it|the (?:first|second|last|latter|former|other|one|above|early|earlier)|option"
    r"|to \w+ (?:it|this|that|the|there|them)|[^.!?]{0,200}\b(?:\d{1,2}:\d\d|\d{1,2}\s?[ap]m|\d{1,2}(?:st|nd|rd|th)))\b"
)
_BY_ASSISTANT = _pattern(r"\bI(?:'?ve| have)?(?: \w+)? $")
_BY_YOU = _pattern(r"\byou(?:'?ve| have)?(?: \w+)? $")


def floor(line: Sentence, role: Role, errand: bool) -> Iterator[Finding]:
    """The floor's sentences in one sentence, the first of each rule.

    Args:
        errand: is the turn part of one? A preference is then for it.
    """
    length = statement_end(line.plain)
    if guards.TASK.match(line.plain):
        return
    told: set[str] = set()
    for one in _FLOOR:
        found = one.rule.pattern.search(line.plain, 0, length) if role in one.roles else None
        if not found or one.rule.name in told or not _is_meant(line, found, one.rule, role, errand):
            continue
        told.add(one.rule.name)
        end = fitting(line.plain, found.start("x"), length)
        what = line.text[found.start("x") : end]
        own = role == "user" and one.rule.name == _PREFERENCE
        content = prefers(what) if own else one.opening + what
        place = line.start + found.start(), line.start + end
        yield Finding(one.rule.memory_type, content, one.rule.name, role, *place)


def _is_meant(line: Sentence, found: re.Match[str], rule: Rule, role: Role, errand: bool) -> bool:
    before = line.plain[: found.start()]
    if refused(line.plain, found.start(), rule) or guards.HYPOTHETICAL.search(before):
        return False
    if rule.name == _PREFERENCE:
        return LASTING.search(line.plain) is not None or not (_OF_THIS.match(line.plain, found.start("x")) or errand)
    if rule.name == _DECISION:
        return _is_decision(before, role)
    return True


def _is_decision(before: str, role: Role) -> bool:
    if role == "assistant" and _BY_YOU.search(before):
        return True
    return not guards.NO_DECISION.search(before) and not (role == "assistant" and _BY_ASSISTANT.search(before))
