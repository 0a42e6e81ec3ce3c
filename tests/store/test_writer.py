"""The writer: order, grouping, bad rows, its end, and what survives a killed process."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import store.writer
from store.database import Database
from store.errors import DatabaseError
from store.sqlite import SQLite
from store.tables import interactions
from store.writer import MAX_GROUP, Writer

pytestmark = pytest.mark.sqlite

INSERT = "INSERT INTO things (id, name) VALUES (?, ?)"


class LoggedConnection(sqlite3.Connection):
    """Notes how many statements each commit held."""

    commits: list[int]
    count = 0

    def execute(self, statement, *rows):
        if statement == "BEGIN IMMEDIATE":
            self.count = 0
        elif statement == "COMMIT":
            self.commits.append(self.count)
        else:
            self.count += 1
        return super().execute(statement, *rows)

    def executemany(self, statement, rows):
        self.count += 1
        return super().executemany(statement, rows)


class Connecting(SQLite):
    """SQLite with connections of the test's own."""

    def __init__(self, connect):
        super().__init__(Path("nowhere"))
        self.connect = connect


class Things:
    """A table to write to, and a hand on the database's write lock."""

    def __init__(self, path):
        self.path = path
        self.commits = []
        self.outside = self.connect()
        self.outside.execute("PRAGMA journal_mode=WAL")
        self.outside.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
        self.outside.commits = []
        self.writer = Writer(Connecting(self.connect))

    def connect(self):
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=60, factory=LoggedConnection
        )
        connection.commits = self.commits
        return connection

    def hold(self):
        """Keep the writer from writing."""
        self.outside.execute("BEGIN IMMEDIATE")

    def hold_behind(self, id_):
        """Keep the writer busy with one row, so that what comes next waits in the queue."""
        self.hold()
        first = self.writer.submit(INSERT, (id_, "first"))
        while self.writer.depth:
            pass
        return first

    def let_go(self):
        self.outside.execute("ROLLBACK")

    @property
    def rows(self):
        return self.outside.execute("SELECT id, name FROM things ORDER BY id").fetchall()

    @property
    def ids(self):
        return [id_ for id_, _ in self.rows]

    def close(self):
        self.writer.close()
        self.outside.close()


@pytest.fixture
def things(tmp_path):
    made = Things(tmp_path / "things.db")
    yield made
    made.close()


# ---- order and groups


def test_a_future_resolves_once_others_see_the_row(things):
    for id_ in range(5):
        things.writer.submit(INSERT, (id_, "a")).result(60)
        assert things.ids == list(range(id_ + 1))


def test_writes_happen_in_the_order_they_were_submitted(things):
    done = [things.writer.submit(INSERT, (0, "0"))]
    done += [things.writer.submit("UPDATE things SET name = name || ?", (f",{number}",)) for number in range(1, 100)]
    for future in done:
        future.result(60)
    assert things.rows == [(0, ",".join(map(str, range(100))))]


def test_what_waits_goes_into_one_commit(things):
    first = things.hold_behind(0)
    waiting = [things.writer.submit(INSERT, (id_, "a")) for id_ in range(1, 50)]
    assert things.writer.depth == 49
    assert not first.done()
    things.let_go()
    for future in [first, *waiting]:
        future.result(60)
    assert things.commits == [1, 49]
    assert things.ids == list(range(50))


def test_a_commit_holds_no_more_than_its_most(things):
    first = things.hold_behind(0)
    waiting = [things.writer.submit(INSERT, (id_, "a")) for id_ in range(1, 2 * MAX_GROUP + 2)]
    things.let_go()
    for future in [first, *waiting]:
        future.result(60)
    assert things.commits == [1, MAX_GROUP, MAX_GROUP, 1]


def test_several_rows_are_one_write(things):
    things.writer.submit(INSERT, (1, "a"), (2, "b"), (3, "c")).result(60)
    assert things.rows == [(1, "a"), (2, "b"), (3, "c")]


def test_no_rows_are_no_error(things):
    things.writer.submit(INSERT).result(60)
    assert things.rows == []


