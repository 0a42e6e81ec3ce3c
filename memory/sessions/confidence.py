"""How sure it is that a session's flow fits it. Pure."""

from __future__ import annotations

from typing import Final, Literal

Tier = Literal["discovery", "exploring", "guided"]

EXPLORING: Final = 0.4
GUIDED: Final = 0.8


def confidence(score: float | None, followed: int, left: int, *, declined: bool = False) -> float:
    """The mean of the match score and of the picks at the flow's nodes: 1 for each that follows it, 0 for each that
    does not.

    ``(score + followed) / (1 + followed + left)``, in [0, 1]. Without a match it is 0; so it is once the flow is
    declined.
    """
    if score is None or declined:
        return 0.0
    return round((score + followed) / (1 + followed + left), 4)


def tier(confidence: float) -> Tier:
    """discovery below 0.4, exploring below 0.8, guided from there."""
    if confidence < EXPLORING:
        return "discovery"
    return "exploring" if confidence < GUIDED else "guided"
