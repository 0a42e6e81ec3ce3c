"""The backups of a data directory: made, listed, checked, deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from store.backups.checking import Checked, check, manifest_of
from store.backups.cold import copy_folder
from store.backups.content import Copied
from store.backups.copying import DatabaseSource
from store.backups.files import copied, hand_over, measured, size_of, sync, sync_folders, walk, written
from store.backups.manifest import DATABASES, FOLDERS, NAME, PROJECTS, SECRET, File, Kind, Manifest
from store.backups.stamps import is_stamp, order, stamp_at
from store.directory import DataDirectory
from store.errors import BackupError

SPARE: Final = 64 * 1024 * 1024
"""Bytes of the disk that a backup leaves free: the server writes there, too."""

_PARTIAL: Final = ".partial-"
"""Begins the name of a folder that is being made; one that nobody makes was left by a killed process."""

Still = Callable[[], AbstractContextManager[None]]
"""Holds off what writes to the vector indexes; searches go on."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was just made."""

    manifest: Manifest
    seconds: float
    left_out: tuple[str, ...] = ()
    """Vector indexes that were asked for and are not in it, each with the reason."""


class Busy(BackupError):
    """Another backup is being made."""


class Backups:
    """The backups of one data directory. Who makes one holds the directory; all of it blocks.

    Args:
        version: of Reprise.
        still: holds off the vector indexes' writers.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        directory: DataDirectory,
        source: DatabaseSource,
        version: str,
        still: Still = contextlib.nullcontext,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.home = directory.backups
        self._directory = directory
        self._source = source
        self._version = version
        self._still = still
        self._clock = clock
        self._making = threading.Lock()

    def make(self, *, include_chroma: bool = False, kind: Kind = "backup") -> Made:
        """Make one, beside whoever writes.

        Raises:
            Busy: another is being made.
            BackupError: it could not be made; nothing of it is left.
        """
        with self.alone(0) as alone:
            if not alone:
                raise Busy("another backup is being made: wait for it")
            try:
                began = time.monotonic()
                self.sweep()
                manifest, left_out = self._make(include_chroma, kind)
                return Made(manifest, round(time.monotonic() - began, 3), left_out)
            except (OSError, sqlite3.Error, sa.exc.SQLAlchemyError) as error:
                reason = getattr(error, "strerror", None) or type(error).__name__
                raise BackupError(f"the backup was not made: {reason}") from error

    @contextlib.contextmanager
    def alone(self, patience: float) -> Iterator[bool]:
        """Nobody makes a backup while this lasts; gives False where one was not done after ``patience`` seconds."""
        mine = self._making.acquire(timeout=patience)
        try:
            yield mine
        finally:
            if mine:
                self._making.release()

    def all(self) -> list[Manifest]:
        """What is there, the newest first, by what it says of itself; what cannot say is left out (``check`` tells)."""
        found = []
        for stamp in self.stamps():
            with contextlib.suppress(BackupError):
                found.append(manifest_of(self.home / stamp))
        return found

    def stamps(self) -> list[str]:
        """The stamps that are taken, the newest first. Raises ``BackupError``."""
        try:
            names = [path.name for path in self.home.iterdir()] if self.home.is_dir() else []
        except OSError as error:
            raise BackupError(f"the backups cannot be listed: {error.strerror or error}") from error
        return sorted(filter(is_stamp, names), key=order, reverse=True)

    def check(self, stamp: str) -> Checked:
        """Is it what it was? Raises ``BackupError`` where it cannot be read, ``ValueError`` for what is no stamp."""
        _require_stamp(stamp)
        return check(self.home, stamp)

    def keep(self, newest: int, kind: Kind = "backup") -> list[str]:
        """Delete all but the newest so many of a kind, and none of the other; gives their stamps.

        Raises ``BackupError``.
        """
        old = [manifest.stamp for manifest in self.all() if manifest.kind == kind][newest:]
        for stamp in old:
            self.remove(stamp)
        return old

    def remove(self, stamp: str) -> None:
        """Delete one, at once or not at all. Raises ``BackupError``, and ``ValueError`` for what is no stamp."""
        _require_stamp(stamp)
        going = self.home / f"{_PARTIAL}{stamp}-{os.getpid()}-gone"
        try:
            (self.home / stamp).rename(going)
            sync(self.home)
            shutil.rmtree(going)
        except FileNotFoundError:
            return
        except OSError as error:
            raise BackupError(f"backup {stamp} cannot be deleted: {error.strerror or error}") from error

    def sweep(self) -> None:
        """Delete what killed processes left half made. Raises ``OSError``."""
        if self.home.is_dir():
            for path in self.home.glob(f"{_PARTIAL}*"):
                shutil.rmtree(path)

    def _make(self, include_chroma: bool, kind: Kind) -> tuple[Manifest, tuple[str, ...]]:
        self.home.mkdir(mode=0o700, exist_ok=True)
        now = self._clock()
        stamp = stamp_at(now, set(self.stamps()))
        folders = self._folders() if include_chroma else []
        self._require_room(folders)
        partial = self.home / f"{_PARTIAL}{stamp}-{os.getpid()}"
        partial.mkdir(mode=0o700)
        try:
            made, left_out = self._copy(partial, folders)
            manifest = self._describe(partial, made, stamp, kind, now)
            written(partial / NAME, manifest.text())
            hand_over(self.home, self._directory.root)
            sync_folders(partial)
            partial.rename(self.home / stamp)
            sync(self.home)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        return manifest, left_out

    def _copy(self, partial: Path, folders: Sequence[Path]) -> tuple[Copied, tuple[str, ...]]:
        """Copy everything; gives what the database holds, and the folders that were left out, with the reason."""
        left_out = []
        with ExitStack() as held:
            with self._still() if folders else contextlib.nullcontext():
                # What SQL says is in the index at this moment is in the index's copy.
                moment = held.enter_context(self._source.moment())
                for folder in folders:
                    try:
                        copy_folder(folder, partial / folder.name)
                    except BackupError as error:
                        # It can be written again from SQL: no reason to have no backup.
                        shutil.rmtree(partial / folder.name, ignore_errors=True)
                        left_out.append(str(error))
            made = moment.copy(partial / DATABASES[self._source.sql])
        if self._directory.secret_key.exists():
            copied(self._directory.secret_key, partial / SECRET)
        return made, tuple(left_out)

    def _describe(self, partial: Path, made: Copied, stamp: str, kind: Kind, now: float) -> Manifest:
        content = made.content
        if content.problems:
            raise BackupError(f"the database is damaged: {'; '.join(content.problems)}")
        written(partial / PROJECTS, made.registry)
        return Manifest(
            stamp=stamp,
            kind=kind,
            created_at=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)),
            reprise=self._version,
            schema=content.schema,
            includes=tuple(name for name in FOLDERS if (partial / name).is_dir()),
            rows=content.rows,
            sql=self._source.sql,
            files={path: _kept(partial / path) for path, _ in sorted(walk(partial))},
        )

    def _folders(self) -> list[Path]:
        return [folder for folder in self._directory.indexes if folder.is_dir()]

    def _require_room(self, folders: Sequence[Path]) -> None:
        needed = self._source.size() + sum(map(size_of, folders)) + SPARE
        free = shutil.disk_usage(self.home).free
        if free < needed:
            raise BackupError(
                f"the disk of the backups has {free // 2**20} MB free, and a backup needs {needed // 2**20} MB"
            )


def _require_stamp(stamp: str) -> None:
    if not is_stamp(stamp):
        raise ValueError(f"{stamp!r:.40} is no stamp")


def _kept(path: Path) -> File:
    """Size and hash of a file that is on the disk from now on."""
    path.chmod(0o600)
    sync(path)
    return measured(path)
