"""Everything a running server is made of, built from the configuration and closed in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cache.lookup import Cache
from cache.quota import WriteQuota
from memory.interactions import Interactions
from memory.statistics import Statistics
from proxy.auth import Authenticator
from proxy.config import CacheSettings, Settings
from proxy.feedback import Feedback
from proxy.health import Health
from proxy.judge import Judge
from proxy.labelling import Labelling
from proxy.learning import Learning
from proxy.metrics import Metrics
from proxy.pipeline import Pipeline
from proxy.policies import build_policies
from proxy.prices import load_prices
from proxy.reactions import Reactions
from proxy.recorder import Recorder
from proxy.semantic import SemanticTier
from proxy.upstreams.base import Upstream
from proxy.upstreams.direct import DirectUpstream
from proxy.upstreams.litellm_sdk import LiteLLMUpstream
from proxy.upstreams.router import Router
from store.database import Database
from store.directory import DataDirectory
from store.entries import Entries
from store.labels import Labels


@dataclass
class Services:
    """The parts of one server."""

    settings: Settings
    directory: DataDirectory
    database: Database
    entries: Entries
    labels: Labels
    cache: Cache
    learning: Learning
    interactions: Interactions
    feedback: Feedback
    statistics: Statistics
    authenticator: Authenticator
    router: Router
    upstreams: Mapping[str, Upstream]
    direct: DirectUpstream
    pipeline: Pipeline
    reactions: Reactions
    labelling: Labelling
    metrics: Metrics
    health: Health
    semantic: SemanticTier

    async def close(self) -> None:
        """Finish what is queued and close everything."""
        await self.labelling.close()
        for upstream in self.upstreams.values():
            await upstream.close()
        await asyncio.to_thread(self._close_stores)

    def _close_stores(self) -> None:
        self.cache.close()
        self.reactions.close()
        self.entries.flush()
        self.semantic.close()
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
    entries = Entries(database, settings.store.memory_entries, health.told_of("entries"))
    labels = Labels(database, health.told_of("labels"))
    cache = Cache(entries, None, health, verdicts=labels, may_store=_quota(settings.cache, metrics))
    policies = build_policies(settings.cache)
    budgets = [policy.max_error_rate for policy in policies.values()]
    learning = Learning(settings.cache.verifier, budgets, labels, entries, cache, probation=settings.cache.probation)
    interactions = Interactions(database)
    reactions = Reactions(entries, labels, health.told_of("labels"))
    log_calls = settings.memory.interactions.llm
    recorder = Recorder(interactions, metrics, health, load_prices(), reactions, log_calls=log_calls)
    authenticator = Authenticator(settings.auth, directory.secret())
    router = Router(settings.model_list, settings.server)
    direct = DirectUpstream(settings.server.connect_timeout)
    upstreams: dict[str, Upstream] = {"direct": direct, "litellm": LiteLLMUpstream()}
    semantic = SemanticTier(settings.store, directory, entries, cache, learning, health)
    judging = settings.cache.judge
    labelling = Labelling(
        labels,
        semantic.embedder,
        metrics,
        outcome=health.told_of("labels"),
        told=learning.told,
        judge=Judge(judging, router, upstreams, metrics) if judging.model is not None else None,
        judge_audits=judging.audits,
    )
    return Services(
        settings=settings,
        directory=directory,
        database=database,
        entries=entries,
        labels=labels,
        cache=cache,
        learning=learning,
        interactions=interactions,
        feedback=Feedback(interactions, entries, labels, learning.told),
        statistics=Statistics(database),
        authenticator=authenticator,
        router=router,
        upstreams=upstreams,
        direct=direct,
        pipeline=Pipeline(settings, policies, authenticator, router, upstreams, cache, recorder, reactions, labelling),
        labelling=labelling,
        reactions=reactions,
        metrics=metrics,
        health=health,
        semantic=semantic,
    )


def _quota(settings: CacheSettings, metrics: Metrics) -> Callable[[str], bool]:
    """Says whether a namespace may store one more answer, and counts what it may not."""
    if settings.writes_per_minute is None:
        return lambda namespace: True
    quota = WriteQuota(settings.writes_per_minute)

    def may_store(namespace: str) -> bool:
        allowed = quota.allow(namespace)
        if not allowed:
            metrics.writes_refused.inc()
        return allowed

    return may_store
