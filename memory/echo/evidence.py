"""What a text shows of a memory: how much of it stands there, what does not, and what speaks against it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from memory.echo.numbers import Quantity
from memory.echo.reading import Reading, Token
from memory.echo.wordweights import MOST

ENOUGH: Final = 12.0
"""Weight of new words beyond which more say nothing more."""
SLIGHT: Final = 1.2
"""Weight up to which a word stands in too many texts to show what one is about."""
STATED: Final = 0.6
"""Share of a memory from which on a prompt that does more than ask tells it."""
SHARED: Final = 4
"""Letters that two stems must share at their beginning to be forms of one word."""


class Places:
    """Where in a text words stand: looks a token up among its sentences."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.size = sum(len(sentence.tokens) for sentence in reading.sentences)
        self.quantities: list[tuple[Quantity, int]] = []
        self._stems: dict[str, set[int]] = {}
        self._alike: dict[str, set[str]] = {}
        self._found: dict[str, dict[int, float]] = {}
        for number, sentence in enumerate(reading.sentences):
            for token in sentence.tokens:
                if token.quantity is not None:
                    self.quantities.append((token.quantity, number))
                    continue
                self._stems.setdefault(token.stem, set()).add(number)
                if len(token.stem) >= SHARED:
                    self._alike.setdefault(token.stem[:SHARED], set()).add(token.stem)

    def of(self, token: Token) -> dict[int, float]:
        """The sentences that hold a token, each with how surely it is the same, in (0, 1]."""
        if token.quantity is not None:
            return self._equal(token.quantity)
        if not self._stems:
            return {}
        known = self._found.get(token.stem)
        if known is None:
            known = self._found[token.stem] = self._look(token.stem)
        return known

    def _equal(self, wanted: Quantity) -> dict[int, float]:
        found: dict[int, float] = {}
        for other, number in self.quantities:
            alike = wanted.likeness(other)
            if alike:
                found[number] = max(found.get(number, 0.0), alike)
        return found

    def _look(self, stem: str) -> dict[int, float]:
        found = dict.fromkeys(self._stems.get(stem, ()), 1.0)
        for other in self._alike.get(stem[:SHARED], ()) if len(stem) >= SHARED else ():
            alike = likeness(stem, other)
            if alike < 1.0:
                for number in self._stems[other] if alike else ():
                    found[number] = max(found.get(number, 0.0), alike)
        return found


def likeness(first: str, second: str) -> float:
    """How surely two stems are forms of one word, also across English and French, in [0, 1]."""
    if first == second:
        return 1.0
    short, long = sorted((first, second), key=len)
    shared = 0
    while shared < len(short) and short[shared] == long[shared]:
        shared += 1
    if shared >= SHARED and shared >= 0.7 * len(long):
        return 0.8
    # The beginning of a compound, or of a longer form.
    return 0.7 if shared == len(short) >= SHARED and len(long) - len(short) <= 5 else 0.0


NOTHING: Final = Places(Reading("", "en", ()))
"""A text that holds no word."""


@dataclass(frozen=True, slots=True)
class Said:
    """A memory's token: how surely the text, its best stretch, the prompt, and other memories hold it, in [0, 1]."""

    token: Token
    anywhere: float
    here: float
    given: float
    elsewhere: float

    @property
    def new(self) -> float:
        """In the stretch and not in the prompt."""
        return max(0.0, self.here - self.given)


def stretch(tokens: Sequence[Token], text: Places, prompt: Places) -> tuple[int, ...]:
    """The one or two neighbouring sentences of a text that say most of these tokens, the prompt's own less."""
    score: dict[int, float] = {}
    for token in tokens:
        given = _most(prompt.of(token).values())
        for number, alike in text.of(token).items():
            score[number] = score.get(number, 0.0) + token.weight * (alike + 0.5 * max(0.0, alike - given))
    if not score:
        return (0,) if text.reading.sentences else ()
    last = len(text.reading.sentences) - 1
    pairs = {min(number, max(0, last - 1)) for number in score} | {max(0, number - 1) for number in score}
    best = max(sorted(pairs), key=lambda at: score.get(at, 0.0) + score.get(at + 1, 0.0))
    return (best,) if last == best else (best, best + 1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Numbers to judge by, each of the order of 1, and the stretch of the text that they speak of."""

    values: Mapping[str, float]
    stretch: str


def gather(memory: Reading, text: Places, prompt: Places, others: Sequence[Places] = ()) -> Evidence:
    """What a text shows of a memory.

    Args:
        others: the other memories that might have been said instead.
    """
    where = stretch(memory.tokens, text, prompt)
    said = [_said(token, where, text, prompt, others) for token in memory.tokens]
    asked = said if not _states(prompt, said) else [_said(token, where, text, NOTHING, ()) for token in memory.tokens]
    whole = _sum(said, lambda one: 1.0) or 1e-6
    unknown = _sum(said, lambda one: 1 - one.given)
    numbers = [one for one in said if one.token.quantity is not None]
    names = [one for one in said if one.token.name]
    denied = _denied(memory, text, where)
    new = _sum(said, lambda one: one.new)
    values = {
        "cover": _sum(said, lambda one: one.here) / whole,
        "joint": _sum(asked, lambda one: max(one.here, one.given)) / whole,
        "given": _sum(said, lambda one: one.given) / whole,
        "new_share": new / unknown if unknown > SLIGHT else 0.0,
        "rare": max((one.token.weight * one.new for one in said), default=0.0) / MOST,
        "number_missing": _share(numbers, lambda one: not one.here and not one.given),
        "name_missing": _share(names, lambda one: not one.here and not one.given),
        "denies": float(memory.negated),
        "text_denies": float(denied),
        "polarity": float(memory.negated != denied),
        "length": math.log1p(text.size) / 5,
    }
    fresh = _sum(said, lambda one: one.anywhere * (1 - one.elsewhere) * (1 - one.given))
    values["own_new"] = min(fresh, ENOUGH) / ENOUGH
    return Evidence(values, " ".join(text.reading.sentences[number].text for number in where))


def _said(token: Token, where: tuple[int, ...], text: Places, prompt: Places, others: Sequence[Places]) -> Said:
    found = text.of(token)
    return Said(
        token,
        anywhere=_most(found.values()),
        here=_most(alike for number, alike in found.items() if number in where),
        given=_most(prompt.of(token).values()),
        elsewhere=max((_most(other.of(token).values()) for other in others), default=0.0),
    )


def _states(prompt: Places, said: Sequence[Said]) -> bool:
    """Does the prompt tell most of the memory rather than ask for it? Then the text must say it by itself."""
    asks = any(sentence.text.rstrip().endswith("?") for sentence in prompt.reading.sentences[-1:])
    tells = len(prompt.reading.sentences) > 1 or not asks
    return tells and _sum(said, lambda one: one.given) >= STATED * _sum(said, lambda one: 1.0) > 0


def _denied(memory: Reading, text: Places, where: tuple[int, ...]) -> bool:
    """Does the sentence deny something that says most of the memory?"""
    score = dict.fromkeys(where, 0.0)
    for token in memory.tokens:
        for number, alike in text.of(token).items():
            if number in score:
                score[number] += token.weight * alike
    return bool(score) and text.reading.sentences[max(score, key=lambda number: score[number])].negated


def _most(values: Iterable[float]) -> float:
    return max(values, default=0.0)


def _sum(said: Sequence[Said], value: Callable[[Said], float]) -> float:
    return sum(one.token.weight * value(one) for one in said)


def _share(said: Sequence[Said], holds: Callable[[Said], bool]) -> float:
    return sum(map(holds, said)) / len(said) if said else 0.0
