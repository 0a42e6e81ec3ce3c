"""Findings in Markdown headings: decisions, constraints, requirements, facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from memory.extraction.finding import Finding
from memory.extraction.fresh import Fresh
from memory.extraction.records import is_general
from memory.extraction.sentences import Sentence
from memory.memories.memory import MemoryType, Role

_MARKED = re.compile(
    r"[*_]{0,3}(?P<word>decision|constraint|requirement|fact)[*_]{0,3}\s*(?::|-|–|—)[*_]{0,3}\s*(?P<what>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_MOST_BELOW: Final = 10
"""Sentences that one heading may stand for."""
_TYPES: Final[dict[str, MemoryType]] = {
    "decision": "adaptation",
    "constraint": "project",
    "requirement": "project",
    "fact": "knowledge",
}


def headings(lines: Sequence[Sentence], role: Role, fresh: Fresh) -> Iterator[Finding]:
    """What headings of level 1 to 6 record: ``## Decision: ...``, ``### Fact - ...``.

    A heading that only names its topic ("Decision: eligibility") gives the sentences below it instead.
    """
    if role == "assistant" and is_general(fresh):
        return
    text = fresh.prompt if role == "user" else fresh.response
    for number, line in enumerate(lines):
        marked = _MARKED.match(line.text) if line.kind == "heading" else None
        if not marked:
            continue
        word, what = marked["word"].lower(), marked["what"].rstrip("# ")
        below = _below(lines, number) if " " not in what.strip() else []
        if below:
            for one in below:
                yield Finding(_TYPES[word], text[one.start : one.end], f"{word}_heading", role, one.start, one.end)
        else:
            start = line.start + marked.start("what")
            yield Finding(_TYPES[word], what, f"{word}_heading", role, start, line.end)


def _below(lines: Sequence[Sentence], number: int) -> list[Sentence]:
    """The sentences and list items between a heading and the next one."""
    following = takewhile(lambda line: line.kind != "heading", lines[number + 1 :])
    return [line for line in following if line.kind in ("text", "item")][:_MOST_BELOW]
