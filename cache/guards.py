"""Vetoes against near misses that a similarity cannot see. English; other scripts are left to the threshold.

Each guard compares the new prompt with the stored one and says which words made it veto.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from cache.lexicon import FORMATS, NEGATIONS, NUMBER_VALUES, NUMBER_WORDS, OPPOSITES, UNITS


class Veto(NamedTuple):
    """Why a stored prompt must not stand in for the new one."""

    guard: str
    words: str


Guard = Callable[[str, str], Veto | None]

# With the sign or operator before it: 7 + 5 is not 7 - 5, and -5 is not 5. A hyphen after a word (covid-19) is neither.
_NUMBER = re.compile(r"(?:(?<![^\W\d_]{2})[-+*/^×÷<>] ?)?\d(?:[\d.,:/]*\d)?")
# Operators and signs of code and mathematics, flags and escapes; not the punctuation of prose.
_SIGN = re.compile(
    r"\w?\+\+\w?|\\\w|(?<!\S)-{1,2}\w[\w-]*|(?:(?![\s.,;:!?'\"“”‘’()\-–—…_])[^\w\s])+|--+|(?<=\w)\+(?=\w)"
)
# Capitals after the first letter (MB, iOS, getURL) mean something in words of any length; so do single letters.
_CASED = re.compile(r"\b(?:[^\W\d_]*[^\W\d_][A-Z][A-Za-z]*|[B-HJ-Z])\b")
_NAME_RUN = re.compile(r"[A-Z][\w’']*(?: [A-Z][\w’']*)+")
_QUOTED = re.compile(r"`([^`]+)`|\"([^\"]+)\"|“([^“”]+)”|(?<!\w)'([^']+)'(?!\w)")
_WORD = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?", re.IGNORECASE)


def check(new: str, stored: str) -> Veto | None:
    """The first veto among all guards; None when none objects."""
    for guard in GUARDS:
        veto = guard(new, stored)
        if veto is not None:
            return veto
    return None


def numbers(new: str, stored: str) -> Veto | None:
    """Numbers, amounts, dates and identifiers must be the same ones."""
    return _differs("numbers", _numbers(new), _numbers(stored))


def negation(new: str, stored: str) -> Veto | None:
    """One denies what the other does not."""
    words = [_words(text) & NEGATIONS for text in (new, stored)]
    return None if bool(words[0]) == bool(words[1]) else Veto("negation", " ".join(sorted(words[0] | words[1])))


def opposites(new: str, stored: str) -> Veto | None:
    """One says enable where the other says disable."""
    only_new, only_stored = _words(new) - _words(stored), _words(stored) - _words(new)
    for pair in OPPOSITES:
        if only_new & pair and only_stored & pair:
            return Veto("opposites", "/".join(sorted(pair)))
    return None


def quoted(new: str, stored: str) -> Veto | None:
    """Quoted strings and code must be the same ones."""
    return _differs("quoted", _quoted(new), _quoted(stored))


def form(new: str, stored: str) -> Veto | None:
    """The output format and language asked for must be the same."""
    return _differs("form", Counter(_words(new) & FORMATS), Counter(_words(stored) & FORMATS))


def units(new: str, stored: str) -> Veto | None:
    """Units of measure and currencies must be the same ones; spellings of one unit count as one."""
    return _differs("units", Counter(_units(new)), Counter(_units(stored)))


def order(new: str, stored: str) -> Veto | None:
    """The same words, or the same numbers, in another order may ask another thing: A to B is not B to A."""
    for first, second in ((_sequence(new), _sequence(stored)), (_number_sequence(new), _number_sequence(stored))):
        if first != second and Counter(first) == Counter(second):
            return Veto("order", " ".join(first))
    return None


def names(new: str, stored: str) -> Veto | None:
    """Capitalised words within a sentence name things: each text names one that the other lacks.

    One extra name is enough where it stands beside a shared one: South Korea is not Korea.
    """
    only_new, only_stored = _names(new) - _words(stored), _names(stored) - _words(new)
    if only_new and only_stored:
        return Veto("names", " ".join(sorted(only_new | only_stored)))
    for extra, longer, shorter in ((only_new, new, stored), (only_stored, stored, new)):
        for name in _full_names(longer):
            if name & extra and name & _names(shorter):
                return Veto("names", " ".join(sorted(name)))
    return None


def unread(new: str, stored: str) -> Veto | None:
    """What an uncased embedder does not read must be equal: signs, flags and escapes, indentation, accents, and the
    case of abbreviations and identifiers."""
    for of in (_signs, _indented):
        veto = _differs("unread", Counter(of(new)), Counter(of(stored)))
        if veto is not None:
            return veto
    alike = _alike(_accents(new), _accents(stored)) + _alike(_cases(new), _cases(stored))
    return Veto("unread", " ".join(alike)) if alike else None


GUARDS: Final[tuple[Guard, ...]] = (numbers, units, negation, opposites, quoted, form, unread, order, names)


def _differs(guard: str, new: Counter[str], stored: Counter[str]) -> Veto | None:
    difference = (new - stored) + (stored - new)
    return Veto(guard, " ".join(sorted(difference))) if difference else None


def _number_sequence(text: str) -> list[str]:
    return [found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)]


def _numbers(text: str) -> Counter[str]:
    digits = _number_sequence(text)
    spelled = [NUMBER_VALUES.get(word, word) for word in _sequence(text) if word in NUMBER_WORDS]
    return Counter(digits + spelled)


def _quoted(text: str) -> Counter[str]:
    return Counter("".join(groups).strip() for groups in _QUOTED.findall(text))


def _sequence(text: str) -> list[str]:
    return [_plain(word) for word in _WORD.findall(text)]


def _plain(word: str) -> str:
    """Small, and without a possessive: France's capital is the capital of France."""
    return word.lower().replace("’", "'").removesuffix("'s")


