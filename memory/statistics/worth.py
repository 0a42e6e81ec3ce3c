"""What putting memories into calls is worth: sessions that got them beside sessions held out by lot. Pure.

Sessions are what was drawn, so they are what is counted: the calls of one session are alike, and a thousand calls of
three sessions say little. Each interval is made from the spread between sessions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

LEAST: Final = 20
"""Sessions of each arm below which no interval is given: it would be wide, or wrong."""
NO_HOLDOUT: Final = "no holdout is configured (memory.context.holdout), so there is nothing to compare with"

_NORMAL: Final = 1.959964
"""97.5 % of a normal distribution lies below."""

Array = npt.NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What came of one session, from the first call on that memory had something for."""

    held_out: bool
    calls: int
    """Answered ones."""
    counted: int
    """Of these, how many have their tokens known."""
    prompt_tokens: int
    completion_tokens: int
    corrections: int
    """Calls whose turn objects to the answer before it."""
    repeats: int
    """Calls whose turn asks again what was asked before."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A ratio over sessions: the sum of one figure by the sum of another."""

    of: str
    by: str | None
    """None: by the number of sessions."""
    share: bool = False
    """Is it a share of calls, each of which counts or does not?"""


MEASURES: Final = {
    "corrections_per_call": Measure("corrections", "calls", share=True),
    "repeats_per_call": Measure("repeats", "calls", share=True),
    "prompt_tokens_per_call": Measure("prompt_tokens", "counted"),
    "completion_tokens_per_call": Measure("completion_tokens", "counted"),
    "calls_per_session": Measure("calls", None),
}


def worth(conversations: Sequence[Conversation]) -> Row:
    """Both arms beside each other: ``arms`` with their sums, ``measures`` with each mean, difference and interval.

    A difference is that of the arm with memories less the one without; ``low`` and ``high`` bound it at 95 %. They are
    None where too few sessions took part, and ``note`` says so; it is None where all is known.
    """
    arms = {
        "with_memory": [one for one in conversations if not one.held_out],
        "held_out": [one for one in conversations if one.held_out],
    }
    sizes = {name: len(sessions) for name, sessions in arms.items()}
    note = None
    if min(sizes.values()) < LEAST:
        note = (
            f"too few sessions for an interval: {sizes['with_memory']} with memories and {sizes['held_out']} held out,"
            f" {LEAST} of each are needed"
        )
    return {
        "arms": {name: _sums(sessions) for name, sessions in arms.items()},
        "measures": {
            name: _compared(measure, arms["with_memory"], arms["held_out"], bounded=note is None)
            for name, measure in MEASURES.items()
        },
        "note": note,
    }


def newcombe(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Bounds at 95 % of the difference of two shares, each given with the number of calls that it is known from.

    The hybrid score interval, method 10 of Newcombe (1998), "Interval estimation for the difference between independent
    proportions", Statistics in Medicine 17, 873-890. It stays within [-1, 1] and holds for shares of 0 and 1.
    """
    (p, n), (q, m) = one, other
    p_low, p_high = wilson(p, n)
    q_low, q_high = wilson(q, m)
    return p - q - math.hypot(p - p_low, q_high - q), p - q + math.hypot(p_high - p, q - q_low)


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's score interval (1927) of a share that is known from n > 0 independent calls, at 95 %."""
    square = _NORMAL**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    width = _NORMAL / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return min(share, max(0.0, middle - width)), max(share, min(1.0, middle + width))


def student(degrees: float) -> float:
    """The 97.5 % quantile of Student's distribution, by its expansion about the normal one's.

    Abramowitz and Stegun (1964), 26.7.5; good to 0.001 from 10 degrees of freedom on.
    """
    z, v = _NORMAL, degrees
    terms = (
        (z**3 + z) / (4 * v),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3),
    )
    return float(z + sum(terms))


def _compared(measure: Measure, with_memory: Sequence[Any], held_out: Sequence[Any], *, bounded: bool) -> Row:
    ones, others = _ratio(measure, with_memory), _ratio(measure, held_out)
    means = {"with_memory": _rounded(ones[0]), "held_out": _rounded(others[0])}
    if ones[0] is None or others[0] is None:
        return {**means, "difference": None, "low": None, "high": None}
    difference = ones[0] - others[0]
    low = high = None
    if bounded and measure.share:
        low, high = newcombe((ones[0], _independent(*ones)), (others[0], _independent(*others)))
    elif bounded:
        width = _welch(ones, others)
        low, high = difference - width, difference + width
    return {**means, "difference": _rounded(difference), "low": _rounded(low), "high": _rounded(high)}


def _ratio(measure: Measure, sessions: Sequence[Conversation]) -> tuple[float | None, Array, Array]:
    """The ratio of an arm, and both figures of each session."""
    parts = np.array([getattr(one, measure.of) for one in sessions], float)
    wholes = np.array([getattr(one, measure.by) if measure.by else 1 for one in sessions], float)
    total = float(wholes.sum())
    return (float(parts.sum()) / total if total else None), parts, wholes


def _variance(ratio: float, parts: Array, wholes: Array) -> float:
    """Of a ratio over sessions, linearised (Cochran 1977, "Sampling Techniques", 6.3)."""
    sessions = len(wholes)
    return sessions / (sessions - 1) * float(((parts - ratio * wholes) ** 2).sum()) / float(wholes.sum()) ** 2


def _welch(ones: tuple[Any, Array, Array], others: tuple[Any, Array, Array]) -> float:
    """Half the width of the interval of a difference of means: Welch (1947), with sessions for observations."""
    a, b = _variance(*ones), _variance(*others)
    if not a + b:
        return 0.0
    degrees = (a + b) ** 2 / (a**2 / (len(ones[1]) - 1) + b**2 / (len(others[1]) - 1))
    return student(degrees) * math.sqrt(a + b)


def _independent(share: Any, parts: Array, wholes: Array) -> float:
    """As how many independent calls those of an arm count: by their design effect, Kish (1965), "Survey Sampling".

    Never more than there are. Where no two sessions differ, how alike their calls are is not known: each counts as one.
    """
    calls = float(wholes.sum())
    alone = share * (1 - share) / calls
    if not alone:
        return float(len(wholes))
    return calls / max(1.0, _variance(float(share), parts, wholes) / float(alone))


def _sums(sessions: Sequence[Conversation]) -> Row:
    names = [field.name for field in fields(Conversation) if field.name not in ("held_out", "counted")]
    return {"sessions": len(sessions), **{name: sum(getattr(one, name) for one in sessions) for name in names}}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
