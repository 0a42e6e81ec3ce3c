"""A text as echoes are looked for in it: stems with weights, quantities, negations, sentence by sentence."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import snowballstemmer

from memory.echo.numbers import TOKEN, Quantity, quantity
from memory.echo.wordweights import weight_of

MOST_CHARS: Final = 20_000
"""Characters of a text that are read."""
NUMBER: Final = 4.0
MEASURED: Final = 5.0
"""Weights of a small bare number, which may count anything, and of a large one or one with a unit."""

_SENTENCE = re.compile(r"(?<=[.!?…])[\"'»”)\]]*\s+|\n+|\s[;•|]\s|(?<=\w);\s")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_CONTRACTED = re.compile(r"n['’]t\b")
_ELIDED = re.compile(r"\b(?:l|d|j|m|t|s|n|c|qu|lorsqu|puisqu)['’](?=\w)", re.IGNORECASE)
_POSSESSIVE = re.compile(r"['’]s\b")
_FRENCH: Final = frozenset(
    "le la les des du un une et est en au aux pour dans sur pas ne que qui ce sont par il elle vous nous votre vos"
    " notre avec sans plus son sa ses leur leurs cette ou je tu mon ma mes se si mais comme utilisateur utilisatrice"
    " client clients toujours chez".split()
)
_ENGLISH: Final = frozenset(
    "the of and to is in it you that for on are with as be this have from or by not but what all were we when your can"
    " an each which do how if will at has no user their they i my his her was only never".split()
)
_ACCENTED: Final = frozenset("éèêàçùîôœ")
NEGATIONS: Final = frozenset(
    "not no never without nobody none nothing neither nor cannot ne pas non jamais sans aucun aucune rien"
    " personne except sauf".split()
)
_STEMMERS = {"en": snowballstemmer.stemmer("english"), "fr": snowballstemmer.stemmer("french")}


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a quantity; ``weight`` is how much it tells, from 0 to 5."""

    stem: str
    weight: float
    quantity: Quantity | None = None
    name: bool = False
    """Is it written like a name: with a capital inside a sentence, a digit, or as code?"""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence's tokens, and whether it denies something."""

    text: str
    tokens: tuple[Token, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, read. ``language``: ``en`` or ``fr``, by its small words."""

    text: str
    language: str
    sentences: tuple[Sentence, ...]

    @property
    def tokens(self) -> list[Token]:
        """Of the whole text."""
        return [token for sentence in self.sentences for token in sentence.tokens]

    @property
    def negated(self) -> bool:
        """Does any of its sentences deny something?"""
        return any(sentence.negated for sentence in self.sentences)


@functools.lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read a text; of a longer one the first 20,000 characters."""
    cut = unicodedata.normalize("NFC", text[:MOST_CHARS])
    language = language_of(cut)
    parts = [part.strip() for part in _SENTENCE.split(cut) if part and part.strip()]
    return Reading(text, language, tuple(_sentence(part, language) for part in parts))


def prose(text: str) -> str:
    """A text without its fenced code: what code does it does not state."""
    return _FENCED.sub("\n", text)


def language_of(text: str) -> str:
    """``fr`` or ``en``, by the small words of its beginning; English where neither has more."""
    words = re.findall(r"[^\W\d_]+", text[:2000].lower())
    french = sum(word in _FRENCH or not _ACCENTED.isdisjoint(word) for word in words)
    english = sum(word in _ENGLISH for word in words)
    return "fr" if french > english else "en"


def folded(text: str) -> str:
    """Lower case; accents and compatibility forms folded."""
    split = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe")).casefold()
    return "".join(letter for letter in split if not unicodedata.combining(letter))


@functools.lru_cache(maxsize=65536)
def stem(word: str, language: str) -> str:
    """The stem of a folded word; what holds a digit, or has at most three letters, stays as it is."""
    if len(word) <= 3 or not word.isalpha():
        return word
    return str(_STEMMERS[language].stemWord(word))


def _sentence(text: str, language: str) -> Sentence:
    spaced = _ELIDED.sub(" ", _POSSESSIVE.sub(" ", _CONTRACTED.sub(" not", text)))
    found = list(TOKEN.finditer(spaced))
    words = [folded(match.group()) for match in found]
    tokens: list[Token] = []
    at = 0
    while at < len(words):
        full_hour = not words[at].strip("0") and tokens and tokens[-1].quantity is not None
        number = None if full_hour else quantity(words, at)
        if number is not None:
            tokens.append(Token(f"#{number[0].value:g}", _weight_of_number(number[0]), number[0]))
        elif words[at][:1].isalpha():
            name = (at > 0 and found[at].group()[0].isupper()) or _is_code(spaced, found[at])
            tokens.append(Token(stem(words[at], language), weight_of(words[at], language), name=name))
        at += number[1] if number is not None else 1
    return Sentence(text, tuple(tokens), any(word in NEGATIONS for word in words))


def _is_code(text: str, match: re.Match[str]) -> bool:
    """Does a word hold digits, stand in backticks, or is it joined to others as in paths and identifiers?"""
    word = match.group()
    if any(letter.isdigit() for letter in word) or text.count("`", 0, match.start()) % 2:
        return True
    before, after = text[: match.start()][-1:], text[match.end() :][:2]
    return before in ("_", "/", "@", "#") or (after[:1] in ("_", "/") and after[1:].isalnum())


def _weight_of_number(number: Quantity) -> float:
    return MEASURED if number.dimension or number.value > 12 else NUMBER
