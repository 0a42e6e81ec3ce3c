"""``metadata.json``: what a backup is, and each of its files with size and hash.

It is read as if a stranger had written it: backups are moved about, and what they name is opened and copied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from store.errors import BackupError

NAME: Final = "metadata.json"
FORMAT: Final = 1
"""Rises with a change that an older Reprise could not read."""

DATABASE: Final = "reprise.db"
DATABASES: Final = {"sqlite": DATABASE, "postgresql": "reprise.dump"}
"""The file that holds the database, by what it is of."""
PROJECTS: Final = "projects.json"
SECRET: Final = "secret.key"
FILES: Final = (*DATABASES.values(), PROJECTS, SECRET)
FOLDERS: Final = ("chroma", "chroma-sources")
"""Vector indexes, which a backup may hold or leave to be written again from SQL."""

Kind = Literal["backup", "safety"]
"""``safety``: made by a restore, of what it was about to replace."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a backup."""

    size: int
    """Bytes."""
    sha256: str
    """In hex."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself."""

    stamp: str
    kind: Kind
    created_at: str
    """The moment that it shows: UTC, ``YYYY-MM-DD HH:MM:SS``."""
    reprise: str
    """The version that made it."""
    schema: str
    """The newest migration that the database has."""
    includes: tuple[str, ...]
    """Which of ``FOLDERS`` it holds."""
    rows: Mapping[str, int]
    """By table, how many."""
    files: Mapping[str, File]
    """By their path below the backup, with ``/``."""
    sql: str = "sqlite"
    format: int = field(default=FORMAT)

    @property
    def database(self) -> str:
        """The file that holds the database."""
        return DATABASES[self.sql]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())

    def summary(self) -> dict[str, Any]:
        """All but the files, of which it says how many and how much."""
        return {
            "stamp": self.stamp,
            "kind": self.kind,
            "created_at": self.created_at,
            "reprise": self.reprise,
            "sql": self.sql,
            "schema": self.schema,
            "includes": list(self.includes),
            "files": len(self.files),
            "bytes": self.size,
            "rows": dict(self.rows),
        }

    def text(self) -> str:
        """As it stands in the file."""
        files = {path: {"size": file.size, "sha256": file.sha256} for path, file in self.files.items()}
        body = {"format": self.format, **self.summary(), "files": files}
        return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def read_manifest(text: bytes) -> Manifest:
    """What a ``metadata.json`` says. Raises ``BackupError``: it makes no sense, or names what no backup holds."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict):
            raise TypeError
        _require(body.get("format") == FORMAT, f"format {body.get('format')!r:.20} is not known to this Reprise")
        manifest = Manifest(
            stamp=_text(body["stamp"]),
            kind=body["kind"],
            created_at=_text(body["created_at"]),
            reprise=_text(body["reprise"]),
            schema=_text(body["schema"]),
            includes=tuple(_text(name) for name in body["includes"]),
            rows={_text(name): _count(number) for name, number in body["rows"].items()},
            files={_path(path): _file(file) for path, file in body["files"].items()},
            sql=_text(body["sql"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BackupError(f"{NAME} is damaged") from error
    _require(manifest.kind in get_args(Kind), "kind is not known")
    _require(manifest.sql in DATABASES, "the database is of a kind that this Reprise does not know")
    _require(set(manifest.includes) <= set(FOLDERS), "includes names what no backup holds")
    _require(manifest.database in manifest.files, f"{manifest.database} is not among its files")
    return manifest


def is_inside(path: str) -> bool:
    """May a backup hold a file of this path? Nothing else is opened, copied or compared."""
    first, *rest = path.split("/")
    if not rest:
        return first in FILES
    return first in FOLDERS and all(part not in ("", ".", "..") and part.isprintable() for part in rest)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise BackupError(f"{NAME}: {otherwise}")


def _path(path: str) -> str:
    _require(is_inside(path) and "\\" not in path, f"it names {path!r:.80}, which no backup holds")
    return path


def _file(value: Any) -> File:
    return File(_count(value["size"]), _text(value["sha256"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
