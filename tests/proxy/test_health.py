"""Which parts work: a failure is counted and shown, and forgotten once the part works again."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from cache.verifier import VerifierError
from proxy.health import Health
from proxy.metrics import Metrics
from store.embedder import DamagedExportError, EmbedderError
from store.errors import DatabaseError, StoreError, VectorIndexError


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def health(metrics):
    made = Health(metrics)
    made.started("embedder")
    return made


def counted(metrics, part):
    return metrics.registry.get_sample_value("reprise_store_errors_total", {"part": part})


def test_a_server_is_starting_until_its_embedder_is_up():
    health = Health(Metrics())
    assert health.status == "starting"
    health.failed(EmbedderError("x"))
    assert health.status == "starting"
    health.started("embedder")
    assert health.status == "degraded"
    health.worked("embedder")
    assert health.status == "ready"
    health.started("embedder")
    assert health.status == "ready"


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (EmbedderError("x"), "embedder"),
        (DamagedExportError("x"), "embedder"),
        (TimeoutError(), "embedder"),
        (VectorIndexError("x"), "vectors"),
        (VerifierError("x"), "verifier"),
        (DatabaseError("x"), "database"),
        (StoreError("x"), "database"),
    ],
)
def test_the_part_is_told_from_the_error(health, metrics, error, part):
    health.failed(error)
    state = health.parts[part]
    assert (state.ok, state.failures, state.error) == (False, 1, type(error).__name__)
    assert state.since is not None
    assert counted(metrics, part) == 1
    assert [name for name, other in health.parts.items() if not other.ok] == [part]


def test_a_part_that_is_named_is_the_one_that_failed(health, metrics):
    health.failed(DatabaseError("x"), "log")
    assert not health.parts["log"].ok
    assert health.parts["database"].ok
    assert counted(metrics, "log") == 1


def test_every_failure_is_counted_and_the_first_says_since_when(health, metrics):
    health.failed(DatabaseError("x"))
    since = health.parts["database"].since
    health.failed(DatabaseError("y"))
    assert (health.parts["database"].failures, health.parts["database"].since) == (2, since)
    assert counted(metrics, "database") == 2


def test_a_part_that_works_again_is_ready_and_its_failures_stay_counted(health, metrics):
    health.failed(DatabaseError("x"))
    health.failed(VectorIndexError("x"))
    assert health.status == "degraded"
    health.worked("database", "log")
    assert health.status == "degraded"
    health.worked("vectors")
    assert health.status == "ready"
    state = health.parts["database"]
    assert (state.ok, state.failures, state.error, state.since) == (True, 1, None, None)
    assert counted(metrics, "database") == 1


def test_a_failing_part_is_logged_once_and_without_the_text_of_its_error(health):
    with capture_logs() as lines:
        for _ in range(3):
            health.failed(DatabaseError("a secret value"))
        health.worked("database")
        health.worked("database")
        health.failed(DatabaseError("a secret value"))
    assert [(line["part"], line["log_level"]) for line in lines] == [
        ("database", "error"),
        ("database", "info"),
        ("database", "error"),
    ]
    assert "secret" not in str(lines)


@pytest.mark.parametrize("part", ["entries", "labels"])
def test_what_became_of_a_parts_work_is_noted(health, part):
    told = health.told_of(part)
    told(DatabaseError("x"))
    assert health.status == "degraded", "a failure shows"
    assert [name for name, other in health.parts.items() if not other.ok] == [part], "and of no other part"
    told(None)
    assert health.status == "ready", "a success ends it"
