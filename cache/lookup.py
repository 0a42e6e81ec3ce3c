"""The cache: looks a call up in its tiers, decides, and stores what may be stored.

IO is here and rules are elsewhere: ``cache.decision`` decides, ``cache.classes`` says which tiers a call may use. A
failing store or embedder is a miss, reported to a ``Watch`` and never raised.
"""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from cache.call import Call
from cache.classes import allowed_tiers
from cache.decision import Bypass, Candidate, Decision, Hit, Miss, Reason, decide
from cache.judges import Judges
from cache.neighbours import Neighbours
from cache.policy import Tier
from cache.semantic import Verdicts, decide_semantic, least_similarity, marked, unpoisoned
from cache.storing import Storable, entry_of, storable
from store.embedder import EmbedderError
from store.entries import Entries, Entry
from store.errors import Withdrawn
from store.vectors import Vector

SEARCH_PATIENCE = 2.0
"""Seconds that a call waits for the tiers before it is forwarded without them."""
EMBEDDING_PATIENCE = 1.0
"""Seconds that an answer waits for its prompt's vector; without one it is found by meaning only after a sweep."""

KEPT_BACK = (Reason.AUDIT, Reason.SHADOW)
"""Would have been hits: the reason decides how their labels count."""

REST = 10.0
"""Seconds without the semantic tier after the embedder failed or took too long."""


class Watch(Protocol):
    """Told how the parts behind the cache fare, from any thread."""

    def failed(self, error: Exception) -> None:
        """One failed; the call was a miss."""

    def worked(self, *parts: str) -> None:
        """These did their work: ``database``, ``embedder``."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a lookup found, and what storing the fresh answer will need."""

    decision: Decision
    tiers: frozenset[Tier] = frozenset()
    vector: Future[Vector | None] | None = None
    """The prompt's embedding, ready or being computed; None where it was not asked for."""
    outdated: bool = False
    """Did the key hold an answer that was refused? The fresh one then takes its place."""

    @property
    def unsearched(self) -> bool:
        """Has only memory been looked at yet?"""
        return self.decision.reason == Reason.IN_FLIGHT

    @property
    def shareable(self) -> bool:
        """May identical calls in flight share one answer?"""
        alone = self.decision.reason in (Reason.REFRESH, Reason.STREAM)
        return "exact" in self.tiers and isinstance(self.decision, Miss) and not alone


