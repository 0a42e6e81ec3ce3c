"""The latest labels of a namespace as columns, thinned where they are plentiful."""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np

from cache.budget import Array, Flags, Sample
from cache.verifier import Mix
from store.labels import Label

WINDOW: Final = 4000
"""Labels held at most."""
SAMPLED: Final = frozenset({"miss", "audit", "shadow"})
"""Sources that label at random; what people choose to complain of is no sample, and only the mix learns from it."""


class Window:
    """Labels in the order in which they came, one row each.

    Once it is full, every second label of the lower half of scores goes, and each left stands for two: misses come by
    the hundred, and most are far below any cut. Only when that frees too little do the oldest go.
    """

    def __init__(self, signals: int) -> None:
        self._size = 0
        self._signals = np.zeros((WINDOW + 1, signals))
        self._correct = np.zeros(WINDOW + 1, bool)
        self._sampled = np.zeros(WINDOW + 1, bool)
        self._spent = np.zeros(WINDOW + 1, bool)
        self._propensity = np.ones(WINDOW + 1)
        self._number = np.zeros(WINDOW + 1, np.int64)
        self._hash = np.zeros(WINDOW + 1, np.int64)
        self.count = 0
        """Labels taken in so far, those gone since among them."""

    def __len__(self) -> int:
        return self._size

    def add(self, label: Label, shipped: Mix) -> None:
        """Take in a label; one of the same id as another replaces it."""
        self.count += 1
        # Not the built-in hash, which differs between processes.
        identity = zlib.crc32(label.id.encode())
        same = np.flatnonzero(self._hash[: self._size] == identity)
        at = int(same[0]) if len(same) else self._size
        if not len(same):
            self._size += 1
            self._number[at], self._hash[at], self._spent[at] = self.count, identity, False
            self._propensity[at] = label.propensity
            self._sampled[at] = label.source in SAMPLED
        self._signals[at], self._correct[at] = label.signals, label.correct
        if self._size > WINDOW:
            self._thin(shipped)

    def sample(self, mix: Mix, since: int, unspent: bool) -> Sample:
        """What a cut can be learned from: sampled labels from number ``since`` on."""
        kept = self._sampled[: self._size] & (self._number[: self._size] >= since)
        if unspent:
            kept &= ~self._spent[: self._size]
        scores = mix.score(self._signals[: self._size][kept])
        return Sample(scores, ~self._correct[: self._size][kept], self._propensity[: self._size][kept])

    def above(self, mix: Mix, cut: float, since: int) -> list[tuple[int, bool]]:
        """Number and verdict (wrong?) of the sampled labels above a cut, in the order in which they came."""
        kept = self._sampled[: self._size] & (self._number[: self._size] >= since)
        kept &= mix.score(self._signals[: self._size]) > cut
        numbers, correct = self._number[: self._size][kept], self._correct[: self._size][kept]
        return [(int(number), not right) for number, right in zip(numbers, correct, strict=True)]

    def half(self) -> tuple[Array, Flags]:
        """Signals and verdicts of the half that a mix may be fitted to; always the same labels."""
        half = self._half()
        return self._signals[: self._size][half], self._correct[: self._size][half]

    def spend(self, fitted: bool) -> None:
        """Note whether the mix in use was fitted to ``half``."""
        self._spent[: self._size] = self._half() & fitted

    def _half(self) -> Flags:
        return np.asarray(self._hash[: self._size] % 2 == 1)

    def _thin(self, shipped: Mix) -> None:
        scores = shipped.score(self._signals[: self._size])
        plenty = scores <= np.quantile(scores, 0.5)
        # Bits of the hash that no half is made by, another one each time.
        halved = np.log2(1 / self._propensity[: self._size]).astype(np.int64)
        goes = plenty & ((self._hash[: self._size] >> (8 + halved % 16)) % 2 == 1)
        self._propensity[: self._size][plenty] /= 2
        kept = np.flatnonzero(~goes)
        if len(kept) > 0.9 * WINDOW:
            kept = kept[len(kept) // 4 :]
        self._size = len(kept)
        for column in (
            self._signals,
            self._correct,
            self._sampled,
            self._spent,
            self._propensity,
            self._number,
            self._hash,
        ):
            column[: self._size] = column[kept]
