"""The data directory: one holder at a time, one secret for ever, clear errors."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys

import pytest

from store.directory import DataDirectory
from store.errors import DataDirectoryError

HOLD = """
import sys, time
from pathlib import Path
from store.directory import DataDirectory
directory = DataDirectory(Path(sys.argv[1]))
directory.prepare()
directory.hold({"pid": int(sys.argv[2]), "port": 4000})
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def directory(tmp_path):
    made = DataDirectory(tmp_path / "data")
    made.prepare()
    yield made
    made.release()


@pytest.fixture
def other_process(directory):
    """Another process that holds the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory.root), "4711"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_everything_lies_under_the_folder(directory):
    assert directory.database.parent == directory.vectors.parent == directory.root
    assert (directory.database.name, directory.vectors.name) == ("reprise.db", "chroma")


def test_preparing_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    directory = DataDirectory(tmp_path / "a" / "b")
    directory.prepare()
    directory.prepare()
    assert list(directory.root.iterdir()) == []


def test_a_fresh_folder_is_its_owners_alone(directory):
    assert stat.S_IMODE(directory.root.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    directory = DataDirectory(tmp_path / "file" / "data")
    with pytest.raises(DataDirectoryError, match=f"data directory {directory.root} is not writable: Not a directory"):
        directory.prepare()


def test_a_file_in_the_folders_place_is_a_clear_error(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(DataDirectoryError, match="is not writable: File exists"):
        DataDirectory(tmp_path / "data").prepare()


# ---- the lock


def test_nobody_holds_a_fresh_folder(directory):
    assert directory.holder() is None
    assert DataDirectory(directory.root / "missing").holder() is None


def test_others_are_told_who_holds_the_folder(directory):
    directory.hold({"pid": 1234, "port": 4000})
    assert DataDirectory(directory.root).holder() == {"pid": 1234, "port": 4000}
    directory.release()
    directory.release()
    assert DataDirectory(directory.root).holder() is None


def test_the_next_holder_is_the_one_that_is_told(directory):
    directory.hold({"pid": 1234, "comment": "a long one that a short one must not leave behind"})
    directory.release()
    directory.hold({"pid": 5})
    assert DataDirectory(directory.root).holder() == {"pid": 5}


def test_the_folder_is_held_by_one_at_a_time_even_within_a_process(directory):
    directory.hold({"pid": 1234})
    with pytest.raises(DataDirectoryError, match=r"held by another server \(process 1234\)"):
        DataDirectory(directory.root).hold({"pid": 5})
    assert DataDirectory(directory.root).holder() == {"pid": 1234}


def test_the_folder_is_held_by_one_process_at_a_time(directory, other_process):
    with pytest.raises(
        DataDirectoryError, match=r"held by another server \(process 4711\): stop it, or give --data-dir"
    ):
        directory.hold({"pid": os.getpid()})
    assert directory.holder() == {"pid": 4711, "port": 4000}


def test_a_killed_holder_leaves_no_lock_behind(directory, other_process):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait(60)
    assert directory.holder() is None
    directory.hold({"pid": os.getpid()})
    assert DataDirectory(directory.root).holder() == {"pid": os.getpid()}


@pytest.mark.parametrize("left", ["", "not json", "[1]", "{"])
def test_a_lock_file_that_says_nothing_is_still_a_lock(directory, left):
    directory.hold({"pid": 1234})
    (directory.root / "server.lock").write_text(left)
    assert DataDirectory(directory.root).holder() == {}
    with pytest.raises(DataDirectoryError, match="held by another server: stop it"):
        DataDirectory(directory.root).hold({"pid": 5})


# ---- the secret


def test_the_secret_is_made_once_and_stays(directory):
    secret = directory.secret()
    assert len(secret) == 32
    assert directory.secret() == DataDirectory(directory.root).secret() == secret


def test_two_folders_have_two_secrets(directory, tmp_path):
    other = DataDirectory(tmp_path / "other")
    other.prepare()
    assert other.secret() != directory.secret()


def test_only_the_owner_may_read_the_secret(directory):
    old = os.umask(0)
    try:
        directory.secret()
    finally:
        os.umask(old)
    [path] = directory.root.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", ["", "ab", "not hexadecimal", "é" * 64, "ab" * 31, "ab" * 33])
def test_a_damaged_secret_is_an_error_and_not_a_weak_secret(directory, left):
    (directory.root / "secret.key").write_text(left, encoding="utf-8")
    with pytest.raises(DataDirectoryError, match="is damaged"):
        directory.secret()


def test_a_secret_that_cannot_be_read_or_written_is_a_clear_error(directory, tmp_path):
    (directory.root / "secret.key").mkdir()
    with pytest.raises(DataDirectoryError, match=r"secret\.key cannot be written or read"):
        directory.secret()
    with pytest.raises(DataDirectoryError, match=r"secret\.key cannot be written or read"):
        DataDirectory(tmp_path / "missing").secret()
