"""What an extraction model is shown of an interaction: its new sentences, redacted, each character with its place.

Pure, but for the redactor.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from memory.extraction.fresh import Fresh
from memory.extraction.sentences import MOST_READ, Sentence
from memory.memories.memory import Role
from memory.redaction import Finding, Redactor

MOST_SHOWN: Final = 12_000
"""Characters of one role's text at most."""
_ROUNDS: Final = 4

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text as it is shown."""

    text: str
    places: Sequence[Span]
    """For each character the range of the logged text that it stands for."""

    def find(self, quote: str) -> Span | None:
        """Where a quote stands in the logged text: [start, end); None where it is not in this one.

        Only the whitespace of a quote may differ.
        """
        words = quote.split()
        at = self.text.find(quote) if words else -1
        length = len(quote)
        if at < 0:
            loose = re.search(r"\s+".join(map(re.escape, words)), self.text) if words else None
            if loose is None:
                return None
            at, length = loose.start(), len(loose[0])
        return self.places[at][0], self.places[at + length - 1][1]


@dataclass(frozen=True, slots=True)
class Shown:
    """Both sides of an interaction as they are shown."""

    user: Passage
    answer: Passage

    def of(self, role: Role) -> Passage:
        """The passage of a role."""
        return self.answer if role == "assistant" else self.user


def shown(fresh: Fresh, redactor: Redactor) -> Shown:
    """The new sentences without secrets and personal data."""
    # Found in the whole: what makes a word a secret may stand in a sentence that is not new, or on the other side.
    asked, answered = redactor.find_all((fresh.prompt[:MOST_READ], fresh.response[:MOST_READ]))
    return Shown(
        _passage(fresh.prompt, fresh.user, asked, redactor),
        _passage(fresh.response, fresh.answer, answered, redactor),
    )


def _passage(text: str, sentences: Sequence[Sentence], hidden: Sequence[Finding], redactor: Redactor) -> Passage:
    kept = _kept(text, sentences)
    places = [(at, at + 1) if at >= 0 else (0, 0) for at in kept]
    said = "".join(text[at] if at >= 0 else "\n" for at in kept)
    position = {at: number for number, at in enumerate(kept) if at >= 0}
    passage = _without(Passage(said, places), _moved(hidden, position))
    for _ in range(_ROUNDS):
        found = redactor.find(passage.text)
        if not found:
            break
        passage = _without(passage, found)
    return passage


def _kept(text: str, sentences: Iterable[Sentence]) -> list[int]:
    """The places of the characters that are shown; -1 for a line break between two sentences."""
    kept: list[int] = []
    for sentence in sentences:
        if len(kept) + len(sentence.text) > MOST_SHOWN:
            break
        if kept:
            gap = text[kept[-1] + 1 : sentence.start]
            # Close together, they stay as they stood.
            kept.extend(range(kept[-1] + 1, sentence.start) if not gap.strip() and len(gap) <= 4 else [-1])
        kept.extend(range(sentence.start, sentence.end))
    return kept


def _moved(hidden: Iterable[Finding], position: dict[int, int]) -> list[Finding]:
    """Findings of the whole text as findings of what is shown of it."""
    moved = []
    for kind, start, end in hidden:
        inside = [position[at] for at in range(start, end) if at in position]
        if inside:
            moved.append(Finding(kind, inside[0], inside[-1] + 1))
    return moved


def _without(passage: Passage, found: Iterable[Finding]) -> Passage:
    """The passage with each finding replaced by its kind, which stands for the whole of it."""
    text: list[str] = []
    places: list[Span] = []
    at = 0
    for kind, start, end in found:
        mark = f"[{kind}]"
        text += (passage.text[at:start], mark)
        places += passage.places[at:start]
        places += [(passage.places[start][0], passage.places[end - 1][1])] * len(mark)
        at = end
    return Passage("".join([*text, passage.text[at:]]), [*places, *passage.places[at:]])
