"""Restoring: what a data directory holds afterwards, whatever it was killed at."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from store.backups import restoring, target
from store.backups.folder import measured
from store.backups.restoring import Restoring, finish
from store.database import HEAD, MIGRATIONS, Database
from store.directory import DataDirectory
from store.errors import BackupError
from tests.store.backing import backups_in, fill, ids, index, indexed, log

pytestmark = pytest.mark.sqlite

STAMP = "20261121T121500Z"
OLD_KEY = "11" * 32
CHANGES = ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync")
"""What changes files, of ``os``; whatever is killed is killed before or after one of them."""


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory):
    """A data directory with two backups, the first with indexes, and with something else in it since."""
    root = tmp_path_factory.mktemp("backed-up") / "data"
    fill(root)
    directory = DataDirectory(root)
    index(directory.vectors, "of the backup")
    backups = backups_in(directory)
    backups.make(include_chroma=True)
    backups.make()
    shutil.rmtree(directory.vectors)
    index(directory.vectors, "since")
    index(directory.chunk_vectors, "since")
    log(directory.database, "int_since")
    directory.secret_key.write_text(OLD_KEY)
    return root


@pytest.fixture
def directory(backed_up, tmp_path):
    shutil.copytree(backed_up, tmp_path / "data")
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def backups(directory):
    return backups_in(directory)


def restore(directory, stamp=STAMP, **options):
    backups = backups_in(directory)
    return Restoring(directory, backups).restore(backups.check(stamp), **options)


def state(directory) -> tuple[int, bool, str | None, str | None]:
    """(interactions, is the key the old one, what the indexes say): what a server would find."""
    rows = len(ids(directory.database))
    found = directory.secret_key.read_text() == OLD_KEY
    return rows, found, indexed(directory.vectors), indexed(directory.chunk_vectors)


OLD = (11, True, "since", "since")
NEW = {STAMP: (10, False, "of the backup", None), f"{STAMP}-2": (10, False, None, None)}


@pytest.mark.parametrize("stamp", NEW)
def test_a_backup_takes_the_place_of_what_is_there(directory, backups, stamp):
    restored = restore(directory, stamp)
    assert state(directory) == NEW[stamp], "indexes that the backup has not are gone, to be written again"
    assert restored.safety == f"{STAMP}-3", "what was there is a backup now"
    assert backups.check(restored.safety).valid, "which can be put back"
    assert not (directory.root / "restore").exists(), "nothing is left of the work"
    assert finish(directory) is None, "and nothing is to be finished"
    restore(directory, restored.safety)
    assert state(directory)[:2] == OLD[:2], "restoring can be undone"


def test_what_was_there_is_marked_as_such(directory, backups):
    safety = restore(directory).safety
    assert {found.stamp: found.kind for found in backups.all()}[safety] == "safety"


def test_a_log_of_the_old_database_is_not_taken_for_the_new_ones(directory):
    killed = directory.root / "killed"
    killed.mkdir()
    with contextlib.closing(sqlite3.connect(directory.database)) as connection:
        connection.execute("SELECT count(*) FROM interactions").fetchone()
        log(directory.database, "int_late")
        for ending in ("", "-wal", "-shm"):
            name = f"{directory.database.name}{ending}"
            shutil.copyfile(directory.root / name, killed / name)
    for path in killed.iterdir():
        # As a killed server leaves it.
        path.replace(directory.root / path.name)
    killed.rmdir()
    restored = restore(directory)
    assert state(directory)[0] == 10, "none of the old rows come back"
    assert not list(directory.root.glob("reprise.db-*")), "no log lies beside it"
    kept = directory.backups / str(restored.safety) / "reprise.db"
    assert "int_late" in ids(kept), "what was only in the log is in the safety backup"


def test_a_fresh_machine_has_nothing_to_keep(backed_up, tmp_path):
    directory = DataDirectory(tmp_path / "new")
    directory.prepare()
    shutil.copytree(backed_up / "backups", directory.backups)
    assert restore(directory).safety is None, "there was nothing"
    assert state(directory) == NEW[STAMP], "the backup is all there is"


def test_a_damaged_backup_changes_nothing(directory, backups):
    with (directory.backups / STAMP / "reprise.db").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BackupError, match=r"is damaged, nothing was restored: reprise\.db: its size is another"):
        restore(directory)
    with pytest.raises(BackupError, match="there is no backup 20000101T000000Z"):
        restore(directory, "20000101T000000Z")
    assert state(directory) == OLD, "all is as it was"
    assert len(backups.stamps()) == 2, "not even a safety backup was made"


def test_a_backup_that_changes_once_it_was_checked_is_not_restored(directory):
    backups = backups_in(directory)
    checked = backups.check(STAMP)
    (directory.backups / STAMP / "chroma/segment/header.bin").write_text("of somebody")
    with pytest.raises(BackupError, match=r"chroma/segment/header\.bin changed while it was copied"):
        Restoring(directory, backups).restore(checked)
    assert state(directory) == OLD, "all is as it was"
    assert not (directory.root / "restore").exists(), "nothing is left of the work"


def test_nothing_is_replaced_under_somebody_who_reads_it(directory, monkeypatch):
    monkeypatch.setattr(target, "BUSY_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(directory.database)) as connection:
        connection.execute("SELECT count(*) FROM interactions").fetchone()
        with pytest.raises(BackupError, match="another process reads the database"):
            restore(directory)
    assert state(directory) == OLD, "all is as it was"
    assert not (directory.root / "restore").exists(), "nothing is left of the work"
    restore(directory)
    assert state(directory) == NEW[STAMP], "once it is closed, it goes"


def test_a_full_disk_changes_nothing(directory, monkeypatch):
    monkeypatch.setattr(restoring, "SPARE", 2**60)
    with pytest.raises(BackupError, match="nothing was restored: the disk has"):
        restore(directory)
    assert state(directory) == OLD, "all is as it was"
    assert not (directory.root / "restore").exists(), "nothing is left of the work"


def test_a_damaged_database_is_given_up_only_where_that_is_asked(directory):
    directory.database.write_bytes(b"SQLite format 3\0" + os.urandom(20_000))
    with pytest.raises(BackupError, match="cannot be backed up, so nothing was restored"):
        restore(directory)
    assert restore(directory, safety=False).safety is None
    assert state(directory) == NEW[STAMP], "the backup is in its place"


def test_what_was_forgotten_since_is_told(directory):
    with contextlib.closing(sqlite3.connect(directory.database)) as connection, connection:
        connection.executemany(
            "INSERT INTO audit (id, at, actor, action, object_type, object_id, namespace)"
            " VALUES (?, ?, 'ada', ?, 'receipt', 'rcp', 'default')",
            [
                ("1", "2026-11-21 12:14:59", "forget"),
                ("2", "2026-11-21 12:20:00", "forget"),
                ("3", "2026-11-21 12:21:00", "update"),
            ],
        )
    assert restore(directory).forgotten_since == 1, "what was forgotten after the backup comes back with it"


def test_an_older_schema_is_brought_up_to_date_when_it_is_opened(directory, backups):
    folder = directory.backups / f"{STAMP}-2"
    with contextlib.closing(sqlite3.connect(folder / "reprise.db")) as connection, connection:
        later = ScriptDirectory(str(MIGRATIONS)).walk_revisions(base="0004", head="head")
        tables = [name for script in later if script.revision > "0004" for name in script.module.TABLES]
        for name in tables:
            connection.execute(f"DROP TABLE {name}")
        for column in ("cached_tokens", "holdout"):
            connection.execute(f"ALTER TABLE interactions DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    body = json.loads((folder / "metadata.json").read_text())
    file = measured(folder / "reprise.db")
    body["files"]["reprise.db"] = {"size": file.size, "sha256": file.sha256}
    body["schema"] = "0004"
    body["rows"] = {name: rows for name, rows in body["rows"].items() if name not in tables}
    (folder / "metadata.json").write_text(json.dumps(body))
    restore(directory, f"{STAMP}-2")
    database = Database(directory.database)
    try:
        assert database.query(sa.text("SELECT version_num FROM alembic_version")) == [{"version_num": HEAD}]
        assert len(database.query(sa.text("SELECT holdout FROM interactions"))) == 10, "with its rows"
    finally:
        database.close()


# Killed


class Killed(BaseException):
    """What stands for SIGKILL: nothing that comes after it changes a file."""


@contextlib.contextmanager
def killed_at(monkeypatch: pytest.MonkeyPatch, last: int):
    """Only so many changes of files are made; gives a list with something in it once that was too few."""
    made, dead = [], []

    def counting(change):
        def counted(*given, **named):
            if len(made) >= last:
                dead.append(change)
                raise Killed
            made.append(change)
            return change(*given, **named)

        return counted

    with monkeypatch.context() as patched:
        for name in CHANGES:
            patched.setattr(os, name, counting(getattr(os, name)))
        with contextlib.suppress(Killed):
            yield dead


@pytest.mark.slow
@pytest.mark.parametrize("stamp", [STAMP, f"{STAMP}-2"])
def test_killed_at_any_step_it_is_the_old_or_the_new_once_somebody_starts(backed_up, tmp_path, monkeypatch, stamp):
    told, dead = set(), [None]
    last, checked = 0, backups_in(DataDirectory(backed_up)).check(stamp)
    while dead:
        root = tmp_path / str(last)
        shutil.copytree(backed_up, root)
        directory = DataDirectory(root)
        with killed_at(monkeypatch, last) as dead:
            Restoring(directory, backups_in(directory)).restore(checked, safety=False)
        rows = len(ids(directory.database))
        assert rows in (10, 11), f"killed after {last} changes: even unfinished, the database is one of the two"
        outcome = finish(directory)
        told.add((outcome or "").partition(":")[0])
        found = state(directory)
        assert found in (OLD, NEW[stamp]), f"killed after {last} changes, it is neither the old nor the new: {found}"
        assert not (root / "restore").exists(), f"killed after {last} changes, something is left of the work"
        if outcome is not None:
            assert ("before" in outcome) is (found == OLD), f"{outcome} is not true"
        shutil.rmtree(root)
        last += 1
    assert last > 15, "there is something to be killed at"
    assert told == {
        "",
        "a restore was interrupted before it had changed anything",
        f"a restore of backup {stamp} was interrupted, and is finished now",
    }, "and it is told at the next start"


@pytest.mark.slow
def test_killed_again_and_again_while_it_is_finished(backed_up, tmp_path, monkeypatch):
    checked = backups_in(DataDirectory(backed_up)).check(STAMP)
    for first in range(20, 60, 5):
        root = tmp_path / str(first)
        shutil.copytree(backed_up, root)
        directory = DataDirectory(root)
        with killed_at(monkeypatch, first):
            Restoring(directory, backups_in(directory)).restore(checked, safety=False)
        dead, last = [None], 0
        while dead:
            with killed_at(monkeypatch, last) as dead:
                finish(directory)
            last += 1
        assert state(directory) in (OLD, NEW[STAMP]), f"killed after {first} changes, then at each step of finishing"
        shutil.rmtree(root)


def test_a_journal_that_makes_no_sense_is_not_guessed_at(directory):
    (directory.root / "restore").mkdir()
    (directory.root / "restore" / "journal.json").write_text('{"stamp": "../../x"}')
    with pytest.raises(BackupError, match=r"restore/journal\.json is damaged"):
        finish(directory)
    restore(directory)
    assert state(directory) == NEW[STAMP], "asking for a restore again settles it"


def test_a_start_that_cannot_finish_says_so(directory, monkeypatch):
    with killed_at(monkeypatch, 30):
        restore(directory, safety=False)

    def broken(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", broken)
        patched.setattr(os, "replace", broken)
        patched.setattr(shutil, "rmtree", broken)
        with pytest.raises(BackupError, match="Input/output error"):
            finish(directory)


def test_nothing_was_interrupted(tmp_path):
    assert finish(DataDirectory(tmp_path)) is None
