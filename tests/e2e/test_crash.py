"""A server killed in the middle of its work has lost nothing that a caller had in full."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.support import KEY_MARK, Server, Upstream, answer, assemble, body, client_of, eventually

pytestmark = pytest.mark.slow

THREADS = 6
ENOUGH = 40
"""Answers that clients must have before the server is killed."""
FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"


@dataclass(frozen=True)
class Had:
    """An answer that a client had in full."""

    prompt: str
    text: str
    interaction: str
    stream: bool


@dataclass
class Load:
    """Clients that ask one unique thing after the other until the server is gone."""

    had: list[Had] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask_until_gone(self, url: str) -> None:
        with client_of(url, timeout=30) as client:
            while True:
                with self._lock:
                    number = next(self._numbers)
                prompt = f"What is behind door {number}? [pause 0.001]"
                try:
                    had = self._ask(client, prompt, stream=number % 2 == 1)
                except (openai.APIConnectionError, httpx.HTTPError):
                    return
                except openai.APIError as error:
                    self.broken.append(str(error))
                    return
                self.had.append(had)

    def _ask(self, client: openai.OpenAI, prompt: str, *, stream: bool) -> Had:
        raw = client.chat.completions.with_raw_response.create(**body(prompt), stream=stream)
        if stream:
            chunks = [chunk.model_dump(exclude_unset=True) for chunk in raw.parse()]
            choices = assemble(chunks)
            assert choices[0]["finish_reason"] == "stop"
            text = choices[0]["message"]["content"]
        else:
            text = raw.parse().choices[0].message.content or ""
        return Had(prompt, text, raw.headers["x-reprise-interaction"], stream)


def kill_under_load(server: Server) -> Load:
    """Let clients ask until enough is answered, then kill the server while they go on."""
    load = Load()
    with ThreadPoolExecutor(THREADS) as threads:
        running = [threads.submit(load.ask_until_gone, server.url) for _ in range(THREADS)]
        eventually(lambda: len(load.had) >= ENOUGH or any(r.done() for r in running), "enough is answered", 60)
        server.kill()
        for one in running:
            one.result()
    assert len(load.had) >= ENOUGH
    assert load.broken == []
    return load


def test_what_callers_had_survives_a_kill(launch: Launch, upstream: Upstream) -> None:
    server = launch(key="sk-e2e-nobody")
    kept = {}
    for number in range(5):
        prompt = f"Which bird sings in bar {number}?"
        kept[prompt] = server.chat(prompt, stream=number % 2 == 1).headers["x-reprise-interaction"]
    assert [server.chat(prompt).headers["x-reprise-cache"] for prompt in kept] == ["hit"] * len(kept)
    # Namespaces of callers without configured keys stay what they were.
    alice, bob = ({"authorization": f"Bearer {KEY_MARK}{name}"} for name in ("alice", "bob"))
    server.chat(FRANCE, alice)
    assert server.chat(REWORDED, alice).headers["x-reprise-tier"] == "semantic"

    load = kill_under_load(server)
    server.start()
    assert server.readiness()["status"] == "ready"
    # Both forms were under way.
    assert {had.stream for had in load.had} == {True, False}
    for had in load.had:
        assert had.text == answer(had.prompt)
        record = server.interaction(had.interaction)
        assert (record["success"], record["prompt"], record["response"]) == (True, had.prompt, had.text)
        assert record["stream"] is had.stream
    for prompt, interaction in kept.items():
        assert server.interaction(interaction)["response"] == answer(prompt)

    stats = server.http.get("/stats").json()
    logged = len(server.listed())
    assert logged < 500
    assert stats["requests"] == logged
    assert stats["requests"] >= 2 * len(kept) + 2 + len(load.had)
    assert (stats["tiers"]["exact"]["hits"], stats["tiers"]["semantic"]["hits"]) == (len(kept), 1)

    asked = upstream.seen.copy()
    for prompt in [*kept, *(had.prompt for had in load.had)]:
        again = server.chat(prompt)
        assert (again.headers["x-reprise-cache"], again.headers["x-reprise-tier"]) == ("hit", "exact"), prompt
        assert again.json()["choices"][0]["message"]["content"] == answer(prompt)
    assert upstream.seen == asked
    assert server.http.get("/stats").json()["requests"] == logged + len(kept) + len(load.had)

    assert server.chat(FRANCE, alice).headers["x-reprise-tier"] == "exact"
    assert server.chat(REWORDED, alice).headers["x-reprise-tier"] == "semantic"
    assert server.chat(FRANCE, bob).headers["x-reprise-cache"] == "miss"
