"""Prometheus metrics. Few labels, never a user or a prompt."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_SIMILARITIES = tuple(round(0.70 + 0.01 * step, 2) for step in range(31))
MOST_MODELS = 100
"""Model names are the callers' to choose; beyond this many they count as ``other``."""


class Metrics:
    """The metrics of one server, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._models: set[str] = set()
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
        self.tokens_saved = Counter("reprise_tokens_saved", "Tokens of replayed answers.", ("type",), registry=registry)
        self.cost_saved = Counter("reprise_cost_saved_usd", "Price of replayed answers.", registry=registry)
        self.collapsed = Counter("reprise_collapsed_requests", "Calls that joined one in flight.", registry=registry)
        self.failures = Counter(
            "reprise_store_errors", "Failures of a part that calls got by without.", ("part",), registry=registry
        )
        self.inflight = Gauge("reprise_inflight", "Calls being answered.", registry=registry)
        self.entries = Gauge("reprise_entries", "Stored answers that may be served.", registry=registry)
        self.queue = Gauge("reprise_writer_queue", "Writes waiting for SQL.", registry=registry)

    def model_label(self, model: str) -> str:
        """The model's name while names are few, else ``other``."""
        if model in self._models or len(self._models) < MOST_MODELS:
            self._models.add(model)
            return model
        return "other"
