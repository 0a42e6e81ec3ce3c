"""How much a word tells: little where everybody uses it. Ranks of English words, and the small words of French."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MOST: Final = 5.0
"""Weight of a word that is not listed."""
LEAST: Final = 0.1
"""Weight of small words, and of those that most memories begin with."""

_WORDS: Final = Path(__file__).parent / "weights" / "words.txt"
_SCALE: Final = 0.65
_SHIFT: Final = 8
_SMALL_FRENCH: Final = frozenset(
    "le la les des du un une et est en au aux pour dans sur pas ne que qui ce sont par il elle vous nous votre vos"
    " notre avec sans plus son sa ses leur leurs cette ou je tu mon ma mes se si mais comme a ont fait etre avoir tout"
    " tous toute bien aussi donc alors ici cela ca y lui eux ces peut faut tres moins entre apres avant deux on".split()
)
_OPENINGS: Final = frozenset(
    "user users utilisateur utilisatrice prefers prefer likes like wants want prefere aime veut preferred".split()
)
"""What memories say of whose they are; an answer speaks to that person instead."""


def weight_of(word: str, language: str) -> float:
    """Weight of a plain word (lower case, no accents), from 0 to 5."""
    if word in _OPENINGS or (language == "fr" and word in _SMALL_FRENCH):
        return LEAST
    rank = _ranks().get(word)
    if rank is None:
        return MOST
    return min(MOST, _SCALE * math.log((rank + _SHIFT) / _SHIFT))


@functools.cache
def _ranks() -> Mapping[str, int]:
    lines = [line for line in _WORDS.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {word: rank for rank, word in enumerate(" ".join(lines).split())}
