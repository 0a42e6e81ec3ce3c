"""Files of backups: copied, hashed, and on the disk before anything counts on them. Links are never followed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from store.backups.manifest import File

CHUNK: Final = 4 * 1024 * 1024
"""Bytes held at once: after each, this thread waits for its turn among those that answer calls."""


def open_file(path: Path) -> IO[bytes]:
    """A regular file, for reading. Raises ``OSError`` for anything else, links among them."""
    # Without waiting: a pipe in a file's place must not keep us.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is no regular file")
    return os.fdopen(descriptor, "rb")


def new_file(path: Path) -> IO[bytes]:
    """A file that was not there, for its owner only. Raises ``OSError``."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")


def measured(path: Path) -> File:
    """Size and hash of a file. Raises ``OSError``."""
    digest, size = hashlib.sha256(), 0
    with open_file(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return File(size, digest.hexdigest())


def copied(source: Path, target: Path) -> File:
    """Copy a file to where none is, down to the disk; gives size and hash of what was written. Raises ``OSError``."""
    digest, size = hashlib.sha256(), 0
    with open_file(source) as given, new_file(target) as taken:
        while chunk := given.read(CHUNK):
            taken.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        taken.flush()
        os.fsync(taken.fileno())
    return File(size, digest.hexdigest())


def written(path: Path, text: str) -> None:
    """Write a file that was not there, down to the disk. Raises ``OSError``."""
    with new_file(path) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Wait until a file, or what a folder lists, is on the disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folders(root: Path) -> None:
    """``sync`` for a folder and every one below it."""
    for folder, _, _ in os.walk(root, onerror=_fail):
        sync(Path(folder))


def hand_over(folder: Path, like: Path) -> None:
    """Give a folder and all in it to whom another belongs, where this process may: the server reads it, not root."""
    told = like.stat()
    if os.geteuid() != 0 or told.st_uid == 0:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, told.st_uid, told.st_gid, follow_symlinks=False)


def walk(root: Path) -> Iterator[tuple[str, bool]]:
    """Everything below a folder that is no folder itself, by its path with ``/``, and whether it is a regular file."""
    for folder, names, files in os.walk(root, onerror=_fail):
        for name in (*names, *files):
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                yield path.relative_to(root).as_posix(), stat.S_ISREG(mode)


def size_of(root: Path) -> int:
    """Bytes of the files below a folder; 0 where there is none."""
    return sum((root / path).lstat().st_size for path, _ in walk(root)) if root.is_dir() else 0


def _fail(error: OSError) -> None:
    # Of its own accord a walk passes over what it cannot list.
    raise error
