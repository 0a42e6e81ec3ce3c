"""What is PostgreSQL's own: types, characters, locks, a server that goes and comes back, dumps."""

from __future__ import annotations

import itertools
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from store.backups.checking import Checked
from store.backups.folder import Backups
from store.backups.restoring import Restoring, finish
from store.database import Database, Prepared
from store.dialects import contains, json_text
from store.directory import DataDirectory
from store.errors import BackupError, DatabaseError
from store.reader import ReadOnlyDatabase
from store.snapshot import snapshot
from store.tables import interactions, jobs, metadata
from tests.postgres import Server, running

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(300)]

ROW = {
    "id": "int_1",
    "created_at": "2026-11-20 10:00:00",
    "interaction_type": "llm",
    "namespace": "tests",
    "success": 1,
    "prompt": "Hi",
}
INSERT = Prepared(sa.insert(interactions))
PROMPT = Prepared(sa.select(interactions.c.prompt).where(interactions.c.id == sa.bindparam("id_")))
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def url(server: Server) -> str:
    return server.create(f"store_{next(NUMBERS)}")


@pytest.fixture
def driver(url: str):
    from store.postgres import PostgreSQL

    return PostgreSQL(url)


@pytest.fixture
def database(driver) -> Iterator[Database]:
    opened = Database(driver)
    yield opened
    opened.close()


def write(database: Database, **fields: object) -> None:
    database.writer.submit(INSERT, {**ROW, **fields}).result(60)


# ---- tables and values


def test_the_migrations_make_the_tables_that_the_code_expects(database):
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == [], "nothing differs"


def test_texts_compare_byte_by_byte_and_integers_are_large(database):
    columns = database.query(
        sa.text(
            "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        )
    )
    assert {row["collation_name"] for row in columns if row["data_type"] == "text"} == {"C"}, "whatever the server's"
    assert "integer" not in {row["data_type"] for row in columns}, "all of 64 bits"
    write(database, prompt_tokens=2**40)
    assert database.query(sa.select(sa.func.sum(interactions.c.prompt_tokens).label("n"))) == [{"n": 2**40}], "a number"


def test_unique_among_some_rows_means_only_those(database):
    found = database.query(sa.text("SELECT indexdef FROM pg_indexes WHERE indexname = 'memories_said_once'"))
    assert "WHERE" in found[0]["indexdef"], "superseded memories may say the same"


@pytest.mark.parametrize("text", ["a\0b", "␀", "␀0", "\0␀\0", "plain", "\0" * 3, "␀␀0"])
def test_every_character_comes_back(database, text):
    write(database, prompt=text)
    assert database.read(PROMPT, {"id_": "int_1"}) == [(text,)], "as it was given, to who reads on the driver"
    found = database.query(sa.select(interactions.c.id).where(interactions.c.prompt == text))
    assert found == [{"id": "int_1"}], "and it equals itself"


def test_half_a_surrogate_pair_is_refused_and_spoils_no_other_write(database):
    bad = database.writer.submit(INSERT, {**ROW, "id": "int_2", "prompt": "\ud800"})
    write(database)
    with pytest.raises(DatabaseError, match="UnicodeEncodeError"):
        bad.result(60)
    assert database.read(PROMPT, {"id_": "int_1"}) == [("Hi",)], "the other is kept"


def test_words_are_found_in_whatever_case(database):
    write(database, prompt="Grüße aus ÄGYPTEN, 100 %")
    for words in ("ägypten", "GRÜSSE".replace("SS", "ß"), "100 %"):
        found = database.query(sa.select(interactions.c.id).where(contains(interactions.c.prompt, words)))
        assert found == [{"id": "int_1"}], words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": {"b": "c"}}', "c"),
        ("{damaged", None),
        ('{"a": {"b": "x\\u0000y"}}', "x\ufffdy"),
        ('{"a": {"b": "\\ud800"}}', "\ufffd"),
    ],
)
def test_values_in_json_are_read_whatever_is_beside_them(database, text, value):
    write(database, metadata=text)
    found = database.query(sa.select(json_text(interactions.c.metadata, "a", "b").label("v")))
    assert found == [{"v": value}], text


# ---- transactions and connections