# ---- bad rows

BAD = [
    pytest.param(INSERT, (3, "again"), id="breaks a constraint"),
    pytest.param(INSERT, (100, None), id="lacks a value"),
    pytest.param("INSERT INTO nowhere VALUES (?)", (1,), id="names no table"),
    pytest.param("NOT SQL AT ALL", (), id="is no SQL"),
    pytest.param(INSERT, (1,), id="lacks a parameter"),
    pytest.param(INSERT, (100, {"a": 1}), id="holds what SQLite cannot"),
    pytest.param(INSERT, (100, "\ud800"), id="holds half a surrogate pair"),
    pytest.param(INSERT, (2**63, "a"), id="holds an integer beyond 64 bits"),
]


@pytest.mark.parametrize(("statement", "row"), BAD)
def test_a_bad_write_fails_alone_and_its_neighbours_commit(things, statement, row):
    first = things.hold_behind(3)
    before = things.writer.submit(INSERT, (4, "a"))
    bad = things.writer.submit(statement, row)
    after = things.writer.submit(INSERT, (5, "a"))
    things.let_go()
    with pytest.raises(DatabaseError) as caught:
        bad.result(60)
    assert caught.value.__cause__ is not None
    for future in (first, before, after):
        future.result(60)
    assert things.ids == [3, 4, 5]


@pytest.mark.parametrize(("statement", "row"), BAD)
def test_the_writer_goes_on_after_a_bad_write_that_was_alone(things, statement, row):
    things.writer.submit(INSERT, (3, "a")).result(60)
    with pytest.raises(DatabaseError):
        things.writer.submit(statement, row).result(60)
    things.writer.submit(INSERT, (4, "a")).result(60)
    assert things.ids == [3, 4]


def test_one_write_of_several_rows_is_written_whole_or_not_at_all(things):
    with pytest.raises(DatabaseError):
        things.writer.submit(INSERT, (1, "a"), (2, "b"), (1, "again")).result(60)
    assert things.rows == []


def test_a_connection_that_cannot_be_opened_fails_the_writes_and_is_tried_again(tmp_path):
    folder = tmp_path / "later"
    path = folder / "things.db"
    writer = Writer(Connecting(lambda: sqlite3.connect(path, isolation_level=None, check_same_thread=False)))
    with pytest.raises(DatabaseError, match="unable to open database file"):
        writer.submit("CREATE TABLE things (id INTEGER)", ()).result(60)
    folder.mkdir()
    writer.submit("CREATE TABLE things (id INTEGER)", ()).result(60)
    writer.close()


def test_more_than_may_wait_is_refused_at_once(things, monkeypatch):
    monkeypatch.setattr(store.writer, "MAX_WAITING", 3)
    first = things.hold_behind(0)
    waiting = [things.writer.submit(INSERT, (id_, "a")) for id_ in range(1, 5)]
    with pytest.raises(DatabaseError, match="3 writes are waiting already"):
        waiting.pop().result(0)
    things.let_go()
    for future in [first, *waiting]:
        future.result(60)
    assert things.ids == [0, 1, 2, 3]


# ---- coroutines


async def test_a_coroutine_goes_on_once_its_row_is_committed(things):
    await things.writer.commit(INSERT, (1, "a"))
    assert things.ids == [1]


async def test_a_coroutine_is_told_of_its_own_bad_row_only(things):
    good = [things.writer.commit(INSERT, (id_, "a")) for id_ in range(10)]
    with pytest.raises(DatabaseError, match="UNIQUE"):
        await things.writer.commit(INSERT, (3, "again"))
    assert await asyncio.gather(*good) == [None] * 10
    assert things.ids == list(range(10))


async def test_a_coroutine_that_gave_up_takes_nobody_with_it(things):
    things.hold()
    given_up = things.writer.commit(INSERT, (1, "a"))
    patient = things.writer.commit(INSERT, (2, "a"))
    given_up.cancel()
    things.let_go()
    await patient
    assert things.ids == [1, 2]


