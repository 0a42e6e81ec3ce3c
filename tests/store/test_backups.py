"""Backups: what is in one, what makes it valid, and what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from store.backups import folder as folders
from store.backups.content import known_schemas
from store.backups.copying import SQLiteSource
from store.backups.folder import Busy
from store.backups.stamps import is_stamp, order, stamp_at
from store.database import HEAD
from store.directory import DataDirectory
from store.errors import BackupError
from tests.store.backing import NOON, backups_in, fill, ids, index, log

pytestmark = pytest.mark.sqlite

STAMP = "20261121T121500Z"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    root = tmp_path_factory.mktemp("filled") / "data"
    fill(root)
    return root


@pytest.fixture
def directory(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "data")
    return DataDirectory(tmp_path / "data")


@pytest.fixture
def backups(directory):
    return backups_in(directory)


@pytest.fixture(scope="module")
def one(tmp_path_factory, filled):
    """A backup that tests copy before they damage it."""
    root = tmp_path_factory.mktemp("one") / "data"
    shutil.copytree(filled, root)
    index(root / "chroma", "vectors")
    backups_in(DataDirectory(root)).make(include_chroma=True)
    return root


@pytest.fixture
def damaged(one, tmp_path):
    """(the backups, the folder of one that a test is about to damage)."""
    shutil.copytree(one, tmp_path / "one", symlinks=True)
    directory = DataDirectory(tmp_path / "one")
    return backups_in(directory), directory.backups / STAMP


def said(path: Path) -> dict:
    return json.loads((path / "metadata.json").read_text())


def say(path: Path, **changes) -> None:
    (path / "metadata.json").write_text(json.dumps({**said(path), **changes}))


# Stamps


@pytest.mark.parametrize("text", ["20261121T131500Z", "20261121T131500Z-2", "20261121T131500Z-17"])
def test_stamps(text):
    assert is_stamp(text), "this is how they look"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "20261121T131500",
        "20261121T131500Z/..",
        "../20261121T131500Z",
        "20261121T131500Z-0",
        "20261121T131500Z-99999",
        "20261121T131500Z\n",
        "٢٠٢٦١١٢١T131500Z",
        ".partial-20261121T131500Z",
    ],
)
def test_what_is_no_stamp(backups, text):
    assert not is_stamp(text), "it would be taken for a path"
    with pytest.raises(ValueError, match="is no stamp"):
        backups.check(text)
    with pytest.raises(ValueError, match="is no stamp"):
        backups.remove(text)


def test_two_of_one_second_have_names_of_their_own_and_keep_their_order():
    taken = set()
    for _ in range(11):
        taken.add(stamp_at(NOON, taken))
    assert sorted(taken, key=order)[0] == STAMP, "the first has the plain one"
    assert sorted(taken, key=order)[-1] == f"{STAMP}-11", "numbers are compared as numbers"


# Making


def test_a_backup_says_what_it_holds(directory, backups):
    made = backups.make()
    manifest, folder = made.manifest, directory.backups / STAMP
    assert (manifest.stamp, manifest.kind, manifest.created_at) == (STAMP, "backup", "2026-11-21 12:15:00")
    assert (manifest.reprise, manifest.schema, manifest.includes) == ("1.2.3", HEAD, ())
    assert manifest.rows["interactions"] == 10, "rows are counted"
    assert set(manifest.files) == {"reprise.db", "projects.json", "secret.key"}, "nothing else: no configuration"
    assert backups.check(STAMP).valid, "what was just made is valid"
    assert ids(folder / "reprise.db") == ids(directory.database), "every interaction is in it"
    assert (folder / "secret.key").read_bytes() == directory.secret_key.read_bytes(), "keyless callers find theirs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700, "it is nobody else's to read"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}, "nor is any file"


def test_the_registry_of_projects_can_be_read_by_people(directory, backups):
    backups.make()
    projects = json.loads((directory.backups / STAMP / "projects.json").read_text())["projects"]
    assert [(found["id"], found["aliases"]) for found in projects] == [("blue-heron", ["The Heron"])]
    assert projects[0]["ingest_roots"] == [{"source": "docs"}], "roots are no JSON within JSON"


def test_what_is_only_in_the_log_is_in_the_backup_too(directory, backups):
    with contextlib.closing(sqlite3.connect(directory.database)) as open_elsewhere:
        open_elsewhere.execute("SELECT count(*) FROM interactions").fetchone()
        log(directory.database, "int_late")
        assert directory.database.with_name("reprise.db-wal").stat().st_size, "the log holds it still"
        backups.make()
        assert open_elsewhere.execute("SELECT count(*) FROM interactions").fetchone() == (11,)
    assert "int_late" in ids(directory.backups / STAMP / "reprise.db"), "committed is committed"
    assert {path.name for path in (directory.backups / STAMP).iterdir()} == {
        "metadata.json",
        "projects.json",
        "reprise.db",
        "secret.key",
    }, "a copy has no log beside it"


def test_a_backup_ends_while_others_write(directory, backups):
    done, written = threading.Event(), []

    def write():
        with contextlib.closing(sqlite3.connect(directory.database, timeout=10)) as connection:
            while not done.is_set():
                with connection:
                    connection.execute("INSERT OR REPLACE INTO epochs VALUES (?, 1, 0)", (str(len(written)),))
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 5:
            pass
        before = len(written)
        made = backups.make().manifest
    finally:
        done.set()
        writer.join()
    assert len(written) > before, "writers go on meanwhile"
    assert made.rows["epochs"] >= before, "what was committed before is in it"
    assert backups.check(STAMP).valid, "it is of one moment"


def test_indexes_are_copied_where_that_is_asked_and_their_writers_held_off(directory):
    index(directory.vectors, "entries")
    index(directory.chunk_vectors, "chunks")
    held = []

    @contextlib.contextmanager
    def still():
        held.append("begins")
        yield
        held.append("ends")

    backups = backups_in(directory, still=still)
    plain, whole = backups.make().manifest, backups.make(include_chroma=True).manifest
    assert (plain.includes, whole.includes) == ((), ("chroma", "chroma-sources"))
    assert held == ["begins", "ends"], "only for the second"
    folder = directory.backups / whole.stamp
    assert (folder / "chroma/segment/header.bin").read_text() == "entries"
    with contextlib.closing(sqlite3.connect(folder / "chroma-sources/chroma.sqlite3")) as connection:
        assert connection.execute("SELECT words FROM said").fetchone() == ("chunks",), "databases are copied as such"
    assert backups.check(whole.stamp).valid, "with every file of them"


def test_an_index_that_cannot_be_copied_is_left_out_and_named(directory, backups):
    directory.vectors.mkdir()
    (directory.vectors / "chroma.sqlite3").write_text("no database at all, but long enough to look at" * 100)
    made = backups.make(include_chroma=True)
    assert made.manifest.includes == (), "it is written again from SQL instead"
    assert [reason.split()[0] for reason in made.left_out] == ["chroma"], "and it is said"
    assert backups.check(STAMP).valid


def test_one_at_a_time(directory):
    backups, refused = None, []

    @contextlib.contextmanager
    def still():
        try:
            backups.make()
        except Busy as error:
            refused.append(error)
        yield

    directory.vectors.mkdir()
    backups = backups_in(directory, still=still)
    backups.make(include_chroma=True)
    assert len(refused) == 1, "a second one meanwhile is refused"
    assert backups.stamps() == [STAMP]


def test_a_damaged_database_makes_no_backup(directory, backups):
    size = directory.database.stat().st_size
    with directory.database.open("r+b") as file:
        file.seek(size // 2)
        file.write(os.urandom(size // 4))
    with pytest.raises(BackupError, match=r"damaged|cannot be"):
        backups.make()
    assert list(directory.backups.iterdir()) == [], "nothing half made is left"


def test_a_full_disk_is_told_before_it_is_full(directory, backups, monkeypatch):
    monkeypatch.setattr(folders, "SPARE", 2**60)
    with pytest.raises(BackupError, match=r"has \d+ MB free, and a backup needs \d+ MB"):
        backups.make()
    assert list(directory.backups.iterdir()) == [], "nothing half made is left"


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(directory, backups, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "sync_folders", full)
    with pytest.raises(BackupError, match="No space left on device"):
        backups.make()
    assert list(directory.backups.iterdir()) == [], "nothing half made is left"


def test_a_folder_that_cannot_be_made(directory, backups):
    directory.backups.write_text("in the way")
    with pytest.raises(BackupError, match="File exists"):
        backups.make()


def test_what_a_killed_process_left_goes_with_the_next_and_is_never_listed(directory, backups):
    left = directory.backups / f".partial-{STAMP}-77"
    left.mkdir(parents=True)
    (left / "reprise.db").write_text("half")
    assert backups.all() == [], "it has no stamp"
    backups.make()
    assert [path.name for path in directory.backups.iterdir()] == [STAMP]


def test_the_newest_are_kept_and_those_of_restores(backups):
    safety = backups.make(kind="safety").manifest.stamp
    stamps = [backups.make().manifest.stamp for _ in range(4)]
    assert backups.keep(2) == [stamps[1], stamps[0]], "the oldest go"
    assert backups.stamps() == [stamps[3], stamps[2], safety], "the newest first"
    assert [manifest.stamp for manifest in backups.all()] == [stamps[3], stamps[2], safety]
    newer = [backups.make(kind="safety").manifest.stamp for _ in range(2)]
    assert backups.keep(2, "safety") == [safety], "of those of restores likewise, where that is asked"
    assert set(backups.stamps()) == {*newer, *stamps[2:]}


def test_no_database_no_backup(tmp_path):
    directory = DataDirectory(tmp_path)
    with pytest.raises(BackupError, match="the database cannot be read"):
        backups_in(directory).make()


def test_a_moment_is_held_whatever_is_written_after_it(directory, tmp_path):
    with SQLiteSource(directory.database).moment() as moment:
        log(directory.database, "int_late")
        moment.copy(tmp_path / "copy.db")
    assert len(ids(tmp_path / "copy.db")) == 10, "the copy is of that moment"


# Checking


def test_there_is_none(backups):
    checked = backups.check("20000101T000000Z")
    assert (checked.exists, checked.valid) == (False, False)


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))


def outside(path: Path) -> Path:
    other = path.parents[1] / "outside"
    other.mkdir()
    (other / "secret").write_text("outside")
    return other


def name_also(path: Path, name: str) -> None:
    say(path, files={**said(path)["files"], name: {"size": 7, "sha256": "0" * 64}})


def link_file(path: Path) -> None:
    (path / "secret.key").unlink()
    (path / "secret.key").symlink_to(outside(path) / "secret")


def link_folder(path: Path) -> None:
    shutil.move(path / "chroma", outside(path) / "chroma")
    (path / "chroma").symlink_to(path.parents[1] / "outside" / "chroma")


def recount(path: Path) -> None:
    say(path, rows={**said(path)["rows"], "interactions": 11})


def pipe(path: Path) -> None:
    (path / "secret.key").unlink()
    os.mkfifo(path / "secret.key")


DAMAGE = {
    "a bit of the database": (lambda path: flip(path / "reprise.db"), "reprise.db: its content is another"),
    "a bit of an index": (lambda path: flip(path / "chroma/segment/header.bin"), "header.bin: its content is another"),
    "a longer key": (lambda path: (path / "secret.key").write_text("a" * 65), "secret.key: its size is another"),
    "no key": (lambda path: (path / "secret.key").unlink(), "secret.key: it is missing"),
    "a file more": (lambda path: (path / "note.txt").write_text("x"), "note.txt: metadata.json does not name it"),
    "a link more": (lambda path: (path / "x").symlink_to("/etc/passwd"), "x: metadata.json does not name it"),
    "a log": (lambda path: (path / "reprise.db-wal").write_text("x"), "reprise.db-wal: metadata.json does not name it"),
    "a link for a file": (link_file, "secret.key: it is no regular file"),
    "a link for a folder": (link_folder, "chroma: metadata.json does not name it"),
    "a pipe": (pipe, "secret.key: it is no regular file"),
    "a path that leads out": (lambda path: name_also(path, "chroma/../../secret.key"), "which no backup holds"),
    "a path from the root": (lambda path: name_also(path, "/etc/passwd"), "which no backup holds"),
    "a path with a backslash": (lambda path: name_also(path, "chroma/..\\x"), "which no backup holds"),
    "a strange name": (lambda path: name_also(path, "authorized_keys"), "which no backup holds"),
    "another count": (recount, "table interactions has 10 rows, not 11"),
    "another stamp": (lambda path: say(path, stamp="20200101T000000Z"), "is of the backup 20200101T000000Z"),
    "another schema": (lambda path: say(path, schema="0001"), f"its schema is {HEAD}, and metadata.json says 0001"),
    "a later format": (lambda path: say(path, format=2), "format 2 is not known to this Reprise"),
    "another database": (lambda path: say(path, sql="postgresql"), "reprise.dump is not among its files"),
    "an unknown database": (lambda path: say(path, sql="oracle"), "of a kind that this Reprise does not know"),
    "a strange kind": (lambda path: say(path, kind="x"), "kind is not known"),
    "a strange folder": (lambda path: say(path, includes=[".."]), "includes names what no backup holds"),
    "no files": (lambda path: say(path, files={}), "reprise.db is not among its files"),
    "files that are none": (lambda path: say(path, files=[1]), "metadata.json is damaged"),
    "a size below nothing": (lambda path: say(path, rows={"interactions": -1}), "metadata.json is damaged"),
    "no JSON": (lambda path: (path / "metadata.json").write_text("{"), "metadata.json is damaged"),
    "deep JSON": (lambda path: (path / "metadata.json").write_text("[" * 100_000), "metadata.json is damaged"),
    "no metadata": (lambda path: (path / "metadata.json").unlink(), "metadata.json cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_named(damaged, name):
    backups, path = damaged
    damage, told = DAMAGE[name]
    damage(path)
    checked = backups.check(STAMP)
    assert checked.exists, "it is there"
    assert not checked.valid, "but it is not what it was"
    assert any(told in problem for problem in checked.problems), checked.problems


def test_links_are_not_followed(damaged):
    backups, path = damaged
    real = path.rename(path.with_name("elsewhere"))
    path.symlink_to(real)
    assert backups.check(STAMP).problems == (f"{STAMP} is no folder",), "a backup lies in its place itself"


def test_a_newer_schema_is_refused_and_an_older_one_is_not(damaged):
    backups, path = damaged
    for schema, problems in (("9999", 1), ("0004", 0)):
        with contextlib.closing(sqlite3.connect(path / "reprise.db")) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (schema,))
        file = folders.measured(path / "reprise.db")
        files = {**said(path)["files"], "reprise.db": {"size": file.size, "sha256": file.sha256}}
        say(path, schema=schema, files=files)
        assert len(backups.check(STAMP).problems) == problems, backups.check(STAMP).problems


def test_the_schemas_are_those_of_the_migrations():
    assert max(known_schemas()) == HEAD, "the newest is the one that this Reprise has"
