"""The cache: looks a call up in its tiers, decides, and stores what may be stored.

IO is here and rules are elsewhere: ``cache.decision`` decides, ``cache.classes`` says which tiers a call may use. A
failing store or embedder is a miss, reported to a ``Watch`` and never raised.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from cache import answers
from cache.call import Call
from cache.classes import allowed_tiers, classes_of
from cache.decision import Bypass, Candidate, Decision, Hit, Miss, Reason, decide
from cache.neighbours import Neighbours
from cache.policy import Tier
from store.embedder import EmbedderError
from store.entries import Entries, Entry
from store.errors import StoreError
from store.ids import new_id
from store.vectors import Vector

SEARCH_PATIENCE = 2.0
"""Seconds that a call waits for the tiers before it is forwarded without them."""
EMBEDDING_PATIENCE = 1.0
"""Seconds that an answer waits for its prompt's vector; without one it is found by meaning only after a sweep."""


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
    """The prompt's embedding, ready or being computed; None where the answer will not be found by meaning."""

    @property
    def unsearched(self) -> bool:
        """Has only memory been looked at yet?"""
        return self.decision.reason == Reason.UNSEARCHED

    @property
    def shareable(self) -> bool:
        """May identical calls in flight share one answer?"""
        return "exact" in self.tiers and isinstance(self.decision, Miss) and self.decision.reason != Reason.REFRESH


