"""Databases of earlier versions: opened by this one, their rows are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from store.database import HEAD, MIGRATIONS, Database
from store.entries import Entries
from store.labels import Labels
from store.tables import metadata
from tests.fakes import NOW

pytestmark = pytest.mark.sqlite

ENTRY = {
    "id": "ent_1",
    "exact_key": "key",
    "compat_key": "compat",
    "partition": "partition",
    "namespace": "tests",
    "model": "gpt-x",
    "status": "active",
    "alpha": 9.0,
    "beta": 1.0,
    "hits": 3,
    "created_at": NOW,
    "expires_at": NOW + 3600.0,
    "has_tool_calls": 0,
    "indexed": 1,
    "prompt": "Hi",
    "answer": '{"choices":[]}',
}
INTERACTION = {
    "id": "int_1",
    "created_at": "2026-11-20 10:00:00",
    "interaction_type": "llm",
    "namespace": "tests",
    "success": 1,
    "prompt": "Hi",
}


def insert(connection, table, row):
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row)


@pytest.fixture
def old(tmp_path):
    """A database as the first version left it, with an entry and an interaction."""
    path = tmp_path / "reprise.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        insert(connection, "entries", ENTRY)
        insert(connection, "interactions", INTERACTION)
    engine.dispose()
    return path


def revision(database):
    return database.query(sa.text("SELECT version_num FROM alembic_version"))[0]["version_num"]


def test_rows_of_the_first_version_are_kept_and_can_be_judged(old):
    database = Database(old)
    assert revision(database) == HEAD, "the tables are of this version"
    assert database.query(sa.text("SELECT id FROM interactions")) == [{"id": "int_1"}], "the log is kept"
    entries, labels = Entries(database, 10), Labels(database)
    assert entries.by_exact_key("key")[0].quality == pytest.approx(0.9), "answers are kept"
    assert entries.reinforce("ent_1", 0.0, 2.0).beta == 3.0, "and old answers can be judged"
    assert labels.judged_wrong("new", ["key"]) == set(), "nothing was judged wrong before"
    database.close()


def test_the_tables_grow_to_what_the_code_expects(old):
    database = Database(old)
    tables = set(sa.inspect(database.engine).get_table_names()) - {"alembic_version"}
    assert tables == set(metadata.tables), "the tables of the metadata, and no others"
    database.close()


KILLED = """
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


@pytest.mark.parametrize("statement", ["CREATE TABLE evidence", "CREATE TABLE wrong_pairs", "UPDATE alembic_version"])
def test_an_upgrade_that_was_killed_half_way_is_done_again(old, statement):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(old), statement], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL, "it was killed in the midst of the upgrade"
    database = Database(old)
    assert revision(database) == HEAD, "the next start completes it"
    assert database.query(sa.text("SELECT id FROM entries")) == [{"id": "ent_1"}], "and no row is lost"
    database.close()


def test_the_upgrade_can_be_taken_back(old):
    Database(old).close()
    engine = sa.create_engine(f"sqlite:///{old}")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        tables = set(sa.inspect(connection).get_table_names())
    assert tables == {"entries", "interactions", "alembic_version"}, "the tables of the first version"
    engine.dispose()
