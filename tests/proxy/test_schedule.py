"""Rounds of work on memory: when they come, that they never overlap, and that none is the last."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from memory.memories.memory import Actor
from proxy.config import MemorySettings
from proxy.metrics import Metrics
from proxy.remembering.rounds import build_schedule
from proxy.remembering.schedule import Round, Schedule, in_thread
from store.errors import DatabaseError
from tests.fakes import FakeEmbedder, near

pytestmark = pytest.mark.anyio


class Bench:
    """A schedule whose rounds are noted."""

    def __init__(self):
        self.metrics = Metrics()
        self.outcomes = []
        self.stop = threading.Event()

    def schedule(self, work, every=0.03):
        return Schedule([Round("tidy", every, work)], self.metrics, self.outcomes.append, self.stop)

    def counted(self, outcome):
        given = {"work": "tidy", "outcome": outcome}
        return self.metrics.registry.get_sample_value("reprise_memory_rounds_total", given) or 0


async def until(probe):
    """Wait for something to become true."""
    async with asyncio.timeout(20):
        while not probe():  # noqa: ASYNC110  a counter tells nobody when it moves
            await asyncio.sleep(0.005)


@pytest.fixture
def bench():
    return Bench()


async def test_rounds_come_again_and_again(bench):
    async def work():
        return {"moved": 2}

    schedule = bench.schedule(work)
    schedule.start()
    await until(lambda: bench.counted("done") >= 3)
    await schedule.close()
    status = schedule.status()["tidy"]
    assert status["runs"] >= 3, "at their interval"
    assert status["totals"]["moved"] == 2 * status["runs"], "what they did is added up"
    assert status["outcome"] == "done", "the last one worked"
    assert status["last_run"].endswith("Z"), "when it was"


async def test_nothing_runs_while_the_server_starts(bench):
    async def work():
        return {}

    schedule = bench.schedule(work, every=3600)
    schedule.start()
    await asyncio.sleep(0.05)
    assert bench.counted("done") == 0, "a start has enough to do"
    assert schedule.status()["tidy"]["next_run"] is not None, "but it is planned"
    await schedule.close()
    assert schedule.status()["tidy"]["next_run"] is None, "and no longer after the end"


async def test_a_round_that_fails_comes_again(bench):
    failures = [DatabaseError("locked"), ValueError("odd")]

    async def work():
        if failures:
            raise failures.pop(0)
        return {}

    schedule = bench.schedule(work)
    schedule.start()
    await until(lambda: bench.counted("done"))
    await schedule.close()
    assert bench.counted("failed") == 2, "whatever it met is counted"
    assert [type(error).__name__ for error in bench.outcomes[:3]] == ["DatabaseError", "ValueError", "NoneType"], (
        "health is told of failures and of work done"
    )
    assert schedule.status()["tidy"]["failures"] == 2, "and the status says so"


async def test_what_is_not_ready_comes_again_soon(bench):
    replies = [{"waiting": 1}, {"waiting": 1}]

    async def work():
        return replies.pop(0) if replies else {}

    schedule = bench.schedule(work)
    schedule.start()
    await until(lambda: bench.counted("done"))
    await schedule.close()
    assert bench.counted("waiting") == 2, "twice there was no embedder, say"
    assert "waiting" not in schedule.status()["tidy"]["totals"], "which is no work done"


async def test_rounds_never_overlap(bench):
    at_once, most = 0, 0

    async def work():
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.1)
        at_once -= 1
        return {}

    schedule = bench.schedule(work, every=0.01)
    schedule.start()
    await until(lambda: bench.counted("done") >= 3)
    await schedule.close()
    assert most == 1, "one at a time"


async def test_closing_waits_for_the_round_under_way(bench):
    begun, done = threading.Event(), []

    def work():
        begun.set()
        while not bench.stop.is_set():
            time.sleep(0.005)
        done.append(True)
        return {}

    schedule = Schedule([Round("tidy", 0.01, in_thread(work))], bench.metrics, bench.outcomes.append, bench.stop)
    schedule.start()
    await until(begun.is_set)
    await schedule.close()
    assert done == [True], "it was told to stop and ended by itself"
    runs = schedule.status()["tidy"]["runs"]
    await asyncio.sleep(0.05)
    assert schedule.status()["tidy"]["runs"] == runs, "and none begins afterwards"


async def test_closing_does_not_wait_for_ever(bench):
    begun = asyncio.Event()

    async def endless():
        begun.set()
        await asyncio.sleep(3600)
        return {}

    schedule = bench.schedule(endless)
    schedule.start()
    await begun.wait()
    await schedule.close(limit=0.05)
    assert bench.counted("done") == 0, "it was given up"


async def test_closing_what_never_began(bench):
    async def work():
        return {}

    await bench.schedule(work).close()
    assert bench.stop.is_set(), "nothing to wait for"


# In a server


def rounds_of(parts, **settings):
    given = MemorySettings.model_validate(settings)

    async def batch():
        return {}

    memories = parts.remembering.memories
    schedule = build_schedule(
        given, parts.database, memories, None, lambda: None, parts.metrics, lambda error: None, batch
    )
    return set(schedule.status())


async def test_what_comes_round_follows_the_configuration(run_app):
    async with run_app() as (_, parts):
        assert rounds_of(parts) == {"hygiene", "batch"}, "triage is off without a model"
        assert rounds_of(parts, extraction={"batch": 0}) == {"hygiene"}, "0: never"
        assert rounds_of(parts, extraction={"enabled": False}) == {"hygiene"}, "nothing is extracted"
        assert rounds_of(parts, triage={"model": "small"}) == {"hygiene", "batch", "triage"}, "switched on"


async def test_hygiene_runs_in_a_server(run_app):
    async with run_app(memory={"hygiene": {"every": "50ms"}}) as (_, parts):
        embedder = FakeEmbedder({"I drink tea": near(1.0), "The user drinks tea": near(0.95)})
        remembering = parts.remembering
        schedule = build_schedule(
            parts.settings.memory,
            parts.database,
            remembering.memories,
            None,
            lambda: embedder,
            parts.metrics,
            parts.health.told_of("memory"),
        )
        for text in embedder.vectors:
            remembering.memories.add(
                namespace="default", project="", memory_type="preference", content=text, actor=Actor("test")
            )
        schedule.start()
        await until(lambda: schedule.status()["hygiene"]["totals"].get("merge"))
        await schedule.close()
        queue = remembering.review.queue(kind="merge")
        assert [card.kind for card in queue.cards] == ["merge"], "the proposal is in the queue"
        assert parts.health.parts["memory"].ok, "and all is well"


async def test_a_server_without_memories_asks_once_and_does_nothing(run_app):
    async with run_app(memory={"hygiene": {"every": "50ms"}}) as (_, parts):
        schedule = parts.remembering.schedule
        schedule.start()
        await until(lambda: schedule.status()["hygiene"]["runs"] >= 2)
        assert schedule.status()["hygiene"]["counts"] == {}, "there is nothing to look over"
