"""What the user's turn and the answer state: the three sentences of the floor, and the rules of each language. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from memory.extraction import guards
from memory.extraction.clauses import clause_end, clauses, statement_end
from memory.extraction.english import ENGLISH
from memory.extraction.finding import Finding
from memory.extraction.french import FRENCH, SELF_CORRECTED
from memory.extraction.fresh import Fresh
from memory.extraction.records import is_general
from memory.extraction.rules import Rule
from memory.extraction.sentences import Sentence
from memory.extraction.wording import prefers, stand_alone
from memory.memory import LEAST_CHARS, MOST_CHARS, MemoryType, Role

_I_PREFER: Final = re.compile(
    r"\bI\s+(?:(?:really|much|also|generally|usually|always|strongly|still|definitely|personally)\s+)*prefer\s+(?P<x>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_USER_PREFERS: Final = re.compile(r"\bthe\s+user\s+prefers\s+(?P<x>\S.*)", re.IGNORECASE | re.DOTALL)
_DECIDED: Final = re.compile(r"\bdecided\s+to\s+(?!ask\b|write\s+to|contact|reach\s+out|turn\s+to|come\s+to|try\b|check\b|see\b|give\b|call\s+you)(?P<x>\S.*)", re.IGNORECASE | re.DOTALL)
_REQUIREMENT: Final = re.compile(r"\bthe\s+requirement\s+is\s+(?:that\s+)?(?P<x>\S.*)", re.IGNORECASE | re.DOTALL)
_FLOOR: Final[tuple[tuple[re.Pattern[str], str, MemoryType, str], ...]] = (
    (_USER_PREFERS, "preference_sentence", "preference", "The user prefers "),
    (_I_PREFER, "preference_sentence", "preference", "The user prefers "),
    (_DECIDED, "decided_to_sentence", "adaptation", "Decided to "),
    (_REQUIREMENT, "requirement_sentence", "project", "The requirement is that "),
)

_OF_THIS = re.compile(r"(?:this|that|these|those|it|the\s+(?:first|second|last|latter|former|other|one|above|early|earlier)|option)\b", re.IGNORECASE)
_LASTING = re.compile(r"\b(?:always|never|every|usually|generally|in general|normally|from now on|by default|all my|toujours|jamais|en général)\b", re.IGNORECASE)
_CORRECTED = re.compile(
    r"\bmy (?:bad|mistake)\b|\bi (?:mis(?:read|typed|spoke|remembered)|mixed (?:up|them)|got (?:that|it) wrong|was wrong|meant"
    r"|swapped|double-?checked|che?c?ke?d)\b|\b(?:che?c?ke?d) (?:the|my|with)\b|\bturns out\b|\bcorrection\b|^i meant\b",
    re.IGNORECASE,
)
_TOGETHER = 220
_STATES = re.compile(r"\b(?:it'?s|it is|its|is|are|they'?re|was|c'est|est|sont)\b|\d", re.IGNORECASE)
_SPEAKER = re.compile(r"(?<=\s)(?:I|we|on|nous|our)\b", re.IGNORECASE)
_NEEDS = re.compile(
    r"(?:requirements?|constraints?|conventions?|ground rules?|rules?|house rules?|needs? to respect|must|has to (?:respect|do|support)"
    r"|non-negotiables?|my setup|our setup|our stack|about (?:me|us)|some context|context|background|facts|what we decided|decisions?"
    r"|we agreed(?: on)?|contraintes?|exigences?|règles?|contexte|à respecter|décisions?|ce qu'on a décidé)\b[^.!?\n]{0,30}:$",
    re.IGNORECASE,
)
_BUSINESS = re.compile(r"\b(?:your|yours|votre|vos|you guys|customers?)\b", re.IGNORECASE)
_COMPANY = re.compile(r"\bI(?:'?ve)?(?:\s+\w+)?\s*$", re.IGNORECASE)


def user_statements(fresh: Fresh) -> Iterator[Finding]:
    """What the user's own words of the last turn state."""
    if _staged(fresh):
        return
    lines = _own(fresh)
    sarcastic = any(guards.SARCASTIC.search(line.plain) for line in lines)
    needs = False
    for number, line in enumerate(lines):
        if line.kind == "item" and needs:
            yield Finding("project", line.text, "listed_requirement", "user", line.start, line.end)
            continue
        needs = line.kind != "item" and _NEEDS.search(line.plain.rstrip()) is not None
        following = lines[number + 1] if number + 1 < len(lines) else None
        if sarcastic or guards.is_pasted(line.plain) or _taken_back(line, following):
            continue
        found = _floor(line, "user", fresh) or _corrected(line, fresh, lines) or _by_rules(line, fresh)
        if found:
            yield found