def test_whoever_writes_keeps_the_others_out(database):
    def slow(connection: sa.Connection) -> None:
        before = connection.scalar(sa.select(sa.func.count()).select_from(interactions))
        waiting = database.writer.submit(INSERT, ROW)
        assert not threading.Event().wait(0.2), "time for the writer to try"
        assert not waiting.done(), "the writer waits"
        assert connection.scalar(sa.select(sa.func.count()).select_from(interactions)) == before, "what was read holds"

    database.transact(slow)
    database.writer.submit("SELECT 1", ()).result(60)
    assert database.read(PROMPT, {"id_": "int_1"}) == [("Hi",)], "and then it writes"


def test_a_transaction_that_fails_leaves_nothing(database):
    def failing(connection: sa.Connection) -> None:
        connection.execute(sa.insert(interactions), ROW)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        database.transact(failing)
    assert database.read(PROMPT, {"id_": "int_1"}) == [], "it is as if it had not been"
    write(database)


def test_one_process_serves_a_database_and_a_lost_connection_loses_it_to_the_next(url, server):
    from store.postgres import PostgreSQL

    first = Database(PostgreSQL(url), alone=True)
    with pytest.raises(DatabaseError, match="served by another Reprise"):
        Database(PostgreSQL(url), alone=True)
    beside = Database(PostgreSQL(url))
    assert beside.query(sa.select(sa.func.count().label("n")).select_from(jobs)) == [{"n": 0}], "who reads may"
    beside.close()
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'reprise%'")
    second = Database(PostgreSQL(url), alone=True)
    with pytest.raises(DatabaseError, match="served by another Reprise"):
        first.upkeep()
    with pytest.raises(DatabaseError, match="served by another Reprise"):
        write(first)
    second.close()
    first.upkeep()
    write(first)
    first.close()


def test_a_server_that_was_started_anew_is_used_again(driver, server):
    database = Database(driver, alone=True)
    write(database)
    server.stop()
    with pytest.raises(DatabaseError):
        database.read(PROMPT, {"id_": "int_1"})
    with pytest.raises(DatabaseError):
        write(database, id="int_2")
    server.start()
    driver._rested = 0.0
    database.upkeep()
    assert database.read(PROMPT, {"id_": "int_1"}) == [("Hi",)], "reads"
    write(database, id="int_2")
    assert len(database.query(sa.select(interactions.c.id))) == 2, "and writes"
    database.close()


def test_a_restart_that_nobody_noticed_costs_no_call(driver, server):
    database = Database(driver, alone=True)
    write(database)
    server.stop()
    server.start()
    assert database.read(PROMPT, {"id_": "int_1"}) == [("Hi",)], "a prepared read"
    assert len(database.query(sa.select(interactions.c.id))) == 1, "an ordinary one"
    write(database, id="int_2")
    database.transact(lambda connection: connection.execute(sa.delete(interactions)))
    database.close()


def test_who_only_reads_writes_nothing(database, driver):
    write(database)
    reader = ReadOnlyDatabase(driver)
    assert reader.read(PROMPT, {"id_": "int_1"}) == [("Hi",)], "it reads"
    with pytest.raises(DatabaseError, match="read-only"):
        reader.transact(lambda connection: connection.execute(sa.delete(interactions)))
    reader.close()


def test_a_snapshot_shows_one_moment(database, driver):
    write(database)
    with snapshot(driver) as moment:
        assert moment.count(sa.select(interactions)) == 1, "before"
        write(database, id="int_2")
        assert [row["id"] for row in moment.rows(sa.select(interactions))] == ["int_1"], "and still"


def test_no_password_is_told(driver):
    assert "sesame" not in driver.shown, "people see where it is"
    from store.postgres import PostgreSQL

    wrong = PostgreSQL("postgresql://reprise:sesame@127.0.0.1:1/none")
    with pytest.raises(DatabaseError) as told:
        Database(wrong)
    assert "sesame" not in str(told.value), "nor does an error tell"


def test_without_psycopg_the_remedy_is_named(monkeypatch, tmp_path):
    from proxy.config import Settings
    from proxy.databases import driver_of

    monkeypatch.setitem(sys.modules, "store.postgres", None)
    settings = Settings.model_validate({"store": {"sql": "postgresql://a@b/c"}})
    with pytest.raises(DatabaseError, match=r"pip install 'reprise-llm\[postgres\]'"):
        driver_of(settings, DataDirectory(tmp_path))


