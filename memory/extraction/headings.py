"""Findings in Markdown headings: decisions, constraints, requirements, facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from memory.extraction.finding import Finding
from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence
from memory.memory import MemoryType, Role

_MARKED = re.compile(
    r"[*_]{0,3}(?P<word>decision|constraint|requirement|fact)[*_]{0,3}\s*(?::|-|–|—)[*_]{0,3}\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_TYPES: dict[str, MemoryType] = {
    "decision": "adaptation",
    "constraint": "project",
    "requirement": "project",
    "fact": "knowledge",
}


def headings(lines: Sequence[Sentence], role: Role, fresh: Fresh) -> Iterator[Finding]:
    """What headings of level 1 to 6 record: ``## Decision: ...``, ``### Fact - ...``."""
    for line in lines:
        marked = _MARKED.match(line.text) if line.kind == "heading" else None
        if marked:
            word = marked["word"].lower()
            start = line.start + marked.start("what")
            yield Finding(_TYPES[word], marked["what"].rstrip("# "), f"{word}_heading", role, start, line.end)
