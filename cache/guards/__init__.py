"""Vetoes against near misses that a similarity cannot see, and doubts for a verifier to weigh.

Each guard is a small pure function over a ``Pair`` of texts. Where it finds something it says the words, and whether it
is sure. Only what is sure is a veto: on development data at least 95 of 100 such pairs must not share an answer
(``python -m benchmarks.guards`` prints the shares). The rest are doubts: signals that are right more often than not, or
only together with others.

The words compared are English. Of other languages the guards see only numbers, signs, quotations and capitals, and that
the two texts are not in the same language or script; the rest is left to the verifier.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from cache.guards.analysis import forget
from cache.guards.asked import form, modal, person, question
from cache.guards.languages import language
from cache.guards.meaning import correction, logic, members, names, negation, opposites, temporal
from cache.guards.pair import Finding, Pair
from cache.guards.roles import order, roles
from cache.guards.values import numbers, quoted, units, unread

__all__ = ["DOUBTS", "GUARDS", "Finding", "Guard", "Pair", "Veto", "check", "doubts", "forget"]

_MOST = 4.0
"""What a count is cut off at, so that one long text does not outweigh everything."""


class Veto(NamedTuple):
    """Why a stored prompt must not stand in for the new one."""

    guard: str
    words: str


Guard = Callable[[Pair], Finding | None]

GUARDS: Final[tuple[Guard, ...]] = (
    numbers,
    units,
    negation,
    opposites,
    quoted,
    form,
    unread,
    order,
    names,
    language,
    members,
    roles,
    question,
    logic,
    temporal,
    modal,
    person,
    correction,
)

DOUBTS: Final[tuple[str, ...]] = (
    *(guard.__name__ for guard in GUARDS),
    "substituted",
    "inserted",
    "repaired",
    "apart",
)
"""Names of what ``doubts`` gives, in its order: each guard; then content words replaced and inserted, whether a writer
corrects himself, and the share of content words not shared."""


def check(new: str, stored: str, off: frozenset[str] = frozenset()) -> Veto | None:
    """The first veto among all guards but those off; None when none is sure that the texts ask for different answers.

    Args:
        off: names of guards that are not asked.
    """
    if new == stored:
        return None
    pair = Pair(new, stored)
    for guard in GUARDS:
        found = None if guard.__name__ in off else guard(pair)
        if found is not None and found.sure:
            return Veto(guard.__name__, " ".join(found.words))
    return None


def doubts(new: str, stored: str) -> tuple[float, ...]:
    """What may speak against sharing an answer, one number for each of ``DOUBTS``; 0 where nothing does.

    Of a guard, the number of words it found, sure or not, up to 4; ``repaired`` is 0 or 1 and ``apart`` in [0, 1].
    """
    if new == stored:
        return (0.0,) * len(DOUBTS)
    pair = Pair(new, stored)
    found = (guard(pair) for guard in GUARDS)
    counts = [0.0 if one is None else min(float(len(one.words)), _MOST) for one in found]
    left = sorted((len(pair.left_new), len(pair.left_stored)))
    replaced, inserted = (min(float(count), _MOST) for count in (left[0], left[1] - left[0]))
    return (*counts, replaced, inserted, float(pair.repaired), 1.0 - pair.closeness())
