"""How surely does a sentence of the user state something that lasts? Weighed where an embedder is loaded.

Rules find the wordings that somebody thought of. A small logistic regression over the sentence's vector and some signs
(questions, orders, who is spoken of, time) finds others, and speaks against rules that met a passing wish. Its weights
stand in ``weights/lasting.json``, trained by ``benchmarks.memory.lasting``. Pure but for the embedder.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from memory.extraction import guards
from memory.extraction.finding import Finding
from memory.extraction.fresh import Fresh
from memory.extraction.sentences import Sentence
from memory.extraction.setting import is_errand, is_staged, own_words
from memory.extraction.wording import is_french, stand_alone
from memory.memories.memory import LEAST_CHARS, MOST_CHARS, MemoryType
from store.embedder import Embedder, EmbedderError, EmbedderSource

RULE: Final = "lasting_statement"
FLOOR: Final = frozenset(
    "decision_heading constraint_heading requirement_heading fact_heading preference_sentence decided_to_sentence"
    " requirement_sentence".split()
)
"""Rules that nothing is weighed against."""
MOST_READ: Final = 40
"""Sentences of one turn that are weighed."""
SCALE: Final = 3.0
"""By which vectors are multiplied, to weigh as much as the signs."""

_FILE: Final = Path(__file__).parent / "weights" / "lasting.json"
_PATTERNS: Final = (
    r"\?\s*$",
    r"\b(?:if|suppose|imagine|would|could|might|maybe|perhaps|si|peut-être|faudrait)\b",
    r"\b(?:i|i'm|i've|je|j'|j’)\b",
    r"\b(?:my|mon|ma|mes)\b",
    r"\b(?:we|we're|our|nous|on|notre|nos)\b",
    r"\b(?:you|your|tu|vous|votre|te)\b",
    r"\b(?:always|never|only|every|usually|from now on|toujours|jamais|chaque|désormais|no longer|anymore|plus)\b",
    r"\b(?:must|have to|has to|need to|needs|can't|cannot|don't|doesn't|required|allowed|doit|faut|obligé|peut pas"
    r"|peux pas|pas)\b",
    r"\b(?:today|tomorrow|tonight|right now|this (?:one|time|week)|just|currently|now|aujourd'hui|demain|ce soir|là)\b",
    r"^\s*(?:please\s+)?(?:write|make|give|tell|show|translate|fix|explain|list|find|can|could|help|summarize|rewrite"
    r"|suggest|what|how|why|when|which|who|is|are|do|does|did|should|écris|donne|traduis|explique|fais|peux|comment"
    r"|pourquoi|quel|quelle|est-ce)\b",
    r"\b(?:is|are|'s|'re|am|'m|est|sont|suis|sommes)\b",
    r"\b(?:was|were|had|did|\w+ed|étais|était|ai|avons)\b",
    r"\b(?:use|uses|using|run|runs|live|lives|work|works|prefer|hate|love|like|allergic|utilise|utilisons|habite"
    r"|préfère|aime)\b",
    r"\d",
    r"\b(?:decided|going with|settled|agreed|chose|picked|let's|on a décidé|on part)\b",
    r"\b(?:not|n't|no)\b",
)
_SIGNS: Final = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)
_LONG: Final = 40
"""Words from which on a sentence counts as long."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """A logistic regression for whether, and one for each type."""

    keep: Vector
    """As many as features, and the intercept."""
    types: tuple[MemoryType, ...]
    by_type: Vector
    """(types, features + 1)."""
    cut: float
    """Probability from which a sentence is a candidate without any rule."""
    veto: float
    """Probability below which a rule is not believed."""
    embedder: str
    """What the ids of embedders begin with whose vectors these weights fit."""


@functools.cache
def weights() -> Weights:
    """Those that come with the package."""
    held: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    keep, by_type = np.array(held["keep"]), np.array(held["by_type"])
    return Weights(keep, tuple(held["types"]), by_type, held["cut"], held["veto"], held["embedder"])


def features(line: Sentence, prompt: str, vector: Vector) -> Vector:
    """Of a sentence in a turn: its vector, scaled, and its signs, and 1."""
    signs = [float(sign.search(line.plain) is not None) for sign in _SIGNS]
    whole = [
        min(len(line.text.split()), _LONG) / (_LONG / 2),
        float(is_french(line.text)),
        float(line.start == 0),
        float(line.end >= len(prompt.rstrip()) - 1),
    ]
    return np.concatenate([np.asarray(vector, dtype=np.float64) * SCALE, signs, whole, [1.0]])


def weighed(fresh: Fresh, found: Iterable[Finding], embedder: EmbedderSource) -> list[Finding]:
    """What rules found in the user's turn, without what is surely passing, and what they have no wording for.

    Without an embedder that the weights fit, or where it fails, the rules' findings as they are.
    """
    loaded, found = embedder(), list(found)
    if loaded is None or not loaded.id.startswith(weights().embedder):
        return found
    lines = [line for line in own_words(fresh) if line.kind in ("text", "item")][:MOST_READ]
    try:
        known = [(line, features(line, fresh.prompt, vector)) for line, vector in _vectors(lines, loaded)]
    except EmbedderError:
        return found
    sure = [(line, values, _probability(weights().keep, values)) for line, values in known]
    passing = [line for line, _, probability in sure if probability < weights().veto]
    kept = [one for one in found if _stands(one) or not _within(one, passing)]
    return kept + list(_further(fresh, kept, sure))


def _further(fresh: Fresh, kept: list[Finding], sure: Iterable[tuple[Sentence, Vector, float]]) -> Iterator[Finding]:
    if is_staged(fresh) or is_errand(fresh):
        return
    for line, values, probability in sure:
        taken = any(one.role == "user" and one.start < line.end and line.start < one.end for one in kept)
        fits = LEAST_CHARS <= len(line.text) <= MOST_CHARS and not guards.is_pasted(line.plain)
        if probability >= weights().cut and fits and not taken and "?" not in line.plain:
            best = int(np.argmax(weights().by_type @ values))
            yield Finding(weights().types[best], stand_alone(line.text), RULE, "user", line.start, line.end)


def _stands(one: Finding) -> bool:
    """Is nothing weighed against it? Who somebody is does not pass with the turn, whatever the sentence is like."""
    return one.rule in FLOOR or one.role != "user" or one.memory_type == "identity"


def _vectors(lines: list[Sentence], embedder: Embedder) -> Iterator[tuple[Sentence, Vector]]:
    if lines:
        yield from zip(lines, embedder.embed([line.text[:400] for line in lines]), strict=True)


def _within(one: Finding, lines: Iterable[Sentence]) -> bool:
    return any(line.start <= one.start < line.end for line in lines)


def _probability(keep: Vector, values: Vector) -> float:
    return float(1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, float(keep @ values))))))
