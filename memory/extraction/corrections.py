"""Facts that the user puts right about an own earlier statement. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memory.extraction import guards
from memory.extraction.clauses import clauses, statement_end
from memory.extraction.finding import Finding
from memory.extraction.french import SELF_CORRECTED
from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence
from memory.extraction.wording import stand_alone

_CORRECTED = re.compile(
    r"\bmy (?:bad|mistake)\b|\bi (?:mis(?:read|typed|spoke|remembered)|mixed (?:up|them)|got (?:that|it)"
    r" wrong|was wrong|meant|swapped|double-?checked|che?c?ke?d)\b|\b(?:che?c?ke?d) (?:the|my|with)\b|\bturns out\b"
    r"|\bcorrection\b",
    re.IGNORECASE,
)
_STATES = re.compile(r"\b(?:it'?s|it is|its|is|are|they'?re|was|c'est|est|sont)\b|\d", re.IGNORECASE)
_TOGETHER: Final = 220
"""Characters of a correction with the statements that go on from it."""


def corrected(line: Sentence, lines: Sequence[Sentence], fresh: Fresh) -> Finding | None:
    """A correction at the head of a turn that answers an answer, with the statements that go on from it."""
    if line.paragraph != lines[0].paragraph or not any(role == "assistant" for role, _ in fresh.earlier):
        return None
    length = statement_end(line.plain)
    stated = line.plain[:length]
    if not (_CORRECTED.search(stated) or SELF_CORRECTED.search(stated)) or not _STATES.search(stated):
        return None
    if guards.HEDGED.search(stated) or guards.WISHED.search(stated) or guards.TASK.match(stated):
        return None
    begin = line.start + min((start for start in clauses(stated) if _STATES.match(stated, start)), default=0)
    end = _end(line.start + length, line, lines)
    return Finding("knowledge", stand_alone(fresh.prompt[begin:end]), "correction", "user", begin, end)


def _end(end: int, line: Sentence, lines: Sequence[Sentence]) -> int:
    for following in lines[lines.index(line) + 1 :]:
        asks = statement_end(following.plain) < len(following.plain) or guards.TASK.match(following.plain)
        if asks or following.end - line.start > _TOGETHER:
            break
        end = following.end
    return end
