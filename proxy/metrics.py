"""Prometheus metrics. Few labels, never a user or a prompt."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_SIMILARITIES = tuple(round(0.70 + 0.01 * step, 2) for step in range(31))
MOST_MODELS = 100
"""Model names are the callers' to choose; beyond this many they count as ``other``."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The labelled metrics that one kind of call moves."""

    requests: Counter
    lookups: Counter
    duration: Histogram
    similarity: Histogram


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._models: set[str] = set()
        self._bound: dict[tuple[str, str, str, str, bool], Bound] = {}
        registry = self.registry
        self.requests = Counter(
            "reprise_requests", "Calls answered.", ("endpoint", "model", "outcome"), registry=registry
        )
        self.lookups = Counter(
            "reprise_cache_lookups", "Cache decisions.", ("tier", "result", "reason"), registry=registry
        )
        self.duration = Histogram(
            "reprise_request_duration_seconds",
            "From a call's arrival to its last byte.",
            ("outcome",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.upstream = Histogram(
            "reprise_upstream_duration_seconds", "Time of upstream calls.", buckets=_SECONDS, registry=registry
        )
        self.similarity = Histogram(
            "reprise_similarity_score",
            "Cosine of the nearest candidate.",
            ("result",),
            buckets=_SIMILARITIES,
            registry=registry,
        )
        saved = Counter("reprise_tokens_saved", "Tokens of replayed answers.", ("type",), registry=registry)
        self.prompt_saved, self.completion_saved = saved.labels("prompt"), saved.labels("completion")
        self.cost_saved = Counter("reprise_cost_saved_usd", "Price of replayed answers.", registry=registry)
        self.collapsed = Counter("reprise_collapsed_requests", "Calls that joined one in flight.", registry=registry)
        self.failures = Counter(
            "reprise_store_errors", "Failures of a part that calls got by without.", ("part",), registry=registry
        )
        self.inflight = Gauge("reprise_inflight", "Upstream calls in flight.", registry=registry)
        self.writes_refused = Counter(
            "reprise_writes_refused", "Answers not stored: their namespace's quota was used up.", registry=registry
        )
        self.invalidated = Counter(
            "reprise_invalidated",
            "Stored answers taken out of service: on request, for another model version, for another epoch.",
            ("cause",),
            registry=registry,
        )
        self.evictions = Counter(
            "reprise_evictions",
            "Least valuable answers evicted to keep a policy's limit.",
            ("reason",),
            registry=registry,
        )
        self.stale_refreshes = Counter(
            "reprise_stale_refreshes",
            "Background calls for fresh answers in place of stale ones: stored, unstored, failed, skipped.",
            ("outcome",),
            registry=registry,
        )
        self.labels = Counter(
            "reprise_labels",
            "Fresh answers compared with stored ones; verdict right, wrong or none.",
            ("source", "method", "verdict"),
            registry=registry,
        )
        self.labels_dropped = Counter(
            "reprise_labels_dropped", "Comparisons given up because too many were waiting.", registry=registry
        )
        self.label_queue = Gauge("reprise_label_queue", "Comparisons waiting.", registry=registry)
        self.judge = Counter(
            "reprise_judge_calls",
            "Verdicts asked of the judging model: same, different, unclear, failed or limited.",
            ("outcome",),
            registry=registry,
        )
        self.entries = Gauge("reprise_entries", "Stored answers that may be served.", registry=registry)
        self.reloads = Counter(
            "reprise_config_reloads",
            "Looks at an edited configuration: applied, refused or unchanged.",
            ("outcome",),
            registry=registry,
        )
        self._config = Info("reprise_config", "The revision of the configuration in force.", registry=registry)
        self.input_tokens = Counter(
            "reprise_input_tokens",
            "Prompt tokens of upstream calls of which the upstream said how many it had cached; context: injected,"
            " held_out or none.",
            ("context",),
            registry=registry,
        )
        self.input_cached_tokens = Counter(
            "reprise_input_cached_tokens",
            "Of these, the ones that the upstream had in its own prompt cache.",
            ("context",),
            registry=registry,
        )
        self.backups = Counter(
            "reprise_backups", "Backups by outcome: made or failed.", ("outcome",), registry=registry
        )
        self.queue = Gauge("reprise_writer_queue", "Writes waiting for SQL.", registry=registry)
        self._of_memory(registry)
        self._of_sources(registry)
        self._of_flows(registry)

    def _of_memory(self, registry: CollectorRegistry) -> None:
        self.memory_jobs = Counter(
            "reprise_memory_jobs",
            "Jobs behind the answers: done, failed (and tried again), set_aside.",
            ("kind", "outcome"),
            registry=registry,
        )
        self.memory_queue = Gauge(
            "reprise_memory_queue", "Jobs of memory in SQL: waiting or set_aside.", ("state",), registry=registry
        )
        self.memories_moved = Counter(
            "reprise_memories_moved",
            "What calls did to memories: used, contradicted, candidates (found and stored).",
            ("outcome",),
            registry=registry,
        )
        self.memories_injected = Counter(
            "reprise_memories_injected", "Memories put into calls, each time one was.", registry=registry
        )
        self.state_injected = Counter(
            "reprise_state_injected", "Facts of projects put into calls, each time one was.", registry=registry
        )
        self.memory_rounds = Counter(
            "reprise_memory_rounds",
            "Rounds of hygiene, reading and triage: done, waiting or failed.",
            ("work", "outcome"),
            registry=registry,
        )
        self.memory_round_work = Counter(
            "reprise_memory_round_work",
            "What rounds did: memories decayed, faded, expired, embedded, merged; pairs found; candidates decided on.",
            ("work", "done"),
            registry=registry,
        )
        self.memory_readings = Counter(
            "reprise_memory_readings",
            "Interactions for the extraction model: found, nothing, doubted (too many), skipped (not asked), unreadable"
            " or failed.",
            ("outcome",),
            registry=registry,
        )
        self.memory_refused = Counter(
            "reprise_memory_refused",
            "Statements of the extraction model that did not count: unquoted, unsupported, ill-formed, too many.",
            registry=registry,
        )
        self.memory_triage = Counter(
            "reprise_memory_triage",
            "Candidates that the triage model was to decide on: approved, rejected, left, changed or failed.",
            ("outcome",),
            registry=registry,
        )

    def _of_sources(self, registry: CollectorRegistry) -> None:
        self.chunks_injected = Counter(
            "reprise_chunks_injected", "Pieces of documents put into calls, each time one was.", registry=registry
        )
        self.ingestion_runs = Counter(
            "reprise_ingestion_runs",
            "Runs over sources: done, partial, failed or stopped.",
            ("status",),
            registry=registry,
        )
        self.ingestion_seconds = Counter("reprise_ingestion_seconds", "Time of these runs.", registry=registry)
        self.ingested = Counter(
            "reprise_ingested_files",
            "Files that runs met: read, unchanged, failed, purged.",
            ("outcome",),
            registry=registry,
        )
        self.source_documents = Gauge(
            "reprise_source_documents", "Documents in SQL: ready or failed.", ("status",), registry=registry
        )
        self.source_chunks = Gauge(
            "reprise_source_chunks",
            "Pieces of documents: found, or waiting for embedder or index.",
            ("state",),
            registry=registry,
        )

    def _of_flows(self, registry: CollectorRegistry) -> None:
        self.flows_injected = Counter(
            "reprise_flows_injected", "Flows put into calls, each time one was.", registry=registry
        )
        self.analyses = Counter(
            "reprise_analyses",
            "Sessions that have ended: auto_reinforced, enhancement, new_flow (proposed), absorbed by a proposal that"
            " says so already, refused as a rejected one did, none (nothing taught), deferred (budget spent), failed,"
            " unreadable.",
            ("outcome",),
            registry=registry,
        )
        self.analyst_calls = Counter(
            "reprise_analysis_calls",
            "Calls to the model that analyses sessions: answered or failed.",
            ("outcome",),
            registry=registry,
        )
        self.notifications = Counter(
            "reprise_notifications", "Events that people were told of.", ("event",), registry=registry
        )
        self.notification_deliveries = Counter(
            "reprise_notification_deliveries",
            "Sendings of notifications: delivered, retried (to be tried again) or failed.",
            ("channel", "outcome"),
            registry=registry,
        )
        self.notification_queue = Gauge(
            "reprise_notification_queue", "Deliveries in SQL: waiting or failed.", ("state",), registry=registry
        )
        self.sessions = Gauge("reprise_sessions", "Sessions in SQL, by status.", ("status",), registry=registry)
        self.flows = Gauge("reprise_flows", "Flows: published or retired.", ("status",), registry=registry)
        self.proposals = Gauge("reprise_proposals", "Proposals in SQL, by status.", ("status",), registry=registry)
        self.analyses_waiting = Gauge(
            "reprise_session_analyses_waiting",
            "Ended sessions to be analysed: waiting, or deferred to another time.",
            ("state",),
            registry=registry,
        )
        self.analysis_calls_today = Gauge(
            "reprise_analysis_calls_today", "Calls to the analysing model today, UTC.", registry=registry
        )

    def show_revision(self, revision: str) -> None:
        """Name the revision of the configuration in force."""
        self._config.info({"revision": revision})

    def bound(self, model: str, tier: str, status: str, reason: str, *, failed: bool) -> Bound:
        """The metrics of one kind of call; looked up by labels once, not with every call."""
        key = (model, tier, status, reason, failed)
        known = self._bound.get(key)
        if known is None:
            label = self.model_label(model)
            outcome = f"{status}_failed" if failed else status
            known = Bound(
                requests=self.requests.labels("chat", label, outcome),
                lookups=self.lookups.labels(tier, status, reason),
                duration=self.duration.labels(outcome),
                similarity=self.similarity.labels(status),
            )
            if label == model:
                self._bound[key] = known
        return known

    def model_label(self, model: str) -> str:
        """The model's name while names are few, else ``other``."""
        if model in self._models or len(self._models) < MOST_MODELS:
            self._models.add(model)
            return model
        return "other"
