"""Plain text: paragraphs between blank lines."""

from __future__ import annotations

import re
from typing import Final

from memory.sources.reading.document import Block, Outline, Read

_BLANK: Final = re.compile(r"\n(?:[ \t]*\n)+")


def read_text(text: str) -> Read:
    """The paragraphs of a text, under no heading."""
    outline = Outline()
    for paragraph in _BLANK.split(text):
        outline.block(Block(paragraph.strip("\n").rstrip()))
    return Read(outline.sections())
