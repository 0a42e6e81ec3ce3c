"""The budget of calls: counted before each, by namespace and UTC day, whoever counts at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from memory.proposals.budget import Budget
from store.database import Database
from tests.fakes import FakeClock

DAY = 86_400.0


def test_no_call_beyond_the_limit(database):
    budget = Budget(database, 3, FakeClock())
    assert [budget.take("team") for _ in range(5)] == [True, True, True, False, False], "three and no more"
    assert budget.spent("team") == 3, "what was refused is not counted"
    assert budget.left("team") == 0, "nothing is left"
    assert budget.take("other"), "another namespace has calls of its own"


def test_a_new_utc_day_has_new_calls(database):
    clock = FakeClock(datetime(2027, 5, 1, 23, 59, 59, tzinfo=UTC).timestamp())
    budget = Budget(database, 1, clock)
    assert budget.take("team"), "the first"
    assert not budget.take("team"), "the day's only one"
    assert budget.tomorrow() == datetime(2027, 5, 2, tzinfo=UTC).timestamp(), "midnight in UTC"
    clock.advance(1)
    assert budget.today() == "2027-05-02", "the next day"
    assert budget.take("team"), "which has a call of its own"


def test_a_limit_of_nothing_allows_nothing(database):
    budget = Budget(database, 0, FakeClock())
    assert not budget.take("team"), "no call at all"
    assert budget.spent("team") == 0, "nor is one counted"


def test_it_holds_over_restarts(tmp_path):
    clock = FakeClock()
    for expected in ([True, True], [True, False]):
        database = Database(tmp_path / "reprise.db")
        budget = Budget(database, 3, clock)
        assert [budget.take("team") for _ in range(2)] == expected, "what was spent before the restart is spent"
        database.close()


def test_it_holds_for_two_servers_at_once(tmp_path):
    clock, most = FakeClock(), 50
    databases = [Database(tmp_path / "reprise.db") for _ in range(2)]
    budgets = [Budget(database, most, clock) for database in databases]
    barrier = threading.Barrier(8)

    def take_many(at):
        barrier.wait()
        return sum(budgets[at % 2].take("team") for _ in range(25))

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(take_many, range(8)))
    assert sum(taken) == most, "of 200 attempts from two databases exactly the limit"
    assert budgets[0].spent("team") == most, "each counted once"
    for database in databases:
        database.close()


def test_a_limit_that_was_lowered_holds_at_once(database):
    clock = FakeClock()
    assert all(Budget(database, 9, clock).take("team") for _ in range(5)), "five calls were made"
    assert not Budget(database, 3, clock).take("team"), "more than are allowed now"
