"""Which proposal says already what a new one would say. Pure.

Two are alike where their titles share most of their words, or where title and description mean nearly the same; and
never where one title says the opposite of the other, which words and vectors alike hardly show.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from memory.context.terms import terms
from memory.hygiene.contradictions import relate
from memory.memories.memory import clean
from store.embedder import Vectors

TITLES: Final = 0.6
"""Share of their words above which two titles are one, in [0, 1]."""
MEANINGS: Final = 0.65
"""Cosine of title and description from which two proposals are one.

Of 27 pairs that were written beforehand (``tests/memory/proposals/pairs.py``), the default embedder puts all 12 that
belong together above it (the least 0.653), and of 15 that do not, one (0.782: enable against disable, which the
opposites tell apart; the next 0.557). Titles alone find 1 of the 12.
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared of a proposal."""

    id: str
    title: str
    embedder: str | None = None
    vector: Vectors | None = None
    """Of ``subject_text``; None where no embedder was ready."""


def subject_text(title: str, description: str) -> str:
    """What of a proposal is embedded."""
    return f"{title}. {description}".strip()


def title_overlap(one: str, other: str) -> float:
    """Words that two titles share, of all that they have, in [0, 1]; small words and endings do not count."""
    first, second = terms(one), terms(other)
    if not first or not second:
        # Nothing but small words: then word for word.
        return 1.0 if clean(one).casefold() == clean(other).casefold() else 0.0
    return len(first & second) / len(first | second)


def likeness(one: Subject, other: Subject) -> float:
    """How alike two proposals are; above 0 they are one."""
    overlap, cosine = title_overlap(one.title, other.title), _cosine(one, other)
    if overlap <= TITLES and cosine < MEANINGS:
        return 0.0
    return 0.0 if _opposed(one.title, other.title) else max(overlap, cosine)


def most_alike(subject: Subject, among: Iterable[Subject]) -> str | None:
    """The id of the proposal that says the same; the earliest given of equals."""
    best, found = 0.0, None
    for other in among:
        alike = likeness(subject, other)
        if alike > best:
            best, found = alike, other.id
    return found


def _cosine(one: Subject, other: Subject) -> float:
    if one.vector is None or other.vector is None or one.embedder != other.embedder:
        return 0.0
    return float(one.vector @ other.vector)


def _opposed(one: str, other: str) -> bool:
    relation = relate(one, other)
    return relation.kind == "contradiction" and relation.by == "polarity"
