"""Near misses: what a lower cut would have served, and whether that would have been right. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from cache.calibration import Admission
from cache.policy import Policy
from memory.statistics.nearby import Near
from proxy.insights.estimates import estimate

DISTANCES: Final = (0.005, 0.01, 0.02, 0.05, 0.1)
"""How far below the cut a miss may lie to be a near one."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """What the calls of a namespace under one policy must be above to be served by meaning."""

    namespace: str
    policy: str
    scale: Literal["score", "similarity"]
    """The verifier's score; or the cosine, where the policy has a fixed threshold."""
    cut: float | None
    """None: nothing is served by meaning; ``note`` says why."""
    source: str
    admission: Admission | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A miss on its line's scale."""

    near: Near
    value: float
    distance: float
    """Below the cut, 0 or more."""


def line_of(namespace: str, name: str, policy: Policy | None, admission: Admission | None) -> Line:
    """The line of a policy as it is now."""
    if policy is None:
        return Line(namespace, name, "score", None, "none", note="there is no such policy now")
    if policy.similarity_threshold is not None:
        return Line(namespace, name, "similarity", policy.similarity_threshold, "fixed")
    if admission is None:
        return Line(namespace, name, "score", None, "none", note="the verifier is not ready")
    note = None
    if admission.cut is None:
        note = admission.alarm or "no cut keeps the error budget"
    return Line(namespace, name, "score", admission.cut, admission.source, admission, note)


def missed(nears: Iterable[Near], line: Line) -> list[Missed]:
    """The misses below a line's cut, nearest first.

    Scores are mixed anew from the verifier's signals: the cut in force belongs to the mix of today.
    """
    if line.cut is None:
        return []
    found = []
    for near in nears:
        value = near.similarity if line.scale == "similarity" else _score(near, line.admission)
        if value is not None and value <= line.cut:
            found.append(Missed(near, value, line.cut - value))
    return sorted(found, key=lambda one: (one.distance, one.near.id))


def steps(found: Sequence[Missed], line: Line) -> list[Row]:
    """For each distance: the misses between it and the one before, and what a cut lowered so far would have done."""
    rows, before = [], 0
    for distance in DISTANCES if line.cut is not None else ():
        assert line.cut is not None
        within = [one for one in found if one.distance < distance]
        verdicts = [one.near.right for one in within if one.near.right is not None]
        error = estimate(verdicts.count(False), len(verdicts), "none of them was compared with a fresh answer")
        cut = round(max(0.0, line.cut - distance), 6)
        rows.append(
            {
                "distance": distance,
                "cut": cut,
                "calls": len(within) - before,
                "added_hits": len(within),
                "error": error,
                "says": _sentence(cut, len(within), error, line),
            }
        )
        before = len(within)
    return rows


def _score(near: Near, admission: Admission | None) -> float | None:
    if admission is None or len(near.signals) != len(admission.mix.weights):
        return near.score
    return float(admission.mix.score(np.array([near.signals]))[0])


def _sentence(cut: float, added: int, error: Row, line: Line) -> str:
    what = "cut" if line.scale == "score" else "similarity_threshold"
    said = f"lowering the {what} from {line.cut:.3f} to {cut:.3f} would have added {added} hits"
    if not added:
        return said
    if error["rate"] is None:
        return f"{said}; how many of them wrong is not known: {error['note']}"
    interval = f"[{error['low']:.1%}, {error['high']:.1%}]"
    return f"{said} of which an estimated {error['rate']:.1%} wrong {interval} ({error['checked']} compared)"
