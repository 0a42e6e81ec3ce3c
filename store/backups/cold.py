"""Copies a vector index's folder while nobody writes to it, in a process of its own.

Chroma brings another build of SQLite. A process that opens and closes a database's file beside it gives up the locks
that it holds there (sqlite.org/howtocorrupt.html, 2.2), and two builds in one process take each other's away.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

from store.backups.files import walk
from store.errors import BackupError

PATIENCE: Final = 600.0
"""Seconds for one folder."""
TRIES: Final = 5
"""A search may still write out what Chroma had in memory: the folder must be the same before and after."""

_HOME: Final = Path(__file__).parents[2]
"""Where a fresh interpreter finds this package."""


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder to where none is. Raises ``BackupError``."""
    asked = json.dumps({"source": str(source.absolute()), "target": str(target.absolute())})
    try:
        done = subprocess.run(
            [sys.executable, "-m", __spec__.name],
            input=asked,
            capture_output=True,
            text=True,
            check=False,
            cwd=_HOME,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BackupError(f"{source.name} was not copied: {type(error).__name__}") from error
    if done.returncode != 0:
        raise BackupError(f"{source.name} was not copied: {done.stderr.strip().rpartition(chr(10))[2]}")


def copy_here(source: Path, target: Path) -> None:
    """As ``copy_folder``, in this process: only where Chroma is not loaded. Raises ``OSError``, ``sqlite3.Error``."""
    for _ in range(TRIES):
        before = _looks(source)
        _copy(source, target)
        if _looks(source) == before:
            return
        shutil.rmtree(target)
    raise OSError("it was written to meanwhile")


def _copy(source: Path, target: Path) -> None:
    target.mkdir(mode=0o700)
    for path, regular in walk(source):
        if not regular or path.endswith(("-wal", "-shm", "-journal")):
            continue
        to = target / path
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.endswith(".sqlite3"):
            _copy_database(source / path, to)
        else:
            shutil.copyfile(source / path, to, follow_symlinks=False)
        to.chmod(0o600)


def _copy_database(source: Path, target: Path) -> None:
    given = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    with contextlib.closing(given), contextlib.closing(sqlite3.connect(target)) as copy:
        given.backup(copy)


def _looks(root: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path, _ in walk(root):
        if not path.endswith("-shm"):
            told = (root / path).lstat()
            found[path] = (told.st_size, told.st_mtime_ns)
    return found


def main() -> None:
    """Copy one folder: asked for on standard input."""
    asked = json.load(sys.stdin)
    copy_here(Path(asked["source"]), Path(asked["target"]))


if __name__ == "__main__":
    main()
