"""What the guards read of one text, worked out once and kept: its words, their stems, names, numbers and signs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar, cast

from cache.guards.lexicon import NOT_NAMES, STOPWORDS
from cache.guards.repairs import is_content, repaired
from cache.guards.words import parts, stem

T = TypeVar("T")

LONGEST_KEPT = 4_000
"""Characters; the analysis of a longer text is not kept for the next comparison."""
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_DIGIT = re.compile(r"\d")
_BEFORE_A_SENTENCE = frozenset('.!?:;\n"“(')
_NAME_RUN = re.compile(r"[A-Z][\w’']*(?: [A-Z][\w’']*)+")


class lazy(Generic[T]):
    """A property worked out once; without the lock that ``functools.cached_property`` takes before Python 3.12."""

    def __init__(self, read: Callable[[Any], T]) -> None:
        self._read = read
        self._name = read.__name__
        self.__doc__ = read.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> T:
        value = self._read(owner)
        owner.__dict__[self._name] = value
        return value


class Word(NamedTuple):
    """One word, small and without contraction or possessive."""

    text: str
    written: str
    begins: bool
    """Does it stand at the beginning of a sentence?"""
    start: int
    end: int


class Analysis:
    """One text, read lazily: what no guard asks for is never worked out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.facts: dict[object, object] = {}
        """What ``once`` has read of it."""

    @lazy
    def all_words(self) -> list[Word]:
        """Every word in order, those of repairs included."""
        found: list[Word] = []
        end = 0
        shouting = self.text.isupper()
        for match in _TOKEN.finditer(self.text):
            between = self.text[end : match.start()]
            begins = not end or between.rstrip(" \t\r")[-1:] in _BEFORE_A_SENTENCE
            end = match.end()
            written = match.group()
            # A road from A to B: the letter is no article.
            for part in (written,) if written == "A" and not begins and not shouting else parts(written):
                found.append(Word(part, written, begins, match.start(), end))
        return found

    @lazy
    def _repaired(self) -> tuple[frozenset[int], frozenset[int]]:
        return repaired([word.text for word in self.all_words])

    @property
    def is_repaired(self) -> bool:
        """Does the writer correct himself ("Paris, no wait, Rome")?"""
        return bool(self._repaired[1])

    @lazy
    def words(self) -> list[str]:
        """The words in order without repairs, fillers and what a repair may have taken back."""
        taken_back, marks = self._repaired
        if not marks:
            return [word.text for word in self.all_words]
        return [word.text for i, word in enumerate(self.all_words) if i not in taken_back and i not in marks]

    @lazy
    def standing(self) -> str:
        """The text without repairs, fillers and what a repair may have taken back."""
        taken_back, marks = self._repaired
        if not marks:
            return self.text
        kept, end, last = [], 0, -2
        for i in sorted(taken_back | marks):
            word = self.all_words[i]
            if i != last + 1:
                kept.append(self.text[end : word.start])
            end, last = max(end, word.end), i
        return "".join([*kept, self.text[end:]])

    @lazy
    def corrections(self) -> list[tuple[list[str], str]]:
        """Of each repair, the stems of the two content words before it and of the first one behind it, "" for none."""
        taken_back, marks = self._repaired
        words = [word.text for word in self.all_words]
        found = []
        for end in sorted(i + 1 for i in marks if taken_back and i + 1 not in marks):
            begin = next(i for i in range(end - 1, -1, -1) if i - 1 not in marks)
            earlier = (words[i] for i in range(begin - 1, -1, -1) if is_content(words[i]))
            before = list(itertools.islice(earlier, 2))[::-1]
            behind = next((words[i] for i in range(end, len(words)) if is_content(words[i])), "")
            found.append(([stem(word) for word in before], stem(behind)))
        return found

    @lazy
    def said(self) -> frozenset[str]:
        """The words that stand."""
        return frozenset(self.words)

    @lazy
    def mentioned(self) -> frozenset[str]:
        """The words that stand and those that may have been taken back."""
        marks = self._repaired[1]
        if not marks:
            return self.said
        return frozenset(word.text for i, word in enumerate(self.all_words) if i not in marks)

    @lazy
    def has_figures(self) -> bool:
        """Is there a digit anywhere?"""
        return _DIGIT.search(self.text) is not None

    @lazy
    def line(self) -> str:
        """The words that stand, as one line with a space on either side of each."""
        return f" {' '.join(self.words)} "

    @lazy
    def content(self) -> list[str]:
        """Stems of the words that carry meaning of their own, in order."""
        return [stem(word) for word in self.words if word not in STOPWORDS]

    @lazy
    def stems(self) -> frozenset[str]:
        """Stems of all words mentioned."""
        return frozenset(stem(word) for word in self.mentioned)

    @lazy
    def names(self) -> frozenset[str]:
        """Capitalised words within a sentence, small. None where most words are capitalised: a title."""
        words = self.all_words
        if self.text.islower():
            return frozenset()
        function_words = sum(
            word.text in STOPWORDS and word.written[0].isupper() and not word.begins and word.text != "i"
            for word in words
        )
        if function_words > 1:
            return frozenset()
        taken_back, marks = self._repaired
        return frozenset(
            word.text
            for i, word in enumerate(words)
            if word.written[0].isupper()
            and not word.begins
            and word.text not in NOT_NAMES
            and i not in taken_back
            and i not in marks
        )

    @lazy
    def full_names(self) -> list[frozenset[str]]:
        """Runs of capitalised words, each as the set of its words."""
        return [frozenset(part for word in run.split() for part in parts(word)) for run in _NAME_RUN.findall(self.text)]


def analyse(text: str) -> Analysis:
    """The text's analysis; that of a text of ordinary length is kept for the next comparison."""
    return _kept(text) if len(text) <= LONGEST_KEPT else Analysis(text)


def forget() -> None:
    """Drop all kept analyses."""
    _kept.cache_clear()


@lru_cache(maxsize=2048)
def _kept(text: str) -> Analysis:
    return Analysis(text)


def once(read: Callable[[Analysis], T]) -> Callable[[Analysis], T]:
    """Read something of a text once, and keep it with the text."""

    def kept(text: Analysis) -> T:
        facts = text.facts
        if read not in facts:
            facts[read] = read(text)
        return cast("T", facts[read])

    return kept
