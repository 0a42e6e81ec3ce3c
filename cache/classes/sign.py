"""A sign: a pattern in one sentence, and the class that it suggests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Suggests = Literal["action", "own-data", "volatile", "random"]


@dataclass(frozen=True, slots=True)
class Sign:
    """One pattern and the class that it suggests."""

    name: str
    suggests: Suggests
    pattern: re.Pattern[str]
    after_lead_in: bool = False
    longest: int = 140
    """Characters of the longest sentence that is read."""
    unless_how_to: bool = True
    """Does it count for nothing in a question for instructions?"""
    needs: frozenset[str] = frozenset()
    """Words without any of which it cannot match; told by set arithmetic, which is cheaper. Empty: not told."""


def sign(
    name: str,
    suggests: Suggests,
    *parts: str,
    core: bool = False,
    longest: int = 140,
    always: bool = False,
    needs: str = "",
) -> Sign:
    """A sign whose pattern is any of the parts; ``needs`` holds its words apart by spaces."""
    return Sign(name, suggests, re.compile("|".join(parts)), core, longest, not always, frozenset(needs.split()))
