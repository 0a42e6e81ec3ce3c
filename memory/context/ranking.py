"""Which pieces of documents serve a prompt best: cosine times what project, shared words and place say. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from memory.context.terms import shared
from memory.sources.shelf import Chunk, Found

_PLACES: Final = 8192


@dataclass(frozen=True, slots=True)
class Weights:
    """What a piece's cosine is multiplied by. Factors above 0; 1 changes nothing."""

    project: float = 2.0
    """For pieces of the call's own project."""
    word: float = 0.08
    """Gain for each word of the prompt that the piece has."""
    most_for_words: float = 1.32
    raised: float = 1.18
    """Where path or headings name one of ``raising``."""
    lowered: float = 0.72
    raising: tuple[str, ...] = ("status", "decision", "requirement", "roadmap", "architecture", "current", "adr")
    lowering: tuple[str, ...] = ("archive", "archived", "history", "old", "deprecated", "changelog")


PLAIN: Final = Weights(project=1.0, word=0.0, most_for_words=1.0, raised=1.0, lowered=1.0)
"""The cosine alone."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A piece beside a prompt."""

    chunk: Chunk
    cosine: float
    score: float


def rank(found: Iterable[Found], prompt: frozenset[str], project: str, weights: Weights) -> list[Ranked]:
    """The pieces, the best first; of equal ones the nearer, then by where they stand.

    Args:
        prompt: its words (``memory.context.terms.terms``).
        project: the call's; empty for none.
    """
    raising, lowering = _all_named(weights.raising), _all_named(weights.lowering)
    scored = []
    for one in found:
        factor = _factor(one.chunk, prompt, project, weights, raising, lowering)
        # A boost of something unlike the prompt must not make it less like it.
        score = one.cosine * factor if one.cosine >= 0 else one.cosine / factor
        scored.append(Ranked(one.chunk, one.cosine, score))
    return sorted(scored, key=_order)


def with_tags(found: Iterable[Found], tags: Sequence[str]) -> list[Found]:
    """Those whose documents have every one of the tags; case makes no difference."""
    wanted = {tag.casefold() for tag in tags}
    return [one for one in found if wanted <= {tag.casefold() for tag in one.chunk.tags}]


def _order(one: Ranked) -> tuple[float, float, str, str, str]:
    return -one.score, -one.cosine, one.chunk.source, one.chunk.path, one.chunk.id


def _factor(
    chunk: Chunk,
    prompt: frozenset[str],
    project: str,
    weights: Weights,
    raising: frozenset[str],
    lowering: frozenset[str],
) -> float:
    factor = weights.project if project and chunk.project == project else 1.0
    if weights.word:
        words = shared(prompt, "\n".join([*chunk.heading_path, chunk.content]))
        factor *= min(weights.most_for_words, 1.0 + weights.word * words)
    place = [_named(chunk.path), *map(_named, chunk.heading_path)]
    if not all(map(raising.isdisjoint, place)):
        factor *= weights.raised
    if not all(map(lowering.isdisjoint, place)):
        factor *= weights.lowered
    return factor


def _all_named(texts: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*map(_named, texts))


@functools.lru_cache(maxsize=_PLACES)
def _named(text: str) -> frozenset[str]:
    """The words of a path, heading or setting, and what they are without a plural. No stems: a page of deprecations is
    not deprecated itself."""
    plain = "".join([letter if letter.isalnum() else " " for letter in text.casefold()]).split()
    return frozenset(plain) | frozenset(word[:-1] for word in plain if word.endswith("s"))