class Cache:
    """Both tiers behind one lookup.

    Args:
        entries: stored answers.
        neighbours: the semantic tier; None switches it off.
        watch: told of failures and successes.
        clock: seconds since 1970.
        judges: who judges semantic candidates; without them only a policy's fixed threshold admits any.
        verdicts: pairs judged wrong before.
        chance: uniform in [0, 1): draws the hits that are audited.
        may_store: asked with the namespace before an answer is stored: is its quota of writes not used up?
    """

    def __init__(
        self,
        entries: Entries,
        neighbours: Neighbours | None,
        watch: Watch,
        clock: Callable[[], float] = time.time,
        judges: Judges | None = None,
        verdicts: Verdicts | None = None,
        chance: Callable[[], float] = random.random,
        may_store: Callable[[str], bool] = lambda namespace: True,
    ) -> None:
        self._entries = entries
        self.neighbours = neighbours
        self.judges = judges
        self._verdicts = verdicts
        self._chance = chance
        self._may_store = may_store
        self._watch = watch
        self._clock = clock
        # Apart, so that a slow embedder does not hold up the exact tier.
        self._sql_threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-exact")
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="reprise-semantic")
        self._rested = 0.0

    def glance(self, call: Call) -> Lookup:
        """What memory alone can say: a bypass, an exact hit, or that a search is needed (``Reason.IN_FLIGHT``)."""
        tiers, refused = allowed_tiers(call.classes, call.policy)
        if not tiers:
            return Lookup(Bypass(refused or Reason.NO_TIER))
        if call.refresh:
            return Lookup(Miss(Reason.REFRESH), tiers)
        if call.streamed and not call.policy.serve_streams:
            # What it brings takes the place of what is stored: else every stream would store one more.
            return Lookup(Miss(Reason.STREAM), tiers, outdated=True)
        found = self._entries.in_memory(call.exact_key) if "exact" in tiers else None
        decision = self._decide_exact(call, found or ())
        return Lookup(decision if isinstance(decision, Hit) else Miss(Reason.IN_FLIGHT), tiers)

    async def search(self, call: Call, tiers: frozenset[Tier]) -> Lookup:
        """Search SQL, then by meaning. Never raises for a failing or slow tier: that is a miss."""
        exact: Hit | Miss = Miss(Reason.NO_ENTRY)
        if "exact" in tiers:
            exact = await self._within(self._sql_threads, self._search_exact, call)
        outdated = exact.reason not in (Reason.NO_ENTRY, Reason.TIER_FAILED)
        if isinstance(exact, Hit) or "semantic" not in tiers:
            return Lookup(exact, tiers, outdated=outdated)
        vector: Future[Vector | None] | None = None
        nearest: Hit | Miss = Miss(Reason.EXACT_ONLY if call.fuzzy is None else Reason.TIER_FAILED)
        if self._meaning_works(call):
            vector = Future()
            nearest = await self._within(self._threads, self._search_semantic, call, vector)
        if isinstance(nearest, Miss) and nearest.reason not in KEPT_BACK and exact.reason != Reason.NO_ENTRY:
            # Why the same call's own answer is refused says more; the nearest other one still becomes a label.
            nearest = dataclasses.replace(exact, judged=nearest.judged)
        return Lookup(nearest, tiers, vector, outdated)

    async def lookup(self, call: Call) -> Lookup:
        """``glance``, then ``search`` where that is needed."""
        seen = self.glance(call)
        return await self.search(call, seen.tiers) if seen.unsearched else seen

    def hit(self, entry: Entry) -> None:
        """Count that an entry was served."""
        self._entries.touch(entry.id, self._clock())

    @property
    def mark(self) -> int:
        """Stands for the invalidations so far; see ``Call.asked``."""
        return self._entries.mark

    async def store(
        self,
        call: Call,
        lookup: Lookup,
        answer: Mapping[str, Any],
        interaction_id: str,
        cost: float | None = None,
    ) -> Entry | None:
        """Queue a fresh answer for storing, if it may be stored; None otherwise.

        Args:
            cost: US dollars that the answer cost; None: unknown.
        """
        may = storable(call, lookup.tiers, answer)
        if not isinstance(may, Storable) or not self._may_store(call.scope.namespace):
            return None
        if lookup.decision.reason == Reason.BEYOND_WINDOW:
            may = dataclasses.replace(may, by_meaning=False)
        vector = await self._vector(call, lookup) if may.by_meaning else None
        entry = dataclasses.replace(entry_of(call, answer, may, self._clock(), interaction_id), cost=cost)
        embedder = self.neighbours.embedder_id if self.neighbours else None
        try:
            self._entries.add(entry, vector, embedder, replace=call.refresh or lookup.outdated, asked=call.asked)
        except Withdrawn:
            return None
        if self.neighbours is not None and vector is not None:
            self.neighbours.add(entry, vector)
        return entry

    def close(self) -> None:
        """Stop the lookup threads."""
        self._sql_threads.shutdown(wait=True)
        self._threads.shutdown(wait=True)

    async def _within(self, threads: ThreadPoolExecutor, search: Callable[..., Hit | Miss], *given: Any) -> Hit | Miss:
        """What a search finds, unless it fails or takes too long: the caller waits to be forwarded meanwhile."""
        searching = asyncio.get_running_loop().run_in_executor(threads, search, *given)
        try:
            return await asyncio.wait_for(searching, SEARCH_PATIENCE)
        except Exception as error:  # noqa: BLE001  whatever a tier does, the call goes on
            self._tell(error)
            return Miss(Reason.TIER_FAILED)

    def _tell(self, error: Exception) -> None:
        """Report a failing tier, and let the embedder rest: calls that wait for it would all wait in vain."""
        self._watch.failed(error)
        if isinstance(error, EmbedderError | TimeoutError):
            self._rested = self._clock() + REST

    def _decide_exact(self, call: Call, found: Sequence[Entry]) -> Hit | Miss:
        candidates = [Candidate(entry, 1.0, "exact") for entry in found]
        return decide(None, candidates, call.policy, self._clock())

    def _search_exact(self, call: Call) -> Hit | Miss:
        decision = self._decide_exact(call, self._entries.by_exact_key(call.exact_key))
        self._watch.worked("database")
        return decision

    def _meaning_works(self, call: Call) -> bool:
        return call.fuzzy is not None and self.neighbours is not None and self._clock() >= self._rested

    def _search_semantic(self, call: Call, vector: Future[Vector | None]) -> Hit | Miss:
        """The nearest entry that may be served; ``vector`` gets the prompt's embedding, here or soon after."""
        assert self.neighbours is not None
        assert call.fuzzy is not None
        text, least = call.fuzzy.text, least_similarity(call, self.judges)
        try:
            fits = self.neighbours.fits(text)
            compatible = fits and least is not None and self.neighbours.any_comparable(call)
        except Exception:
            # Nobody will embed it; who stores the answer must not wait for that.
            vector.set_result(None)
            raise
        if not fits:
            vector.set_result(None)
            return Miss(Reason.BEYOND_WINDOW)
        if least is None or not compatible:
            # Embed while the upstream works: the answer's entry will need it.
            self._threads.submit(self._embed, text, vector)
            return Miss(Reason.UNCALIBRATED if least is None else Reason.NO_ENTRY)
        self._embed(text, vector)
        embedded = vector.result()
        if embedded is None:
            return Miss(Reason.TIER_FAILED)
        candidates: Sequence[Candidate] = self.neighbours.nearest(call, embedded, least)
        if not candidates:
            return Miss(Reason.NOTHING_SIMILAR)
        candidates = marked(call, candidates, self._verdicts)
        decision = decide_semantic(call, candidates, self.judges, self._clock(), self._chance)
        if decision.judged is not None:
            self._watch.worked("verifier")
        return unpoisoned(decision, call, embedded, self.neighbours.embed_all)

    def _embed(self, text: str, vector: Future[Vector | None]) -> None:
        """Embed a text that the embedder reads whole; None for one that it does not, or that fails."""
        embedded = None
        try:
            if self.neighbours is not None and self.neighbours.fits(text):
                embedded = self.neighbours.embed(text)
                self._watch.worked("embedder")
        except Exception as error:  # noqa: BLE001  an embedder of any kind may fail in its own way
            self._tell(error)
        vector.set_result(embedded)

    async def _vector(self, call: Call, lookup: Lookup) -> Vector | None:
        """The prompt's vector, unless it fails or takes too long: the caller waits for its answer meanwhile."""
        embedding = lookup.vector
        if call.fuzzy is None or not self._meaning_works(call):
            # The embedder rests; what is ready already is good.
            return embedding.result() if embedding is not None and embedding.done() else None
        if embedding is None:
            embedding = Future()
            self._threads.submit(self._embed, call.fuzzy.text, embedding)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(embedding)), EMBEDDING_PATIENCE)
        except TimeoutError as error:
            self._tell(error)
            return None
