"""Blots out what a text only mentions: quotations, code, addresses. Pure; time grows with the length of the text."""

from __future__ import annotations

import re
from typing import Final

BLOT: Final = "·"
"""Stands for one character that is not the speaker's own."""

MOST_QUOTED: Final = 4000
MOST_SINGLE: Final = 300
"""A quotation longer than this many characters is taken for an unpaired mark; the second in single marks."""

_CODE = re.compile(r"`[^`\n]{1,400}`")
_ADDRESS = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]{1,400}")
_EMPHASIS = re.compile(r"\*\*|__")
_CLOSING = {'"': '"', "“": "”", "„": "“", "«": "»", "‹": "›", "‘": "’", "'": "'", "”": "”"}
_MARK = re.compile("[\"“„«‹‘'”]")
_SINGLE = "'‘"
_STRAIGHT = "\"'‘"
"""Marks that also stand in words, or look alike at both ends."""
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "\u00a0": " ", "\u202f": " "})


def mask(text: str) -> str:
    """The text at equal length: quotations and code become blots, marks of emphasis blanks, apostrophes straight."""
    text = _CODE.sub(lambda found: BLOT * len(found[0]), text)
    text = _ADDRESS.sub(lambda found: BLOT * len(found[0]), text)
    text = _EMPHASIS.sub("  ", text)
    return _without_quotations(text).translate(_APOSTROPHES)


def _without_quotations(text: str) -> str:
    parts: list[str] = []
    done = 0
    searched: dict[str, int] = {}
    for found in _MARK.finditer(text):
        at, mark = found.start(), found[0]
        if at < done or at < searched.get(mark, 0) or not _opens(text, at):
            continue
        last = min(len(text), at + (MOST_SINGLE if mark in _SINGLE else MOST_QUOTED))
        end = _closing(text, at, last)
        if end < 0:
            searched[mark] = last
            continue
        parts += [text[done : at + 1], BLOT * (end - at - 1)]
        done = end
    return "".join([*parts, text[done:]])


def _opens(text: str, at: int) -> bool:
    """Does the mark at this place open a quotation, rather than stand in a word, be a unit, or close one?"""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if text[at] in "«„‹":
        return True
    return bool(after) and not after.isspace() and not before.isalnum() and before not in tuple(".,!?;%$)]")


def _closing(text: str, at: int, last: int) -> int:
    """Where the quotation that opens here ends, looked for before ``last``; -1 where it does not."""
    mark = text[at]
    if mark in _SINGLE:
        line = text.find("\n", at, last)
        last = last if line < 0 else line
    end = text.find(_CLOSING[mark], at + 1, last)
    while end >= 0:
        before, after = text[end - 1], text[end + 1 : end + 2]
        reopens = before.isspace() and bool(after.strip())
        if mark not in _STRAIGHT or not (after.isalnum() or reopens):
            return end
        end = text.find(_CLOSING[mark], end + 1, last)
    return -1
