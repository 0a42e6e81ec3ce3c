"""The semantic tier's search: stored prompts near a new one, among entries that are otherwise equal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cache.call import Call
from cache.decision import Candidate
from cache.history import differing
from cache.identity import Earlier, Fuzzy
from cache.policy import Policy
from store.embedder import Embedder, Vectors
from store.entries import Entries, Entry
from store.indexer import Indexer, Pending
from store.vectors import Vector, VectorIndex

DIRECT = 48
"""So many compatible entries are compared one by one; only more are worth asking the index about."""

ENOUGH = 3
"""Compatible neighbours among the first few, beyond which a verifier needs no more to choose from."""


class Neighbours:
    """Nearest stored prompts under one compat_key."""

    def __init__(self, entries: Entries, index: VectorIndex, indexer: Indexer, embedder: Embedder) -> None:
        self._entries = entries
        self._index = index
        self._indexer = indexer
        self._embedder = embedder
        self.embedder_id = embedder.id

    def fits(self, text: str) -> bool:
        """Does the embedder read the whole text? What it does not read must not be matched by meaning."""
        return self._embedder.fits(text)

    def embed(self, text: str) -> Vector:
        """The text's vector, shape (dimension,), length 1. Raises ``EmbedderError``."""
        vector: Vector = self._embedder.embed([text])[0]
        return vector

    def embed_all(self, texts: Sequence[str]) -> Vectors:
        """The texts' vectors, shape (texts, dimension). Raises ``EmbedderError``."""
        return self._embedder.embed(texts)

    def any_comparable(self, call: Call) -> bool:
        """Is there anything at all to compare with? Asked before embedding, which costs more."""
        if call.fuzzy is None:
            return False
        if self._entries.count_compatible(call.fuzzy.compat_key, self.embedder_id, 1) > 0:
            return True
        earlier = call.earlier
        return earlier is not None and self._entries.any_loosely_compatible(earlier.loose_key, self.embedder_id)

    def nearest(self, call: Call, vector: Vector, least: float) -> list[Candidate]:
        """The nearest entries with an equal history, nearest first; below cosine ``least`` only the very nearest.

        Behind them, where policy lets histories match by meaning, the nearest whose histories are alike.
        """
        if call.fuzzy is None:
            return []
        found = self._with_equal_history(call, call.fuzzy, vector, least)
        if call.earlier is None:
            return found
        return [*found, *self._with_like_history(call, call.fuzzy, call.earlier, vector, least)]

    def _with_equal_history(self, call: Call, fuzzy: Fuzzy, vector: Vector, least: float) -> list[Candidate]:
        policy = call.policy
        if self._entries.count_compatible(fuzzy.compat_key, self.embedder_id, DIRECT + 1) <= DIRECT:
            scored = _compare(vector, self._entries.compatible_vectors(fuzzy.compat_key, self.embedder_id))
            return self._load(scored[: policy.max_candidates], fuzzy, least)
        return self._ask_index(fuzzy, vector, call.scope.partition, policy, least)

    def _with_like_history(
        self, call: Call, fuzzy: Fuzzy, earlier: Earlier, vector: Vector, least: float
    ) -> list[Candidate]:
        """Raises ``EmbedderError``."""
        partition = call.scope.partition
        found = self._index.query(partition, self.embedder_id, vector, call.policy.max_candidates)
        pending = _compare(vector, self._indexer.pending_in(partition))
        scored = {id_: similarity for id_, similarity in _merged(found, pending) if similarity >= least}
        known = self._entries.by_ids(list(scored))
        candidates: list[Candidate] = []
        for id_, similarity in scored.items():
            entry = known.get(id_)
            if entry is None or entry.loose_key != earlier.loose_key or entry.compat_key == fuzzy.compat_key:
                continue
            turns = differing(earlier, entry.earlier, self.embed_all, self.fits, least)
            if turns is not None:
                candidates.append(Candidate(entry, similarity, "semantic", turns=turns))
            if len(candidates) == ENOUGH:
                break
        return candidates

    def add(self, entry: Entry, vector: Vector) -> None:
        """Queue a stored entry for the index."""
        if entry.compat_key is not None:
            self._indexer.put(Pending(entry.id, entry.compat_key, entry.partition, vector))

    def _ask_index(self, fuzzy: Fuzzy, vector: Vector, partition: str, policy: Policy, least: float) -> list[Candidate]:
        pending = _compare(vector, self._indexer.pending(fuzzy.compat_key))
        found = self._index.query(partition, self.embedder_id, vector, policy.candidates)
        candidates = self._load(_merged(found, pending), fuzzy, least)
        if len(found) < policy.candidates or found[-1][1] < least:
            return candidates
        if policy.similarity_threshold is None and len(candidates) >= ENOUGH:
            # Whether farther ones would do is the verifier's to say, and it is asked about the best few only.
            return candidates
        # While the farthest neighbour is near enough, a compatible one may lie behind strangers.
        found = self._index.query(partition, self.embedder_id, vector, policy.max_candidates)
        return self._load(_merged(found, pending), fuzzy, least)

    def _load(self, scored: Sequence[tuple[str, float]], fuzzy: Fuzzy, least: float) -> list[Candidate]:
        """Read the entries worth deciding on: all from ``least`` on, and the nearest below it for the record."""
        above = sum(similarity >= least for _, similarity in scored)
        # Below it, five are enough to find the nearest one that is compatible.
        known = self._entries.by_ids([id_ for id_, _ in scored[: above + 5]])
        candidates: list[Candidate] = []
        for id_, similarity in scored[: above + 5]:
            if similarity < least and candidates:
                break
            entry = known.get(id_)
            if entry is not None and entry.compat_key == fuzzy.compat_key:
                candidates.append(Candidate(entry, similarity, "semantic"))
        return candidates


def _merged(found: Sequence[tuple[str, float]], pending: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    seen = {id_ for id_, _ in found}
    return sorted([*found, *(item for item in pending if item[0] not in seen)], key=lambda item: -item[1])


def _compare(vector: Vector, stored: Sequence[tuple[str, Vector]]) -> list[tuple[str, float]]:
    # An endpoint may have changed its model, and with it the dimension, behind an unchanged name.
    stored = [(id_, other) for id_, other in stored if other.shape == vector.shape]
    if not stored:
        return []
    # Rounding puts equal vectors a little above 1.
    similarities = np.minimum(np.stack([other for _, other in stored]) @ vector, 1.0)
    order = np.argsort(-similarities, kind="stable")
    return [(stored[i][0], float(similarities[i])) for i in order]
