"""How much of a flow's match keywords a problem names. Pure.

Words are compared by their stems. A flow's distinct stems that the problem has are counted, and three of them are
enough: people write a sentence or two, not a list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from memory.context.terms import terms

ENOUGH: Final = 3
"""Distinct stems of keywords in a problem that make the whole of it."""


def stems(keywords: Iterable[str]) -> frozenset[str]:
    """The stems of a flow's keywords."""
    return terms("\n".join(keywords))


def named(count: int) -> float:
    """What so many of a flow's stems in a problem make, in [0, 1]."""
    return min(1.0, count / ENOUGH)
