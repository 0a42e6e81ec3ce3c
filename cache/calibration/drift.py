"""Watches whether traffic is still what the cut was chosen on: by its wrong hits, and by the look of its prompts."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Sequence
from typing import Final

SUSPECTED: Final = (3.0, 8.0, 25.0)
"""Error rates, in budgets, that the watch is best at finding."""
ALARM: Final = 100.0
"""While the error stays at the budget itself, at least this many labelled hits pass on average between alarms."""

SETTLED: Final = 60
"""Requests seen before a change is looked for."""
MEMORY: Final = 300
"""Requests over which the usual is averaged."""
SLACK: Final = 0.75
CHANGED: Final = 12.0
"""CUSUM in standard deviations: a lasting shift by two of them is noticed after some ten requests."""
_WORD: Final = re.compile(r"\w+")
_BITS: Final = 1 << 16


class ErrorWatch:
    """Is the error of hits above the budget? A test that may be looked at after every label.

    Each suspicion bets on "wrong" with the stake that suits it: wealth *= 1 + stake * (wrong - budget), never below 1
    at the start of a label. While the chance of a wrong hit stays within the budget, the mean of the wealths is an
    e-detector (Shin, Ramdas and Rinaldo, arXiv 2203.03532): at least ``ALARM`` labels pass on average before it
    reaches ``ALARM``.
    """

    def __init__(self, max_error_rate: float) -> None:
        self._budget = max_error_rate
        # Kelly's stake: wealth grows fastest where the error is what is suspected.
        rates = [min(0.5, times * max_error_rate) for times in SUSPECTED]
        self._stakes = [
            max(0.0, rate - max_error_rate) / (max_error_rate * (1 - max_error_rate)) if max_error_rate else 1e9
            for rate in rates
        ]
        self._wealth = [1.0] * len(rates)

    def told(self, wrong: bool) -> bool:
        """Take in a labelled hit; True where the error is above the budget."""
        for one, stake in enumerate(self._stakes):
            self._wealth[one] = max(1.0, self._wealth[one]) * (1 + stake * (wrong - self._budget))
        return self.evidence >= ALARM

    @property
    def evidence(self) -> float:
        """Mean wealth; about 1 where nothing is wrong."""
        return sum(self._wealth) / len(self._wealth)


class Novelty:
    """Does traffic look unlike what came before? CUSUM over scores, similarities and the share of words never met.

    Needs no label and says nothing about errors: a change calls for audits, not for an alarm.
    """

    def __init__(self) -> None:
        self._words = bytearray(_BITS)
        self._trends: list[_Trend] = []
        self.shifted_by: float = 0.0
        """The largest CUSUM at present, in standard deviations."""

    def seen(self, prompt: str, measures: Sequence[float]) -> bool:
        """Take in a request, its nearest candidate's measures with it; True where traffic has changed."""
        places = [zlib.crc32(word.encode()) % _BITS for word in _WORD.findall(prompt.lower())]
        unknown = sum(not self._words[place] for place in places) / max(1, len(places))
        for place in places:
            self._words[place] = 1
        values = (unknown, *measures)
        if not self._trends:
            # Fewer unknown words than usual is what a settled namespace looks like.
            self._trends = [_Trend(falls=position > 0) for position in range(len(values))]
        self.shifted_by = max(trend.seen(value) for trend, value in zip(self._trends, values, strict=True))
        if self.shifted_by < CHANGED:
            return False
        self._trends = []
        return True


class _Trend:
    """CUSUM of one measure against its own slow average."""

    def __init__(self, falls: bool) -> None:
        self._falls = falls
        self._count = 0
        self._mean = 0.0
        self._square = 0.0
        self._up = self._down = 0.0

    def seen(self, value: float) -> float:
        """The CUSUM after this value, in standard deviations."""
        if not math.isfinite(value):
            return 0.0
        shift = 0.0
        if self._count >= SETTLED:
            deviation = math.sqrt(max(self._square, 1e-6))
            unusual = max(-4.0, min(4.0, (value - self._mean) / deviation))
            self._up = max(0.0, self._up + unusual - SLACK)
            self._down = max(0.0, self._down - unusual - SLACK) if self._falls else 0.0
            shift = max(self._up, self._down)
        self._count += 1
        share = 1 / min(self._count, MEMORY)
        gap = value - self._mean
        self._mean += share * gap
        self._square += share * (gap * (value - self._mean) - self._square)
        return shift