def _words(text: str) -> set[str]:
    return set(_sequence(text))


def _units(text: str) -> set[str]:
    return {UNITS[word] for word in _words(text) if word in UNITS}


def _names(text: str) -> set[str]:
    found = set()
    for match in _WORD.finditer(text):
        before = text[: match.start()].rstrip(" \t\"'“(")
        if match.group()[0].isupper() and before and before[-1] not in ".!?:;\n":
            found.add(_plain(match.group()))
    return found - {"i", "i'm", "i'd", "i've", "i'll"}


def _full_names(text: str) -> list[set[str]]:
    """Runs of capitalised words, each as the set of its words."""
    return [{_plain(word) for word in run.split()} for run in _NAME_RUN.findall(text)]


def _signs(text: str) -> list[str]:
    return _SIGN.findall(text)


def _accents(text: str) -> dict[str, set[str]]:
    """Each word without its accents, and how it is written here."""
    found: dict[str, set[str]] = {}
    for word in _sequence(text):
        bare = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
        found.setdefault(bare, set()).add(word)
    return found


def _cases(text: str) -> dict[str, set[str]]:
    """Each word in small letters, and how it is written here; nothing is meant by a first capital alone, by
    four and more capitals (NATO), or where all is in capitals."""
    found: dict[str, set[str]] = {}
    for word in () if text.isupper() else _WORD.findall(text):
        abbreviates = _CASED.fullmatch(word) and not (word.isupper() and len(word) > 3)
        plain = word if abbreviates else word.lower()
        found.setdefault(word.lower(), set()).add(plain)
    return found


def _alike(new: dict[str, set[str]], stored: dict[str, set[str]]) -> list[str]:
    """The spellings of words that both texts hold, but not in the same spelling."""
    return [word for key in new.keys() & stored.keys() if not new[key] & stored[key] for word in new[key] | stored[key]]


def _indented(text: str) -> list[str]:
    return [f"line {number}" for number, line in enumerate(text.split("\n")) if number and line[:1] in (" ", "\t")]
