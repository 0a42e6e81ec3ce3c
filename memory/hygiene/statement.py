"""A memory's text, taken apart so that two can be compared: words, values, and what is denied. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from memory.echo.numbers import Quantity, quantity
from memory.echo.reading import folded, language_of, stem
from memory.hygiene import lexicon

MOST_CHARS: Final = 600
"""Characters of a memory that are compared; what is longer tells more than one thing."""
ROUGHLY: Final = 0.08
"""Share by which one amount may differ in two units."""

_TOKEN = re.compile(
    r"(?P<clock>\d{1,2}(?::|h)\d{2}(?:\s?[ap]m\b)?|\d{1,2}\s?[ap]m\b)"
    r"|(?P<name>(?=[\w.-]*\d)[a-z]\w*(?:[-.]\w+)*|[a-z]+(?:[-.][a-z]+)+)"
    r"|(?P<number>\d{1,3}(?:[ \u00a0\u202f,']\d{3})+(?!\d)(?:[.,]\d+)?|\d+[.,]\d+|\d+)"
    r"|(?P<word>[^\W\d_]+|[%€$£°])"
    r"|(?P<stop>[;,.])"
)
_CONTRACTED = re.compile(r"n['’]t\b")
_POSSESSIVE = re.compile(r"['’]s\b")
_ELIDED = re.compile(r"\b(?:l|d|j|m|t|s|n|c|qu|lorsqu|puisqu)['’](?=\w)")
_SWITCHED = re.compile(r"\b(?:switched|turned|set) (on|off)\b")
_CAPITAL = re.compile(r"(?<=[^.!?:\s]\s)[\"'«“(]?([A-Z][\w]*)")
_BEFORE_A_MONTH = frozenset("in en by until since of from depuis jusque this next".split())
_BEHIND_A_SUBJECT = lexicon.COPULAS | {"has", "have", "had"}
_YEARS = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class Value:
    """Something measured or dated; two of one kind with other amounts say different things."""

    kind: str
    """``number``, ``clock``, ``weekday``, ``date``, ``often``."""
    amount: Any

    def comparable(self, other: Value) -> bool:
        """May one stand in the other's place?"""
        if self.kind == other.kind == "number":
            return bool(self.amount.dimension == other.amount.dimension)
        if self.kind == other.kind == "date":
            return [part is None for part in self.amount] == [part is None for part in other.amount]
        return self.kind == other.kind

    def same(self, other: Value) -> bool:
        """Do both say one amount?"""
        return _is_one_amount(self.amount, other.amount) if self.kind == other.kind == "number" else self == other


@dataclass(frozen=True, slots=True)
class Word:
    """One word in its place."""

    text: str
    stem: str
    small: bool
    """It does not say what the statement is about."""
    name: bool = False
    """Written like a name: a capital within the sentence, or letters mixed with digits or signs."""
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A text, read."""

    words: tuple[Word, ...]

    @property
    def content(self) -> list[Word]:
        """What it is about, in order; without values."""
        return [word for word in self.words if not word.small and word.value is None]

    @property
    def values(self) -> list[Value]:
        """What it measures or dates."""
        return [word.value for word in self.words if word.value is not None]

    def begins(self, among: frozenset[str]) -> bool:
        """Is its first word, articles left out, one of these?"""
        first = next((word.text for word in self.words if word.text not in lexicon.ARTICLES), "")
        return first in among

    def has(self, among: frozenset[str]) -> bool:
        """Does one of these words stand in it?"""
        return any(word.text in among for word in self.words)


@functools.lru_cache(maxsize=20_000)
def read(text: str) -> Statement:
    """Read a memory's text; of a longer one the first 600 characters."""
    cut = text[:MOST_CHARS]
    language = language_of(cut)
    names = {folded(name) for name in _CAPITAL.findall(cut)}
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(_plain(cut))]
    words: list[Word] = []
    at = 0
    while at < len(tokens):
        word, taken = _value(tokens, at, words) or (_word(*tokens[at], language, names), 1)
        words.append(word)
        at += taken
    return Statement(tuple(words))


def _is_one_amount(one: Quantity, other: Quantity) -> bool:
    if not one.dimension or not other.dimension or one.amount * other.value == other.amount * one.value:
        return one.value == other.value
    # In different units: a month is four weeks to most.
    near = abs(one.amount - other.amount) <= ROUGHLY * max(abs(one.amount), abs(other.amount))
    return one.dimension == other.dimension and near


