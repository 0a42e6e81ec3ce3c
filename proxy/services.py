"""Everything a running server is made of, built from the configuration and closed in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from cache.lookup import Cache
from cache.neighbours import Neighbours
from memory.interactions import Interactions
from memory.statistics import Statistics
from proxy.auth import Authenticator
from proxy.config import Settings
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.pipeline import Pipeline
from proxy.policies import build_policies
from proxy.prices import load_prices
from proxy.recorder import Recorder
from proxy.upstreams.base import Upstream
from proxy.upstreams.direct import DirectUpstream
from proxy.upstreams.litellm_sdk import LiteLLMUpstream
from proxy.upstreams.router import Router
from store.database import Database
from store.directory import DataDirectory
from store.embedder import Embedder, EmbedderError, EmbedderSpec, load_embedder
from store.entries import Entries
from store.errors import StoreError
from store.indexer import Indexer
from store.vectors import ChromaIndex, VectorIndex

_log = structlog.get_logger(__name__)


@dataclass
class Services:
    """The parts of one server."""

    settings: Settings
    directory: DataDirectory
    database: Database
    entries: Entries
    cache: Cache
    interactions: Interactions
    statistics: Statistics
    authenticator: Authenticator
    router: Router
    upstreams: Mapping[str, Upstream]
    direct: DirectUpstream
    pipeline: Pipeline
    metrics: Metrics
    health: Health
    index: VectorIndex | None = None
    indexer: Indexer | None = None
    embedder: Embedder | None = field(default=None)

    async def start_semantic(self) -> None:
        """Load embedder and vector index; calls are answered meanwhile, without the semantic tier."""
        try:
            await asyncio.to_thread(self._open_semantic)
            self.health.started("embedder")
            # Another embedder's entries may take minutes; they are found by meaning as they get done.
            await asyncio.to_thread(self.mend, others=True)
        except (EmbedderError, StoreError) as error:
            self.health.failed(error)
            _log.error("the semantic tier is off", error=str(error))
        finally:
            self.health.started("embedder")

    def _open_semantic(self) -> None:
        self.index = ChromaIndex(self.directory.vectors)
        self.embedder = load_embedder(embedder_spec(self.settings), self.settings.store.embedder.cache_dir)
        self.indexer = Indexer(self.entries, self.index, self.embedder.id, self.health.failed)
        if self.index.count(self.embedder.id) < self.entries.count_indexed(self.embedder.id):
            _log.warning("the vector index holds less than SQL: writing it again")
            self.index.reset()
            self.entries.forget_index()
        self.indexer.catch_up()
        self.cache.neighbours = Neighbours(self.entries, self.index, self.indexer, self.embedder)

    def mend(self, *, others: bool = False) -> int:
        """Embed what has no vector (or another embedder's), write to the index what it lacks; gives how many.

        Raises:
            StoreError, EmbedderError: it will be tried again.
        """
        if self.indexer is None or self.embedder is None:
            return 0
        embed_missing(self.entries, self.embedder, others=others)
        return self.indexer.catch_up()

    def reindex(self) -> int:
        """Write the whole vector index again from SQL; gives how many vectors. Raises ``StoreError``."""
        if self.index is None or self.indexer is None or self.embedder is None:
            raise StoreError("the semantic tier is not running")
        return rebuild_index(self.entries, self.index, self.indexer, self.embedder)

    async def close(self) -> None:
        """Finish what is queued and close everything."""
        for upstream in self.upstreams.values():
            await upstream.close()
        await asyncio.to_thread(self._close_stores)

    def _close_stores(self) -> None:
        self.cache.close()
        self.entries.flush()
        if self.indexer is not None:
            self.indexer.close()
        self.database.close()
        self.directory.release()


def build_services(settings: Settings) -> Services:
    """Open the data directory and put the parts together.

    Raises:
        StoreError: the data directory cannot be used, or another server holds it.
    """
    directory = DataDirectory(settings.server.data_dir)
    directory.prepare()
    directory.hold({"pid": os.getpid(), "host": settings.server.host, "port": settings.server.port})
    database = Database(directory.database, settings.store.durability)
    metrics = Metrics()
    health = Health(metrics)
    entries = Entries(database, settings.store.memory_entries, health.told_of_entries)
    cache = Cache(entries, None, health)
    interactions = Interactions(database)
    recorder = Recorder(interactions, metrics, health, load_prices(), log_calls=settings.memory.interactions.llm)
    authenticator = Authenticator(settings.auth, directory.secret())
    router = Router(settings.model_list, settings.server)
    direct = DirectUpstream(settings.server.connect_timeout)
    upstreams: dict[str, Upstream] = {"direct": direct, "litellm": LiteLLMUpstream()}
    policies = build_policies(settings.cache, settings.store.embedder)
    return Services(
        settings=settings,
        directory=directory,
        database=database,
        entries=entries,
        cache=cache,
        interactions=interactions,
        statistics=Statistics(database),
        authenticator=authenticator,
        router=router,
        upstreams=upstreams,
        direct=direct,
        pipeline=Pipeline(settings, policies, authenticator, router, upstreams, cache, recorder),
        metrics=metrics,
        health=health,
    )


def embedder_spec(settings: Settings) -> EmbedderSpec:
    """The configured embedder."""
    given = settings.store.embedder
    key = given.api_key.get_secret_value() if given.api_key else None
    return EmbedderSpec(given.model, given.api_base, key, given.quantize, given.threads)


def rebuild_index(entries: Entries, index: VectorIndex, indexer: Indexer, embedder: Embedder) -> int:
    """Empty the index and fill it from SQL, embedding what has no vector of this embedder yet."""
    index.reset()
    embed_missing(entries, embedder, others=True)
    entries.forget_index()
    return indexer.catch_up()


def embed_missing(entries: Entries, embedder: Embedder, *, others: bool) -> None:
    """Embed the prompts of entries that have no vector; with ``others``, of those with another embedder's too."""
    while rows := entries.to_embed(embedder.id, 64, others=others):
        made = [(id_, embedder.embed([prompt])[0] if embedder.fits(prompt) else None) for id_, prompt in rows]
        entries.set_vectors(embedder.id, made)
