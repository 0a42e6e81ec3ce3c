"""Learned weights over the words of a short text and the signs the rules found: should its answer be shared?

A logistic regression, its weights in ``weights.json`` beside this file, fitted by
``python -m benchmarks.classes.train`` (see there for the data). Plain dictionary sums: it runs before the exact tier,
where there is no embedding yet.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Iterator
from importlib import resources
from typing import Any, Final

WORDS: Final = 60
"""Words of a text that are weighed."""
KNOWN_SHARE: Final = 0.5
"""Share of the words that must be known, else the text is not judged: it may be in another language."""

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+")
_LENGTHS: Final = (4, 8, 14)


def words_of(text: str) -> list[str]:
    """The words of a lower-case text; numbers become 0."""
    return ["0" if word.isdigit() else word.replace("'", "") for word in _WORD.findall(text)][:WORDS]


def features(text: str, signs: Collection[str]) -> Iterator[str]:
    """The features of a text that are present; each counts once.

    No punctuation: CLINC150 has none, so that a question mark would tell the data set and not what is asked.
    """
    words = words_of(text)
    yield from dict.fromkeys(words)
    yield from dict.fromkeys(f"{first} {second}" for first, second in itertools.pairwise(words))
    if words:
        yield f"^{words[0]}"
        yield f"^{' '.join(words[:2])}"
    yield from (f"={sign}" for sign in sorted(signs))
    yield f"#{sum(len(words) >= length for length in _LENGTHS)}"


def knows(text: str) -> bool:
    """Are enough of the words of a lower-case text known?"""
    words = words_of(text)
    return sum(word in _WEIGHTS for word in words) >= KNOWN_SHARE * len(words) > 0


def score(text: str, signs: Collection[str]) -> float:
    """Log-odds that the answer to a text must not be shared; text in lower case, signs as the rules found them."""
    return _BIAS + sum(map(_weight, features(text, signs)))


def name(text: str, signs: Collection[str]) -> str:
    """The class of a text that must not be shared and that no rule placed."""
    own = _OWN_BIAS + sum(_OWN_WEIGHTS.get(feature, 0.0) for feature in features(text, signs))
    return "own-data" if own > 0 else "action"


def _load() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((resources.files(__package__) / "weights.json").read_text(encoding="utf-8"))
    return loaded


def _scaled(weights: dict[str, int]) -> dict[str, float]:
    return {feature: weight / 100 for feature, weight in weights.items()}


_LOADED: Final = _load()
_WEIGHTS: Final = _scaled(_LOADED["weights"])
_OWN_WEIGHTS: Final = _scaled(_LOADED["own_weights"])
_BIAS: Final[float] = _LOADED["bias"]
_OWN_BIAS: Final[float] = _LOADED["own_bias"]
CUT: Final[float] = _LOADED["cut"]
"""Above this score a text belongs to a class even where no rule placed it."""
HELP_MARGIN: Final[float] = _LOADED["help_margin"]
"""So much higher is the cut where help or instructions are asked for."""
KEEP: Final[float] = _LOADED["keep"]
"""Below this score an action or own data that a rule found does not count."""


def _weight(feature: str) -> float:
    return _WEIGHTS.get(feature, 0.0)
