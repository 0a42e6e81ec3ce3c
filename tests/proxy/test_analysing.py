"""The lane that analyses sessions: what it puts off, for how long, whom it tells, and what the round finds again."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa

from memory.proposals.deferring import ANALYSE, PAUSES, key_of
from proxy.errors import UpstreamError
from proxy.metrics import Metrics
from proxy.remembering.analysing import LONGEST_OUTAGE, OUTAGE, Analysing, AnalysingModel, Unreachable
from proxy.remembering.worker import GivenUp, Worker
from store.database import Database
from store.jobs import Job, Jobs
from store.tables import jobs as table
from tests.memory.proposals.house import House, flow

pytestmark = pytest.mark.anyio

DOWN = UpstreamError("The model gave no answer.", code="model_status_503")


class Bench:
    """A lane over a database of its own."""

    def __init__(self, path, *replies, most=50):
        self.home = House(Database(path / "reprise.db"), *replies, most=most)
        self.metrics = Metrics()
        self.failures = []
        self.jobs = Jobs(self.home.database, self.home.clock)
        self.told = self.home.told
        self.analysing = Analysing(
            self.home.analysis,
            self.home.budget,
            self.home.deferring,
            self.jobs,
            self.metrics,
            self.home.notify,
            self.failures.append,
            self.home.clock,
        )

    async def analyse(self, id_="s1", namespace="team"):
        await self.analysing.analyse(Job(1, ANALYSE, key_of(namespace, id_), namespace, 1, 0.0))

    def counted(self, outcome):
        return self.metrics.registry.get_sample_value("reprise_analyses_total", {"outcome": outcome}) or 0

    def queued(self):
        return [row["key"] for row in self.home.database.query(sa.select(table.c.key).order_by(table.c.id))]


@pytest.fixture
def bench(tmp_path):
    made = []

    def build(*replies, **options):
        made.append(Bench(tmp_path, *replies, **options))
        return made[-1]

    yield build
    for one in made:
        one.home.database.close()


async def test_a_job_is_analysed_and_counted(bench):
    found = bench()
    found.home.session("s1", "one")
    found.home.session("a/b", "two", namespace="a")
    await found.analyse()
    await found.analyse("a/b", "a")
    assert found.home.row("a/b", "a")["analysis"] == "done", "whatever stands in its id"
    assert found.counted("new_flow") == 2, "each is counted by what it led to"
    await found.analyse()
    assert found.counted("new_flow") == 2, "done again it changes nothing"


async def test_merged_and_refused_ones_are_told_apart(bench):
    found = bench()
    for id_ in ("s1", "s2"):
        found.home.session(id_, f"{id_}: help")
        await found.analyse(id_)
    assert (found.counted("new_flow"), found.counted("absorbed")) == (1, 1), "one proposed, one absorbed"


async def test_a_spent_budget_puts_off_to_the_next_day_and_tells_once(bench):
    found = bench(most=1)
    for id_ in ("s1", "s2", "s3"):
        found.home.session(id_, f"{id_}: help", problem_summary=id_)
        await found.analyse(id_)
    row = found.home.row("s2")
    assert (row["analysis"], row["analysis_after"]) == ("deferred", found.home.budget.tomorrow()), (
        "until midnight in UTC"
    )
    assert row["analysis_tries"] == 0, "which is no failure of its own"
    day = found.home.budget.today()
    spent = {one for one in found.told if one[0] == "budget.spent"}
    assert spent == {("budget.spent", "team", day)}, "named by its day, so that it is told once"
    assert found.counted("deferred") == 2, "counted"
    assert found.home.deferring.due(10) == [], "nothing is due today"
    found.home.clock.now = found.home.budget.tomorrow()
    assert found.home.deferring.due(10) == [("team", "s2"), ("team", "s3")], "tomorrow they are"
    await found.analyse("s2")
    assert found.home.row("s2")["analysis"] == "done", "and done"


async def test_a_model_that_is_down_is_told_and_the_session_comes_again(bench):
    found = bench(DOWN)
    found.home.session("s1")
    await found.analyse()
    row = found.home.row("s1")
    assert row["analysis"] == "deferred", "put off"
    assert row["analysis_after"] == found.home.clock() + OUTAGE, "for a while"
    assert row["analysis_tries"] == 0, "the session cannot help it"
    assert found.failures == [DOWN], "memory says that it failed"
    assert found.counted("failed") == 1, "counted"


async def test_unusable_replies_wait_longer_and_longer_until_they_are_set_aside(bench):
    found = bench("no JSON at all")
    found.home.session("s1")
    waits = []
    for _ in PAUSES:
        await found.analyse()
        waits.append(found.home.row("s1")["analysis_after"] - found.home.clock())
        found.home.clock.advance(waits[-1])
    assert waits == list(PAUSES), "not endlessly hot"
    assert found.counted("unreadable") == len(PAUSES), "each is counted"
    with pytest.raises(GivenUp):
        await found.analyse()
    assert found.home.row("s1")["analysis"] == "deferred", "it is not dropped: it waits for a person's word"


async def test_what_is_given_up_is_set_aside_by_the_worker_at_once(bench):
    found = bench("no JSON at all")
    found.home.session("s1")
    for _ in PAUSES:
        await found.analyse()
        found.home.clock.advance(PAUSES[-1])
    counts = await found.analysing.round()
    assert counts == {"queued": 1}, "the round queues it"
    worker = Worker(found.jobs, {ANALYSE: found.analysing.lane()}, found.metrics, lambda error: None, poll=0.01)
    worker.start()
    async with asyncio.timeout(20):
        while not found.jobs.set_aside():  # noqa: ASYNC110  what it waits for stands in SQL
            await asyncio.sleep(0.01)
    await worker.close()
    (job,) = found.jobs.set_aside()
    assert (job.key, job.error) == ("team/s1", "UpstreamError"), "visible, with what went wrong"
    assert found.home.deferring.due(10) == [], "and no round takes it up"
    found.home.model.replies = [flow()]
    found.jobs.retry()
    (again,) = found.jobs.take(ANALYSE, 1)
    await found.analysing.analyse(again)
    assert found.home.row("s1")["analysis"] == "done", "until somebody asks for it again"


async def test_the_round_finds_what_a_crash_left_behind(bench):
    found = bench()
    for id_ in ("s1", "s2", "s3"):
        found.home.session(id_, f"{id_}: help")
    found.home.session("active", status="active")
    found.home.session("done", analysis="done")
    found.home.session("later", analysis="deferred", analysis_after=found.home.clock() + 1)
    found.jobs.put(ANALYSE, ["team/s2"], "team")
    assert await found.analysing.round() == {"queued": 2}, "those that wait and that nothing stands for"
    assert found.queued() == ["team/s2", "team/s1", "team/s3"], "each once"
    assert await found.analysing.round() == {"queued": 0}, "and not again"
    found.home.clock.advance(1)
    assert await found.analysing.round() == {"queued": 1}, "what was put off comes when its time has come"


async def test_the_lane_makes_as_many_calls_as_are_allowed_each_day(bench):
    found = bench(lambda messages: flow(f"Trouble w{len(found.home.model.asked)}q"), most=10)
    for at in range(40):
        found.home.session(f"s{at:02}", f"{at}: help")
    for day in range(1, 5):
        await found.analysing.round()
        for job in found.jobs.take(ANALYSE, 100):
            await found.analysing.analyse(job)
            found.jobs.done([job])
        assert len(found.home.model.asked) == 10 * day, "ten a day"
        found.home.clock.now = found.home.budget.tomorrow()
    assert found.counted("new_flow") + found.counted("absorbed") == 40, "and in the end all"


# The model


class Asking:
    """Answers or fails in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def ask(self, model, messages, *, schema=None, timeout):  # noqa: ASYNC109
        one = self.answers.pop(0)
        if isinstance(one, Exception):
            raise one
        return one


async def test_after_a_failure_the_model_is_left_alone_longer_and_longer():
    now = [0.0]
    model = AnalysingModel("m", Asking(*[DOWN] * 9, {"choices": []}, DOWN), Metrics(), 1.0, lambda: now[0])
    waits = []
    for _ in range(9):
        model.check()
        with pytest.raises(UpstreamError):
            await model.ask([], {})
        with pytest.raises(Unreachable) as caught:
            model.check()
        waits.append(caught.value.seconds)
        now[0] += caught.value.seconds
    assert waits[:4] == [OUTAGE, 2 * OUTAGE, 4 * OUTAGE, 8 * OUTAGE], "twice as long each time"
    assert waits[-1] == LONGEST_OUTAGE, "but not for ever"
    await model.ask([], {})
    with pytest.raises(UpstreamError):
        await model.ask([], {})
    with pytest.raises(Unreachable) as caught:
        model.check()
    assert caught.value.seconds == OUTAGE, "an answer begins it anew"
