"""Strangers' words inside the block of a pack: nothing in them ends the block, or looks like a line of ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from memory.memories.memory import INVISIBLE, clean

# What would close the block or open another, and what chat templates take for their own marks.
_MARKS = re.compile(r"<(?=[\s/]*(?:memory|flow))|<(?=\|)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LINE: Final = "> "


def on_one_line(content: str, most: int) -> str:
    """A text on one line, cut at a word where it has more than so many characters."""
    return cut(_MARKS.sub("&lt;", clean(content)), most)


def quoted(content: str) -> str:
    """A text of several lines, each quoted as Markdown does, ending in a line break; blank lines at its ends go."""
    visible = INVISIBLE.sub("", unicodedata.normalize("NFC", content)).replace("\r\n", "\n").replace("\r", "\n")
    lines = _MARKS.sub("&lt;", _CONTROL.sub(" ", visible)).strip("\n").split("\n")
    return "".join([f"{_LINE}{line.rstrip()}".rstrip() + "\n" for line in lines])


def cut(text: str, most: int) -> str:
    """The text, or its beginning up to a word, with an ellipsis."""
    if len(text) <= most:
        return text
    head = text[: most - 1]
    at_word = head.rpartition(" ")[0] if " " in head[most // 2 :] else head
    return f"{at_word}…"