class Cache:
    """Both tiers behind one lookup.

    Args:
        entries: stored answers.
        neighbours: the semantic tier; None switches it off.
        watch: told of failures and successes.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        entries: Entries,
        neighbours: Neighbours | None,
        watch: Watch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._entries = entries
        self.neighbours = neighbours
        self._watch = watch
        self._clock = clock
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="reprise-lookup")

    def glance(self, call: Call) -> Lookup:
        """What memory alone can say: a bypass, an exact hit, or that a search is needed (``Reason.UNSEARCHED``)."""
        tiers, refused = allowed_tiers(classes_of(call.body, call.policy), call.policy)
        if not tiers:
            return Lookup(Bypass(refused or Reason.NO_TIER))
        if call.refresh:
            return Lookup(Miss(Reason.REFRESH), tiers)
        found = self._entries.in_memory(call.exact_key) if "exact" in tiers else None
        decision = self._decide_exact(call, found or ())
        return Lookup(decision if isinstance(decision, Hit) else Miss(Reason.UNSEARCHED), tiers)

    async def search(self, call: Call, tiers: frozenset[Tier]) -> Lookup:
        """Search the tiers in SQL and by meaning. Never raises for a failing or slow tier: that is a miss."""
        searching = asyncio.get_running_loop().run_in_executor(self._threads, self._search, call, tiers)
        try:
            return await asyncio.wait_for(searching, SEARCH_PATIENCE)
        except TimeoutError as error:
            self._watch.failed(error)
            return Lookup(Miss(Reason.TIER_FAILED), tiers)

    async def lookup(self, call: Call) -> Lookup:
        """``glance``, then ``search`` where that is needed."""
        seen = self.glance(call)
        return await self.search(call, seen.tiers) if seen.unsearched else seen

    def hit(self, entry: Entry) -> None:
        """Count that an entry was served."""
        self._entries.touch(entry.id, self._clock())

    async def store(self, call: Call, lookup: Lookup, answer: Mapping[str, Any], interaction_id: str) -> Entry | None:
        """Queue a fresh answer for storing, if it may be stored; None otherwise."""
        if not call.store or not lookup.tiers or not answers.is_complete(answer):
            return None
        calls_tools = answers.has_tool_calls(answer)
        if calls_tools and call.policy.store_tool_calls == "never":
            return None
        by_meaning = not calls_tools or call.policy.store_tool_calls == "semantic"
        embedding = (lookup.vector or self._embedding(call, lookup.tiers)) if by_meaning else None
        vector = await self._await_vector(embedding) if embedding is not None else None
        entry = self._entry(call, answer, interaction_id, by_meaning=embedding is not None, calls_tools=calls_tools)
        embedder = self.neighbours.embedder_id if self.neighbours else None
        self._entries.add(entry, vector, embedder, replace=call.refresh)
        if self.neighbours is not None and vector is not None:
            self.neighbours.add(entry, vector)
        return entry

    def close(self) -> None:
        """Stop the lookup threads."""
        self._threads.shutdown(wait=True)

    def _decide_exact(self, call: Call, found: Sequence[Entry]) -> Hit | Miss:
        candidates = [Candidate(entry, 1.0, "exact") for entry in found]
        return decide(None, candidates, call.policy, self._clock())

    def _search(self, call: Call, tiers: frozenset[Tier]) -> Lookup:
        """Both tiers, on a lookup thread: SQL, embedding and index block."""
        decision: Hit | Miss = Miss(Reason.NO_ENTRY)
        if "exact" in tiers:
            try:
                decision = self._decide_exact(call, self._entries.by_exact_key(call.exact_key))
                self._watch.worked("database")
            except StoreError as error:
                self._watch.failed(error)
                decision = Miss(Reason.TIER_FAILED)
        if "semantic" not in tiers or isinstance(decision, Hit):
            return Lookup(decision, tiers)
        nearest, vector = self._search_semantic(call)
        if isinstance(nearest, Hit) or decision.reason == Reason.NO_ENTRY:
            decision = nearest
        return Lookup(decision, tiers, vector)

    def _search_semantic(self, call: Call) -> tuple[Hit | Miss, Future[Vector | None] | None]:
        refusal = self._refuse_semantic(call)
        if refusal is not None or self.neighbours is None or call.fuzzy is None:
            return Miss(refusal or Reason.TIER_FAILED), None
        threshold = call.policy.similarity_threshold
        try:
            if threshold is None or not self.neighbours.any_compatible(call.fuzzy):
                reason = Reason.NO_ENTRY if threshold is not None else Reason.UNCALIBRATED
                return Miss(reason), self._submit(call.fuzzy.text)
            vector = self.neighbours.embed(call.fuzzy.text)
            candidates = self.neighbours.nearest(call.fuzzy, vector, call.scope.partition, call.policy)
        except (StoreError, EmbedderError) as error:
            self._watch.failed(error)
            return Miss(Reason.TIER_FAILED), None
        # Not the vectors: an index that answers may still have lost what could not be written to it.
        self._watch.worked("embedder")
        decision = decide(call.fuzzy.text, candidates, call.policy, self._clock())
        if isinstance(decision, Miss) and not candidates:
            decision = Miss(Reason.NOTHING_SIMILAR)
        return decision, _ready(vector)

    def _refuse_semantic(self, call: Call) -> Reason | None:
        if call.fuzzy is None:
            return Reason.EXACT_ONLY
        if self.neighbours is None:
            return Reason.TIER_FAILED
        return None if self.neighbours.fits(call.fuzzy.text) else Reason.BEYOND_WINDOW

    def _embedding(self, call: Call, tiers: frozenset[Tier]) -> Future[Vector | None] | None:
        if "semantic" not in tiers or self._refuse_semantic(call) is not None or call.fuzzy is None:
            return None
        return self._submit(call.fuzzy.text)

    def _submit(self, text: str) -> Future[Vector | None]:
        """Embed while the upstream works: the answer's entry will need it."""
        return self._threads.submit(self._embed, text)

    def _embed(self, text: str) -> Vector | None:
        try:
            return self.neighbours.embed(text) if self.neighbours else None
        except EmbedderError as error:
            self._watch.failed(error)
            return None

    async def _await_vector(self, embedding: Future[Vector | None]) -> Vector | None:
        """The vector, unless it takes too long: the caller waits for its answer meanwhile."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(embedding), EMBEDDING_PATIENCE)
        except TimeoutError as error:
            self._watch.failed(error)
            return None

    def _entry(
        self, call: Call, answer: Mapping[str, Any], interaction_id: str, *, by_meaning: bool, calls_tools: bool
    ) -> Entry:
        now = self._clock()
        alpha, beta = answers.prior(answer)
        return Entry(
            id=new_id("ent"),
            exact_key=call.exact_key,
            compat_key=call.fuzzy.compat_key if call.fuzzy and by_meaning else None,
            partition=call.scope.partition,
            namespace=call.scope.namespace,
            model=call.body.get("model"),
            prompt=call.fuzzy.text if call.fuzzy else None,
            answer=dict(answer),
            created_at=now,
            expires_at=now + call.policy.ttl,
            alpha=alpha,
            beta=beta,
            has_tool_calls=calls_tools,
            source_interaction_id=interaction_id,
            tags=call.tags,
        )


def _ready(vector: Vector) -> Future[Vector | None]:
    done: Future[Vector | None] = Future()
    done.set_result(vector)
    return done
