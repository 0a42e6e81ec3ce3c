"""What a reviewer sees of a memory: where it comes from, what is known that is like it, how the two differ. Pure."""

from __future__ import annotations

import difflib
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from memory.memories.memory import Memory, Provenance

AROUND: Final = 160
"""Characters of the interaction shown before and behind a span."""
_BEYOND: Final = 400
"""Characters further out that redaction sees too, so that it knows a secret whose beginning is not shown."""
NEAR: Final = 0.15
"""Weighted overlap of words from which a memory counts as near."""

ENOUGH: Final = 200
"""Memories compared with a text at least, where so many share a word with it."""

_WORD = re.compile(r"\w+")
_DIFFED = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Span:
    """The words that a memory was made from, where they were said."""

    interaction_id: str
    role: str
    start: int
    end: int
    """Characters [start, end) of the prompt (role user) or of the response (role assistant) as logged."""
    text: str
    before: str = ""
    after: str = ""
    """What stands around it; empty where the interaction is no longer there."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Another memory, and how the card's differs from it."""

    id: str
    memory_type: str
    project: str
    status: str
    content: str
    similarity: float
    """In [0, 1]."""
    diff: Sequence[tuple[str, str]]
    """``equal``, ``delete`` (only the other has it) or ``insert`` (only the card's has it), with words."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a card of a proposal shows beside its title."""

    description: str
    problem_domain: str | None
    target_flow_id: str | None
    """Of an enhancement."""
    problems: Sequence[str]
    """Why it cannot be published as it is."""
    diff: Sequence[tuple[str, str]]
    """Lines of the flow's outline: ``equal``, ``delete`` or ``insert``, each with the line."""
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """One thing for a person to decide on."""

    id: str
    """The memory's; of two memories, the pair's; or the proposal's."""
    kind: str
    memory_id: str | None
    """None of a proposal, as ``memory_type`` is."""
    memory_type: str | None
    content: str
    """Of a proposal its title."""
    project: str
    namespace: str
    status: str
    confidence: float
    created_at: str
    supports: int
    """How many interactions say it; of a proposal, how many sessions."""
    rule: str | None
    """The rule that found it, or ``model``; None where a person wrote it."""
    extractor: str | None
    span: Span | None
    nearest: Compared | None
    """Of a memory: the active one of its namespace that is most like it. Of a pair: the other of the two."""
    why: str
    actions: Sequence[str]
    tags: Sequence[str] = ()
    valid_until: str | None = None
    score: float | None = None
    """Of a pair: how sure whoever found it is, in [0, 1]."""
    supporting: Sequence[str] = field(default=())
    """Some of the interactions that say it, the last ones first; of a proposal, some of its sessions."""
    proposal: Proposed | None = None


class Nearest:
    """Finds the memory of a pool that shares the most words with a text; a rare word counts for more."""

    def __init__(self, pool: Iterable[Memory]) -> None:
        self._pool = {memory.id: (memory, _words(memory.content)) for memory in pool}
        self._with: dict[str, list[str]] = defaultdict(list)
        for id_, (_, words) in self._pool.items():
            for word in words:
                self._with[word].append(id_)
        self._weights = {word: self._weight(len(having)) for word, having in self._with.items()}
        self._unknown = self._weight(0)
        self._whole = {id_: self._sum(words) for id_, (_, words) in self._pool.items()}

    def __call__(self, memory: Memory) -> Compared | None:
        """The most alike, if any is near; of equals, one of the same project and type."""
        words = _words(memory.content)
        whole = self._sum(words)
        best, known = (NEAR, 0), None
        for id_ in self._likely(words) - {memory.id}:
            other, theirs = self._pool[id_]
            both = self._sum(words & theirs)
            fits = (other.project == memory.project) + (other.memory_type == memory.memory_type)
            rank = (both / (whole + self._whole[id_] - both), fits)
            if rank > best:
                best, known = rank, other
        return None if known is None else compared(memory, known, min(best[0], 1.0))

    def _likely(self, words: Iterable[str]) -> set[str]:
        """Memories that share a word, by the rarest words first, until there are enough."""
        found: set[str] = set()
        for word in sorted(words, key=lambda word: (len(self._with.get(word, ())), word)):
            found.update(self._with.get(word, ()))
            if len(found) >= ENOUGH:
                break
        return found

    def _sum(self, words: Iterable[str]) -> float:
        return sum(self._weights.get(word, self._unknown) for word in words)

    def _weight(self, having: int) -> float:
        return math.log(1 + (len(self._pool) + 1) / (having + 1))


def compared(memory: Memory, other: Memory, similarity: float) -> Compared:
    """Another memory beside this one."""
    return Compared(
        id=other.id,
        memory_type=other.memory_type,
        project=other.project,
        status=other.status,
        content=other.content,
        similarity=round(similarity, 4),
        diff=word_diff(other.content, memory.content),
    )


def word_diff(before: str, after: str) -> list[tuple[str, str]]:
    """What to take out of one text and put into it to get the other, by words."""
    old, new = _DIFFED.findall(before), _DIFFED.findall(after)
    found: list[tuple[str, str]] = []
    for step, i, j, k, m in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if step == "equal":
            found.append(("equal", " ".join(old[i:j])))
            continue
        if j > i:
            found.append(("delete", " ".join(old[i:j])))
        if m > k:
            found.append(("insert", " ".join(new[k:m])))
    return found


def span_of(
    provenance: Provenance | None, interaction: Mapping[str, Any] | None, shown: Callable[[str], str]
) -> Span | None:
    """A memory's span with what stands around it.

    Args:
        interaction: its row, if it is still there.
        shown: text as a person may see it.
    """
    if provenance is None:
        return None
    given = provenance
    bare = Span(given.interaction_id, given.role, given.start, given.end, given.span)
    text = None if interaction is None else interaction["response" if given.role == "assistant" else "prompt"]
    if not text or not 0 <= given.start < given.end <= len(text):
        return bare
    # Taken out of the whole: words around a secret are what tells that it is one.
    first = max(0, given.start - AROUND - _BEYOND)
    window = shown(text[first : given.end + AROUND + _BEYOND])
    likely = len(shown(text[first : given.start]))
    starts = [match.start() for match in re.finditer(re.escape(given.span), window)] if given.span else []
    if not starts:
        return bare
    at = min(starts, key=lambda start: abs(start - likely))
    before, after = window[:at].strip(), window[at + len(given.span) :].strip()
    return Span(given.interaction_id, given.role, given.start, given.end, given.span, _end(before), _beginning(after))


def _end(text: str) -> str:
    return text if len(text) <= AROUND else text[-AROUND:].partition(" ")[2]


def _beginning(text: str) -> str:
    return text if len(text) <= AROUND else text[:AROUND].rpartition(" ")[0]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))
