"""The life of the semantic tier: opening embedder and index, mending what is missing, rebuilding, closing.

Calls are answered without it until it is open, and while it fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Iterable, Iterator

import structlog

from cache.lookup import Cache
from cache.neighbours import Neighbours
from cache.verifier import VerifierError
from proxy.config import StoreSettings
from proxy.health import Health
from proxy.labels.learning import Learning
from store.directory import DataDirectory
from store.embedder import Embedder, EmbedderError, EmbedderSpec, load_embedder
from store.embedder.recent import RecentEmbedder
from store.entries import Entries
from store.errors import StoreError
from store.indexer import Indexer
from store.vectors import ChromaIndex

EMBEDDED_AT_ONCE = 64
"""Entries between two looks at whether the server is to stop."""
RENEWED = 20_000
"""Vectors written again at once after some were removed: some ten seconds' worth."""

_log = structlog.get_logger(__name__)


class SemanticTier:
    """Embedder, vector index and indexer of one data directory."""

    def __init__(
        self,
        settings: StoreSettings,
        directory: DataDirectory,
        entries: Entries,
        cache: Cache,
        learning: Learning,
        health: Health,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._entries = entries
        self._cache = cache
        self._learning = learning
        self._health = health
        self._index: ChromaIndex | None = None
        self._indexer: Indexer | None = None
        self._embedder: Embedder | None = None
        self._stopping = threading.Event()

    async def start(self) -> None:
        """Open the tier, then embed what another embedder left behind, which may take minutes."""
        try:
            await asyncio.to_thread(self.open)
        except Exception as error:  # noqa: BLE001  models and indexes fail in ways of their own; calls go on without
            self._health.failed(error, None if isinstance(error, EmbedderError | StoreError) else "embedder")
            _log.error("the semantic tier is off", error=str(error))
        finally:
            self._health.started("embedder")
        try:
            await asyncio.to_thread(self.mend, others=True)
        except (EmbedderError, StoreError) as error:
            self._health.failed(error)

    def open(self, *, mending: bool = True) -> None:
        """Open index and embedder; with ``mending``, write to the index what it lacks of SQL.

        Raises:
            StoreError: the index cannot be opened.
            EmbedderError: the embedder cannot be made ready.
        """
        index = ChromaIndex(self._directory.vectors)
        embedder = RecentEmbedder(load_embedder(embedder_spec(self._settings), self._settings.embedder.cache_dir))
        indexer = Indexer(self._entries, index, embedder.id, self._health.failed)
        if mending and index.count(embedder.id) < self._entries.count_indexed(embedder.id):
            _log.warning("the vector index holds less than SQL: writing it again")
            indexer.rewrite()
        elif mending:
            indexer.catch_up()
        try:
            self._learning.open(embedder.id)
        except VerifierError as error:
            # Answers are stored and embedded all the same, and policies with a fixed threshold serve them.
            self._health.failed(error)
        self._embedder, self._indexer, self._index = embedder, indexer, index
        self._cache.neighbours = Neighbours(self._entries, index, indexer, embedder)

    def mend(self, *, others: bool = False, patience: float = math.inf) -> int:
        """Embed what has no vector (or another embedder's), write to the index what it lacks; gives how many.

        Args:
            patience: seconds after which the rest is left to the next time.

        Raises:
            StoreError, EmbedderError: it will be tried again.
        """
        if self._indexer is None or self._embedder is None:
            return 0
        self._embed_missing(self._embedder, others=others, until=time.monotonic() + patience)
        return self._indexer.catch_up()

    def reindex(self) -> int:
        """Write the whole index again from SQL; gives how many vectors. Raises as ``mend``."""
        if self._indexer is None or self._embedder is None:
            raise StoreError("the semantic tier is not running")
        self._embed_missing(self._embedder, others=True)
        return self._indexer.rewrite(self._index.compact if self._index is not None else lambda: None)

    def forget(self, rows: list[tuple[str, str, str]]) -> None:
        """Remove (id, partition, embedder) from the index, or from what is on its way there. Raises ``StoreError``."""
        if self._indexer is None:
            raise StoreError("the vector index is not open")
        together: dict[tuple[str, str], list[str]] = {}
        for id_, partition, embedder in rows:
            together.setdefault((partition, embedder), []).append(id_)
        for (partition, embedder), ids in together.items():
            self._indexer.discard(partition, embedder, ids)

    def renew(self, partitions: Iterable[str]) -> bool:
        """Write the part of the index that holds these partitions again, without what was removed from it.

        False where it is too large for that now: ``reindex`` does it. Raises ``StoreError``.
        """
        index, indexer, embedder = self._index, self._indexer, self._embedder
        if index is None or indexer is None or embedder is None:
            return True
        names = {index.collection_of(partition, embedder.id) for partition in partitions}
        held = self._entries.indexed_in(embedder.id)
        together = [partition for partition in held if index.collection_of(partition, embedder.id) in names]
        if sum(held[partition] for partition in together) > RENEWED:
            return False
        indexer.renew(lambda: index.drop(names), together, index.compact)
        return True

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Hold off what is written to the index; searches go on. Nothing is written before it is open."""
        with self._indexer.still() if self._indexer is not None else contextlib.nullcontext():
            yield

    def embedder(self) -> Embedder | None:
        """The embedder in use; None until the tier is open."""
        return self._embedder

    @property
    def is_open(self) -> bool:
        """Does it serve?"""
        return self._indexer is not None

    def stop(self) -> None:
        """Ask long work to end after its present step."""
        self._stopping.set()

    def close(self) -> None:
        """Write what is queued for the index."""
        if self._indexer is not None:
            self._indexer.close()

    def _embed_missing(self, embedder: Embedder, *, others: bool, until: float = math.inf) -> None:
        last = ""
        while not self._stopping.is_set() and time.monotonic() < until:
            rows = self._entries.to_embed(embedder.id, EMBEDDED_AT_ONCE, after=last, others=others)
            if not rows:
                return
            last = rows[-1][0]
            made, failure = [], None
            for id_, prompt in rows:
                try:
                    made.append((id_, embedder.embed([prompt])[0] if embedder.fits(prompt) else None))
                except EmbedderError as error:
                    # One prompt that it refuses must not keep the others waiting.
                    failure = error
            self._entries.set_vectors(embedder.id, made)
            if failure is not None and not made:
                raise failure


def embedder_spec(settings: StoreSettings) -> EmbedderSpec:
    """The configured embedder."""
    given = settings.embedder
    key = given.api_key.get_secret_value() if given.api_key else None
    return EmbedderSpec(given.model, given.api_base, key, given.quantize, given.threads)
