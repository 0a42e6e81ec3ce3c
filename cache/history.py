"""Histories that are alike turn by turn: a relaxation that a policy must ask for.

By default all that was said before the last user turn must be equal. Here the same number of turns, by the same
speakers, may say the same in other words: what users said is held against guards and verifier like a last turn, what
was answered must agree as two answers do that are compared for a label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cache.agreement import compare
from cache.decision import Turn
from cache.identity import Earlier
from cache.poisoning import Embed
from store.vectors import Vector

MOST_TURNS: Final = 12
"""Earlier turns beyond which a history matches by equality only: each that differs costs an embedding and more."""
MOST_CHARS: Final = 20_000
"""Of all earlier turns together."""


def is_comparable(earlier: Earlier | None) -> bool:
    """Is a history short enough to be compared turn by turn?"""
    return earlier is not None and len(earlier.texts) <= MOST_TURNS and sum(map(len, earlier.texts)) <= MOST_CHARS


def differing(
    new: Earlier, stored: Sequence[str], embed: Embed, fits: Callable[[str], bool], least: float
) -> tuple[Turn, ...] | None:
    """The user turns that differ in wording, to be judged like last turns; None where the histories are not alike.

    Args:
        stored: the texts of an entry under the same loose_key: as many, by the same speakers.
        embed: raises what the embedder raises.
        fits: does the embedder read a text whole? Where not, only an equal turn will do.
        least: cosine below which two turns are not worth judging.
    """
    if len(stored) != len(new.texts):
        return None
    pairs = [
        (role, text, other)
        for role, text, other in zip(new.roles, new.texts, stored, strict=True)
        if text.split() != other.split()
    ]
    said = [(text, other) for role, text, other in pairs if role == "user"]
    turns: tuple[Turn, ...] = ()
    if not all(fits(text) for pair in said for text in pair):
        return None
    if said:
        vectors = embed([text for pair in said for text in pair])
        turns = tuple(
            Turn(text, other, _cosine(vectors[2 * at], vectors[2 * at + 1])) for at, (text, other) in enumerate(said)
        )
        # Not a number is not near.
        if not all(turn.similarity >= least for turn in turns):
            return None
    answered = [(text, other) for role, text, other in pairs if role != "user"]
    if not all(compare(_answer(text), _answer(other), embed).same for text, other in answered):
        return None
    return turns


def _cosine(a: Vector, b: Vector) -> float:
    # Rounding puts equal vectors a little above 1; not a number stays none.
    return float(np.minimum(1.0, a @ b))


def _answer(text: str) -> Mapping[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
