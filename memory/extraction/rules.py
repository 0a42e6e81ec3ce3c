"""A rule, and what every language's rules are made with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from memory.memories.memory import MemoryType


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that is held against the start of each clause."""

    name: str
    memory_type: MemoryType
    pattern: re.Pattern[str]
    lasting: bool = False
    """Does the pattern itself say that this holds beyond today? Then "today" does not speak against it."""
    state: bool = False
    """Would a passing state read the same: "our oven is broken"?"""
    errand: bool = False
    """Would a wish for one errand read the same: "the hotel must have wifi"?"""
    anywhere: bool = False
    """Does it also count behind other words of its clause, where "I" or "we" begins it?"""


def any_of(words: str) -> str:
    """An alternative of words; an underscore stands for blanks."""
    return "(?:" + "|".join(words.split()).replace("_", r"\s+") + ")"


def rules_of(parts: Mapping[str, str], *rows: tuple[str, MemoryType, str, str]) -> tuple[Rule, ...]:
    """Rules of (name, type, flags, pattern); a pattern names parts as ``<part>``, and blanks stand for any number."""
    made = []
    for name, memory_type, flags, pattern in rows:
        for _ in range(4):
            pattern = re.sub(r"(?<!\()<(\w+)>", lambda found: f"(?:{parts[found[1]]})", pattern)
        compiled = re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)
        told = {flag: flag in flags.split() for flag in ("lasting", "state", "errand", "anywhere")}
        made.append(Rule(name, memory_type, compiled, **told))
    return tuple(made)
