"""The database: migrations, damaged files, reads and administrative writes."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from store.database import HEAD, MIGRATIONS, Database, Prepared
from store.errors import DatabaseError
from store.sqlite import SQLite
from store.tables import interactions, metadata

pytestmark = pytest.mark.sqlite

ROW = {
    "id": "int_1",
    "created_at": "2026-11-20 10:00:00",
    "interaction_type": "llm",
    "namespace": "tests",
    "success": 1,
    "prompt": "Hi",
}
INSERT = Prepared(sa.insert(interactions))
COUNT = sa.select(sa.func.count().label("n")).select_from(interactions)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "reprise.db"


@pytest.fixture
def database(path):
    opened = Database(path)
    yield opened
    opened.close()


def run_python(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def shape_of(engine):
    """Tables, columns and indexes, conditions of indexes included."""
    inspector = sa.inspect(engine)
    shape = {}
    for table in set(inspector.get_table_names()) - {"alembic_version"}:
        columns = [
            (column["name"], str(column["type"]), column["nullable"], column["primary_key"])
            for column in inspector.get_columns(table)
        ]
        indexes = {
            index["name"]: (index["column_names"], str(index.get("dialect_options", {}).get("sqlite_where")))
            for index in inspector.get_indexes(table)
        }
        shape[table] = (columns, indexes)
    return shape


# ---- migrations


def test_the_migrations_make_the_tables_that_the_code_expects(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_what_the_metadata_would_make_itself(database):
    direct = sa.create_engine("sqlite://")
    metadata.create_all(direct)
    migrated = shape_of(database.engine)
    assert migrated == shape_of(direct)
    assert set(migrated) == {"interactions", "entries"} | set(metadata.tables)
    direct.dispose()


def test_the_newest_migration_is_the_one_the_code_names():
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_changes_nothing_and_keeps_the_rows(path, database):
    database.writer.submit(INSERT, ROW).result(60)
    before = shape_of(database.engine)
    for _ in range(2):
        again = Database(path)
        assert shape_of(again.engine) == before
        assert again.query(COUNT) == [{"n": 1}]
        again.close()


def test_a_start_whose_tables_are_current_does_not_load_the_migrations(path, database):
    code = "import sys; from pathlib import Path; from store.database import Database\n"
    code += "Database(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    assert run_python(code, path).stdout.strip() == "False"
    assert run_python(code, path.with_name("new.db")).stdout.strip() == "True"


KILLED_WHILE_MIGRATING = """
import os, signal, sys
from pathlib import Path
import sqlalchemy as sa
from store.database import Database

@sa.event.listens_for(sa.Engine, "after_cursor_execute")
def kill(connection, cursor, statement, parameters, context, executemany):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

Database(Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE alembic_version",
        "CREATE TABLE entries",
        "CREATE TABLE interactions",
        "INSERT INTO alembic_version",
    ],
)
def test_a_first_start_that_was_killed_half_way_leaves_a_file_that_opens(path, statement):
    assert run_python(KILLED_WHILE_MIGRATING, path, statement).returncode == -9
    database = Database(path)
    assert set(shape_of(database.engine)) == set(metadata.tables)
    assert database.query(COUNT) == [{"n": 0}]
    database.close()


