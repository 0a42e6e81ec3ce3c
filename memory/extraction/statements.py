"""What the user's turn and the answer state. Pure.

A sentence gives one finding at most beyond the floor: the first rule, from left to right, that nothing around speaks
against. What it gives reaches from its clause to the end of what the sentence states.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from memory.extraction import guards
from memory.extraction.clauses import clauses, statement_end
from memory.extraction.corrections import corrected
from memory.extraction.english import ENGLISH
from memory.extraction.finding import Finding
from memory.extraction.floor import floor
from memory.extraction.french import FRENCH
from memory.extraction.fresh import Fresh
from memory.extraction.records import is_general
from memory.extraction.refusals import refused, taken_back
from memory.extraction.rules import Rule
from memory.extraction.sentences import Sentence
from memory.extraction.setting import LASTING, is_errand, is_staged, own_words
from memory.extraction.wording import fitting, language, stand_alone
from memory.memories.memory import LEAST_CHARS

RULES: Final[tuple[Rule, ...]] = (*ENGLISH, *FRENCH)
_BY_LANGUAGE: Final = {"en": ENGLISH, "fr": FRENCH}

_SPEAKER = re.compile(r"(?<=\s)(?:I|we|on|nous|our)\b", re.IGNORECASE)
_LIST_OF_NEEDS = re.compile(
    r"\b(?:requirements?|constraints?|conventions?|(?:ground |house )?rules?|needs? to respect|must"
    r"|has to (?:respect|do|support)|non-negotiables?|(?:my|our) (?:setup|stack)|about (?:me|us)|context|background"
    r"|facts|what we decided|decisions?|we agreed(?: on)?|contraintes?|exigences?|règles?|contexte|à respecter"
    r"|décisions?|ce qu'on a décidé)\b[^.!?\n]{0,30}:$",
    re.IGNORECASE,
)
_YOURS = re.compile(r"\b(?:your|yours|votre|vos|customers?)\b", re.IGNORECASE)
_ASKED: Final = 2000
"""Characters of a prompt that say what an answer is about."""


def user_statements(fresh: Fresh) -> Iterator[Finding]:
    """What the user's own words of the last turn state."""
    lines = [line for line in own_words(fresh) if line.kind != "heading"]
    if is_staged(fresh) or any(guards.SARCASTIC.search(line.plain) for line in lines):
        return
    errand = is_errand(fresh)
    listed = False
    for number, line in enumerate(lines):
        if line.kind == "item" and listed:
            yield Finding("project", line.text, "listed_requirement", "user", line.start, line.end)
            continue
        listed = line.kind != "item" and _LIST_OF_NEEDS.search(line.plain.rstrip()) is not None
        following = lines[number + 1] if number + 1 < len(lines) else None
        if not guards.is_pasted(line.plain) and not taken_back(line, following):
            yield from _stated(line, lines, fresh, errand)


def answer_statements(fresh: Fresh) -> Iterator[Finding]:
    """What an answer says of the user, a decision or a requirement in a sentence of the floor; never of itself.

    "We decided to" is a company's own policy where the user asked for "your" rules, or a line of a draft.
    """
    if is_staged(fresh) or is_general(fresh):
        return
    asked = fresh.prompt[:_ASKED]
    theirs = _YOURS.search(asked) or guards.TASK.match(asked)
    for line in fresh.answer:
        if line.kind == "text" and not guards.is_pasted(line.plain):
            for found in floor(line, "assistant", False):
                if not theirs or found.rule != "decided_to_sentence":
                    yield found


def _stated(line: Sentence, lines: list[Sentence], fresh: Fresh, errand: bool) -> Iterator[Finding]:
    base = list(floor(line, "user", errand))
    if base:
        yield from base
    elif found := corrected(line, lines, fresh) or _by_rules(line, errand):
        yield found


def _by_rules(line: Sentence, errand: bool) -> Finding | None:
    length = statement_end(line.plain)
    if length < LEAST_CHARS:
        return None
    stated = line.plain[:length]
    task = guards.TASK.match(stated) is not None
    errand = errand and not LASTING.search(stated)
    for start, rule in _matches(stated):
        for_this = (task and not rule.lasting) or (errand and rule.errand)
        if not for_this and not refused(stated, start, rule):
            return _finding(line, stated, start, rule)
    return None


def _finding(line: Sentence, stated: str, start: int, rule: Rule) -> Finding:
    if rule.anywhere:
        start = max(begin for begin in clauses(stated) if begin <= start)
    end = fitting(stated, start, len(stated))
    content = stand_alone(line.text[start:end])
    return Finding(rule.memory_type, content, rule.name, "user", line.start + start, line.start + end)


def _matches(stated: str) -> Iterator[tuple[int, Rule]]:
    """Where which rule matches, from left to right."""
    begins = set(clauses(stated))
    inner = {found.start() for found in _SPEAKER.finditer(stated)}
    rules = _BY_LANGUAGE.get(language(stated), RULES)
    for start in sorted(begins | inner):
        for rule in rules:
            if (start in begins or rule.anywhere) and rule.pattern.match(stated, start):
                yield start, rule
