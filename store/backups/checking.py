"""Is a backup what it was when it was made? Nothing outside its folder is opened, whatever it names."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from store.backups.content import Content, known_schemas, look
from store.backups.files import measured, open_file, walk
from store.backups.manifest import DATABASE, NAME, File, Manifest, read_manifest
from store.errors import BackupError

MOST_METADATA: Final = 16 * 1024 * 1024
"""Bytes of a ``metadata.json`` that are read; one with ten thousand files takes 1.5 MB."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What looking at a backup gave."""

    stamp: str
    exists: bool
    problems: tuple[str, ...] = ()
    manifest: Manifest | None = None
    """None where it cannot be read."""

    @property
    def valid(self) -> bool:
        """Can it be put back?"""
        return self.exists and not self.problems

    def told(self) -> dict[str, Any]:
        """For people and programs."""
        about = self.manifest.summary() if self.manifest else {}
        found = {"stamp": self.stamp, "exists": self.exists, "valid": self.valid, "problems": list(self.problems)}
        return {**about, **found}


def check(home: Path, stamp: str) -> Checked:
    """Compare a backup with what it says of itself, every byte, and have SQLite check the database.

    Raises:
        BackupError: it lies there but cannot be read at all (permissions, a broken disk).
    """
    folder = home / stamp
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return Checked(stamp, exists=False)
    if not stat.S_ISDIR(mode):
        return Checked(stamp, True, (f"{stamp} is no folder",))
    try:
        manifest = manifest_of(folder)
    except BackupError as error:
        return Checked(stamp, True, (str(error),))
    try:
        problems = tuple(_problems(folder, manifest))
    except OSError as error:
        raise BackupError(f"backup {stamp} cannot be read: {error.strerror or error}") from error
    return Checked(stamp, True, problems, manifest)


def manifest_of(folder: Path) -> Manifest:
    """What a backup says of itself. Raises ``BackupError``."""
    try:
        with open_file(folder / NAME) as file:
            text = file.read(MOST_METADATA + 1)
    except OSError as error:
        raise BackupError(f"{NAME} cannot be read: {error.strerror or error}") from error
    if len(text) > MOST_METADATA:
        raise BackupError(f"{NAME} is too large")
    return read_manifest(text)


def compare(content: Content, manifest: Manifest) -> Iterator[str]:
    """What speaks against a database being the one of a backup, or being of use to this Reprise."""
    if content.problems:
        yield from (f"{DATABASE}: {problem}" for problem in content.problems)
        return
    if content.schema != manifest.schema:
        yield f"{DATABASE}: its schema is {content.schema or 'not told'}, and {NAME} says {manifest.schema}"
    if content.schema not in known_schemas():
        yield f"{DATABASE}: this Reprise does not know the schema {content.schema or 'of it'}; a newer one may"
    yield from _differences(content.rows, manifest.rows)


def _problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    if manifest.stamp != folder.name:
        yield f"{NAME} is of the backup {manifest.stamp:.40}"
    there = dict(walk(folder))
    for path in sorted(there.keys() - manifest.files.keys() - {NAME}):
        yield f"{path}: {NAME} does not name it"
    sound = set[str]()
    for path, said in manifest.files.items():
        problem = _difference(folder, path, said, there)
        if problem:
            yield f"{path}: {problem}"
        else:
            sound.add(path)
    if manifest.database in sound:
        yield from _content(folder / manifest.database, manifest)


def _content(path: Path, manifest: Manifest) -> Iterator[str]:
    if manifest.sql == "sqlite":
        yield from compare(look(path), manifest)
        return
    try:
        # Only who has such a backup needs what reads it.
        from store.backups.postgres import tables
    except ImportError:
        yield f"{path.name}: only with psycopg (the extra `postgres`) can it be checked"
        return
    try:
        found = tables(path)
    except BackupError as error:
        yield f"{path.name}: {error}"
        return
    if manifest.schema not in known_schemas():
        yield f"{path.name}: this Reprise does not know the schema {manifest.schema or 'of it'}; a newer one may"
    for name in sorted(found ^ manifest.rows.keys()):
        yield f"{path.name}: table {name} is {'not named in ' + NAME if name in found else 'missing'}"


def _difference(folder: Path, path: str, said: File, there: Mapping[str, bool]) -> str | None:
    if path not in there:
        return "it is missing"
    if not there[path]:
        return "it is no regular file"
    if (folder / path).lstat().st_size != said.size:
        return "its size is another"
    return None if measured(folder / path).sha256 == said.sha256 else "its content is another"


def _differences(found: Mapping[str, int], said: Mapping[str, int]) -> Iterator[str]:
    for name in sorted(found.keys() | said.keys()):
        if found.get(name) != said.get(name):
            yield f"{DATABASE}: table {name} has {found.get(name, 'no')} rows, not {said.get(name, 'any')}"
