"""Corrections in mid-sentence ("Paris, no wait, Rome"): where they stand, and what they may take back."""

from __future__ import annotations

from cache.guards.lexicon import AFTER_A_LONE_NO, FILLERS, HESITATIONS, NO_REPAIR_AFTER, REPAIRS, STOPWORDS

_REACH = 6
"""Words before a repair that it may take back."""


def repaired(words: list[str]) -> tuple[frozenset[int], frozenset[int]]:
    """Indices of the words that a repair may have taken back, and of the repairs and fillers themselves."""
    taken_back: set[int] = set()
    marks: set[int] = set()
    if "no" not in words and not REPAIRS.keys() & set(words):
        return frozenset(), frozenset()
    i = 0
    while i < len(words):
        length = _repair_at(words, i)
        if not length:
            i += 1
            continue
        marks.update(range(i, i + length))
        if i + length < len(words):
            taken_back.update(_taken_back(words, i, i + length))
        i += length
    return frozenset(taken_back - marks), frozenset(marks)


def _repair_at(words: list[str], i: int) -> int:
    """How many words long the repair is that begins here; 0 where none does."""
    best = 0
    for phrase in REPAIRS.get(words[i], ()):
        if len(phrase) > best and tuple(words[i : i + len(phrase)]) == phrase:
            best = len(phrase)
    if not best and words[i] == "no" and 0 < i < len(words) - 1 and words[i + 1] in AFTER_A_LONE_NO:
        return 1
    if best and (i + best >= len(words) or (i and words[i - 1] in NO_REPAIR_AFTER)):
        return 0
    if best == 1 and words[i] not in FILLERS:
        # A lone "sorry" or "actually" takes something back only in the middle of a question.
        return 1 if 2 <= i < len(words) - 1 and words[i - 1] in ("or", "no", "um", "uh", "er") else 0
    return best


def is_content(word: str) -> bool:
    return word not in STOPWORDS and word not in HESITATIONS


def _taken_back(words: list[str], begin: int, end: int) -> range:
    """From the last word before the repair that the text after it takes up again; else, so far as it may reach."""
    first = max(0, begin - _REACH)
    for i in range(begin - 1, first - 1, -1):
        if words[i] == words[end]:
            return range(i, begin)
    return range(first, begin)
