"""Problems that are about the same, put together by the words that they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from memory.context.terms import terms
from memory.gaps.observed import Observed

ALIKE: Final = 0.5
"""Share of the smaller problem's words that two problems have in common where they are about the same."""
LEAST_SHARED: Final = 2
"""Words that they share at least: one alone joins a lost password to a lost parcel."""
NAMED: Final = 3
"""Words that a topic goes by."""


@dataclass(slots=True)
class Topic:
    """Sessions about the same."""

    first: frozenset[str]
    """Words of the problem that the others are compared with."""
    sessions: list[Observed] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Its most common words, which stay the same while sessions come and go."""
        ranked = sorted(self.words.items(), key=lambda item: (-item[1], item[0]))
        return " ".join(sorted(word for word, _ in ranked[:NAMED]))


def topics(sessions: Iterable[Observed]) -> list[Topic]:
    """The topics, those of most sessions first. A problem that says nothing is of none."""
    found: list[Topic] = []
    having: dict[str, list[Topic]] = {}
    for session in sessions:
        words = terms(session.problem)
        if not words:
            continue
        topic = _nearest(words, having)
        if topic is None:
            topic = Topic(words)
            found.append(topic)
            for word in words:
                having.setdefault(word, []).append(topic)
        topic.sessions.append(session)
        topic.words.update(words)
    return sorted(found, key=lambda topic: -len(topic.sessions))


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Are these words of about the same?"""
    shared = len(one & other)
    least = min(len(one), len(other))
    return least > 0 and shared >= min(LEAST_SHARED, least) and shared / least >= ALIKE


def differing(texts: Sequence[str]) -> int:
    """How many of these texts say something else than all before them."""
    kept: list[frozenset[str]] = []
    for text in texts:
        words = terms(text)
        if words and not any(alike(words, other) for other in kept):
            kept.append(words)
    return len(kept)


def _nearest(words: frozenset[str], having: dict[str, list[Topic]]) -> Topic | None:
    """The topic that shares most words, where that is enough of them."""
    shared: dict[int, tuple[int, Topic]] = {}
    for word in words:
        for topic in having.get(word, ()):
            count, _ = shared.get(id(topic), (0, topic))
            shared[id(topic)] = (count + 1, topic)
    for _, topic in sorted(shared.values(), key=lambda item: -item[0]):
        if alike(words, topic.first):
            return topic
    return None
