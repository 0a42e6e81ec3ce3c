"""Whether what surrounds a clause speaks against taking it. Pure."""

from __future__ import annotations

from typing import Final

from memory.extraction import guards
from memory.extraction.clauses import clause_end
from memory.extraction.rules import Rule
from memory.extraction.sentences import Sentence

_NEAR: Final = 30
"""Characters before a clause in which a hedge is about it."""
_TOLD_OF_PROBLEMS: Final = ("present_habit", "schedule")


def refused(plain: str, start: int, rule: Rule) -> bool:
    """Is the clause that begins here hedged, hypothetical, reported, passing, invented, or a joke?"""
    before, clause = plain[:start], plain[start : clause_end(plain, start)]
    if guards.REPORTED.search(before) or guards.ONE_OFF.search(plain) or guards.FICTION.search(plain):
        return True
    if guards.HEDGED.search(clause) or guards.HEDGED.search(before[-_NEAR:]):
        return True
    if not rule.lasting and _for_now(before, clause):
        return True
    if rule.name == "constraint" and guards.IN_GENERAL.search(before):
        return True
    if rule.name in _TOLD_OF_PROBLEMS and guards.PROBLEM.search(plain):
        return True
    return rule.state and guards.STATE.search(clause) is not None


def taken_back(line: Sentence, following: Sentence | None) -> bool:
    """Does the sentence, or the beginning of the next one, take back what was said?"""
    if guards.RETRACTED.search(line.plain):
        return True
    return following is not None and guards.RETRACTED.search(following.plain[:40]) is not None


def _for_now(before: str, clause: str) -> bool:
    wished = guards.WISHED.search(clause) or guards.WISHED.search(before[-_NEAR:])
    return bool(wished or guards.PASSING.search(clause) or guards.HYPOTHETICAL.search(before))
