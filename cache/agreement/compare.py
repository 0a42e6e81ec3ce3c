"""The comparison: the first rule that can tell decides. Exact ones come first, meaning last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cache.agreement import facts, short, structure, wording
from cache.agreement.meaning import ITEM, Embed, nearness
from cache.agreement.reading import Said, normal, read
from cache.answers import is_complete

LONGEST: Final = 20_000
"""Characters of an answer beyond which only equality is looked for."""
ENOUGH: Final = 1.06
"""Cosine of two whole answers + half the Jaccard index of their content words, from which they say the same. Cosine
alone cannot tell answers about one narrow subject apart: those to other questions reach 0.9."""
ENOUGH_LONG: Final = 1.02
"""The same where both have several sentences, or many words: chance agrees less often with them."""
MANY_WORDS: Final = 30
NEGATION_COSTS: Final = 0.04
"""Added to what is enough where one of two texts denies something."""
COVERED: Final = 0.66
"""How well the shorter answer's sentences must be said by the longer one, on average."""
SURE: Final = 0.95
"""Cosine from which replaced words of one pattern are another wording."""
FAR: Final = 0.60
"""Cosine of two whole answers below which they say different things,"""
CARRIED: Final = 0.80
"""unless one is said within the other about as well as this."""
ALIKE: Final = 0.50
"""Share of words in common, in order, from which two texts are one pattern: what differs is then what they say."""
TWINS: Final = 0.75
"""The same, from which a negation in one of them makes it another answer."""
LISTED: Final = 0.75
"""Jaccard index of content words from which two texts list the same things."""

