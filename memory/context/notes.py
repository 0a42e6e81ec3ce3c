"""The memories that a prompt may be given, ranked by the words that both have. Pure.

The best are those whose words the prompt shares most densely, then most of, then with a tag that it names, then the
surest. Identity and preference need no shared word while their band lasts; all others do, or a tag.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from memory.context.terms import terms
from memory.context.wording import on_one_line
from memory.memories.memory import Memory

Band = Literal["personal", "project", "knowledge"]

SHARES: Final[dict[Band, float]] = {"personal": 0.05, "project": 0.25, "knowledge": 0.10}
"""Of the budget, in the order of trust."""
MOST_CHARS: Final = 250
"""Characters of one memory; a longer one is cut at a word."""
PERSONAL: Final = frozenset({"identity", "preference"})


@dataclass(frozen=True, slots=True)
class Note:
    """A memory as packs need it."""

    memory: Memory
    line: str
    band: Band
    terms: frozenset[str]
    """What its content is about."""
    tags: frozenset[str]
    """What its tags are about."""

    @property
    def personal(self) -> bool:
        """Is it about who the user is?"""
        return self.band == "personal"


class Match(NamedTuple):
    """A note beside a prompt."""

    note: Note
    overlap: int
    """Words that both have."""
    tagged: bool
    """Does the prompt name one of its tags?"""

    @property
    def related(self) -> bool:
        """Does the prompt give a reason to think of it?"""
        return self.overlap > 0 or self.tagged

    @property
    def rank(self) -> tuple[float, int, bool, float, str]:
        """The best first; no two are equal."""
        density = self.overlap / max(1, len(self.note.terms))
        return -density, -self.overlap, not self.tagged, -self.note.memory.confidence, self.note.memory.id


def note_of(memory: Memory) -> Note:
    """Prepare a memory for packs."""
    band: Band = "project" if memory.project else "knowledge"
    if memory.memory_type in PERSONAL:
        band = "personal"
    tags = terms(" ".join(memory.tags))
    return Note(memory, f"- {on_one_line(memory.content, MOST_CHARS)}\n", band, terms(memory.content), tags)


def reach(budget: int) -> int:
    """How many of each band's best are looked at for a budget: some more than fit."""
    return 8 + budget // 200


def ranked(notes: Iterable[Note], project: str, prompt: frozenset[str], most: int) -> list[Match]:
    """The notes that a prompt of a project may get, the best first.

    Args:
        project: empty for none; memories of other projects are left out.
        prompt: its words (``memory.context.terms.terms``).
        most: of one band.
    """
    own = [note for note in notes if note.memory.project in ("", project)]
    matches = (Match(note, len(note.terms & prompt), not note.tags.isdisjoint(prompt)) for note in own)
    return best_of((match for match in matches if match.related or match.note.personal), most)


def best_of(matches: Iterable[Match], most: int) -> list[Match]:
    """The best first, of each band at most so many, of those that nothing speaks for a third."""
    left = dict.fromkeys(SHARES, most)
    unrelated = unasked(most)
    best: list[Match] = []
    for match in sorted(matches, key=lambda match: match.rank):
        band = match.note.band
        if left[band] and (match.related or unrelated):
            left[band] -= 1
            unrelated -= not match.related
            best.append(match)
    return best


def unasked(most: int) -> int:
    """How many are looked at that share nothing with the prompt: little room is kept for them."""
    return -(-most // 3)
