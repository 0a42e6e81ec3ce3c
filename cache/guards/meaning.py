"""What turns a question into another one by a word or two: denial, opposites, another member of a kind, names."""

from __future__ import annotations

import itertools
import re

from cache.guards.analysis import Analysis, once
from cache.guards.contrasts import ASPECTS, HEDGES, LOOSE_OPPOSITES, NEGATIONS, QUANTIFIERS
from cache.guards.groups import GENERIC, LONG_MEMBERS, MEMBERS
from cache.guards.pair import Finding, Pair, is_typo
from cache.guards.words import stem

_HEDGE = re.compile(HEDGES)
_ASPECT = re.compile(rf"\b(?:{ASPECTS})\b")
_COMPLAINT = re.compile(
    r" (?:i|we|it|my \w+) (?:\w+ )?(?:not|no|never|without) |^ no |^ (?:can|do|did|have|could|why \w+) not "
)
_OTHERWISE_NAMED = frozenset("us usa uk united states kingdom america covid corona coronavirus sars".split())
_NO_AFTER = frozenset("is are was were has have had having be been there with".split())
_DEGREES = frozenset("more most less least fewer fewest".split())
_SUPPORT = frozenset("do does did to with a an".split())


def negation(pair: Pair) -> Finding | None:
    """One denies what the other does not."""
    new = [word for word in _negations(pair.new) if word not in pair.mistyped]
    stored = [word for word in _negations(pair.stored) if word not in pair.mistyped]
    if bool(new) == bool(stored):
        return None
    words = tuple(sorted(set(new) | set(stored)))
    one = len(new) + len(stored) == 1 and not pair.opposed and pair.closeness(words) >= 0.8
    # "I cannot find it" says what "how do I find it" asks: of the first person, nothing else may differ.
    other_words = len((pair.only_new | pair.only_stored) - NEGATIONS - _SUPPORT)
    denied = bool(NEGATIONS & pair.new.said) != bool(NEGATIONS & pair.stored.said)
    hedged = _hedged(pair.new) or _hedged(pair.stored)
    return Finding(words, sure=one and denied and not pair.unclear and other_words <= (0 if hedged else 2))


def opposites(pair: Pair) -> Finding | None:
    """One says enable where the other says disable."""
    found = pair.opposed
    if not found:
        return None
    words = tuple(sorted({word for both in found for word in both}))
    loose = any(one in LOOSE_OPPOSITES for one, _ in found)
    # Two opposites undo each other: more cautious is less brave. So do an opposite and a denial.
    even = len(found) % 2 == 0 or bool(_negations(pair.new)) != bool(_negations(pair.stored))
    turned = " than " in pair.new.line and pair.new.line.split()[-1] != pair.stored.line.split()[-1]
    return Finding(
        words, sure=not even and not turned and pair.closeness({*words, *_DEGREES}) >= (0.9 if loose else 0.6)
    )


def members(pair: Pair) -> Finding | None:
    """Each names a member of one kind (country, animal, ...) that the other lacks; written small, too."""
    new, stored = _members(pair.new), _members(pair.stored)
    if new == stored:
        return None
    words: set[str] = set()
    for kind in new.keys() & stored.keys():
        only_new = new[kind] - _mentioned_members(pair.stored).get(kind, set()) - pair.mistyped
        only_stored = stored[kind] - _mentioned_members(pair.new).get(kind, set()) - pair.mistyped
        if only_new and only_stored:
            words |= only_new | only_stored
    if words:
        return Finding(tuple(sorted(words)), sure=True)
    extra = {
        member
        for one, other in ((new, _mentioned_members(pair.stored)), (stored, _mentioned_members(pair.new)))
        for kind in one.keys() - other.keys()
        for member in one[kind] - pair.mistyped
    }
    return Finding(tuple(sorted(extra)), sure=_in_its_place(pair)) if extra else None


def _in_its_place(pair: Pair) -> bool:
    """Do the texts agree but for one word, and is that a name of a kind: "in Chicago" for "in Reno"?"""
    new, stored = pair.new.words, pair.stored.words
    if len(new) != len(stored) or not (pair.left_new and pair.left_stored):
        return False
    differ = [(one, other) for one, other in zip(new, stored, strict=True) if one != other]
    if len(differ) != 1:
        return False
    one, other = differ[0]
    return (one in MEMBERS) != (other in MEMBERS) and not {one, other} & GENERIC


