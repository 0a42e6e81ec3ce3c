"""What pieces are put together from, and how one that is too long is cut into smaller ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from memory.sources.reading.document import Block

_DEEPEST: Final = 19
_LINE: Final = 22
_SENTENCE: Final = 35
_WORD: Final = 40

_SHORT: Final = 40
"""Sentences that are shorter are not cut from the next."""
_MOST_GAP: Final = 40
"""Characters of white space between two sentences that are kept, at most."""
_MOST_FRAME: Final = 240
"""Characters of an opening fence or of a table's header that are worth repeating, at most."""

_FENCE: Final = re.compile(r"(?:[ \t>]|[-*+][ \t]|\d{1,9}[.)][ \t])*+(`{3,}|~{3,})")
_UNDER_HEADER: Final = re.compile(r"[ \t>]*+(?=[^\n]*-)[-:| \t]++$")
_PAUSE: Final = re.compile(
    # The end of a sentence: not after a number or a single letter, nor before a small one, as in "e.g. this".
    r"(?<=[.!?…])(?<!\d\.)(?<!\b[A-Za-z]\.)[\"'”’»)\]*_`]{0,3}(\s++)(?![a-z])"
    r"|(?<=[。！？])()"
    # A list in plain text.
    r"|(\n)(?=[ \t]*+(?:[-*+•]|\d{1,3}[.)])[ \t])"
)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Lines that stand around any part of a block: its fences, or the header of a table."""

    opening: str
    closing: str = ""

    @property
    def size(self) -> int:
        """Characters, with the line ends between it and what it surrounds."""
        return len(self.opening) + 1 + (len(self.closing) + 1 if self.closing else 0)


@dataclass(frozen=True, slots=True)
class Unit:
    """Text that stays whole in a piece."""

    text: str
    kind: Literal["prose", "code", "table", "part"]
    """``part``: of a block that was cut."""
    gap: str
    """What stands between it and the unit before it, where both are in one piece."""
    border: int
    """How bad it is to end a piece before it; 0 is best."""
    frame: Frame | None = None

    def size(self, before: Unit | None) -> int:
        """Characters that it adds to a piece whose last unit is ``before``; None: to an empty one."""
        size = len(self.text) + (len(self.gap) if before else 0)
        if self.frame is None or (before is not None and before.frame is self.frame):
            return size
        return size + self.frame.size


def unit_of(block: Block) -> Unit:
    """A whole block as a unit."""
    return Unit(block.text, block.kind, block.gap, min(block.depth, _DEEPEST))


def joined(units: list[Unit]) -> str:
    """The text of a piece: its units, and each frame once around those that share it."""
    out: list[str] = []
    frame: Frame | None = None
    for index, unit in enumerate(units):
        if unit.frame is not frame:
            out += _end(frame)
        out.append(unit.gap if index else "")
        if unit.frame is not None and unit.frame is not frame:
            out.append(unit.frame.opening + "\n")
        out.append(unit.text)
        frame = unit.frame
    return "".join([*out, *_end(frame)])


def _end(frame: Frame | None) -> list[str]:
    return ["\n" + frame.closing] if frame is not None and frame.closing else []


def finer(unit: Unit, limit: int) -> list[Unit]:
    """The parts of a block, in order; none makes a piece of more than ``limit`` characters."""
    if unit.kind == "code":
        parts = _code(unit.text, limit)
    elif unit.kind == "table":
        parts = _table(unit.text, limit)
    else:
        parts = _sentences(unit.text)
    fitting = [part for whole in parts for part in _fitting(whole, limit)]
    return [replace(fitting[0], gap=unit.gap, border=unit.border), *fitting[1:]] if fitting else []


def _code(text: str, limit: int) -> list[Unit]:
    lines = text.split("\n")
    fence = _FENCE.match(lines[0])
    if fence is not None:
        closed = len(lines) > 1 and lines[-1].strip(" \t>").startswith(fence[1])
        frame = Frame(lines[0], lines[-1] if closed else lines[0][: fence.start(1)] + fence[1])
        body = lines[1:-1] if closed else lines[1:]
        if frame.size <= min(_MOST_FRAME, limit // 2) and any(line.strip() for line in body):
            return _lines(body, frame)
    return _lines(lines)


def _table(text: str, limit: int) -> list[Unit]:
    lines = text.split("\n")
    if len(lines) > 2 and _UNDER_HEADER.match(lines[1]):
        frame = Frame("\n".join(lines[:2]))
        # A row that would have to be cut for the header's sake is worth more than the header.
        if frame.size <= _MOST_FRAME and frame.size + max(map(len, lines[2:])) <= limit:
            return _lines(lines[2:], frame)
    return _lines(lines)


def _lines(lines: list[str], frame: Frame | None = None) -> list[Unit]:
    """A unit for each line with text. A piece best ends before one that is indented little and follows a blank one."""
    units = []
    blanks = 0
    for line in lines:
        text = line.strip()
        if not text:
            blanks += 1
            continue
        indent = min((len(line) - len(line.lstrip())) // 2, 3)
        closes = not any(character.isalnum() for character in text)
        border = _LINE + indent + (0 if blanks else 3) + (4 if closes else 0)
        units.append(Unit(line.rstrip(), "part", "\n" * min(blanks + 1, 3), border, frame))
        blanks = 0
    return units


def _sentences(text: str) -> list[Unit]:
    units = []
    start, gap = 0, ""
    for pause in _PAUSE.finditer(text):
        end = pause.start(pause.lastindex or 0)
        if end - start >= _SHORT:
            units.append(Unit(text[start:end], "part", gap, _SENTENCE))
            start, gap = pause.end(), _gap(text[end : pause.end()])
    if text[start:].strip():
        units.append(Unit(text[start:], "part", gap, _SENTENCE))
    return units


def _fitting(unit: Unit, limit: int) -> Iterator[Unit]:
    """The unit, or parts of it that are as long as the limit allows, cut between words where it has any."""
    text, gap, border = unit.text, unit.gap, unit.border
    room = limit - (unit.frame.size if unit.frame else 0)
    start = 0
    while len(text) - start > room:
        end = _word_end(text, start, start + room)
        following = end
        while following < len(text) and text[following].isspace():
            following += 1
        if part := text[start:end].rstrip():
            yield replace(unit, text=part, gap=gap, border=border)
            gap, border = _gap(text[end:following]), _WORD
        start = following
    if text[start:].strip():
        yield replace(unit, text=text[start:], gap=gap, border=border)


def _word_end(text: str, start: int, end: int) -> int:
    """The last place in (start, end] where text can be cut, in its second half where there is one."""
    half = (start + end) // 2
    for mark in ("\n", ", ", "; ", " "):
        if (found := text.rfind(mark, half, end)) > start:
            return found + len(mark) - 1 if mark != "\n" else found
    if (found := max(text.rfind(" ", start, half), text.rfind("\t", start, end))) > start:
        return found
    for back in range(16):
        if not unicodedata.combining(text[end - back]):
            return end - back
    return end


def _gap(space: str) -> str:
    if len(space) <= _MOST_GAP:
        return space
    return "\n\n" if space.count("\n") > 1 else "\n" if "\n" in space else " "
