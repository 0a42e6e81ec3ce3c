"""How two memories stand to each other by their words: the same, contradicting, about different things. Pure.

A contradiction is one subject with another number, date, name or polarity. It is only ever listed: which of two is
right, or whether both are, a person knows. Words are English and French.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from memory.hygiene import lexicon
from memory.hygiene.statement import Statement, Value, Word, read

LONGEST_SLOT: Final = 3
"""Words of a name or a choice that one statement has in place of the other's."""
REACH: Final = 3
"""Content words that a denial reaches."""

Kind = Literal["same", "narrower", "contradiction", "different", "unclear"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How two statements stand to each other.

    ``same``: nothing in one is missing in the other. ``narrower``: one says more. ``unclear``: other words, which may
    mean the same. ``different``: a value, name or subject that the other lacks.
    """

    kind: Kind
    by: str = ""
    """What a contradiction is about: ``number``, ``date``, ``value``, ``polarity``, ``order``."""


SAME: Final = Relation("same")
NARROWER: Final = Relation("narrower")
DIFFERENT: Final = Relation("different")
UNCLEAR: Final = Relation("unclear")


class _Pair:
    """Two statements and what each has alone."""

    def __init__(self, first: Statement, second: Statement) -> None:
        self.first, self.second = first, second
        ours, theirs = Counter(_stems(first)), Counter(_stems(second))
        self.shared = set(ours) & set(theirs)
        self.left = _left(first, self.shared), _left(second, self.shared)
        self.flipped = self._cancel_opposites()
        self.values = _unmatched(first.values, second.values)

    @property
    def both_left(self) -> bool:
        """Has each a content word of its own?"""
        return bool(self.left[0] and self.left[1])

    @property
    def opposed(self) -> bool:
        """Does one deny what the other says?"""
        return (_denials(self.first, self.shared) + _denials(self.second, self.shared) + self.flipped) % 2 == 1

    def _cancel_opposites(self) -> int:
        """Take opposites out of what is left, and count them."""
        found = 0
        # Denials are counted where they stand.
        denying = lexicon.NEGATORS | lexicon.WITHOUT
        ours, theirs = ({word.text for word in statement.words} - denying for statement in (self.first, self.second))
        for one, other in itertools.product(ours - theirs, theirs - ours):
            if _are_opposite(one, other):
                found += 1
                self.left = (
                    [word for word in self.left[0] if word.text != one],
                    [word for word in self.left[1] if word.text != other],
                )
        return found


def _are_opposite(one: str, other: str) -> bool:
    if frozenset((one, other)) in lexicon.OPPOSITES:
        return True
    short, long = (one, other) if len(one) < len(other) else (other, one)
    return len(short) > 4 and long.endswith(short) and long[: -len(short)] in lexicon.DENYING


def relate(first: str, second: str) -> Relation:
    """How two memories stand to each other. Symmetric."""
    one, other = read(first), read(second)
    pair = _Pair(one, other)
    if pair.both_left:
        return _with_other_words(pair)
    ours, theirs = pair.values
    if ours and theirs:
        return _with_other_values(pair)
    if pair.opposed:
        about_one = pair.shared or (pair.flipped and not any(pair.left))
        return Relation("contradiction", "polarity") if about_one and not _is_scoped(pair) else DIFFERENT
    if _is_turned(one, other):
        return Relation("contradiction", "order")
    extra = [*pair.left[0], *pair.left[1]]
    if ours or theirs or any(word.name for word in extra):
        return DIFFERENT
    return NARROWER if extra else SAME


def _with_other_values(pair: _Pair) -> Relation:
    """One measure or date in place of another; two such differences make it another case, not another account."""
    ours, theirs = pair.values
    alone = len(ours) == len(theirs) == 1 and ours[0].comparable(theirs[0])
    told = _tells(pair.first) or _tells(pair.second)
    if not alone or pair.opposed or told or not pair.shared or _is_scoped(pair):
        return DIFFERENT
    bounds = {_bound(pair.first, ours[0]), _bound(pair.second, theirs[0])}
    if ours[0].kind == "number" and len(bounds) == 2 and ("often" in bounds or "" not in bounds):
        return DIFFERENT
    return Relation("contradiction", "number" if ours[0].kind == "number" else "date")


def _with_other_words(pair: _Pair) -> Relation:
    if pair.values[0] or pair.values[1] or pair.opposed:
        return DIFFERENT
    if _is_choice(pair):
        return Relation("contradiction", "value")
    named = [any(word.name for word in left) for left in pair.left]
    return DIFFERENT if all(named) else UNCLEAR


def _bound(statement: Statement, value: Value) -> str:
    """What a number bounds: how often, from when, until when; else nothing of these."""
    at = next(place for place, word in enumerate(statement.words) if word.value is value)
    texts = [word.text for word in statement.words[:at] if word.text not in lexicon.ARTICLES]
    return next((name for name, words in lexicon.BOUNDS.items() if texts and texts[-1] in words), "")


# A choice: one slot of a frame that takes one answer, filled otherwise


def _is_choice(pair: _Pair) -> bool:
    slots = [_slot(statement, left) for statement, left in zip((pair.first, pair.second), pair.left, strict=True)]
    if slots[0] is None or slots[1] is None:
        return False
    if _is_named(pair, slots[0], slots[1]):
        return True
    before = _before(pair.first, slots[0])
    if before != _before(pair.second, slots[1]) or before in ("for", "pour", "about"):
        return False
    if _tells(pair.first) or _tells(pair.second):
        return False
    verbs = [_verb(pair.first, slots[0]), _verb(pair.second, slots[1])]
    if None in verbs:
        return False
    # Who uses this may use that as well, but hardly for the same.
    subjects = {word.text for word in pair.first.words if not word.small and word.stem in pair.shared}
    return not lexicon.CHOOSING.issuperset(verbs) or bool(subjects - lexicon.VAGUE - lexicon.SINGLE)


def _verb(statement: Statement, slot: int) -> str | None:
    """The verb that takes one answer, with nothing but small words between it and the slot."""
    for at in range(slot - 1, -1, -1):
        word = statement.words[at]
        if word.text in lexicon.SINGLE or _is_passive(statement, at):
            beside = word.text.startswith(("work", "travail")) and statement.words[at + 1].text in lexicon.BESIDE
            return None if beside else word.text
        if not word.small:
            return None
    return None


def _is_passive(statement: Statement, at: int) -> bool:
    """Is it the participle of "is watered by"?"""
    text = statement.words[at].text
    behind = statement.words[at + 1].text if at + 1 < len(statement.words) else ""
    before = statement.words[at - 1].text if at else ""
    participle = lexicon.PARTICIPLE.match(text) is not None and text not in lexicon.STATES
    return participle and before in lexicon.COPULAS | {"be"} and behind in lexicon.PREPOSITIONS


def _is_named(pair: _Pair, ours: int, theirs: int) -> bool:
    """The contact is Ann, Ben is the contact; my dog is called so and so: one role with two names."""
    if not (pair.left[0][0].name or ours == 0) or not (pair.left[1][0].name or theirs == 0) or not pair.shared:
        return False
    return _beside_copula(pair.first, ours, len(pair.left[0])) and _beside_copula(
        pair.second, theirs, len(pair.left[1])
    )


def _beside_copula(statement: Statement, at: int, length: int) -> bool:
    """Is it what "is" equates with something that is there once?"""
    texts = [word.text for word in statement.words]
    definite = {"the", "my", "our", "le", "la", "mon", "ma", "notre", "l", "his", "her", "your"}
    if at > 0 and texts[at - 1] in lexicon.COPULAS:
        return bool(definite & set(texts[:at])) or texts[0] not in lexicon.ARTICLES
    behind = texts[at + length : at + length + 2]
    return len(behind) == 2 and behind[0] in lexicon.COPULAS and behind[1] in definite


def _slot(statement: Statement, left: Sequence[Word]) -> int | None:
    """Where the words that are left stand, if they stand together."""
    if not 1 <= len(left) <= LONGEST_SLOT:
        return None
    places = [at for at, word in enumerate(statement.words) if any(word is one for one in left)]
    return places[0] if places[-1] - places[0] == len(places) - 1 else None


def _before(statement: Statement, at: int) -> str:
    """The word before a slot, articles left out, forms of "is" alike."""
    texts = [word.text for word in statement.words[:at] if word.text not in lexicon.ARTICLES]
    last = texts[-1] if texts else ""
    return "is" if last in ("are", "be", "est", "sont") else last


# Reading


def _tells(statement: Statement) -> bool:
    """Does it tell what happened once? It may have happened otherwise another time."""
    if statement.has(lexicon.EVENTS):
        return True
    texts = [word.text for word in statement.words]
    return any(
        (text in lexicon.IRREGULAR or (lexicon.PAST.match(text) and text not in lexicon.UNTOLD))
        and not (at and texts[at - 1] in lexicon.COPULAS | {"be"})
        for at, text in enumerate(texts)
    )


def _stems(statement: Statement) -> list[str]:
    return [word.stem for word in statement.content]


def _left(statement: Statement, shared: set[str]) -> list[Word]:
    return [word for word in statement.content if word.stem not in shared]


def _unmatched(ours: Sequence[Value], theirs: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """Values without an equal one on the other side."""
    rest = list(theirs)
    alone = []
    for value in ours:
        twin = next((other for other in rest if value.same(other)), None)
        if twin is None:
            alone.append(value)
        else:
            rest.remove(twin)
    return alone, rest


def _denials(statement: Statement, shared: set[str]) -> int:
    """1 where something that both speak of is denied, else 0."""
    words = statement.words
    for at, word in enumerate(words):
        if word.text in lexicon.NEGATORS and _reaches(words[at + 1 :], shared, REACH, bare=True):
            return 1
        if word.text in lexicon.WITHOUT and _reaches(words[at + 1 :], shared, 1, bare=False):
            return 1
    return 0


def _reaches(words: Sequence[Word], shared: set[str], reach: int, *, bare: bool) -> bool:
    """Is one of the next content words shared? Where none follows, a denial is of what stands before it."""
    met = 0
    for word in words:
        if word.text in lexicon.BREAKS or word.text in (";", "."):
            break
        if word.small or word.value is not None:
            continue
        if word.stem in shared:
            return True
        met += 1
        if met == reach:
            return False
    return bare and met == 0


def _is_scoped(pair: _Pair) -> bool:
    """Does one of them hold only somewhere, sometimes or of some: "in France", "oat milk"?"""
    others = (pair.second, pair.first)
    for statement, left, other in zip((pair.first, pair.second), pair.left, others, strict=True):
        # "My wife" is not who says "I".
        if left and statement.content[0] is left[0] and other.begins(lexicon.SPEAKERS):
            return True
        for word in left:
            at = next(place for place, one in enumerate(statement.words) if one is word)
            before = [one.text for one in statement.words[:at] if one.text not in lexicon.ARTICLES]
            if before and before[-1] in lexicon.QUALIFIERS:
                return True
            behind = statement.words[at + 1] if at + 1 < len(statement.words) else None
            if behind is not None and behind.value is None and behind.stem in pair.shared:
                return True
    return False


def _is_turned(one: Statement, other: Statement) -> bool:
    """Is one thing put above another, and the other way round?"""
    for marker in ("over", "than", "before", "plutot", "rather"):
        sides = [_around(statement, marker) for statement in (one, other)]
        if all(sides) and sides[0] != sides[1] and sides[0] == (sides[1] or ("", ""))[::-1]:
            return True
    return False


def _around(statement: Statement, marker: str) -> tuple[str, str] | None:
    places = [at for at, word in enumerate(statement.words) if word.text == marker]
    if not places:
        return None
    before = [word.stem for word in statement.words[: places[0]] if not word.small]
    behind = [word.stem for word in statement.words[places[0] :] if not word.small]
    return (before[-1], behind[0]) if before and behind else None
