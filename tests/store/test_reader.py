"""The database opened for reading alone."""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest
import sqlalchemy as sa

from store.database import Database
from store.errors import DatabaseError
from store.reader import ReadOnlyDatabase
from store.tables import epochs

pytestmark = pytest.mark.sqlite


def put(database, namespace):
    database.transact(lambda connection: connection.execute(sa.insert(epochs).values((namespace, 1, 2.0))))


def names(database):
    return sorted(row["namespace"] for row in database.query(sa.select(epochs.c.namespace)))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a b#c" / "reprise.db"


@pytest.fixture
def filled(path):
    path.parent.mkdir()
    database = Database(path)
    put(database, "one")
    database.close()
    return path


def test_after_the_server_it_reads_and_leaves_no_trace(filled):
    before = contents(filled.parent)
    reader = ReadOnlyDatabase(filled)
    assert names(reader) == ["one"]
    reader.close()
    assert contents(filled.parent) == before


def test_beside_a_server_it_sees_what_is_committed(filled):
    server = Database(filled)
    reader = ReadOnlyDatabase(filled)
    put(server, "two")
    assert names(reader) == ["one", "two"]
    reader.close()
    server.close()


def test_it_reads_what_a_killed_server_left_in_the_log(filled):
    child = os.fork()
    if child == 0:
        put(Database(filled), "two")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    reader = ReadOnlyDatabase(filled)
    assert names(reader) == ["one", "two"]
    reader.close()


def test_nothing_can_be_written(filled):
    reader = ReadOnlyDatabase(filled)
    with pytest.raises(DatabaseError, match="readonly"):
        put(reader, "two")
    reader.close()


def test_tables_of_another_release_are_refused(filled):
    database = Database(filled)
    database.transact(lambda connection: connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'")))
    database.close()
    with pytest.raises(DatabaseError, match="another release, an older one"):
        ReadOnlyDatabase(filled)
    with sqlite3.connect(filled) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",), "nothing migrated"
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseError, match="another release, a newer one"):
        ReadOnlyDatabase(filled)


def test_a_file_that_is_not_there_is_an_error_and_stays_away(path):
    path.parent.mkdir()
    with pytest.raises(DatabaseError):
        ReadOnlyDatabase(path)
    assert contents(path.parent) == {}
