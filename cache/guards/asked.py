"""What is asked for: the form, tone and language of the answer, what kind of thing answers, and of whom."""

from __future__ import annotations

import re

from cache.guards.analysis import Analysis, once
from cache.guards.groups import LANGUAGES
from cache.guards.pair import Finding, Pair
from cache.guards.requests import (
    AMBIGUOUS_CODE,
    ANSWERS,
    CODE,
    FORM_WORDS,
    FORMS,
    MODALS,
    PERSONS,
    REQUEST_STEMS,
)
from cache.guards.words import stem

_IN_CODE = re.compile(
    r"\b(?i:in|using|with|to|from|into|of|a|write|learn)\s+(C|R|Go|Swift|Rust|Ruby|Bash|Java|Dart|Julia)\b(?!\+|#)"
)
_FORM = [(name, re.compile(pattern)) for name, pattern in FORMS]


def form(pair: Pair) -> Finding | None:
    """The output format, length, tone and language asked for must be the same."""
    new, stored = _forms(pair.new), _forms(pair.stored)
    if new == stored:
        return None
    words = tuple(sorted((new ^ stored) - pair.mistyped))
    if not words or {_singular(word) for word in words} & {_singular(word) for word in pair.mistyped}:
        return None
    # "A detailed answer of 800 words" and "at least 800 words" ask for the same length.
    length_said = "words" in new & stored and set(words) <= {"brief", "detailed"}
    # French is a form where an answer is asked for in it, not where somebody is French.
    requested = any(word not in LANGUAGES or _asked_in(word, pair) for word in words)
    return Finding(
        words,
        sure=requested
        and not length_said
        and not pair.unclear
        and pair.contained(REQUEST_STEMS.union(map(stem, words))) >= 0.7,
    )


def _asked_in(name: str, pair: Pair) -> bool:
    return any(f" {before} {name} " in text.line for before in ("in", "into", "to") for text in (pair.new, pair.stored))


def _singular(word: str) -> str:
    return word.removesuffix("s")


def question(pair: Pair) -> Finding | None:
    """One asks who or when where the other asks where or how many."""
    new, stored = _asks(pair.new), _asks(pair.stored)
    if not new or not stored or new & stored:
        return None
    words = tuple(sorted(new | stored))
    return Finding(words, sure=False)


def modal(pair: Pair) -> Finding | None:
    """Can, should or must: what one may do is not what one ought to."""
    return _disjoint(_modals(pair.new), _modals(pair.stored))


def person(pair: Pair) -> Finding | None:
    """My, your, his: whose it is."""
    return _disjoint(_persons(pair.new), _persons(pair.stored))


def _disjoint(new: frozenset[str], stored: frozenset[str]) -> Finding | None:
    """A doubt where both say something, and nothing in common."""
    if new and stored and not new & stored:
        return Finding(tuple(sorted(new | stored)), sure=False)
    return None


@once
def _modals(text: Analysis) -> frozenset[str]:
    return frozenset(MODALS[word] for word in text.said & MODALS.keys())


@once
def _persons(text: Analysis) -> frozenset[str]:
    return frozenset(PERSONS[word] for word in text.said & PERSONS.keys())


@once
def _forms(text: Analysis) -> frozenset[str]:
    line = text.line
    found = set()
    if FORM_WORDS & text.said:
        found = {name for name, pattern in _FORM if pattern.search(line)}
    found |= CODE & text.said
    found |= LANGUAGES & text.said
    if AMBIGUOUS_CODE & text.said:
        found |= {match.lower() for match in _IN_CODE.findall(text.text)}
    return frozenset(found)


@once
def _asks(text: Analysis) -> frozenset[str]:
    """What kind of answer the first question word asks for."""
    words = text.words
    for i, word in enumerate(words):
        if word in ANSWERS:
            after = words[i + 1] if i + 1 < len(words) else ""
            found = ANSWERS[word].get(after) or ANSWERS[word].get("")
            if found:
                return frozenset(found.split("|"))
    return frozenset()
