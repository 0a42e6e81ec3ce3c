"""Puts a backup in the place of what a data directory holds, so that a killed process leaves the old, the new, or a
journal by which the next one finishes.

First the backup is copied to ``restore/staged`` and checked there; until then nothing has changed. Then the journal is
written: from that moment the restore happens, if not by this process, then by the next that takes the directory.
Each step after it can be done again.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from store.backups.checking import Checked
from store.backups.files import copied, hand_over, sync, sync_folders, written
from store.backups.folder import SPARE, Backups
from store.backups.manifest import FOLDERS, SECRET, Manifest
from store.backups.stamps import is_stamp
from store.backups.target import SQLiteTarget, Target
from store.directory import DataDirectory
from store.errors import BackupError

NAMES: Final = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

_NOT_BEGUN: Final = "a restore was interrupted before it had changed anything: ask for it again"
_JOURNAL: Final = "journal.json"
_UNFINISHED: Final = "the restore has begun and cannot be finished"


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    manifest: Manifest
    safety: str | None
    """The stamp of the backup of what was there; None where nothing was, or none was wanted."""
    forgotten_since: int
    """Receipts of what was forgotten after the backup was made: its words are back."""


class Restoring:
    """Restores into one data directory and its database, which this process holds. All of it blocks."""

    def __init__(self, directory: DataDirectory, backups: Backups, target: Target | None = None) -> None:
        self._directory = directory
        self._backups = backups
        self._target = target or SQLiteTarget(directory.database)
        self._place = _Place(directory, self._target)

    def restore(self, checked: Checked, *, safety: bool = True) -> Restored:
        """Back up what is there, put a backup in its place, check again.

        Args:
            checked: what ``Backups.check`` said of it.
            safety: without it, what is there is lost; for a database that is too damaged to be backed up.

        Raises:
            BackupError: nothing has changed, unless its text says so.
        """
        manifest = _valid(checked)
        self._require_same(manifest)
        try:
            self._place.clear()
            self._target.quiesce()
            kept = self._keep_safe() if safety else None
            since = self._target.forgotten_since(manifest.created_at)
            self._stage(manifest)
            self._target.quiesce()
            self._put(manifest, self._place.commit(manifest, kept))
        except OSError as error:
            raise BackupError(f"nothing was restored: {error.strerror or error}") from error
        finally:
            self._place.abandon()
        try:
            self._place.finish()
        except OSError as error:
            raise BackupError(f"{_UNFINISHED}: {error.strerror or error}; the next start tries again") from error
        return Restored(manifest, kept, since)

    def _require_same(self, manifest: Manifest) -> None:
        if manifest.sql != self._target.sql:
            raise BackupError(
                f"nothing was restored: the backup is of {NAMES[manifest.sql]}, and {NAMES[self._target.sql]} is"
                " configured (store.sql)"
            )

    def _put(self, manifest: Manifest, journal: Mapping[str, Any]) -> None:
        try:
            self._target.put(self._backups.home / manifest.stamp, journal, self._place.home)
        except BackupError as error:
            self._place.take_back()
            raise BackupError(f"nothing was restored: {error}") from error

    def _keep_safe(self) -> str | None:
        if not self._target.exists():
            return None
        try:
            return self._backups.make(kind="safety").manifest.stamp
        except BackupError as error:
            raise BackupError(f"what is there now cannot be backed up, so nothing was restored: {error}") from error

    def _stage(self, manifest: Manifest) -> None:
        staged, backup = self._place.staged, self._backups.home / manifest.stamp
        free, needed = shutil.disk_usage(self._directory.root).free, manifest.size + SPARE
        if free < needed:
            raise BackupError(
                f"nothing was restored: the disk has {free // 2**20} MB free, and it takes {needed // 2**20} MB"
            )
        staged.mkdir(mode=0o700, parents=True)
        for name in manifest.includes:
            (staged / name).mkdir(mode=0o700)
        for path, said in manifest.files.items():
            target = self._target.stage(staged) if path == manifest.database else staged / path
            if target is None or (path not in (manifest.database, SECRET) and path.partition("/")[0] not in FOLDERS):
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if copied(backup / path, target) != said:
                raise BackupError(f"nothing was restored: {path} changed while it was copied")
        hand_over(self._place.home, self._directory.root)
        sync_folders(self._place.home)


def finish(directory: DataDirectory, target: Target | None = None) -> str | None:
    """Finish, or clear away, a restore that was interrupted; says what it did, None where there was none.

    For whoever has just taken the directory, before it opens anything there.

    Raises:
        BackupError: it cannot be finished; the directory is not to be used.
    """
    place = _Place(directory, target or SQLiteTarget(directory.database))
    try:
        place.sweep()
        if not place.home.exists():
            return None
        if not place.journal.exists():
            place.abandon()
            return _NOT_BEGUN
        if not place.has_arrived():
            place.take_back()
            place.abandon()
            return _NOT_BEGUN
        journal = place.finish()
    except OSError as error:
        raise BackupError(f"{_UNFINISHED}: {error.strerror or error}") from error
    kept = journal.get("safety")
    was = f"; what was there before is in backup {kept}" if kept else ""
    return f"a restore of backup {journal['stamp']} was interrupted, and is finished now{was}"


def _valid(checked: Checked) -> Manifest:
    if not checked.exists:
        raise BackupError(f"there is no backup {checked.stamp}")
    if checked.manifest is None or not checked.valid:
        raise BackupError(f"backup {checked.stamp} is damaged, nothing was restored: {'; '.join(checked.problems)}")
    return checked.manifest


class _Place:
    """The folder by which a restore can be taken up again."""

    def __init__(self, directory: DataDirectory, target: Target) -> None:
        self._directory = directory
        self._target = target
        self.home = directory.root / "restore"
        self.staged = self.home / "staged"
        self.journal = self.home / _JOURNAL
        self._done = directory.root / "restore-done"
        """What is left of a finished one while it is deleted."""

    def clear(self) -> None:
        """Have nothing there. Raises ``OSError``."""
        self.sweep()
        if self.journal.exists():
            # It was told at that time that the outcome is damaged; what is asked for now replaces it.
            with contextlib.suppress(BackupError):
                if self.has_arrived():
                    self.finish()
        if self.home.exists():
            shutil.rmtree(self.home)

    def abandon(self) -> None:
        """Throw away what is not committed."""
        if not self.journal.exists():
            shutil.rmtree(self.home, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what is left of a finished one. Raises ``OSError``."""
        if self._done.exists():
            shutil.rmtree(self._done)

    def commit(self, manifest: Manifest, safety: str | None) -> Mapping[str, Any]:
        """From here on it happens, if ``Target.put`` has anything to do, with that; gives the journal.

        Raises ``OSError``: then it does not.
        """
        about = {"schema": manifest.schema, "rows": dict(manifest.rows), "sql": manifest.sql}
        body = {"stamp": manifest.stamp, "safety": safety, "nonce": secrets.token_hex(8), **about}
        partial = self.home / f"{_JOURNAL}.partial"
        written(partial, json.dumps(body))
        partial.replace(self.journal)
        sync(self.home)
        sync(self._directory.root)
        return body

    def take_back(self) -> None:
        """It does not happen. Raises ``OSError``."""
        self.journal.unlink(missing_ok=True)
        sync(self.home)

    def has_arrived(self) -> bool:
        """Has the database of an interrupted restore been put in its place? Raises ``BackupError``."""
        journal = self._read()
        if journal.get("sql", "sqlite") != self._target.sql:
            raise BackupError(f"an interrupted restore is of {NAMES[journal['sql']]}: finish it with that configured")
        return self._target.arrived(journal)

    def finish(self) -> Mapping[str, Any]:
        """Do what is left of it, check, and clear away; gives the journal. Raises ``BackupError``, ``OSError``."""
        journal = self._read()
        for name in FOLDERS:
            self._switch_folder(name)
        self._switch_file(self._directory.secret_key)
        if self._target.finish(self.staged):
            self._check(journal)
        sync(self._directory.root)
        # At once: without its journal it would look like one that has not begun.
        self.home.rename(self._done)
        sync(self._directory.root)
        self.sweep()
        return journal

    def _switch_folder(self, name: str) -> None:
        """The old index goes in any case: it is written again from SQL where the backup has none."""
        there, staged, old = self._directory.root / name, self.staged / name, self.home / f"old-{name}"
        if old.exists():
            # Moved away before: what is there now is the new one, if anything.
            if staged.exists():
                staged.rename(there)
            return
        if there.exists():
            there.rename(old)
        else:
            old.mkdir(mode=0o700)
        sync(self.home)
        if staged.exists():
            staged.rename(there)

    def _switch_file(self, path: Path) -> None:
        staged = self.staged / path.name
        if staged.exists():
            os.replace(staged, path)

    def _check(self, journal: Mapping[str, Any]) -> None:
        content = self._target.check()
        if content is None:
            return
        said = {"schema": content.schema, "rows": dict(content.rows)}
        problems = content.problems or tuple(
            f"{name} is not what the backup says" for name in said if said[name] != journal[name]
        )
        if problems:
            kept = f"; what was there before is in backup {journal['safety']}" if journal["safety"] else ""
            raise BackupError(f"the database was replaced, but it is damaged: {'; '.join(problems)}{kept}")

    def _read(self) -> Mapping[str, Any]:
        try:
            journal = json.loads(self.journal.read_text("utf-8"))
            if not is_stamp(journal["stamp"]) or not {"safety", "schema", "rows"} <= journal.keys():
                raise ValueError
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BackupError("an interrupted restore cannot be finished: restore/journal.json is damaged") from error
        found: Mapping[str, Any] = journal
        return found