def answer_statements(fresh: Fresh) -> Iterator[Finding]:
    """What the answer says of the user or of a decision in one of the floor's sentences; never of itself."""
    if _staged(fresh) or is_general(fresh):
        return
    ours = not _BUSINESS.search(fresh.prompt[:2000]) and not guards.TASK.match(fresh.prompt[:2000])
    for line in fresh.answer:
        if line.kind == "text" and not guards.is_pasted(line.plain):
            found = _floor(line, "assistant", fresh)
            if found and (ours or found.rule != "decided_to_sentence"):
                yield found


def _staged(fresh: Fresh) -> bool:
    texts = [fresh.prompt[:4000], *(text[:4000] for role, text in fresh.earlier[-6:] if role == "user")]
    return any(guards.is_role_play(text) for text in texts)


def _own(fresh: Fresh) -> list[Sentence]:
    """The sentences that are the user's own words, not the text that a task is about."""
    if guards.EDITED.search(fresh.prompt[:4000]):
        return [line for line in fresh.user if _LASTING.search(line.plain) and line.kind == "text" and line.paragraph == 0]
    kept: list[Sentence] = []
    about = -1
    for line in fresh.user:
        if line.kind not in ("text", "item"):
            continue
        if about >= 0 and (about == 0 or line.paragraph == about):
            continue
        begins = guards.object_begins(line.plain)
        if begins >= 0:
            about = 0 if begins >= len(line.plain.rstrip()) else line.paragraph
            continue
        kept.append(line)
    return kept


def _taken_back(line: Sentence, following: Sentence | None) -> bool:
    if guards.RETRACTED.search(line.plain):
        return True
    return following is not None and guards.RETRACTED.search(following.plain[:40]) is not None


def _floor(line: Sentence, role: Role, fresh: Fresh) -> Finding | None:
    length = statement_end(line.plain)
    if guards.TASK.match(line.plain):
        return None
    for pattern, rule, memory_type, opening in _FLOOR:
        found = pattern.search(line.plain[:length])
        if not found or pattern is _I_PREFER and role == "assistant":
            continue
        if _refused(line.plain, found.start(), rule) or rule == "preference_sentence" and _for_this(line, found, fresh):
            continue
        if rule == "decided_to_sentence" and not _is_decision(line.plain[: found.start()], role):
            continue
        start, end = found.start("x"), _fitting(line.plain, found.start("x"), length)
        content = opening + line.text[start:end]
        if role == "user" and rule == "preference_sentence":
            content = prefers(line.text[start:end])
        return Finding(memory_type, content, rule, role, line.start + found.start(), line.start + end)
    return None


def _is_decision(before: str, role: Role) -> bool:
    if guards.NO_DECISION.search(before) and not (role == "assistant" and re.search(r"\byou(?: \w+)? $", before, re.IGNORECASE)):
        return False
    return role == "user" or not re.search(r"\bI(?:'?ve| have)?(?: \w+)? $", before)



def _for_this(line: Sentence, found: re.Match[str], fresh: Fresh) -> bool:
    """Is a preference one for the thing at hand: an answer to a question, "this one", "the second"?"""
    if _LASTING.search(line.plain):
        return False
    return _OF_THIS.match(line.plain, found.start("x")) is not None or _is_errand(fresh)


