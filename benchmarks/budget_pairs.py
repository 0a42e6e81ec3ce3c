"""Candidates for the closed loop, out of the labelled pairs: scored, guarded, and with cuts from other sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.budget_loop import Candidates
from benchmarks.budget_worlds import World, cuts_of
from benchmarks.decisions.data import NOISY, folder_of, pairs
from benchmarks.decisions.embedding import kept_embedder, similarities
from benchmarks.decisions.scorers import KeptVerifier, vetoes
from cache.verifier import Mix, Pair, load_verifier

WORLDS = {
    "rewording": ("banking77", "clinc150", "bitext"),
    "left out of training": ("bitext", "disflqa", "squad", "checklist"),
    "the others": ("banking77", "clinc150", "covidfaq", "rules", "svamp", "paws", "gptcache_mock"),
}
"""Sources simulated together; their first cuts are measured on all the rest."""
_SCORED_AT_ONCE = 2000


def load(data: Path, verifier_name: str, cache: Path) -> list[World]:
    """The worlds of WORLDS. Pairs that a guard vetoes find no candidate, so they are left out."""
    rows = [row for row in pairs(folder_of(data)) if row.source != NOISY]
    texts = [(row.b, row.a) for row in rows]
    embedder = kept_embedder(cache)
    embedder.prepare({text for both in texts for text in both})
    cosines = similarities(embedder, texts)
    named = load_verifier(verifier_name)
    verifier = named if verifier_name == "cosine" else KeptVerifier(named, cache, embedder.id)
    kept = [at for at in np.flatnonzero(~vetoes(texts).any(axis=1)) if cosines[at] >= verifier.floor]
    given = [Pair(*texts[at], float(cosines[at])) for at in kept]
    parts = [given[start : start + _SCORED_AT_ONCE] for start in range(0, len(given), _SCORED_AT_ONCE)]
    everything = Candidates(
        [texts[at][0] for at in kept],
        np.concatenate([verifier.signals(part) for part in parts]),
        np.array([rows[at].same for at in kept], dtype=bool),
        np.array([rows[at].source for at in kept]),
    )
    return [_world(name, everything, verifier.mix, sources) for name, sources in WORLDS.items()]


def _world(name: str, everything: Candidates, mix: Mix, sources: tuple[str, ...]) -> World:
    inside = np.isin(everything.sources, sources)
    priors = cuts_of(everything.of(np.flatnonzero(~inside)), mix)
    return World.of(name, everything.of(np.flatnonzero(inside)), mix, priors)
