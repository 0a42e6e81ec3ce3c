"""Parts that fail: calls go on without them, and the failure is counted and shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import Server, Upstream, answer, assemble, events, told

pytestmark = pytest.mark.slow

FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"


def assert_serves_without(server: Server, upstream: Upstream, part: str) -> None:
    """Calls are forwarded, exact hits served, nothing is found by meaning; the failure shows."""
    ready = server.http.get("/health/readiness")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    state = ready.json()["parts"][part]
    assert state["ok"] is False
    assert state["failures"] >= 1
    assert state["error"]
    assert state["since"]
    others = {name: found["ok"] for name, found in ready.json()["parts"].items() if name != part}
    assert all(others.values()), others

    before = upstream.seen[FRANCE]
    miss = server.chat(FRANCE)
    assert (miss.status_code, miss.json()["choices"]) == (200, told(FRANCE)["choices"])
    assert miss.headers["x-reprise-reason"] == "tier_failed"
    exact = server.chat(FRANCE, stream=True)
    assert (exact.headers["x-reprise-cache"], exact.headers["x-reprise-tier"]) == ("hit", "exact")
    assert assemble(events(exact.content)[:-1])[0]["message"]["content"] == answer(FRANCE)
    reworded = server.chat(REWORDED)
    assert (reworded.status_code, reworded.headers["x-reprise-cache"]) == (200, "miss")
    assert upstream.seen[FRANCE] == before + 1

    assert server.metric("reprise_store_errors_total", part=part) >= 1
    assert server.interaction(exact.headers["x-reprise-interaction"])["response"] == answer(FRANCE)
    assert server.http.get("/stats").json()["requests"] == 3
    refused = server.http.post("/cache/reindex")
    assert refused.status_code == 503
    assert refused.json()["error"].keys() == {"message", "type", "param", "code"}


def test_the_embedder_fails(launch: Launch, upstream: Upstream, tmp_path: Path) -> None:
    server = launch(
        {
            "store": {"embedder": {"model": str(tmp_path / "no-such-model")}},
            "cache": {"policies": {"default": {"similarity_threshold": 0.9}}},
        },
        HF_HUB_OFFLINE="1",
    )
    assert_serves_without(server, upstream, "embedder")


def test_the_vector_index_fails_comes_back_and_is_lost(launch: Launch, upstream: Upstream) -> None:
    server = launch(start=False)
    server.data_dir.mkdir(parents=True)
    (server.data_dir / "chroma").write_text("no folder")
    server.start()
    assert_serves_without(server, upstream, "vectors")

    # With an index that works, what was stored meanwhile is found by meaning.
    server.stop()
    (server.data_dir / "chroma").unlink()
    server.start()
    assert server.readiness()["status"] == "ready"
    assert server.http.post("/cache/reindex").json()["vectors"] == 2
    found = server.chat("What's the capital city of France?")
    assert (found.headers["x-reprise-cache"], found.headers["x-reprise-tier"]) == ("hit", "semantic")

    # Answers go on, whatever becomes of the index while it is used.
    shutil.rmtree(server.data_dir / "chroma")
    for number in range(5):
        prompt = f"Who is the ruler of island {number}?"
        got = server.chat(prompt)
        assert (got.status_code, got.json()["choices"]) == (200, told(prompt)["choices"])
        assert server.chat(prompt).headers["x-reprise-tier"] == "exact"
    assert server.http.get("/health/readiness").status_code == 200
