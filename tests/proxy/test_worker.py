"""The worker behind the responses: its lanes, and what becomes of jobs that fail."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from proxy.metrics import Metrics
from proxy.remembering.worker import Lane, Later, Worker
from store.database import Database
from store.jobs import MOST_TRIES, Jobs


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def jobs(tmp_path, clock):
    database = Database(tmp_path / "reprise.db")
    yield Jobs(database, clock)
    database.close()


@contextlib.asynccontextmanager
async def working(jobs, lanes, told=None):
    worker = Worker(jobs, lanes, Metrics(), told or (lambda error: None), poll=0.01)
    worker.start()
    try:
        yield worker
    finally:
        await worker.close(limit=1.0)


async def eventually(probe):
    for _ in range(1000):
        if probe():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never happened")


def test_each_job_is_done_once_in_order(jobs):
    done = []

    async def run():
        jobs.put("learn", [str(number) for number in range(100)], "default")
        async with working(jobs, {"learn": Lane(batch=7, work=lambda job: done.append(job.key))}):
            await eventually(lambda: not jobs.counts())

    asyncio.run(run())
    assert done == [str(number) for number in range(100)], "in the order they were queued, none twice"
    assert jobs.counts() == {}, "and nothing is left"


def test_a_slow_lane_holds_up_no_other(jobs):
    done = []

    async def run():
        release = asyncio.Event()

        async def slow(job):
            await release.wait()
            done.append(job.key)

        jobs.put("read", ["slow"], "default")
        jobs.put("learn", ["quick"], "default")
        lanes = {"read": Lane(batch=1, wait=slow), "learn": Lane(batch=1, work=lambda job: done.append(job.key))}
        async with working(jobs, lanes):
            await eventually(lambda: done)
            assert done == ["quick"], "the quick lane does not wait for the slow one"
            release.set()
            await eventually(lambda: not jobs.counts())

    asyncio.run(run())
    assert done == ["quick", "slow"], "both are done in the end"


def test_one_job_that_fails_keeps_no_other_from_being_done(jobs, clock):
    done, told = [], []

    def work(job):
        if job.key == "bad":
            raise RuntimeError("secret words")
        done.append(job.key)

    async def run():
        jobs.put("learn", ["a", "bad", "b"], "default")
        async with working(jobs, {"learn": Lane(batch=10, work=work)}, told.append):
            for number in range(1, MOST_TRIES + 1):
                await eventually(lambda number=number: len([error for error in told if error]) == number)
                clock.now += 1000
            await eventually(jobs.set_aside)

    asyncio.run(run())
    assert done == ["a", "b"], "the others are done, once"
    assert [(job.key, job.tries) for job in jobs.set_aside()] == [("bad", MOST_TRIES)], "the bad one is set aside"
    assert [type(error) for error in told if error] == [RuntimeError] * MOST_TRIES, "and each failure was told"


def test_what_must_wait_waits_with_its_lane_and_is_not_counted_as_tried(jobs, clock):
    seen = []

    async def wait(job):
        seen.append(job.key)
        raise Later(3600)

    async def run():
        jobs.put("read", [str(number) for number in range(50)], "default")
        async with working(jobs, {"read": Lane(batch=2, wait=wait)}):
            await asyncio.sleep(0.2)

    asyncio.run(run())
    assert seen == ["0", "1"], "a lane that must wait does not spin through the queue"
    assert jobs.counts()["read"] == {"waiting": 50, "set_aside": 0}, "nothing is lost"
    clock.now += 3600
    assert [job.tries for job in jobs.take("read", 1)] == [1], "and putting off is no try"


def test_a_lane_that_ends_is_started_again(jobs, monkeypatch):
    done, told = [], []
    monkeypatch.setattr("proxy.remembering.worker.RESTART", 0.01)
    take, failures = jobs.take, iter([OSError("disk"), OSError("disk")])

    def failing(kind, most):
        for error in failures:
            raise error
        return take(kind, most)

    monkeypatch.setattr(jobs, "take", failing)

    async def run():
        jobs.put("learn", ["a"], "default")
        lanes = {"learn": Lane(batch=1, work=lambda job: done.append(job.key))}
        async with working(jobs, lanes, told.append):
            await eventually(lambda: done)

    asyncio.run(run())
    assert [type(error) for error in told if error] == [OSError, OSError], "the failures are told"
    assert done == ["a"], "and the work goes on"


def test_closing_ends_the_round_under_way_and_leaves_the_rest_in_sql(jobs):
    done = []

    async def run():
        started = asyncio.Event()

        async def wait(job):
            started.set()
            await asyncio.sleep(0.05)
            done.append(job.key)

        jobs.put("read", ["a", "b", "c"], "default")
        async with working(jobs, {"read": Lane(batch=1, wait=wait)}):
            await started.wait()

    asyncio.run(run())
    assert done == ["a"], "the round under way is finished"
    assert jobs.counts()["read"]["waiting"] == 2, "what was not begun waits for the next start"


def test_one_lane_that_works_does_not_hide_another_that_fails(jobs):
    told = []

    async def down(job):
        raise Later(3600, ConnectionError("the model is down"))

    async def run():
        jobs.put("read", ["a"], "default")
        lanes = {"read": Lane(batch=1, wait=down), "learn": Lane(batch=1, work=lambda job: None)}
        async with working(jobs, lanes, told.append):
            await eventually(lambda: told)
            jobs.put("learn", ["b"], "default")
            await eventually(lambda: "learn" not in jobs.counts())

    asyncio.run(run())
    assert [type(error) for error in told] == [ConnectionError], "the outage stays told"
    assert jobs.counts()["read"]["waiting"] == 1, "and what it holds up waits, however long it lasts"
