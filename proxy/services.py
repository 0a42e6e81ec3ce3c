"""Everything a running server is made of, built from the configuration and closed in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cache.lookup import Cache
from memory.interactions import Interactions
from memory.redaction import build_redactor
from memory.statistics.summary import Statistics
from proxy.asking import Asking
from proxy.auth import Authenticator
from proxy.backups import finish_restore
from proxy.config import Settings
from proxy.databases import driver_of
from proxy.entries.eviction import Evictor
from proxy.entries.invalidation import Invalidation
from proxy.entries.versions import Versions
from proxy.experiments.trials import Trials
from proxy.flight import Flights
from proxy.forwarding import Forwarding
from proxy.health import Health
from proxy.labels.feedback import Feedback
from proxy.labels.judge import Judge
from proxy.labels.labelling import Labelling
from proxy.labels.learning import Learning
from proxy.labels.reactions import Reactions
from proxy.live.running import Live
from proxy.metrics import Metrics
from proxy.moving.warmer import Warmer
from proxy.negative import Negatives
from proxy.pipeline import Pipeline
from proxy.policy.policies import Policies, error_budgets
from proxy.prices import load_prices
from proxy.recorder import Recorder
from proxy.remembering.assembly import Remembering, build_remembering
from proxy.remembering.conversations import Steps
from proxy.remembering.forgotten import Forgotten
from proxy.remembering.in_force import SourcesInForce
from proxy.remembering.learner import Lessons
from proxy.remembering.library import Library
from proxy.remembering.logged import Redaction
from proxy.remembering.projects import build_registry
from proxy.semantic import SemanticTier
from proxy.stale import Refresher
from proxy.upstreams.base import Upstream
from proxy.upstreams.direct import DirectUpstream
from proxy.upstreams.litellm_sdk import LiteLLMUpstream
from proxy.upstreams.router import Router
from store.catalogue import Catalogue
from store.database import Database
from store.directory import DataDirectory
from store.entries import Entries
from store.epochs import Epochs
from store.experiments import KnownExperiments
from store.jobs import Jobs
from store.labels import Labels


@dataclass
class Services:
    """The parts of one server."""

    live: Live
    directory: DataDirectory
    database: Database
    entries: Entries
    labels: Labels
    cache: Cache
    learning: Learning
    interactions: Interactions
    remembering: Remembering
    feedback: Feedback
    statistics: Statistics
    trials: Trials
    upstreams: Mapping[str, Upstream]
    direct: DirectUpstream
    pipeline: Pipeline
    warmer: Warmer
    catalogue: Catalogue
    refresher: Refresher
    negatives: Negatives
    evictor: Evictor
    invalidation: Invalidation
    versions: Versions
    reactions: Reactions
    labelling: Labelling
    metrics: Metrics
    health: Health
    semantic: SemanticTier
    epochs: Epochs
    forgotten: Forgotten
    redaction: Redaction

    @property
    def settings(self) -> Settings:
        """What is in force now."""
        return self.live.now.settings

    @property
    def policies(self) -> Policies:
        """The policies in force now."""
        return self.live.now.policies

    @property
    def authenticator(self) -> Authenticator:
        """Who may call now."""
        return self.live.now.authenticator

    @property
    def router(self) -> Router:
        """Where calls go now."""
        return self.live.now.router

    async def close(self) -> None:
        """Finish what is queued and close everything."""
        await self.refresher.close()
        await self.labelling.close()
        await self.remembering.ingesting.close()
        await self.remembering.schedule.close()
        await self.remembering.worker.close()
        await self.remembering.notifying.close()
        for upstream in self.upstreams.values():
            await upstream.close()
        await asyncio.to_thread(self._close_stores)

    def _close_stores(self) -> None:
        self.cache.close()
        self.reactions.close()
        self.versions.close()
        self.remembering.contexts.close()
        self.remembering.guidance.close()
        self.entries.flush()
        self.remembering.library.close()
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
    driver = driver_of(settings, directory)
    finish_restore(directory, driver)
    database = Database(driver, alone=True)
    experiments = KnownExperiments(database)
    live = Live(settings, directory.secret(), experiments.kept)
    metrics = Metrics()
    health = Health(metrics)
    entries = Entries(database, settings.store.memory_entries, health.told_of("entries"))
    labels = Labels(database, health.told_of("labels"))
    cache = Cache(entries, None, health, verdicts=labels, may_store=_counted(live, metrics))
    budgets = error_budgets(settings.cache)
    learning = Learning(settings.cache.verifier, budgets, labels, entries, cache, probation=settings.cache.probation)
    reactions = Reactions(entries, labels, health.told_of("labels"))
    prices = load_prices()
    jobs = Jobs(database)
    projects = build_registry(database, jobs, live)
    interactions = Interactions(database, projects.resolve)
    lessons, steps = Lessons(jobs, settings.memory), Steps(jobs, lambda: live.now.settings.memory.flows)
    forgotten, redactor = Forgotten(), build_redactor(settings.memory.redaction.engine)
    redaction = Redaction(redactor, lambda: live.now.settings.logging.redact)
    recorder = Recorder(
        interactions,
        metrics,
        health,
        prices,
        reactions,
        log_calls=live.logs_calls,
        lessons=lambda exchange, outcome: [*lessons.of(exchange, outcome), *steps.of(exchange, outcome)],
        forgotten=forgotten,
        redaction=redaction,
    )
    direct = DirectUpstream(settings.server.connect_timeout)
    upstreams: dict[str, Upstream] = {"direct": direct, "litellm": LiteLLMUpstream()}
    semantic = SemanticTier(settings.store, directory, entries, cache, learning, health)
    asking, judging = Asking(live, upstreams), settings.cache.judge
    labelling = Labelling(
        labels,
        semantic.embedder,
        metrics,
        outcome=health.told_of("labels"),
        told=learning.told,
        judge=Judge(judging, asking, metrics) if judging.model is not None else None,
        judge_audits=judging.audits,
    )
    library = Library(database, directory.chunk_vectors, SourcesInForce(live), projects, semantic.embedder, health)
    remembering = build_remembering(
        settings,
        database,
        jobs,
        projects,
        library,
        interactions,
        entries,
        live,
        asking,
        semantic.embedder,
        redactor,
        metrics,
        health,
    )
    epochs, catalogue, negatives = Epochs(database), Catalogue(database, entries), Negatives()
    invalidation = Invalidation(catalogue, entries, epochs, metrics, negatives.clear)
    versions = Versions(catalogue, lambda old: invalidation.invalidate(old, "version"), health.told_of("entries"))
    flights, forwarding = Flights(), Forwarding(upstreams, cache, recorder, labelling, versions, forgotten)
    refresher = Refresher(flights, forwarding, recorder, metrics)
    pipeline = Pipeline(
        live,
        cache,
        recorder,
        reactions,
        flights,
        forwarding,
        refresher,
        negatives,
        epochs,
        remembering.injection,
        projects.names,
    )
    return Services(
        live=live,
        directory=directory,
        database=database,
        entries=entries,
        labels=labels,
        cache=cache,
        learning=learning,
        interactions=interactions,
        remembering=remembering,
        feedback=Feedback(interactions, entries, labels, learning.told),
        statistics=Statistics(database),
        trials=Trials(database, live, experiments),
        upstreams=upstreams,
        direct=direct,
        pipeline=pipeline,
        warmer=Warmer(pipeline.place, lambda: live.now.policies.named, database, prices),
        refresher=refresher,
        negatives=negatives,
        catalogue=catalogue,
        evictor=Evictor(catalogue, entries, lambda: live.now.policies.named, metrics),
        invalidation=invalidation,
        versions=versions,
        labelling=labelling,
        reactions=reactions,
        metrics=metrics,
        health=health,
        semantic=semantic,
        epochs=epochs,
        forgotten=forgotten,
        redaction=redaction,
    )


def _counted(live: Live, metrics: Metrics) -> Callable[[str], bool]:
    """Says whether a namespace may store one more answer, and counts what it may not."""

    def may_store(namespace: str) -> bool:
        allowed = live.may_store(namespace)
        if not allowed:
            metrics.writes_refused.inc()
        return allowed

    return may_store
