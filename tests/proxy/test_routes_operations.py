"""Statistics, metrics, health and what an operator does."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from proxy.errors import InvalidRequest
from proxy.routes.statistics import read_window
from store.embedder import EmbedderError
from store.errors import DatabaseError, VectorIndexError
from tests.proxy.fakes import MESSAGES

CHAT = {"model": "m", "messages": MESSAGES}
A, B, ADMIN = ({"authorization": f"Bearer {key}"} for key in ("team-a-key-00", "team-b-key-00", "admin-key-000"))
KEYS = {
    "keys": [
        {"key": "team-a-key-00", "namespace": "team-a"},
        {"key": "team-b-key-00", "namespace": "team-b"},
        {"key": "admin-key-000", "namespace": "ops", "role": "admin"},
    ]
}


async def chat(client, headers=None):
    response = await client.post("/v1/chat/completions", json=CHAT, headers=headers)
    assert response.status_code == 200, response.text
    return response


async def stats(client, headers=None, query=""):
    response = await client.get(f"/stats{query}", headers=headers)
    assert response.status_code == 200, response.text
    return response.json()


# Statistics


async def test_statistics_count_calls_and_hits(run_app, model):
    async with run_app(vectors={}) as (client, _):
        for _ in range(4):
            await chat(client)
        found = await stats(client)
    assert (found["requests"], found["hits"], found["hit_rate"], found["failures"]) == (4, 3, 0.75, 0)
    assert found["tiers"]["exact"] == {"hits": 3, "hit_rate": 0.75}
    assert found["misses"] == {"count": 1, "reasons": {"no_entry": 1}}
    assert found["tokens"]["saved"] == 3 * 12
    assert [row["model"] for row in found["by"]["model"]] == ["m"]


async def test_a_client_sees_the_statistics_of_its_own_namespace(run_app, model):
    async with run_app(auth=KEYS) as (client, _):
        await chat(client, A)
        await chat(client, B)
        await chat(client, B)
        assert [(await stats(client, headers))["requests"] for headers in (A, B, ADMIN)] == [1, 2, 3]


async def test_statistics_are_the_same_after_a_restart(run_app, model, tmp_path):
    kept = {"data_dir": str(tmp_path / "data")}
    async with run_app(server=kept) as (client, _):
        await chat(client)
        before = await stats(client)
    async with run_app(server=kept) as (client, _):
        after = await stats(client)
        assert (await chat(client)).headers["x-reprise-cache"] == "hit"
    before.pop("since"), after.pop("since")
    assert after == before


async def test_the_window_is_the_configured_one_unless_one_is_asked_for(run_app):
    async with run_app(stats={"window": "2h"}) as (client, _):
        assert (await stats(client))["window_seconds"] == 7200.0
        assert (await stats(client, query="?window=30m"))["window_seconds"] == 1800.0


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800.0), ("24h", 86400.0), ("7d", 604800.0), ("90", 90.0), ("3650d", 315360000.0)]
)
def test_a_window_is_a_duration(text, seconds):
    assert read_window(text, 1.0) == seconds
    assert read_window(None, 5.0) == 5.0


@pytest.mark.parametrize("text", ["", "0", "0s", "-5", "abc", "1e3", "nan", "inf", "3651d", "9" * 500, "5 m m"])
def test_a_window_that_makes_no_sense_is_refused_by_name(text):
    with pytest.raises(InvalidRequest) as caught:
        read_window(text, 1.0)
    assert caught.value.param == "window"


async def test_a_wrong_window_is_a_400_in_shape(run_app):
    async with run_app() as (client, _):
        response = await client.get("/stats?window=soon")
    assert response.status_code == 400
    assert (response.json()["error"]["param"], response.json()["error"]["type"]) == ("window", "invalid_request_error")


# Metrics


async def test_metrics_are_prometheus_text(run_app, model):
    async with run_app() as (client, _):
        await chat(client)
        await chat(client)
        response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert 'reprise_requests_total{endpoint="chat",model="m",outcome="hit"} 1.0' in response.text
    assert "reprise_entries 1.0" in response.text


async def test_metrics_hold_no_prompt_no_key_and_no_namespace(run_app, model):
    async with run_app(auth=KEYS) as (client, _):
        await chat(client, A)
        text = (await client.get("/metrics", headers=ADMIN)).text
    assert not [secret for secret in ("France", "team-a") if secret in text]


async def test_metrics_are_told_though_the_database_fails(run_app):
    async with run_app() as (client, parts):

        def fail():
            raise DatabaseError("x")

        parts.entries.count_active = fail
        with capture_logs():
            response = await client.get("/metrics")
        assert response.status_code == 200
        assert parts.health.status == "degraded"


# Health


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness", "/healthz"])
async def test_a_server_that_is_starting_is_alive(run_app, path):
    async with run_app() as (client, parts):
        parts.health.starting.add("embedder")
        response = await client.get(path)
    assert (response.status_code, response.json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("path", ["/health/readiness", "/readyz"])
async def test_readiness_is_503_while_starting_then_200(run_app, path):
    async with run_app() as (client, parts):
        parts.health.starting.add("embedder")
        starting = await client.get(path)
        parts.health.started("embedder")
        ready = await client.get(path)
    assert (starting.status_code, starting.json()["status"], starting.json()["starting"]) == (
        503,
        "starting",
        ["embedder"],
    )
    assert (ready.status_code, ready.json()["status"], ready.json()["starting"]) == (200, "ready", [])
    assert all(part["ok"] for part in ready.json()["parts"].values())


async def test_a_server_that_is_starting_answers_calls(run_app, model):
    async with run_app() as (client, parts):
        parts.health.starting.add("embedder")
        assert (await chat(client)).headers["x-reprise-cache"] == "miss"
        assert (await chat(client)).headers["x-reprise-cache"] == "hit"


@pytest.mark.parametrize(
    ("error", "part"),
    [(EmbedderError("x"), "embedder"), (VectorIndexError("x"), "vectors"), (DatabaseError("x"), "database")],
)
async def test_a_part_that_fails_shows_in_readiness_and_stays_200(run_app, error, part):
    async with run_app() as (client, parts):
        with capture_logs():
            parts.health.failed(error)
        response = await client.get("/health/readiness")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    state = response.json()["parts"][part]
    assert (state["ok"], state["failures"], state["error"]) == (False, 1, type(error).__name__)
    assert state["since"] > 1.7e9


# Reindexing


async def test_the_index_is_written_again_from_sql(run_app, model):
    async with run_app(vectors={}) as (client, parts):
        await chat(client)
        parts.index.reset()
        response = await client.post("/cache/reindex")
        assert (response.status_code, response.json()) == (200, {"status": "done", "vectors": 1})
        assert parts.index.count("fake") == 1


async def test_without_a_semantic_tier_there_is_no_index_to_write(run_app):
    async with run_app() as (client, _):
        with capture_logs():
            response = await client.post("/cache/reindex")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "unavailable")