def test_two_first_starts_at_once_both_open(path):
    code = "import sys; from pathlib import Path; from store.database import Database\n"
    code += "Database(Path(sys.argv[1])).close(); print('open')"
    arguments = [sys.executable, "-c", code, str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    starts = [subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [start.communicate()[0].strip() for start in starts] == ["open", "open"]


# ---- files that cannot be used


def opened(path):
    """The error that opening a file gives."""
    with pytest.raises(DatabaseError) as caught:
        Database(path)
    return str(caught.value)


def test_a_file_that_is_no_database_is_a_clear_error(path):
    path.write_bytes(b"This is not a database, and no length makes it one. " * 100)
    assert opened(path) == f"cannot open the database {path}: file is not a database"


def test_a_damaged_database_is_a_clear_error(path):
    Database(path).close()
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert "malformed" in opened(path)


def test_a_cut_off_database_is_a_clear_error(path):
    Database(path).close()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "malformed" in opened(path)


def test_a_missing_folder_is_a_clear_error(tmp_path):
    path = tmp_path / "missing" / "reprise.db"
    assert opened(path) == f"cannot open the database {path}: unable to open database file"


def test_a_folder_in_the_files_place_is_a_clear_error(path):
    path.mkdir()
    assert "unable to open database file" in opened(path)


def test_a_database_of_a_newer_version_is_a_clear_error(path):
    Database(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert "9999" in opened(path)


def test_an_empty_file_becomes_a_database(path):
    path.touch()
    database = Database(path)
    assert database.query(COUNT) == [{"n": 0}]
    database.close()


# ---- settings of the connections


@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
def test_every_connection_has_the_settings_that_durability_asks_for(path, durability, synchronous):
    database = Database(path, durability)
    wanted = {"journal_mode": "wal", "synchronous": synchronous, "foreign_keys": 1, "secure_delete": 1}
    for name, value in wanted.items():
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value
        assert database._reads.fetch(f"PRAGMA {name}", ()) == [(value,)]
    connection = database.driver.connect()
    assert [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted] == list(wanted.values())
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (5000,)
    connection.close()
    database.close()


# ---- reads


def test_a_prepared_row_stands_in_the_placeholders_order():
    compiled = INSERT.on(SQLite.dialect)
    row = compiled.row(ROW)
    assert len(row) == len(compiled.order) == len(interactions.columns)
    assert {name: value for name, value in zip(compiled.order, row, strict=True) if value is not None} == ROW


def test_a_prepared_statement_keeps_its_own_literals():
    statement = Prepared(
        sa.select(interactions.c.id).where(
            interactions.c.namespace == "tests", interactions.c.id == sa.bindparam("id_")
        )
    )
    assert statement.on(SQLite.dialect).row({"id_": "int_1"}) == ("tests", "int_1")


def test_prepared_and_ordinary_reads_give_the_same(database):
    database.writer.submit(INSERT, ROW).result(60)
    prepared = Prepared(
        sa.select(interactions.c.id, interactions.c.prompt).where(interactions.c.id == sa.bindparam("i"))
    )
    assert database.read(prepared, {"i": "int_1"}) == [("int_1", "Hi")]
    assert database.read(prepared, {"i": "int_2"}) == []
    statement = sa.select(interactions.c.id, interactions.c.prompt).where(interactions.c.id == sa.bindparam("i"))
    assert database.query(statement, i="int_1") == [{"id": "int_1", "prompt": "Hi"}]


def test_every_thread_reads_on_a_connection_of_its_own(database):
    statement = Prepared(sa.select(sa.func.count()).select_from(interactions))
    found, connections = [], set()

    def read():
        found.append(database.read(statement, {}))
        connections.add(id(database._reads._reader()))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [[(0,)]] * 4
    assert len(connections) == 4


def test_a_failing_read_is_a_database_error(database):
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        database.read(Prepared(sa.text("SELECT * FROM nowhere")), {})
    with pytest.raises(DatabaseError, match=r"no such table|does not exist"):
        database.query(sa.text("SELECT * FROM nowhere"))


def test_a_read_after_closing_is_a_database_error(path):
    database = Database(path)
    statement = Prepared(sa.select(interactions.c.id))
    assert database.read(statement, {}) == []
    database.close()
    with pytest.raises(DatabaseError):
        database.read(statement, {})


# ---- administrative writes


def test_administrative_writes_happen_in_one_transaction(database):
    def work(connection):
        connection.execute(sa.insert(interactions).values(**ROW))
        connection.execute(sa.insert(interactions).values(**ROW))

    with pytest.raises(DatabaseError, match="UNIQUE"):
        database.transact(work)
    assert database.query(COUNT) == [{"n": 0}]
    database.transact(lambda connection: connection.execute(sa.insert(interactions).values(**ROW)))
    assert database.query(COUNT) == [{"n": 1}]


def test_administrative_writes_and_the_writer_take_turns(database):
    queued = []

    def work(connection):
        connection.execute(sa.insert(interactions).values(**ROW))
        queued.append(database.writer.submit(INSERT, {**ROW, "id": "int_2"}))

    database.transact(work)
    queued[0].result(60)
    assert database.query(COUNT) == [{"n": 2}]


def test_a_checkpoint_moves_what_was_written_into_the_file_itself(path, database):
    database.writer.submit(INSERT, ROW).result(60)
    database.upkeep()
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)  # without its write-ahead log
    connection = sqlite3.connect(copy)
    assert connection.execute("SELECT id FROM interactions").fetchall() == [("int_1",)]
    connection.close()


def test_closing_writes_what_is_queued_and_closing_twice_is_no_error(path):
    database = Database(path)
    for number in range(100):
        database.writer.submit(INSERT, {**ROW, "id": f"int_{number}"})
    database.close()
    database.close()
    again = Database(path)
    assert again.query(COUNT) == [{"n": 100}]
    again.close()


def test_the_write_ahead_log_is_emptied_unless_somebody_reads(database, path):
    log = path.with_name(f"{path.name}-wal")
    database.writer.submit(INSERT, ROW).result(60)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM interactions").fetchall()
    database.writer.submit(INSERT, {**ROW, "id": "int_2"}).result(60)
    assert not database.erase(), "a reader stands in the way"
    assert log.stat().st_size > 0
    reader.close()
    assert database.erase()
    assert log.stat().st_size == 0
    assert database.query(COUNT)[0]["n"] == 2, "nothing is lost"


def test_closing_waits_for_a_thread_that_still_reads(tmp_path):
    """A cancelled task's thread goes on; a connection closed under it would end the whole process."""
    database = Database(tmp_path / "reprise.db")
    slow = Prepared(
        sa.text(
            "WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 300000)"
            " SELECT max(n) FROM counted"
        )
    )
    begun, read = threading.Event(), []

    def reading():
        database.read(Prepared(sa.text("SELECT 1")), {})
        begun.set()
        try:
            read.append(database.read(slow, {}))
        except DatabaseError:
            read.append("refused")

    thread = threading.Thread(target=reading)
    thread.start()
    begun.wait()
    database.close()
    thread.join()
    assert read in ([[(300000,)]], ["refused"]), "the read came to its end, or was refused: nothing between"
