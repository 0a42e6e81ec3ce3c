"""What a document is once it is read: headings, and the text below each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["prose", "code", "table"]

MOST_HEADING: Final = 200
"""Characters of a heading at most; a longer one is cut, and its text is also text of its section."""


class Unreadable(Exception):
    """A file cannot be read as a document; the message says why, in plain words and without its text."""


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list item, a table or a code block, as it stands in the source."""

    text: str
    """Without blank lines at its ends; with fences, where code has them."""
    kind: Kind = "prose"
    depth: int = 0
    """In how many lists and quotations it stands."""
    gap: str = "\n\n"
    """What stands between it and the block before it."""


@dataclass(frozen=True, slots=True)
class Section:
    """The text between one heading and the next."""

    heading_path: tuple[str, ...]
    """The headings above it, the outermost first."""
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """All of its text, headings left out."""
        return "".join(block.gap * (index > 0) + block.text for index, block in enumerate(self.blocks))


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read. ``tags``: those it gives itself; ``title``: its own, or its file's name."""

    format: str
    encoding: str | None
    """How its bytes are to be read as text: ``utf-8``, ``utf-8-sig``, ``utf-16``, ``cp1252``, ``latin-1`` ...;
    None where the format says so itself."""
    title: str
    sections: tuple[Section, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What a reader of one format gives back."""

    sections: tuple[Section, ...]
    title: str = ""
    tags: tuple[str, ...] = ()


class Outline:
    """Gathers headings and blocks, in the order in which they stand, into sections."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, str]] = []
        self._blocks: list[Block] = []
        self._sections: list[Section] = []

    def heading(self, level: int, text: str) -> None:
        """A heading begins a section. ``level``: from 1; those of the same or a higher level end with it."""
        text = " ".join(text.split())
        self._close()
        while self._headings and self._headings[-1][0] >= level:
            self._headings.pop()
        if text:
            self._headings.append((level, shortened(text)))
        if len(text) > MOST_HEADING:
            self._blocks.append(Block(text))

    def block(self, block: Block) -> None:
        """Text of the section begun last."""
        if block.text:
            self._blocks.append(block)

    def sections(self) -> tuple[Section, ...]:
        """All sections that have text."""
        self._close()
        return tuple(self._sections)

    def _close(self) -> None:
        if self._blocks:
            self._sections.append(Section(tuple(text for _, text in self._headings), tuple(self._blocks)))
            self._blocks = []


def shortened(text: str) -> str:
    """A heading or title of at most :data:`MOST_HEADING` characters."""
    return text if len(text) <= MOST_HEADING else text[: MOST_HEADING - 1].rstrip() + "…"


def strings(values: Iterable[object]) -> tuple[str, ...]:
    """The texts among them, trimmed, each once."""
    return tuple(dict.fromkeys(value.strip() for value in values if isinstance(value, str) and value.strip()))
