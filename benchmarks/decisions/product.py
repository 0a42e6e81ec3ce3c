"""The real ``cache`` package over SQLite and Chroma in a temporary folder; no other module knows how it is built."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cache.lookup
from benchmarks.decisions.tally import Outcome
from cache import answers
from cache.call import Call
from cache.decision import Bypass, Hit
from cache.identity import Scope
from cache.judges import FixedJudges, Judges
from cache.lookup import Cache
from cache.neighbours import Neighbours
from cache.policy import Policy
from cache.verifier import Verifier
from store.database import Database
from store.embedder import Embedder
from store.entries import Entries
from store.indexer import Indexer
from store.vectors import ChromaIndex

START = 1_800_000_000.0
"""The clock at the first request, seconds since 1970."""
PATIENCE = 60.0
"""Seconds to wait for a busy machine: a timeout would count as a miss."""
LASTING = 10 * 365 * 86_400.0
"""Seconds that an answer lives: nothing expires in a replay."""


class Rules(NamedTuple):
    """How semantic candidates are admitted."""

    policy: Policy
    judges: Judges | None = None


def fixed_threshold(cosine: float) -> Rules:
    """Guards and classes, and cosine from a threshold on."""
    return Rules(Policy(ttl=LASTING, similarity_threshold=cosine, audit_rate=0.0))


def fixed_cut(verifier: Verifier, cut: float | None, history: Literal["equal", "meaning"] = "equal") -> Rules:
    """Guards and classes, and a verifier's score strictly above a cut; no audits."""
    return Rules(Policy(ttl=LASTING, audit_rate=0.0, match_history=history), FixedJudges(verifier, cut))


class Reply(NamedTuple):
    """What the caller got: the outcome, the text served or, on a miss, the fresh one; and what was served."""

    outcome: Outcome
    reason: str
    text: str
    stored_prompt: str | None = None
    similarity: float | None = None
    score: float | None = None


class Product:
    """A cache that is asked one call after another, as traffic would."""

    def __init__(self, folder: Path, embedder: Embedder, rules: Rules) -> None:
        self._rules = rules
        self.now = START
        self.failures: list[Exception] = []
        self._database = Database(folder / "reprise.db")
        entries = Entries(self._database, 100_000, self._told)
        index = ChromaIndex(folder / "chroma")
        self._indexer = Indexer(entries, index, embedder.id, self.failed)
        neighbours = Neighbours(entries, index, self._indexer, embedder)
        self._cache = Cache(entries, neighbours, self, lambda: self.now, rules.judges)

    async def ask(self, body: Mapping[str, Any], fresh: str, namespace: str = "bench") -> Reply:
        """Serve a call from the cache, or take ``fresh`` for its answer and store that."""
        call = Call(body, Scope(namespace), self._rules.policy)
        found = await self._cache.lookup(call)
        decision = found.decision
        if isinstance(decision, Hit):
            self._cache.hit(decision.entry)
            score = decision.judged.score if decision.judged else None
            text = answers.text_of(decision.entry.answer)
            return Reply(decision.tier, decision.reason, text, decision.entry.prompt, decision.similarity, score)
        await self._cache.store(call, found, _completion(fresh), "int_benchmark")
        # The next request comes when this answer is written, as with real gaps between requests.
        self._database.writer.submit("SELECT 1", ()).result(PATIENCE)
        return Reply("bypass" if isinstance(decision, Bypass) else "miss", decision.reason, fresh)

    def close(self) -> None:
        """Stop the threads; the folder may go then."""
        self._cache.close()
        self._indexer.close()
        self._database.close()

    def failed(self, error: Exception) -> None:
        """See ``cache.lookup.Watch``."""
        self.failures.append(error)

    def worked(self, *parts: str) -> None:
        """See ``cache.lookup.Watch``."""

    def _told(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.failures.append(error)


@contextlib.contextmanager
def product(embedder: Embedder, rules: Rules) -> Iterator[Product]:
    """An empty cache in a folder of its own. Raises ``RuntimeError`` at the end if any part of it failed."""
    patience = cache.lookup.SEARCH_PATIENCE, cache.lookup.EMBEDDING_PATIENCE
    cache.lookup.SEARCH_PATIENCE = cache.lookup.EMBEDDING_PATIENCE = PATIENCE
    try:
        with tempfile.TemporaryDirectory(prefix="reprise-decisions-") as folder:
            opened = Product(Path(folder), embedder, rules)
            try:
                yield opened
            finally:
                opened.close()
        if opened.failures:
            raise RuntimeError(f"{len(opened.failures)} failures in the cache, the first: {opened.failures[0]!r}")
    finally:
        cache.lookup.SEARCH_PATIENCE, cache.lookup.EMBEDDING_PATIENCE = patience


def chat(messages: Any) -> dict[str, Any]:
    """The body of a chat call."""
    return {"model": "benchmark", "messages": messages}


def _completion(text: str) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1,
        "model": "benchmark",
        "choices": [choice],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