def _plain(text: str) -> str:
    """Folded, clitics cut: "don't" denies as "do not" does, and "n'est" as "ne est"."""
    spaced = _POSSESSIVE.sub(" ", _CONTRACTED.sub(" not", folded(text)))
    return _SWITCHED.sub(_state, _ELIDED.sub(lambda cut: " ne " if cut[0][0] == "n" else " ", spaced))


def _state(switched: re.Match[str]) -> str:
    return "enabled" if switched[1] == "on" else "disabled"


def _word(kind: str, text: str, language: str, names: set[str]) -> Word:
    if kind == "stop":
        return Word(text, text, small=True)
    if kind == "name":
        joined = text.replace("-", "").replace(".", "")
        return Word(text, joined, small=False, name=any(c.isdigit() or c == "." for c in text))
    is_name = text in names and text not in lexicon.SMALL
    return Word(text, text if is_name else stem(text, language), text in lexicon.SMALL, is_name)


def _value(tokens: Sequence[tuple[str, str]], at: int, before: Sequence[Word]) -> tuple[Word, int] | None:
    """A value that starts here, and how many tokens it takes."""
    kind, text = tokens[at]
    if kind == "clock":
        return _as_word(text, Value("clock", _minutes(text))), 1
    for named, table in (("weekday", lexicon.WEEKDAYS), ("often", lexicon.OFTEN)):
        if kind == "word" and text in table:
            return _as_word(text, Value(named, table[text])), 1
    dated = _date(tokens, at, before[-1].text if before else "")
    if dated is not None:
        return _as_word(text, Value("date", dated[0])), dated[1]
    if kind not in ("number", "word") or (kind == "word" and text in lexicon.ARTICLES):
        return None
    found = quantity([token for _, token in tokens], at)
    if found is None or found[1] < 1:
        return None
    if kind == "number" and before and before[-1].text in ("at", "a") and _is_hour(found[0]):
        return _as_word(text, Value("clock", int(found[0].value * 60))), found[1]
    if kind == "number" and _is_label(
        found[0], before, tokens[at + found[1]][1] if at + found[1] < len(tokens) else ""
    ):
        return Word(text, f"#{found[0].value:g}", small=False, name=True), found[1]
    return _as_word(text, Value("number", found[0])), found[1]


def _is_label(quantity: Quantity, before: Sequence[Word], behind: str) -> bool:
    """Is it a name rather than an amount: "Debian 12", "ticket 4711", "shelf 3 holds", "bay 5 is"?"""
    last = before[-1] if before else None
    if last is None or last.small or quantity.dimension:
        return False
    subject = sum(not word.small for word in before) == 1 or behind in _BEHIND_A_SUBJECT
    return last.name or last.text in lexicon.LABELS or subject


def _as_word(text: str, value: Value) -> Word:
    return Word(text, f"={value.kind}", small=False, value=value)


def _is_hour(quantity: Quantity) -> bool:
    return not quantity.dimension and quantity.value < 25


def _minutes(text: str) -> int:
    digits = re.findall(r"\d+", text)
    hours, minutes = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if text.endswith("pm") and hours < 12:
        hours += 12
    return hours * 60 + minutes


def _date(tokens: Sequence[tuple[str, str]], at: int, before: str) -> tuple[tuple[int | None, ...], int] | None:
    """(year, month, day), with None for what is not said: "March 12", "12 March 2027", "June 2027", "2027"."""
    texts = [text for _, text in tokens[at : at + 3]]
    texts += [""] * (3 - len(texts))
    first, second, third = texts
    if first in lexicon.MONTHS and second.isdigit():
        if int(second) in _YEARS:
            return (int(second), lexicon.MONTHS[first], None), 2
        year = int(third) if third.isdigit() and int(third) in _YEARS else None
        return (year, lexicon.MONTHS[first], int(second)), 3 if year else 2
    if first.isdigit() and int(first) < 32 and second in lexicon.MONTHS:
        year = int(third) if third.isdigit() and int(third) in _YEARS else None
        return (year, lexicon.MONTHS[second], int(first)), 3 if year else 2
    if first in lexicon.MONTHS and before in _BEFORE_A_MONTH:
        return (None, lexicon.MONTHS[first], None), 1
    if first.isdigit() and len(first) == 4 and int(first) in _YEARS and not second.isalpha():
        return (int(first), None, None), 1
    return None
