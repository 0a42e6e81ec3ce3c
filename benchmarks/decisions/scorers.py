"""What is compared: ways to score whether a stored answer is right for a new prompt, with and without guards."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.decisions.kept import WRITTEN_AT_ONCE, KeptRows, key_of
from cache import guards
from cache import verifier as verifiers
from cache.calibration import prior_cut
from cache.verifier import Array, Pair, Verifier, VerifierAround, VerifierError, load_verifier, priors_of

Flags = npt.NDArray[np.bool_]

DEFAULT_VERIFIERS = ("lexical", "pair")
"""Shown beside cosine unless others are named; the last one is what the product ships with."""
NEVER = -np.inf
"""The score of a pair that a guard vetoes: no cut lies below it."""

_PROBES = (
    Pair("how do I reset my password", "i forgot my password, how can I reset it?", 0.85),
    Pair("convert 5 miles to km", "convert 7 miles to km", 0.95),
    Pair("can a cat chase a dog", "can a dog chase a cat", 0.97),
    Pair("is it safe to swim after eating", "is it not safe to swim after eating", 0.96),
    Pair("who painted the Night Watch", "in which year did the moon landing take place", 0.05),
    Pair("List three rivers in France.", "Please list three rivers in France", 0.98),
)


class Scorer(NamedTuple):
    """A verifier, and whether the guards stand before it."""

    name: str
    verifier: Verifier
    guarded: bool
    priors: Mapping[float, float] = {}
    """Shipped cut by error budget."""

    def scores(self, pairs: Sequence[Pair], vetoed: Flags) -> Array:
        """In [0, 1], shape (n,); ``NEVER`` where a guard objects and this scorer listens."""
        scores = self.verifier.mix.score(self.verifier.signals(pairs)) if pairs else np.zeros(0)
        return np.where(vetoed & self.guarded, NEVER, scores)

    def shipped_cut(self, budget: float) -> float | None:
        """The cut that the product starts with under a budget; None where none was measured."""
        return prior_cut(self.priors, budget)


class KeptVerifier(VerifierAround):
    """``cache.verifier.Verifier`` whose signals are kept between runs, for as long as it stays what it is."""

    def __init__(self, verifier: Verifier, cache: Path, embedder_id: str) -> None:
        super().__init__(verifier)
        # An id may stay while code and weights are worked on, or a model is trained again under its name.
        probed = np.round(verifier.signals(_PROBES), 4).tobytes()
        seen = hashlib.sha256(probed + _contents(verifiers, guards)).hexdigest()[:12]
        name = re.sub(r"[^a-z0-9._-]+", "-", f"{verifier.id}-{seen}-{embedder_id}".lower())
        self._kept = KeptRows(cache / "signals" / name)

    def signals(self, pairs: Sequence[Pair]) -> Array:
        if not pairs:
            return np.empty((0, len(self.mix.weights)))
        by_key = {key_of(pair.new, pair.stored): pair for pair in pairs}
        missing = self._kept.missing(by_key)
        for start in range(0, len(missing), WRITTEN_AT_ONCE):
            keys = missing[start : start + WRITTEN_AT_ONCE]
            self._kept.add(keys, self._verifier.signals([by_key[key] for key in keys]))
        rows = self._kept.rows([key_of(pair.new, pair.stored) for pair in pairs])
        return rows.astype(np.float64)

    def flush(self) -> None:
        """Write what is kept in memory only."""
        self._kept.flush()


def load_scorers(names: Sequence[str] | None, cache_folder: Path, embedder_id: str) -> list[Scorer]:
    """Cosine and each verifier named, each without and with guards; unnamed, the shipped ones that are installed.

    Raises ``VerifierError`` for one that was named.
    """
    found = []
    for name in dict.fromkeys(["cosine", *(DEFAULT_VERIFIERS if names is None else names)]):
        try:
            verifier = load_verifier(name)
        except VerifierError as error:
            if names is not None:
                raise
            print(f"without {name}: {error}")
            continue
        kept = verifier if name == "cosine" else KeptVerifier(verifier, cache_folder, embedder_id)
        priors = priors_of(name, embedder_id)
        found += [Scorer(name, kept, False, priors), Scorer(f"{name} + guards", kept, True, priors)]
    return found


def _contents(*packages: ModuleType) -> bytes:
    """Digest of the packages' files, code and weights."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted(Path(str(package.__file__)).parent.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                digest.update(path.read_bytes())
    return digest.digest()


def guard_names() -> list[str]:
    """The guards, in the order in which they are asked."""
    return [guard.__name__ for guard in guards.GUARDS]


def vetoes(pairs: Sequence[tuple[str, str]]) -> Flags:
    """Which guard is sure enough to veto which (new, stored) pair, shape (n, guards)."""
    found = np.zeros((len(pairs), len(guards.GUARDS)), dtype=np.bool_)
    for row, (new, stored) in enumerate(pairs):
        pair = guards.Pair(new, stored)
        findings = [guard(pair) for guard in guards.GUARDS] if new != stored else []
        found[row, : len(findings)] = [finding is not None and finding.sure for finding in findings]
    return found
