"""Which stored answers are worth keeping: expected hits x cost saved x quality.

    expected hits = (hits + 1) / (age + WINDOW)  x  WINDOW / (idle + WINDOW)  x  min(left, WINDOW)

The first factor is the rate of hits as a Poisson process would have it after a Gamma(1, WINDOW) prior: one hit in a
window is believed of an answer that nobody has asked for yet, and the longer it lies without hits the less. The second
one halves that when the last hit (or the storing) is a window ago: interest moves on. The third one is the time in
which hits may still come: what expires in a minute is worth a minute of hits, and nothing is foreseen beyond a window.

    cost saved = what a hit saves in US dollars: the price of the answer; UNKNOWN where its model has none

Only the order of values matters, so an unknown price need not be right, only the same for all answers without one. A
model that costs nothing still costs time: an answer is worth LEAST at least.

    quality = alpha / (alpha + beta), the share of hits that are good ones

An eviction takes the least valuable first; that is one ordered scan of the answers in a policy.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from store.tables import entries

WINDOW: Final = 24 * 3600.0
"""Seconds."""
UNKNOWN: Final = 0.001
"""US dollars a hit saves where the model has no price: a short call to a small model."""
LEAST: Final = 0.00001
"""US dollars that any hit saves."""


def worth(*, hits: int, age: float, idle: float, left: float, cost: float | None, quality: float) -> float:
    """The value of an answer: US dollars that it may save within a window.

    Args:
        age: seconds since it was stored.
        idle: seconds since its last hit, or since it was stored.
        left: seconds to its expiry; negative once it has expired.
        cost: US dollars that it cost; None: unknown.
        quality: in [0, 1].
    """
    expected = (hits + 1) / (age + WINDOW) * (WINDOW / (idle + WINDOW)) * min(max(left, 0.0), WINDOW)
    saved = UNKNOWN if cost is None else max(cost, LEAST)
    return expected * saved * quality


def worth_in_sql(now: float) -> sa.ColumnElement[Any]:
    """``worth`` of each row of entries, at a time in seconds since 1970."""
    row = entries.c
    age = _at_least(sa.literal(now) - row.created_at, 0.0)
    idle = _at_least(sa.literal(now) - sa.func.coalesce(row.last_hit_at, row.created_at), 0.0)
    left = _at_least(row.expires_at - now, 0.0)
    left = sa.case((left > WINDOW, WINDOW), else_=left)
    expected = (row.hits + 1.0) / (age + WINDOW) * (WINDOW / (idle + WINDOW)) * left
    saved = sa.func.coalesce(_at_least(row.cost, LEAST), UNKNOWN)
    return expected * saved * (row.alpha / (row.alpha + row.beta))


def _at_least(value: sa.ColumnElement[Any], least: float) -> sa.ColumnElement[Any]:
    """The greater of both; NULL stays NULL."""
    return sa.case((value < least, least), else_=value)