_ITEMS: Final = re.compile(r"[,;\n]|\band\b|\bor\b|\bet\b|\bou\b|:", re.IGNORECASE)
# Words by which instructions differ without meaning anything else.
_INTERCHANGEABLE: Final = frozenset(
    wording.stem(word)
    for word in (
        "go open click tap press choose select pick enter type put place take use make get need must let wait add bring"
        " set keep leave see find follow start begin run call visit navigate head move turn receive send sent simply"
        " just then next first finally please again once well also page tab menu screen button option back still around"
        " approximately roughly usually typically generally normally following called known one two full whole complete"
        " now current really very possible whenever together"
    ).split()
)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether two answers say the same."""

    same: bool | None
    """None: it cannot be told, and there is no label."""
    method: Literal["exact", "meaning"]
    """Equality of what was compared, or a judgement of meaning."""
    confidence: float
    """How clear the case was, in [0, 1]; an order among verdicts, not a probability."""
    reason: str
    """What decided, in one word for the log: equal, numbers, far, ..."""


def compare(fresh: Mapping[str, Any], stored: Mapping[str, Any], embed: Embed) -> Agreement:
    """Do the first choices of two chat completions say the same thing? Symmetric.

    Args:
        fresh, stored: the bodies.
        embed: texts to unit vectors, shape (n, d). Called once or not at all, with up to some 150 short texts.

    Raises whatever ``embed`` raises.
    """
    if not (is_complete(fresh) and is_complete(stored)):
        return Agreement(None, "exact", 0.0, "incomplete")
    a, b = read(fresh), read(stored)
    if a.calls or b.calls:
        return Agreement(a.calls == b.calls, "exact", 0.95, "tool_calls")
    if not a.text.strip() or not b.text.strip():
        return Agreement(None, "exact", 0.0, "no_text")
    if a.refused == b.refused and (a.text == b.text or _equal(a, b)):
        return Agreement(True, "exact", 1.0, "equal")
    if a.declines != b.declines:
        return Agreement(False, "meaning", 0.8, "refusal")
    if max(len(a.text), len(b.text)) > LONGEST:
        return Agreement(None, "meaning", 0.0, "too_long")
    return _by_structure(a, b, embed) or _by_text(a, b, embed)


def _equal(a: Said, b: Said) -> bool:
    """Equal but for Markdown, case and spaces. Code and JSON have no such freedom."""
    if a.blocks or b.blocks or a.spans or b.spans or a.json is not None or b.json is not None:
        return a.text.split() == b.text.split()
    return normal(a.text) == normal(b.text)


def _by_structure(a: Said, b: Said, embed: Embed) -> Agreement | None:
    """JSON and code; None where the answers are neither."""
    if a.json is not None and b.json is not None:
        told = structure.same_json(a.json, b.json, lambda one, two: compare_texts(one, two, embed).same)
        return Agreement(told, "exact", 0.0 if told is None else 0.95, "json")
    if a.breaks_off != b.breaks_off and _begins(a, b):
        return Agreement(None, "meaning", 0.0, "breaks_off")
    if a.json is not None or b.json is not None:
        return Agreement(False, "exact", 0.7, "json")
    if structure.same_code(a, b):
        return Agreement(True, "exact", 0.9, "code")
    if structure.has_program(a) or structure.has_program(b):
        near = nearness([a.text], [b.text], embed)
        far = near is not None and near.whole < FAR
        return Agreement(False if far else None, "meaning", 0.5 if far else 0.0, "code")
    return None


def compare_texts(one: str, two: str, embed: Embed) -> Agreement:
    """``compare`` for two plain texts."""
    return _by_text(Said((), False, one), Said((), False, two), embed)


def _by_text(a: Said, b: Said, embed: Embed) -> Agreement:
    one, two = a.plain, b.plain
    if not one or not two:
        return Agreement(None, "exact", 0.0, "no_text")
    leads = facts.polarity(one), facts.polarity(two)
    if None not in leads and leads[0] != leads[1]:
        return Agreement(False, "meaning", 0.95, "yes_no")
    commands = structure.literals(a), structure.literals(b)
    if commands[0] - commands[1] and commands[1] - commands[0]:
        twins = wording.sameness(one, two) >= TWINS
        return Agreement(False if twins else None, "meaning", 0.6 if twins else 0.0, "commands")
    brief = short.is_short(a), short.is_short(b)
    if any(brief):
        told = short.same_short(a, b)
        if told is not None:
            return Agreement(told, "exact", 0.9 if told else 0.7, "short")
    clash = facts.conflict(facts.facts_of(one), facts.facts_of(two))
    if clash is not None:
        return Agreement(False, "meaning", 0.9, clash)
    if (short.is_fragment(a) or short.is_fragment(b)) and (all(brief) or wording.content(one) & wording.content(two)):
        # What a few words say, and a sentence that holds some of them, may be two things or one.
        return Agreement(None, "exact", 0.0, "short")
    return _by_meaning(a, b, embed)


def _by_meaning(a: Said, b: Said, embed: Embed) -> Agreement:
    one, two = a.plain, b.plain
    if wording.foreign(one) or wording.foreign(two):
        return Agreement(None, "meaning", 0.0, "script")
    alike = wording.sameness(one, two)
    turned = _turned(one, two, alike)
    if turned is not None:
        return turned
    near = nearness(a.sentences, b.sentences, embed)
    if near is None:
        return Agreement(None, "meaning", 0.0, "too_long")
    shorter = min(near.covered) if len(one) == len(two) else near.covered[len(one) > len(two)]
    shared = wording.overlap(one, two)
    if near.whole < FAR and max(near.covered) < CARRIED and shared < ALIKE:
        return Agreement(False, "meaning", min(1.0, 0.5 + FAR - near.whole), "far")
    doubt = _doubt(one, two, 0.0 if near.whole >= SURE else alike)
    if doubt is not None:
        return Agreement(None, "meaning", 0.0, doubt)
    said = near.whole + shared / 2
    if said >= _enough(a, b, one, two) and (shorter >= COVERED or shared >= LISTED):
        return Agreement(True, "meaning", min(1.0, said / 1.5), "near")
    return Agreement(None, "meaning", 0.0, "between")


def _enough(a: Said, b: Said, one: str, two: str) -> float:
    several = min(len(a.sentences), len(b.sentences)) > 1
    many = min(len(one.split()), len(two.split())) >= MANY_WORDS
    base = ENOUGH_LONG if several or many else ENOUGH
    return base + (NEGATION_COSTS if facts.negates(one) != facts.negates(two) else 0.0)


def _turned(one: str, two: str, alike: float) -> Agreement | None:
    """One pattern with another meaning put into it: that is another answer."""
    if alike < ALIKE:
        return None
    opposed = wording.opposites(one, two)
    if opposed is not None:
        return Agreement(False, "meaning", alike, "opposites")
    if alike >= TWINS and facts.negates(one) != facts.negates(two):
        return Agreement(False, "meaning", alike, "negation")
    only_one, only_two = _telling(one, two)
    capitals = (
        wording.names(one) & set(map(wording.stem, only_one)),
        wording.names(two) & set(map(wording.stem, only_two)),
    )
    if alike >= TWINS and all(capitals):
        return Agreement(False, "meaning", alike, "names")
    return None


def _doubt(one: str, two: str, alike: float) -> str | None:
    """Why two texts that are near may still say different things."""
    only_one, only_two = _telling(one, two)
    if (alike >= ALIKE or wording.overlap(one, two) >= LISTED) and only_one and only_two:
        return "replaced"
    swapped = wording.overlap(one, two) >= FAR or alike >= TWINS
    if swapped and not (_is_list(one) and _is_list(two)) and not wording.same_order(one, two):
        return "order"
    if alike >= ALIKE and facts.negates(one) != facts.negates(two):
        return "negation"
    return None


def _telling(one: str, two: str) -> tuple[list[str], list[str]]:
    """Words of each that the other lacks, without those that may replace each other, and without split compounds."""
    left, right = wording.unshared(one, two)
    glued = {"".join(left), "".join(right)} if "".join(left) == "".join(right) else set()
    if glued:
        return [], []
    kept = [[word for word in side if wording.stem(word) not in _INTERCHANGEABLE] for side in (left, right)]
    # Units and days are facts, compared as such.
    kept = [[word for word in side if word not in facts.UNITS and word not in facts.CALENDAR] for side in kept]
    return kept[0], kept[1]


def _is_list(text: str) -> bool:
    """Does it mostly name things, three or more, whose order may mean nothing?"""
    items = [wording.words(item) for item in _ITEMS.split(text)]
    items = [item for item in items if any(word.isalpha() for word in item)]
    return len(items) > 2 and sum(len(item) <= ITEM for item in items) >= 0.6 * len(items)


def _begins(a: Said, b: Said) -> bool:
    """Is one the beginning of the other?"""
    one, two = sorted((a.text.split(), b.text.split()), key=len)
    return short.FEW < len(one) < len(two) and one[:-1] == two[: len(one) - 1]
