"""Two analysed texts side by side: the words that each has alone, and how much of the rest they share."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import NamedTuple

from cache.guards.analysis import Analysis, analyse, lazy
from cache.guards.contrasts import DENYING, OPPOSITES
from cache.guards.lexicon import HESITANT
from cache.guards.words import stem

_NONE: frozenset[str] = frozenset()


class Finding(NamedTuple):
    """What a guard has to say of a pair."""

    words: tuple[str, ...]
    """The words that made it speak."""
    sure: bool
    """Is it a veto, or only a doubt for the verifier to weigh?"""


class Pair:
    """The new text and the stored one. Symmetric in all that the guards ask, but for which is which."""

    def __init__(self, new: str, stored: str) -> None:
        self.new: Analysis = analyse(new)
        self.stored: Analysis = analyse(stored)

    @lazy
    def only_new(self) -> frozenset[str]:
        """Words that stand in the new text and are not mentioned in the stored one."""
        return self.new.said - self.stored.mentioned

    @lazy
    def only_stored(self) -> frozenset[str]:
        """The other way round."""
        return self.stored.said - self.new.mentioned

    @lazy
    def repaired(self) -> bool:
        """Does one of the writers correct himself? What he took back is known only roughly."""
        return self.new.is_repaired or self.stored.is_repaired

    @lazy
    def unclear(self) -> bool:
        """Does one writer correct himself, or use a word for it that the other does not?"""
        return self.repaired or bool(HESITANT & (self.only_new | self.only_stored))

    @lazy
    def _matched(self) -> tuple[int, list[str], list[str]]:
        """(content stems shared, those left in the new text, those left in the stored one); a typo is no other word."""
        waiting: dict[str, int] = {}
        for word in self.stored.content:
            waiting[word] = waiting.get(word, 0) + 1
        shared, left_new = 0, []
        for word in self.new.content:
            if waiting.get(word):
                waiting[word] -= 1
                shared += 1
            elif word not in self.stored.stems:
                left_new.append(word)
        left_stored = [w for w, times in waiting.items() if w not in self.new.stems for _ in range(times)]
        if left_new and left_stored and len(left_new) * len(left_stored) <= 64:
            for word in list(left_new):
                twin = next((other for other in left_stored if is_typo(word, other)), None)
                if twin is not None:
                    left_new.remove(word)
                    left_stored.remove(twin)
                    shared += 1
        return shared, left_new, left_stored

    @lazy
    def mistyped(self) -> frozenset[str]:
        """Words of either text that the other holds mistyped: two letters swapped, one too many or too few."""
        if not self.only_new or not self.only_stored or len(self.only_new) * len(self.only_stored) > 100:
            return frozenset()
        twins = ((a, b) for a in self.only_new for b in self.only_stored if is_slip(a, b))
        return frozenset(word for twin in twins for word in twin)

    @lazy
    def opposed(self) -> list[tuple[str, str]]:
        """(word of the new text, word of the stored one) that say the opposite of each other; each word once."""
        found: list[tuple[str, str]] = []
        stored = set(self.only_stored)
        for word in sorted(self.only_new) if stored else ():
            known = OPPOSITES.get(word, _NONE) & stored
            derived = [other for other in stored if _derived(word, other)] if len(word) > 3 else []
            other = min((*known, *derived), default=None)
            if other is not None:
                stored.discard(other)
                found.append((word, other))
        return found

    @property
    def left_new(self) -> list[str]:
        """Content stems of the new text without a partner in the stored one."""
        return self._matched[1]

    @property
    def left_stored(self) -> list[str]:
        """The other way round."""
        return self._matched[2]

    def contained(self, besides: Set[str] = frozenset()) -> float:
        """Share of the content words of the shorter text that the other has too, in [0, 1].

        ``besides``: stems not to be counted.
        """
        shared, left_new, left_stored = self._matched
        left = min(sum(word not in besides for word in left_new), sum(word not in besides for word in left_stored))
        return shared / (shared + left) if shared + left else 1.0

    def closeness(self, besides: Iterable[str] = ()) -> float:
        """Share of the content words of the longer text that the other has too, in [0, 1].

        ``besides``: words not to be counted, as those whose difference is being weighed.
        """
        shared, left_new, left_stored = self._matched
        if besides:
            ignored = {stem(word) for word in besides}
            left = max(sum(w not in ignored for w in left_new), sum(w not in ignored for w in left_stored))
        else:
            left = max(len(left_new), len(left_stored))
        return shared / (shared + left) if shared + left else 1.0


def is_typo(one: str, other: str, *, other_letter: bool = True) -> bool:
    """May one be the other mistyped? One letter more, less or other, or two swapped, in words of four and more.

    Args:
        other_letter: does another letter in the place of one count? In names it does not: Alder is not Alden.
    """
    if one == other:
        return True
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < 4:
        return False
    start = 0
    least = min(len(one), len(other))
    while start < least and one[start] == other[start]:
        start += 1
    rest, left = one[start:], other[start:]
    if len(rest) == len(left):
        return (other_letter and rest[1:] == left[1:]) or (rest[:2] == left[1::-1] and rest[2:] == left[2:])
    return rest[1:] == left or rest == left[1:]


def is_slip(one: str, other: str) -> bool:
    """Are two letters swapped, or in a word of five and more, is one too many?"""
    if len(one) == len(other):
        return sorted(one) == sorted(other) and is_typo(one + "    ", other + "    ", other_letter=False)
    return min(len(one), len(other)) > 4 and stem(one) != stem(other) and is_typo(one, other)


def _derived(one: str, other: str) -> bool:
    """Is one the other with a denying beginning, or with "less" for "ful" or nothing at the end?"""
    if len(one) == len(other) or len(other) < 4:
        return False
    short, long = (one, other) if len(one) < len(other) else (other, one)
    if long.endswith(short):
        return long[: -len(short)] in DENYING
    return long.endswith("less") and long[:-4] == short.removesuffix("ful")
