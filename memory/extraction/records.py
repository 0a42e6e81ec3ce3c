"""What an answer writes down as agreed, decided or required. Pure.

An answer gives advice all day; only what it marks as a record of the user's undertaking is read, and not where the
user asked how such a record looks in general.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from memory.extraction.finding import Finding
from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence

_WORDS = (
    r"decision|decided|agreed|agreement|as agreed|confirmed|requirements?|constraints?|settled"
    r"|décision|décidé|convenu|comme convenu|confirmé|exigences?|contraintes?|acté|retenu|as decided"
    r"|decisions|décisions|points? agreed|what we agreed|as discussed"
)
_MARKED: Final = re.compile(
    rf"[*_]{{2,3}}\s*(?:{_WORDS})\b[^*\n:]{{0,40}}?\s*(?::\s*[*_]{{2,3}}|[*_]{{2,3}}\s*(?::|-|–|—))\s*(?P<what>\S.*)"
    rf"|(?:{_WORDS})\s*(?::|–|—| - )\s*(?P<plain>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_TITLE: Final = re.compile(
    r"(?:[*_]{2,3}|)[^*\n]{0,60}?\b(?:decided|agreed|as agreed|confirmed|settled|decisions?|décidé"
    r"|convenu|acté|confirmé|décisions?)\b[^*\n.]{0,20}"
    r"[*_]{0,3}:?[*_]{0,3}\s*$",
    re.IGNORECASE,
)
_AGREED: Final = re.compile(r"(?:as|like) (?:we )?(?:agreed|decided|discussed),? \S|comme convenu,? \S", re.IGNORECASE)
_GENERAL: Final = re.compile(
    r"\b(?:what|how)\s+(?:should|does|do|would|might|could|can)\s+(?:a|an|any|one|most|people|teams|you\s+write|i\s+write)\b"
    r"|\b(?:template|example|sample|typical|in\s+general|canned|boilerplate|best\s+practices?|sensible|survey|items?\s+for"
    r"|\d+\s+(?:\w+\s+)?items)\b|\b(?:que|quoi|comment)\s+(?:doit|devrait)\b|\b(?:modèle|exemple)\b",
    re.IGNORECASE,
)
_OURS: Final = re.compile(r"\b(?:we|our|ours|us|nous|notre|nos)\b", re.IGNORECASE)
_READ: Final = 2000
"""Characters of a prompt that say what an answer is about."""


def is_general(fresh: Fresh) -> bool:
    """Did the user ask how such a thing looks in general: for a template, an example, advice?"""
    asked = fresh.prompt[:_READ]
    return _GENERAL.search(asked) is not None and not _OURS.search(asked)


def records(lines: Sequence[Sentence], fresh: Fresh) -> Iterator[Finding]:
    """What stands behind a marker such as ``**Confirmed:**``, and the list below such a title."""
    if is_general(fresh):
        return
    listed = False
    for line in lines:
        marked = _MARKED.match(line.text) if line.kind in ("text", "item") else None
        if marked:
            start = line.start + (marked.start("what") if marked["what"] else marked.start("plain"))
            yield Finding("project", fresh.response[start : line.end], "recorded", "assistant", start, line.end)
        elif listed and line.kind == "item":
            yield Finding("project", line.text, "recorded", "assistant", line.start, line.end)
            continue
        elif line.kind == "text" and _AGREED.match(line.text):
            yield Finding("project", line.text, "recorded", "assistant", line.start, line.end)
        listed = line.kind in ("text", "heading") and _TITLE.match(line.text) is not None
