"""Vetoes against near misses that a similarity cannot see. English; other scripts are left to the threshold.

Each guard compares the new prompt with the stored one and says which words made it veto.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple


class Veto(NamedTuple):
    """Why a stored prompt must not stand in for the new one."""

    guard: str
    words: str


Guard = Callable[[str, str], Veto | None]

# With the sign or operator before it: 7 + 5 is not 7 - 5, and -5 is not 5. A hyphen after a word (covid-19) is neither.
_NUMBER = re.compile(r"(?:(?<![^\W\d_]{2})[-+*/^×÷<>] ?)?\d(?:[\d.,:/]*\d)?")
_QUOTED = re.compile(r"`([^`]+)`|\"([^\"]+)\"|“([^“”]+)”|(?<!\w)'([^']+)'(?!\w)")
_WORD = re.compile(r"[^\W\d_]+(?:['’][a-z]+)?", re.IGNORECASE)

_NUMBER_WORDS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    " seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
    " billion half double twice first second third monday tuesday wednesday thursday friday saturday sunday january"
    " february march april june july august september october november december"
).split()

_NUMBER_VALUES: Final = {word: str(value) for value, word in enumerate(_NUMBER_WORDS[:21])}

_NEGATIONS: Final = frozenset(
    "not no non never none nothing nobody without cannot neither nor isn't aren't wasn't weren't don't doesn't didn't"
    " can't couldn't won't wouldn't shouldn't mustn't hasn't haven't hadn't except unless".split()
)

_OPPOSITES: Final = [
    frozenset(pair.split("/"))
    for pair in (
        "enable/disable enabled/disabled enabling/disabling on/off before/after above/below over/under"
        " increase/decrease increasing/decreasing raise/lower open/close opened/closed start/stop add/remove"
        " include/exclude allow/deny allow/block accept/reject accept/decline upload/download import/export"
        " encode/decode encrypt/decrypt compress/decompress mount/unmount install/uninstall subscribe/unsubscribe"
        " lock/unlock in/out login/logout up/down left/right north/south east/west min/max minimum/maximum"
        " least/most fewest/most smallest/largest smallest/biggest shortest/longest lowest/highest"
        " cheapest/expensive oldest/newest oldest/youngest first/last best/worst more/less more/fewer"
        " advantages/disadvantages pros/cons benefits/risks benefits/drawbacks strengths/weaknesses causes/effects"
        " cause/prevent hot/cold buy/sell lend/borrow deposit/withdraw send/receive push/pull attach/detach"
        " connect/disconnect activate/deactivate ascending/descending horizontal/vertical public/private true/false"
        " legal/illegal safe/unsafe possible/impossible male/female men/women indoor/outdoor with/without gain/lose"
        " win/lose create/delete show/hide expand/collapse always/never everyone/nobody all/none inside/outside"
        " internal/external old/new good/bad plus/minus add/subtract multiply/divide begin/end start/end"
        " tallest/shortest safe/dangerous"
    ).split()
]

_FORMATS: Final = frozenset(
    "json yaml xml csv html markdown table list bullet bullets bulleted sentence sentences paragraph paragraphs word"
    " words essay poem code python javascript typescript java rust go ruby php bash sql kotlin swift c english french"
    " german spanish italian portuguese dutch polish russian chinese mandarin japanese korean arabic hindi turkish"
    " swedish greek latin brief briefly short shorter long longer detailed summary".split()
)


_UNITS: Final = {
    alias: names[0]
    for names in (
        line.split()
        for line in (
            "km kilometer kilometers kilometre kilometres",
            "mi mile miles",
            "m meter meters metre metres",
            "cm centimeter centimeters centimetre centimetres",
            "mm millimeter millimeters millimetre millimetres",
            "ft foot feet",
            "inch inches",
            "yd yard yards",
            "kg kilo kilos kilogram kilograms",
            "g gram grams",
            "lb lbs pound pounds",
            "oz ounce ounces",
            "l liter liters litre litres",
            "ml milliliter milliliters millilitre millilitres",
            "gallon gallons",
            "cup cups",
            "pint pints",
            "celsius centigrade",
            "fahrenheit",
            "kelvin",
            "usd dollar dollars",
            "eur euro euros",
            "gbp sterling",
            "yen jpy",
            "seconds secs",
            "minutes mins",
            "hours hrs",
            "days",
            "weeks",
            "months",
            "years",
            "kb kilobyte kilobytes",
            "mb megabyte megabytes",
            "gb gigabyte gigabytes",
            "tb terabyte terabytes",
        )
    )
    for alias in names
}


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
    words = [_words(text) & _NEGATIONS for text in (new, stored)]
    return None if bool(words[0]) == bool(words[1]) else Veto("negation", " ".join(sorted(words[0] | words[1])))


def opposites(new: str, stored: str) -> Veto | None:
    """One says enable where the other says disable."""
    only_new, only_stored = _words(new) - _words(stored), _words(stored) - _words(new)
    for pair in _OPPOSITES:
        if only_new & pair and only_stored & pair:
            return Veto("opposites", "/".join(sorted(pair)))
    return None


def quoted(new: str, stored: str) -> Veto | None:
    """Quoted strings and code must be the same ones."""
    return _differs("quoted", _quoted(new), _quoted(stored))


def form(new: str, stored: str) -> Veto | None:
    """The output format and language asked for must be the same."""
    return _differs("form", Counter(_words(new) & _FORMATS), Counter(_words(stored) & _FORMATS))


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
    """Capitalised words within a sentence name things: each text names one the other lacks."""
    only_new, only_stored = _names(new) - _words(stored), _names(stored) - _words(new)
    if only_new and only_stored:
        return Veto("names", " ".join(sorted(only_new | only_stored)))
    return None


GUARDS: Final[tuple[Guard, ...]] = (numbers, units, negation, opposites, quoted, form, order, names)


def _differs(guard: str, new: Counter[str], stored: Counter[str]) -> Veto | None:
    difference = (new - stored) + (stored - new)
    return Veto(guard, " ".join(sorted(difference))) if difference else None


def _number_sequence(text: str) -> list[str]:
    return [found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)]


def _numbers(text: str) -> Counter[str]:
    digits = _number_sequence(text)
    spelled = [_NUMBER_VALUES.get(word, word) for word in _sequence(text) if word in _NUMBER_WORDS]
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
    return {_UNITS[word] for word in _words(text) if word in _UNITS}


def _names(text: str) -> set[str]:
    found = set()
    for match in _WORD.finditer(text):
        before = text[: match.start()].rstrip(" \t\"'“(")
        if match.group()[0].isupper() and before and before[-1] not in ".!?:;\n":
            found.add(_plain(match.group()))
    return found - {"i", "i'm", "i'd", "i've", "i'll"}
