"""Sentences of a text with their places, Markdown aware. Pure; time grows with the length of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from memory.extraction.masks import mask

Kind = Literal["text", "item", "heading", "quote", "code", "table"]

MOST_READ: Final = 20_000
"""Characters of one text that are read."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?=\S)")
_QUOTE = re.compile(r" {0,3}>")
_ITEM = re.compile(r"[ \t]{0,12}(?:[-*+•–]|\d{1,3}[.)])[ \t]+(?=\S)")
_TABLE = re.compile(r"[ \t]{0,3}\|")
_END = re.compile(r"[.!?…]+[\"'»”’)\]*_]{0,4}(?=\s|$)|\n")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|ca|cf|resp|incl|mr|mrs|ms|dr|prof|st|no|nr|fig|sec|ext|min|max|env|p\.ex|mme|m"
    r"|[a-z]))\.$",
    re.IGNORECASE,
)
_WRAPPED = 60
"""A line at least this long goes on in one that begins small; so does a shorter one whose sentence began large."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, list item or heading."""

    text: str
    plain: str
    """As long as ``text``: quoted text and code blotted out, typographic apostrophes made plain."""
    start: int
    """Where it begins in the whole text."""
    kind: Kind
    paragraph: int
    """Number of the paragraph, list item or heading it stands in."""

    @property
    def end(self) -> int:
        """Where it ends in the whole text, exclusive."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    kind: Kind


def sentences(text: str) -> list[Sentence]:
    """The sentences of the first 20,000 characters, in order; markers of lists and headings are left out."""
    text = text[:MOST_READ]
    plain = mask(text)
    found: list[Sentence] = []
    for number, block in enumerate(_blocks(text)):
        for start, end in _cut(plain, block):
            found.append(Sentence(text[start:end], plain[start:end], start, block.kind, number))
    return found


def _blocks(text: str) -> Iterator[_Block]:
    """Headings, list items, paragraphs, quotes and code, as ranges of the text."""
    open_block: _Block | None = None
    for line in _line_blocks(text):
        goes_on = line is not None and line.kind == "text" and open_block is not None
        if goes_on and line and open_block:
            open_block = _Block(open_block.start, line.end, open_block.kind)
            continue
        if open_block:
            yield open_block
        open_block = line if line and line.kind in ("text", "item") else None
        if line and not open_block:
            yield line
    if open_block:
        yield open_block


def _line_blocks(text: str) -> Iterator[_Block | None]:
    """What each line is by itself; None for an empty one, which ends a paragraph."""
    fence = ""
    for start, end in _lines(text):
        line = text[start:end]
        marker = _FENCE.match(line)
        if not fence and not marker:
            yield _line_block(line, start, end)
            continue
        if not fence and marker:
            fence = marker[1]
        elif line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        yield _Block(start, end, "code")


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _line_block(line: str, start: int, end: int) -> _Block | None:
    if not line.strip():
        return None
    if _QUOTE.match(line):
        return _Block(start, end, "quote")
    if _TABLE.match(line):
        return _Block(start, end, "table")
    if heading := _HEADING.match(line):
        return _Block(start + heading.end(), end, "heading")
    if item := _ITEM.match(line):
        return _Block(start + item.end(), end, "item")
    return _Block(start, end, "text")


def _cut(plain: str, block: _Block) -> Iterator[tuple[int, int]]:
    start = block.start
    if block.kind in ("text", "item"):
        for stop in _END.finditer(plain, block.start, block.end):
            if _ends(plain, start, stop, block.end):
                yield from _trimmed(plain, start, stop.end())
                start = stop.end()
    yield from _trimmed(plain, start, block.end)


def _ends(plain: str, start: int, stop: re.Match[str], last: int) -> bool:
    """Is this full stop or line break the end of a sentence?"""
    if stop[0] == "\n":
        line = max(start, plain.rfind("\n", start, stop.start()) + 1)
        goes_on = plain[stop.end() : stop.end() + 1].islower()
        return not (goes_on and (stop.start() - line >= _WRAPPED or plain[start].isupper()))
    if stop[0] == ".":
        return _ABBREVIATED.search(plain, max(start, stop.start() - 8), stop.end()) is None
    return True


def _trimmed(plain: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and plain[start].isspace():
        start += 1
    while end > start and plain[end - 1].isspace():
        end -= 1
    if start < end:
        yield start, end