# ---- backups


@pytest.fixture
def held(tmp_path: Path) -> DataDirectory:
    directory = DataDirectory(tmp_path / "data")
    directory.prepare()
    return directory


def backups(directory: DataDirectory, driver) -> Backups:
    from store.backups.postgres import PostgresSource

    return Backups(directory, PostgresSource(driver), "1.2.3")


def restore(directory: DataDirectory, driver, checked: Checked):
    from store.backups.postgres import PostgresTarget

    try:
        return Restoring(directory, backups(directory, driver), PostgresTarget(driver)).restore(checked, safety=False)
    finally:
        driver.close()


def test_a_dump_is_of_one_moment_and_comes_back(database, driver, held):
    write(database, prompt="a\0b ␀")
    made = backups(held, driver).make().manifest
    assert (made.sql, made.rows["interactions"]) == ("postgresql", 1), "what it is and holds"
    write(database, id="int_2")
    checked = backups(held, driver).check(made.stamp)
    assert checked.problems == (), "it is whole"
    restore(held, driver, checked)
    assert database.query(sa.select(interactions.c.id, interactions.c.prompt)) == [
        {"id": "int_1", "prompt": "a\0b ␀"}
    ], "what was there then"


def test_a_restore_that_fails_half_way_changes_nothing(database, driver, held):
    write(database)
    made = backups(held, driver).make().manifest
    path = held.backups / made.stamp / "metadata.json"
    body = json.loads(path.read_text())
    body["rows"]["interactions"] = 7
    path.write_text(json.dumps(body))
    write(database, id="int_2")
    with pytest.raises(BackupError, match=r"nothing was restored: .*table interactions has 1 rows, not 7"):
        restore(held, driver, backups(held, driver).check(made.stamp))
    assert len(database.query(sa.select(interactions.c.id))) == 2, "the transaction is as if it had not been"
    assert not (held.root / "restore").exists(), "and nothing is left to finish"


def test_a_restore_that_was_killed_is_finished_or_forgotten(database, driver, held, monkeypatch):
    from store.backups.postgres import PostgresTarget

    write(database)
    made = backups(held, driver).make().manifest
    write(database, id="int_2")
    held.vectors.mkdir()
    checked = backups(held, driver).check(made.stamp)

    class Killed(BaseException):
        pass

    def dies(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(PostgresTarget, "finish", dies)
        with pytest.raises(Killed):
            restore(held, driver, checked)
    assert "is finished now" in (finish(held, PostgresTarget(driver)) or ""), "the transaction was committed"
    assert not held.vectors.exists(), "so the old index goes as well"
    driver.close()
    assert len(database.query(sa.select(interactions.c.id))) == 1, "the new state"
    with monkeypatch.context() as patch:
        patch.setattr(PostgresTarget, "put", dies)
        with pytest.raises(Killed):
            restore(held, driver, checked)
    assert "before it had changed anything" in (finish(held, PostgresTarget(driver)) or ""), "it was not"
    driver.close()


def test_a_served_database_is_not_restored(database, driver, held, url):
    from store.postgres import PostgreSQL

    made = backups(held, driver).make().manifest
    serving = Database(PostgreSQL(url), alone=True)
    with pytest.raises(BackupError, match="served by another Reprise"):
        restore(held, driver, backups(held, driver).check(made.stamp))
    serving.close()


def test_a_damaged_dump_is_found(database, driver, held):
    made = backups(held, driver).make().manifest
    path = held.backups / made.stamp / "reprise.dump"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert backups(held, driver).check(made.stamp).problems == ("reprise.dump: its content is another",), "by its hash"


def test_missing_programs_are_named(database, driver, held, monkeypatch, tmp_path):
    monkeypatch.setattr("store.backups.postgres.HOMES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="pg_dump is not installed here: install PostgreSQL's client programs"):
        backups(held, driver).make()
    old = tmp_path / "9" / "bin" / "pg_dump"
    old.parent.mkdir(parents=True)
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(BackupError, match="pg_dump is of version 9, and the server's is"):
        backups(held, driver).make()
    assert backups(held, driver).stamps() == [], "nothing is left"