def names(pair: Pair) -> Finding | None:
    """Capitalised words within a sentence name things: each text names one that the other lacks.

    One extra name is enough where it stands beside a shared one: South Korea is not Korea.
    """
    new, stored = pair.new.names, pair.stored.names
    if new == stored:
        return None
    only_new = _unknown(new, pair.stored)
    only_stored = _unknown(stored, pair.new)
    if only_new and only_stored:
        words = tuple(sorted(only_new | only_stored))
        return Finding(words, sure=not _abbreviates(only_new, only_stored) and pair.closeness(words) >= 0.5)
    for extra, longer, shorter in ((only_new, pair.new, stored), (only_stored, pair.stored, new)):
        for name in longer.full_names if extra else ():
            if name & extra and name & shorter:
                return Finding(tuple(sorted(name)), sure=pair.closeness(name) >= 0.6)
    words = tuple(sorted(only_new | only_stored))
    return Finding(words, sure=False) if words else None


def correction(pair: Pair) -> Finding | None:
    """Who corrects himself asks about what he says then: "Paris, no wait, Rome" is not about Paris."""
    if pair.new.is_repaired == pair.stored.is_repaired:
        return None
    repaired, other = (pair.new, pair.stored) if pair.new.is_repaired else (pair.stored, pair.new)
    words: set[str] = set()
    sure = False
    for before, behind in repaired.corrections:
        if behind and not any(is_typo(behind, known) for known in other.stems):
            words.add(behind)
            given_up = [word for word in before if word not in repaired.content][-1:]
            sure = sure or any(word in other.stems for word in given_up)
    return Finding(tuple(sorted(words)), sure=sure) if words else None


def logic(pair: Pair) -> Finding | None:
    """And against or, all against some, only, again and no longer."""
    either = [(" or " in text.line, " and " in text.line) for text in (pair.new, pair.stored)]
    if either in ([(True, False), (False, True)], [(False, True), (True, False)]):
        words = ("and", "or")
        return Finding(words, sure=pair.closeness() >= 0.99)
    for table in (QUANTIFIERS,):
        new, stored = pair.only_new & table, pair.only_stored & table
        if new and stored:
            return Finding(tuple(sorted(new | stored)), sure=False)
        if new or stored:
            return Finding(tuple(sorted(new | stored)), sure=False)
    return None


def temporal(pair: Pair) -> Finding | None:
    """Again, still, no longer, ago, former: what was, is and will be."""
    if not pair.only_new and not pair.only_stored:
        return None
    words = tuple(sorted(_aspects(pair.new) ^ _aspects(pair.stored)))
    return Finding(words, sure=False) if words else None


@once
def _aspects(text: Analysis) -> frozenset[str]:
    return frozenset(_ASPECT.findall(text.line))


@once
def _hedged(text: Analysis) -> bool:
    """Is something denied that may only be a complaint, a hedge, or a "no" between a word and its correction?"""
    words = text.words
    for before, word in itertools.pairwise(words):
        if word == "no" and before not in _NO_AFTER:
            return True
    return bool(NEGATIONS & text.said) and bool(_COMPLAINT.search(text.line) or _HEDGE.search(text.line))


@once
def _negations(text: Analysis) -> list[str]:
    """Words that deny, without those of "I don't know how" and the like."""
    if not NEGATIONS & text.said:
        return []
    return [word for word in _HEDGE.sub(" ", text.line).split() if word in NEGATIONS]


@once
def _members(text: Analysis) -> dict[str, set[str]]:
    return _members_in(text.words)


@once
def _mentioned_members(text: Analysis) -> dict[str, set[str]]:
    return _members_in([word.text for word in text.all_words]) if text.is_repaired else _members(text)


def _members_in(words: list[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    i = 0
    while i < len(words):
        name = words[i]
        for long in LONG_MEMBERS.get(name, ()):
            if " ".join(words[i : i + long.count(" ") + 1]) == long:
                name = long
                break
        if name in MEMBERS:
            kind, member = MEMBERS[name]
            found.setdefault(kind, set()).add(member)
        i += name.count(" ") + 1
    return found


def _unknown(names: frozenset[str], other: Analysis) -> frozenset[str]:
    """Names that the other text does not mention, mistyped neither."""
    lacking = [name for name in names - other.mentioned - _OTHERWISE_NAMED if stem(name) not in other.stems]
    return frozenset(
        name
        for name in lacking
        if not any(
            is_typo(name, word, other_letter=False)
            or (min(len(name), len(word)) > 3 and (word.startswith(name) or name.startswith(word)))
            for word in other.mentioned
        )
    )


def _abbreviates(new: frozenset[str], stored: frozenset[str]) -> bool:
    """May one side's name be made of the initials of the other's?"""
    for one, other in ((new, stored), (stored, new)):
        initials = {word[0] for word in other}
        if any(len(word) == len(other) > 1 and set(word) == initials for word in one):
            return True
    return False
