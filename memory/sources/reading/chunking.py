"""Documents into pieces that are small enough to be found by meaning and to be put into a prompt.

A piece never reaches across a heading. Its text is what stands in the document, ended where a reader would pause:
between paragraphs or list items, else between sentences or lines, else between words. Of a code block or a table that
is too long, every piece has the fences or the header again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from memory.sources.reading.cutting import Unit, finer, joined, unit_of
from memory.sources.reading.document import Document, Section

LIMIT: Final = 800
"""Characters of a piece at most."""
_LEAST: Final = 240
"""Characters from which a piece may end at a good place, though more would fit."""
_TINY: Final = 120
"""A last piece that is shorter takes over some of the one before it."""
_LEAD_IN: Final = 20
"""How bad it is to end a piece with the words that announce what follows."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the text under one heading."""

    heading_path: tuple[str, ...]
    """The headings above it, the outermost first."""
    content: str


def chunked(document: Document) -> list[Piece]:
    """The pieces of a document, in its order; the same for the same document."""
    return [
        Piece(section.heading_path, content)
        for section in document.sections
        for units in _evened(list(_packed(section)))
        if (content := joined(units).strip("\n").rstrip())
    ]


def _packed(section: Section) -> Iterator[list[Unit]]:
    """The units of each piece: as many as fit, less those after the best place to end."""
    waiting = deque(unit_of(block) for block in section.blocks)
    held: list[Unit] = []
    size = 0
    while waiting:
        unit = waiting.popleft()
        more = unit.size(held[-1] if held else None)
        if size + more <= LIMIT:
            held.append(unit)
            size += more
        elif unit.size(None) > LIMIT or (unit.kind == "prose" and size < _LEAST):
            waiting.extendleft(reversed(finer(unit, LIMIT)))
        else:
            waiting.appendleft(unit)
            end = _best_end(held, unit)
            yield held[:end]
            held = held[end:]
            size = _size(held)
    if held:
        yield held


def _best_end(held: list[Unit], following: Unit) -> int:
    """How many of the units make a piece; the later of two places that are as good."""
    best, least = len(held), _badness(held[-1], following)
    size = _size(held)
    for end in range(len(held) - 1, 0, -1):
        size -= held[end].size(held[end - 1])
        if size < _LEAST:
            break
        badness = _badness(held[end - 1], held[end])
        if badness < least:
            best, least = end, badness
    return best


def _badness(last: Unit, following: Unit) -> int:
    """How bad it is to end a piece between these two."""
    return following.border + (_LEAD_IN if last.frame is None and last.text.endswith((":", "：")) else 0)


def _evened(pieces: list[list[Unit]]) -> list[list[Unit]]:
    """The pieces of a section, where a tiny last one takes over some of the one before it."""
    if len(pieces) < 2 or _size(pieces[-1]) >= _TINY:
        return pieces
    units = [*pieces[-2], *pieces[-1]]
    ends = [
        (_badness(units[end - 1], units[end]), abs(head - tail), end)
        for end in range(1, len(pieces[-2]))
        if _LEAST <= (head := _size(units[:end])) <= LIMIT and _TINY <= (tail := _size(units[end:])) <= LIMIT
    ]
    if not ends:
        return pieces
    end = min(ends)[-1]
    return [*pieces[:-2], units[:end], units[end:]]


def _size(units: list[Unit]) -> int:
    """Characters of a piece of these units."""
    return sum(unit.size(units[index - 1] if index else None) for index, unit in enumerate(units))
