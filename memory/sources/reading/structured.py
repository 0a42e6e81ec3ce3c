"""reStructuredText: its sections by underlined titles, its paragraphs as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from memory.sources.reading.document import Block, Outline, Read

_ADORNMENT: Final = re.compile(r"([!-/:-@\[-`{-~])\1+$")
_CODE: Final = re.compile(r"(?:.*::|\.\. (?:code|code-block|sourcecode|literalinclude)::.*)$")


def read_structured(text: str) -> Read:
    """The document in a reStructuredText."""
    lines = [line.rstrip() for line in text.split("\n")]
    page = _Page()
    index = 0
    while index < len(lines):
        used = _title(lines, index)
        if used:
            over = used == 3
            page.heading(lines[index + over].strip(), (lines[index + used - 1][0], over))
            index += used
        else:
            page.line(lines[index])
            index += 1
    return page.read()


def _title(lines: Sequence[str], index: int) -> int:
    """How many lines from here make a title: 2, with its underline; 3, with a line over it, too; 0: none."""
    if index and lines[index - 1] and not _ADORNMENT.match(lines[index - 1]):
        return 0
    first, second, third = (lines[at] if at < len(lines) else "" for at in range(index, index + 3))
    if _ADORNMENT.match(first) and first == third and 0 < len(second.strip()) <= len(first):
        return 3
    if first and not first[0].isspace() and not _ADORNMENT.match(first):
        return 2 if _ADORNMENT.match(second) and len(second) >= max(len(first), 3) else 0
    return 0


class _Page:
    def __init__(self) -> None:
        self._outline = Outline()
        self._styles: list[tuple[str, bool]] = []
        self._paragraph: list[str] = []
        self._code = False
        """Whether what is indented now is code."""

    def heading(self, title: str, style: tuple[str, bool]) -> None:
        """A title; its level is that of the first title with its adornment."""
        self._end()
        if style not in self._styles:
            self._styles.append(style)
        self._outline.heading(self._styles.index(style) + 1, title)

    def line(self, line: str) -> None:
        """A line that is no title."""
        if line:
            self._paragraph.append(line)
        else:
            self._end()

    def read(self) -> Read:
        """The document whose lines these were."""
        self._end()
        return Read(self._outline.sections())

    def _end(self) -> None:
        if not self._paragraph:
            return
        indented = self._paragraph[0][0].isspace()
        self._code = (self._code and indented) or False
        if any(not _ADORNMENT.match(line) for line in self._paragraph):
            self._outline.block(Block("\n".join(self._paragraph), "code" if self._code else "prose"))
        if not indented or not self._code:
            self._code = _CODE.match(self._paragraph[-1]) is not None
        self._paragraph = []