def _is_errand(fresh: Fresh) -> bool:
    """Is the turn part of an errand: an answer to what was asked for it, or a request for something to be found?"""
    asked = fresh.earlier[-1][1] if fresh.earlier and fresh.earlier[-1][0] == "assistant" else ""
    return "?" in asked and guards.OFFER.search(asked[-600:]) is not None or guards.ERRAND.search(fresh.prompt[:2000]) is not None


def _by_rules(line: Sentence, fresh: Fresh) -> Finding | None:
    length = statement_end(line.plain)
    if length < LEAST_CHARS:
        return None
    stated = line.plain[:length]
    task = guards.TASK.match(stated) is not None
    errand = _is_errand(fresh) and not _LASTING.search(stated)
    for start, rule in _matches(stated):
        if task and not rule.lasting or errand and rule.errand or _refused(stated, start, rule.name, rule):
            continue
        if rule.anywhere:
            start = max(begin for begin in clauses(stated) if begin <= start)
        end = _fitting(stated, start, length)
        content = stand_alone(line.text[start:end])
        return Finding(rule.memory_type, content, rule.name, "user", line.start + start, line.start + end)
    return None


def _matches(stated: str) -> Iterator[tuple[int, Rule]]:
    """Where which rule matches, from left to right."""
    begins = set(clauses(stated))
    inner = {found.start() for found in _SPEAKER.finditer(stated)}
    for start in sorted(begins | inner):
        for rule in (*ENGLISH, *FRENCH):
            if (start in begins or rule.anywhere) and rule.pattern.match(stated, start):
                yield start, rule


def _refused(plain: str, start: int, name: str, rule: Rule | None = None) -> bool:
    """Is the clause that begins here hedged, hypothetical, reported, passing, or a joke?"""
    before, clause = plain[:start], plain[start : clause_end(plain, start)]
    if rule is not None and rule.name == "constraint" and guards.IN_GENERAL.search(before):
        return True
    if rule is not None and rule.name in ("present_habit", "schedule") and guards.PROBLEM.search(plain):
        return True
    if guards.REPORTED.search(before) or rule is None and guards.HYPOTHETICAL.search(before):
        return True
    lasting = rule is not None and rule.lasting or name == "decided_to_sentence"
    if guards.HEDGED.search(clause) or guards.HEDGED.search(before[-30:]):
        return True
    if not lasting and (guards.WISHED.search(clause) or guards.WISHED.search(before[-25:])):
        return True
    if not lasting and (guards.PASSING.search(clause) or guards.HYPOTHETICAL.search(before)):
        return True
    if guards.ONE_OFF.search(plain):
        return True
    return rule is not None and rule.state and guards.STATE.search(clause) is not None


def _fitting(plain: str, start: int, end: int) -> int:
    """The end of a statement from ``start``, moved back to a comma where it is longer than a memory may be."""
    if end - start <= MOST_CHARS - 30:
        return end
    cut = max(plain.rfind(mark, start, start + MOST_CHARS - 30) for mark in (", ", "; ", " - "))
    return cut if cut > start + 20 else end


def _corrected(line: Sentence, fresh: Fresh, lines: Sequence[Sentence]) -> Finding | None:
    """A fact that the user puts right about an own earlier statement, with the statements that go on from it."""
    if not any(role == "assistant" for role, _ in fresh.earlier) or line.paragraph != lines[0].paragraph:
        return None
    length = statement_end(line.plain)
    stated = line.plain[:length]
    if not (_CORRECTED.search(stated) or SELF_CORRECTED.search(stated)) or not _STATES.search(stated):
        return None
    if guards.HEDGED.search(stated) or guards.TASK.match(stated):
        return None
    end = line.start + length
    for following in lines[lines.index(line) + 1 :]:
        if following.plain.endswith("?") or guards.TASK.match(following.plain) or following.end - line.start > _TOGETHER:
            break
        end = following.end
    begin = line.start + min((found for found in clauses(stated) if _STATES.match(stated, found)), default=0)
    content = stand_alone(fresh.prompt[begin:end])
    return Finding("knowledge", content, "correction", "user", begin, end)
