"""Metrics have few labels, whatever callers name their models."""

from __future__ import annotations

from prometheus_client import generate_latest

from proxy.metrics import MOST_MODELS, Metrics


def test_beyond_a_number_of_models_the_next_ones_count_as_other():
    metrics = Metrics()
    labels = [metrics.model_label(f"model-{n}") for n in range(MOST_MODELS + 5)]
    assert labels == [*(f"model-{n}" for n in range(MOST_MODELS)), *["other"] * 5]
    assert metrics.model_label("model-0") == "model-0"


def test_what_is_counted_under_other_is_not_kept_by_its_name():
    metrics = Metrics()
    for n in range(MOST_MODELS + 50):
        metrics.bound(f"model-{n}", "all", "miss", "no_entry", failed=False).requests.inc()
    text = generate_latest(metrics.registry).decode()
    assert text.count("reprise_requests_total{") == MOST_MODELS + 1
    labels = {"endpoint": "chat", "model": "other", "outcome": "miss"}
    assert metrics.registry.get_sample_value("reprise_requests_total", labels) == 50


def test_a_failed_call_is_another_outcome():
    metrics = Metrics()
    ok, failed = (metrics.bound("m", "all", "miss", "no_entry", failed=failed) for failed in (False, True))
    ok.requests.inc()
    failed.requests.inc(2)
    counts = [
        metrics.registry.get_sample_value(
            "reprise_requests_total", {"endpoint": "chat", "model": "m", "outcome": outcome}
        )
        for outcome in ("miss", "miss_failed")
    ]
    assert counts == [1, 2]


def test_two_servers_in_one_process_do_not_share_their_metrics():
    first, second = Metrics(), Metrics()
    first.collapsed.inc()
    assert second.registry.get_sample_value("reprise_collapsed_requests_total") == 0


def test_every_metric_has_the_prefix_and_says_what_it_is():
    families = list(Metrics().registry.collect())
    assert families
    assert all(family.name.startswith("reprise_") and family.documentation.endswith(".") for family in families)
