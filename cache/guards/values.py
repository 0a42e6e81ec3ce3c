"""What must be the same to the letter: numbers, dates, units, quotations, and signs that an embedder does not read."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from cache.guards.analysis import Analysis, Word, analyse, once
from cache.guards.lexicon import CASE_MATTERS, STOPWORDS
from cache.guards.measures import AMBIGUOUS_DATES, DATES, NUMBER_WORDS, SHORT_UNITS, UNITS
from cache.guards.pair import Finding, Pair, is_slip

# With the sign or operator before it: 7 + 5 is not 7 - 5, and -5 is not 5. A hyphen after a word (covid-19) is neither.
_NUMBER = re.compile(r"(?:(?<![^\W\d_]{2})[-+*/^×÷<>] ?)?\d(?:[\d.,:/]*\d)?")
_IDENTIFIER = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[^\W\d_])\w+(?:-\w+)*\b")
# Operators and signs of code and mathematics, flags and escapes; not the punctuation of prose.
_SIGN = re.compile(
    r"\w?\+\+\w?|\\\w|(?<!\S)-{1,2}\w[\w-]*|(?:(?![\s.,;:!?'\"“”‘’()\-–—…_])[^\w\s])+|--+|(?<=\w)\+(?=\w)"
)
# Capitals after the first letter (MB, iOS, getURL) mean something in words of any length; so do single letters.
_CASED = re.compile(r"\b(?:[^\W\d_]*[^\W\d_][A-Z][A-Za-z]*|[B-HJ-Z])\b")
_QUOTED = re.compile(r"`([^`]+)`|\"([^\"]+)\"|“([^“”]+)”|(?<!\w)'([^']+)'(?!\w)")
_LONGEST_QUOTE = 60
_COUNTED = frozenset({*NUMBER_WORDS, *DATES})
_LETTERS = re.compile(r"[^a-z]")
_ODD = re.compile(r"[^\w\s.,;:!?'\"“”‘’()–—…]")
_DATED = re.compile(r"\d(?:st|nd|rd|th)? (?:of )?\w+|\w+\.? (?:the )?\d")
_DIGIT = re.compile(r"\d")
_VERSION = re.compile(r"\bv(?=\d)", re.IGNORECASE)
_AFTER_A_FIGURE = re.compile(r"\d ?([^\W\d_]+)")
_CURRENCY = re.compile(r"[$€£¥₹]")
CURRENCY_SIGNS = {"$": "usd", "€": "eur", "£": "lb", "¥": "yen", "₹": "rupee"}
_OPERATOR = re.compile(r"[-+=\\*/%^!]")
_CHATTER = frozenset(("&", "@", "~", "|", "^", "=)", "/", "``", "`", "]", "["))
_BEFORE_A_UNIT = frozenset("a per one every each this last next few half split".split())
_NOT_COUNTED_FIRST = frozenset("name names time of place class aid hand".split())
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)")
_MEASURE = re.compile(r"\d+(?:[a-z]+)")
_COVID = re.compile(r"\b(?:covid|sars)[- ]?(?:cov)?[- ]?\d+\b", re.IGNORECASE)
_UNCOUNTED = frozenset(("covid19", "covid2019", "sarscov2"))
_PRONOUN_ONE_AFTER = frozenset(
    "capital the this that which no any every each some another new other only good better best right wrong a my your"
    " a an old real virtual next last either same such someone first second other".split()
)


def numbers(pair: Pair) -> Finding | None:
    """Numbers, amounts, dates and identifiers must be the same ones."""
    if not (_numbers(pair.new)[1] or _numbers(pair.stored)[1]):
        return None
    only_new = _numbers(pair.new)[0] - _numbers(pair.stored)[1]
    only_stored = _numbers(pair.stored)[0] - _numbers(pair.new)[1]
    for difference in (only_new, only_stored):
        for name in [name for name in difference if _LETTERS.sub("", name) in pair.mistyped]:
            del difference[name]
    if not only_new and not only_stored:
        return None
    words = _names_of(only_new + only_stored)
    if only_new and only_stored:
        return Finding(words, sure=True)
    # A lone "one", "several hundred" or "twice" is often only another way to say it.
    figures = all(word in _weighty(pair) for word in words)
    return Finding(words, sure=figures and not pair.unclear and not _denied(pair) and pair.closeness(words) >= 0.7)


def units(pair: Pair) -> Finding | None:
    """Units of measure and currencies must be the same ones; spellings of one unit count as one."""
    new, stored = _units(pair.new), _units(pair.stored)
    if new == stored:
        return None
    only_new, only_stored = new - _mentioned_units(pair.stored), stored - _mentioned_units(pair.new)
    words = tuple(sorted(only_new | only_stored))
    if not words:
        return None
    both = only_new and only_stored
    return Finding(words, sure=bool(both) and pair.closeness(words) >= 0.4)


def quoted(pair: Pair) -> Finding | None:
    """Quoted strings and code must be the same ones."""
    new, stored = _quoted(pair.new), _quoted(pair.stored)
    if new == stored:
        return None
    only_new = {quote for quote in new - stored if quote.lower() not in pair.stored.text.lower()}
    only_stored = {quote for quote in stored - new if quote.lower() not in pair.new.text.lower()}
    words = tuple(sorted(only_new | only_stored))
    if not words:
        return None
    short = all(len(word) <= _LONGEST_QUOTE for word in words)
    both = bool(only_new and only_stored)
    both = both and not any(is_slip(one.lower(), other.lower()) for one in only_new for other in only_stored)
    return Finding(words, sure=short and both and pair.closeness(_read(words)) >= 0.6)


def unread(pair: Pair) -> Finding | None:
    """What an uncased embedder does not read must be equal: signs, flags and escapes, indentation, accents, and the
    case of abbreviations and identifiers."""
    new, stored = _signs(pair.new), _signs(pair.stored)
    found = _differ(new, stored) if new or stored else ()
    if found:
        both = bool(new - stored and stored - new)
        one_operator = pair.new.words == pair.stored.words and _OPERATOR.search("".join(found)) is not None
        return Finding(found, sure=(both or one_operator) and not pair.unclear and pair.closeness() >= 0.8)
    lines = "\n" in pair.new.text or "\n" in pair.stored.text
    found = _differ(_indented(pair.new), _indented(pair.stored)) if lines else ()
    if found:
        return Finding(found, sure=pair.closeness() >= 0.8)
    ascii_only = pair.new.text.isascii(), pair.stored.text.isascii()
    accents = () if all(ascii_only) else _alike(_accents(pair.new), _accents(pair.stored))
    if accents:
        return Finding(accents, sure=not any(ascii_only))
    if not (_has_cased(pair.new) or _has_cased(pair.stored)):
        return None
    cases = _alike(_cases(pair.new), _cases(pair.stored))
    if not cases:
        return None
    return Finding(cases, sure=True) if _cases_count(pair, cases) else None


def _denied(pair: Pair) -> bool:
    """Does one say "no" where the other does not? It may be a correction: "in 1990 no 1991"."""
    return "no" in (pair.only_new | pair.only_stored)


def _cases_count(pair: Pair, cases: tuple[str, ...]) -> bool:
    """Do both writers use capitals, and is one of these another word for its case?"""
    if pair.new.text.islower() or pair.stored.text.islower():
        return False
    lower = {word.lower() for word in cases}
    both_cased = len(cases) > len(lower) and all(not word.islower() for word in cases)
    return both_cased or bool(lower & CASE_MATTERS) or any(len(word) == 1 for word in lower)


def _names_of(difference: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(difference.elements()))


def _differ(new: Counter[str], stored: Counter[str]) -> tuple[str, ...]:
    return _names_of((new - stored) + (stored - new)) if new != stored else ()


def _read(words: tuple[str, ...]) -> list[str]:
    return [word for text in words for word in analyse(text).words]


@once
def _numbers(text: Analysis) -> tuple[Counter[str], Counter[str]]:
    """The numbers that stand, and all that are mentioned."""
    if not text.has_figures and not text.mentioned & _COUNTED:
        return Counter(), Counter()
    said = _numbers_in(text.standing)
    return said, _numbers_in(text.text) if text.is_repaired else said


def number_sequence(text: str) -> list[str]:
    """Figures in order, each with the sign or operator before it."""
    return [found.replace(",", "").replace(" ", "") for found in _NUMBER.findall(text)]


def _weighty(pair: Pair) -> frozenset[str]:
    """What is written in figures or is a date."""
    figures = {name for text in (pair.new, pair.stored) if text.has_figures for name in _numbers_in_figures(text.text)}
    return frozenset(figures | set(DATES.values()))


def _numbers_in_figures(text: str) -> set[str]:
    return {
        found
        for found in _numbers_in(text)
        if _DIGIT.search(found) and found in text.replace(",", "").replace("-", "").lower()
    }


def _numbers_in(text: str) -> Counter[str]:
    found: Counter[str] = Counter()
    text = _VERSION.sub("", text)
    rest = text
    if _DIGIT.search(text):
        for match in _IDENTIFIER.findall(text):
            name = match.lower().replace("-", "")
            ordinal = _ORDINAL.fullmatch(name)
            if ordinal:
                found[ordinal[1]] += 1
            elif name not in _UNCOUNTED and not _MEASURE.fullmatch(name):
                found[name] += 1
            if not _MEASURE.fullmatch(name):
                rest = rest.replace(match, " ", 1)
        found.update(number_sequence(_COVID.sub(" ", rest)))
    words = analyse(rest).all_words
    texts = [word.text for word in words]
    for i, word in enumerate(words):
        if word.text not in NUMBER_WORDS and word.text not in DATES:
            continue
        value = _spelled(word, texts, i, rest)
        if value is not None:
            found[value] += 1
    return found


def _spelled(word: Word, words: list[str], i: int, whole: str) -> str | None:
    """The value of a spelled number or date; None where the word means something else here."""
    text = word.text
    if text in DATES:
        context = whole[max(0, word.start - 6) : word.end + 4]
        capital = text in ("may", "march") and word.written[0].isupper() and not word.begins
        return DATES[text] if text not in AMBIGUOUS_DATES or capital or _DATED.search(context) else None
    if text not in NUMBER_WORDS:
        return None
    before = words[i - 1] if i else ""
    after = words[i + 1] if i + 1 < len(words) else ""
    if text == "one" and (before in _PRONOUN_ONE_AFTER or after in STOPWORDS or not after):
        return None
    if text == "second" and (before in _BEFORE_A_UNIT or before in NUMBER_WORDS):
        return None
    if text == "first" and (after in _NOT_COUNTED_FIRST or before in ("at", "for")):
        return None
    return NUMBER_WORDS[text].rstrip(".")


@once
def _quoted(text: Analysis) -> frozenset[str]:
    if not any(mark in text.text for mark in "`\"“'"):
        return frozenset()
    found = ("".join(groups).strip(" .,;:!?") for groups in _QUOTED.findall(text.text))
    return frozenset(quote for quote in found if quote)


@once
def _units(text: Analysis) -> frozenset[str]:
    return _units_in(text, text.standing)


@once
def _mentioned_units(text: Analysis) -> frozenset[str]:
    return _units_in(text, text.text)


def _units_in(text: Analysis, part: str) -> frozenset[str]:
    words = text.said if part == text.standing else text.mentioned
    found = {UNITS[word] for word in words if word in UNITS and word not in SHORT_UNITS}
    if _DIGIT.search(part):
        found |= {UNITS[match.lower()] for match in _AFTER_A_FIGURE.findall(part) if match.lower() in UNITS}
    found |= {CURRENCY_SIGNS[sign] for sign in _CURRENCY.findall(part)}
    return frozenset(found)


@once
def _signs(text: Analysis) -> Counter[str]:
    if not _ODD.search(text.text.rstrip(" >")):
        return Counter()
    return Counter(
        sign
        for sign in _SIGN.findall(text.text.rstrip(" >"))
        if sign not in _CHATTER and not all(unicodedata.category(c) in ("So", "Sk", "Sc") for c in sign)
    )


@once
def _accents(text: Analysis) -> dict[str, set[str]]:
    """Each word without its accents, and how it is written here."""
    found: dict[str, set[str]] = {}
    for word in text.said:
        bare = (
            word
            if word.isascii()
            else "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
        )
        found.setdefault(bare, set()).add(word)
    return found


@once
def _has_cased(text: Analysis) -> bool:
    """Is there any capital that may mean something?"""
    return not text.text.islower() and _CASED.search(text.text) is not None


@once
def _cases(text: Analysis) -> dict[str, set[str]]:
    """Each word in small letters, and how it is written here; nothing is meant by a first capital alone, by
    four and more capitals (NATO), or where all is in capitals."""
    found: dict[str, set[str]] = {}
    for word in () if text.text.isupper() else text.all_words:
        abbreviates = _CASED.fullmatch(word.written) and not (word.written.isupper() and len(word.written) > 3)
        unit = len(word.written) < 3 and word.text not in STOPWORDS and not word.begins
        plain = word.written if abbreviates or unit else word.written.lower()
        found.setdefault(word.written.lower(), set()).add(plain)
    return found


def _alike(new: dict[str, set[str]], stored: dict[str, set[str]]) -> tuple[str, ...]:
    """The spellings of words that both texts hold, but not in the same spelling."""
    return tuple(
        sorted(w for key in new.keys() & stored.keys() if not new[key] & stored[key] for w in new[key] | stored[key])
    )


@once
def _indented(text: Analysis) -> Counter[str]:
    lines = text.text.split("\n") if "\n" in text.text else []
    return Counter(f"line {number}" for number, line in enumerate(lines) if number and line[:1] in (" ", "\t"))
