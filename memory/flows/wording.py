"""Texts of flows as they are kept and shown: one form of Unicode, nothing invisible. Pure."""

from __future__ import annotations

import re
from typing import Final

from memory.memories.memory import clean

_HALVES: Final = re.compile("[\ud800-\udfff]")
"""Half a surrogate pair, which JSON can bring and no store can keep."""


def on_one_line(text: str) -> str:
    """A text on one line, as a person may see it."""
    return clean(_HALVES.sub("\ufffd", text))


def on_lines(text: str) -> str:
    """A text that keeps its lines, each as a person may see it; blank ones go."""
    whole = _HALVES.sub("\ufffd", text).replace("\u2028", "\n").replace("\u2029", "\n")
    return "\n".join(filter(None, map(clean, whole.splitlines())))