def test_a_loop_that_has_ended_does_not_stop_the_writer(things):
    things.hold()

    async def ask():
        things.writer.commit(INSERT, (1, "a"))

    asyncio.run(ask())
    things.let_go()
    things.writer.submit(INSERT, (2, "a")).result(60)
    things.writer.submit(INSERT, (3, "a")).result(60)
    assert things.ids == [1, 2, 3]


# ---- the end


def test_closing_writes_what_is_queued(things):
    things.hold_behind(0)
    waiting = [things.writer.submit(INSERT, (id_, "a")) for id_ in range(1, 600)]
    things.let_go()
    things.writer.close()
    assert all(future.done() and future.exception() is None for future in waiting)
    assert things.ids == list(range(600))


def test_closing_twice_is_no_error(things):
    things.writer.close()
    assert things.writer.close() is None


async def test_a_write_after_closing_fails_at_once(things):
    things.writer.close()
    with pytest.raises(DatabaseError, match="closed"):
        things.writer.submit(INSERT, (1, "a")).result(0)
    with pytest.raises(DatabaseError, match="closed"):
        await things.writer.commit(INSERT, (1, "a"))
    assert things.rows == []


def test_many_threads_may_write_at_once(things):
    def write(worker):
        return [things.writer.submit(INSERT, (worker * 1000 + number, str(worker))) for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        for futures in pool.map(write, range(8)):
            for future in futures:
                future.result(60)
    assert things.ids == [worker * 1000 + number for worker in range(8) for number in range(200)]


def test_every_write_is_answered_when_threads_write_while_it_closes(things):
    go, written = threading.Event(), {}

    def write(worker):
        for number in range(300):
            written[worker * 1000 + number] = things.writer.submit(INSERT, (worker * 1000 + number, "a"))
            go.set()

    with ThreadPoolExecutor(4) as pool:
        workers = [pool.submit(write, worker) for worker in range(4)]
        assert go.wait(60)
        things.writer.close()
        for worker in workers:
            worker.result(60)
    assert len(written) == 1200
    assert all(future.done() for future in written.values())
    assert things.ids == sorted(id_ for id_, future in written.items() if future.exception() is None)


def test_a_write_that_was_let_in_while_it_closes_is_still_written(things):
    let_in, go_on, done = threading.Event(), threading.Event(), []
    refusal = things.writer._refusal

    def slow_refusal():
        found = refusal()
        let_in.set()
        assert go_on.wait(60)
        return found

    things.writer._refusal = slow_refusal
    writing = threading.Thread(target=lambda: done.append(things.writer.submit(INSERT, (1, "a"))))
    writing.start()
    assert let_in.wait(60)
    closing = threading.Thread(target=things.writer.close)
    closing.start()
    closing.join(0.2)  # it must wait for the write that is on its way in
    go_on.set()
    for thread in (writing, closing):
        thread.join(60)
    done[0].result(10)
    assert things.ids == [1]


# ---- kill -9

RECORD = """
import asyncio, sys
from pathlib import Path
from memory.interactions import Interaction, Interactions
from store.database import Database

async def caller(interactions, number):
    for turn in range(1000):
        interaction = Interaction(prompt=f"caller {number}, turn {turn}", response="x" * 2000)
        await interactions.record(interaction)
        print(interaction.id, flush=True)

async def main():
    interactions = Interactions(Database(Path(sys.argv[1])))
    await asyncio.gather(*(caller(interactions, number) for number in range(8)))

asyncio.run(main())
"""


def test_every_acknowledged_row_survives_a_killed_process(tmp_path):
    path = tmp_path / "reprise.db"
    process = subprocess.Popen(
        [sys.executable, "-c", RECORD, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        acknowledged = [process.stdout.readline().strip() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        # The last line may have been cut off by the kill.
        acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    assert len(acknowledged) < 8000
    database = Database(path)
    kept = {row["id"] for row in database.query(interactions.select())}
    assert set(acknowledged) <= kept
    assert database.query(interactions.select().where(interactions.c.response != "x" * 2000)) == []
    database.close()
