"""The queue of work behind the responses."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from store.database import Database, Prepared
from store.jobs import MOST_TRIES, Jobs
from store.tables import epochs


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "reprise.db")
    yield database
    database.close()


@pytest.fixture
def jobs(database, clock):
    return Jobs(database, clock)


def keys(taken):
    return [job.key for job in taken]


def test_jobs_come_out_in_the_order_they_went_in(jobs):
    jobs.put("learn", ["b", "a", "c"], "default")
    assert keys(jobs.take("learn", 2)) == ["b", "a"], "oldest first, no more than asked for"


def test_a_job_that_waits_is_not_queued_twice(jobs):
    jobs.put("learn", ["a"], "default")
    jobs.put("learn", ["a"], "default")
    jobs.put("extract", ["a"], "default")
    assert jobs.counts() == {
        "learn": {"waiting": 1, "set_aside": 0},
        "extract": {"waiting": 1, "set_aside": 0},
    }, "once of each kind"


def test_what_is_done_is_gone(jobs):
    jobs.put("learn", ["a", "b"], "default")
    jobs.done(jobs.take("learn", 1))
    assert keys(jobs.take("learn", 10)) == ["b"], "the other one is left"


def test_a_taken_job_survives_its_process(jobs, database, clock):
    jobs.put("learn", ["a"], "default")
    jobs.take("learn", 1)
    again = Jobs(database, clock).take("learn", 1)
    assert keys(again) == ["a"], "the next process takes it"
    assert again[0].tries == 2, "and knows that it was tried"


def test_a_job_that_fails_waits_longer_each_time_and_is_set_aside_in_the_end(jobs, clock):
    jobs.put("learn", ["a"], "default")
    for number, wait in enumerate([2, 8, 32, 128], 1):
        (job,) = jobs.take("learn", 1)
        assert job.tries == number, "each taking counts"
        assert not jobs.failed(job, RuntimeError("words that are nobody's business")), "there are tries left"
        clock.now += wait - 1
        assert jobs.take("learn", 1) == [], f"not before {wait} s are over"
        clock.now += 1
    (job,) = jobs.take("learn", 1)
    assert job.tries == MOST_TRIES, "one try was left"
    assert jobs.failed(job, RuntimeError("again")), "the last try sets it aside"
    clock.now += 1e6
    assert jobs.take("learn", 1) == [], "it is out of the way"
    assert [(job.key, job.error) for job in jobs.set_aside()] == [("a", "RuntimeError")], "and shown without its words"


def test_a_job_that_kills_its_worker_is_set_aside_too(jobs):
    jobs.put("learn", ["deadly", "harmless"], "default")
    jobs.take("learn", 2)  # and the process dies
    for _ in range(MOST_TRIES - 1):
        assert keys(jobs.take("learn", 2)) == ["deadly"], "what was tried before comes alone"
    assert keys(jobs.take("learn", 2)) == ["harmless"], "the other one has its turn"
    assert keys(jobs.set_aside()) == ["deadly"], "and only the deadly one is set aside"


def test_a_job_put_off_is_not_counted_as_tried(jobs, clock):
    jobs.put("extract", ["a"], "default")
    (job,) = jobs.take("extract", 1)
    jobs.later(job, 60)
    assert jobs.take("extract", 1) == [], "not before its time"
    clock.now += 60
    assert jobs.take("extract", 1)[0].tries == 1, "the first try is still to come"


def test_what_was_set_aside_can_be_tried_again(jobs, clock):
    jobs.put("learn", ["a", "b"], "default")
    for _ in range(2 * MOST_TRIES):
        for job in jobs.take("learn", 2):
            jobs.failed(job, RuntimeError("no"))
        clock.now += 1000
    oldest = jobs.set_aside()[-1]
    assert jobs.retry([oldest.id]) == 1, "the one named"
    assert keys(jobs.take("learn", 2)) == [oldest.key], "is back"
    assert jobs.retry() == 1, "then all the others"
    assert keys(jobs.take("learn", 2)) == [oldest.key], "what was tried before comes alone"
    assert jobs.set_aside() == [], "nothing is left aside"


def test_a_job_is_queued_with_what_it_is_about_or_not_at_all(jobs, database):
    async def both(good):
        row = {"namespace": "n", "epoch": 1 if good else None, "at": 0.0}
        insert = Prepared(sa.insert(epochs))
        await database.writer.commit(insert, row, also=[jobs.statement("learn", "a", "n")])

    with pytest.raises(Exception, match="epoch"):
        asyncio.run(both(False))
    assert jobs.counts() == {}, "no job without its row"
    asyncio.run(both(True))
    assert jobs.counts()["learn"]["waiting"] == 1, "and one with it"
