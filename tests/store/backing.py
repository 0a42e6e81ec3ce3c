"""What the tests of backups share: a data directory with something in it."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from store.backups.copying import SQLiteSource
from store.backups.folder import Backups
from store.database import Database
from store.directory import DataDirectory
from store.tables import interactions, project_names, projects

NOON = 1_795_263_300.0
"""2026-11-21 12:15:00 UTC."""


def fill(root: Path) -> None:
    """A data directory with ten interactions and a project."""
    directory = DataDirectory(root)
    directory.prepare()
    directory.secret()
    database = Database(directory.database)
    rows = [
        {
            "id": f"int_{n:024x}",
            "created_at": "2026-11-01 00:00:00",
            "namespace": "default",
            "success": 1,
            "prompt": "p",
        }
        for n in range(10)
    ]
    about = {"created_at": "2026-11-01 00:00:00", "updated_at": "2026-11-01 00:00:00"}
    project = {"id": "blue-heron", "ingest_roots": '[{"source": "docs"}]', "description": "Nests.", **about}
    names = [
        {"name": "blue-heron", "project_id": "blue-heron", "position": 0, "shown": "blue-heron"},
        {"name": "the heron", "project_id": "blue-heron", "position": 1, "shown": "The Heron"},
    ]

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.insert(interactions), rows)
        connection.execute(sa.insert(projects), [project])
        connection.execute(sa.insert(project_names), names)

    database.transact(work)
    database.close()


def backups_in(directory: DataDirectory, **given) -> Backups:
    """Its backups, all made at noon."""
    return Backups(directory, SQLiteSource(directory.database), "1.2.3", **{"clock": lambda: NOON, **given})


def ids(path: Path) -> list[str]:
    """The interactions of a database."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM interactions ORDER BY id")]


def log(path: Path, *names: str) -> None:
    """Write interactions to a database, and leave them in its log."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO interactions (id, created_at, interaction_type, namespace, success, prompt)"
            " VALUES (?, '2026-11-21 12:00:00', 'llm', 'default', 1, 'later')",
            [(name,) for name in names],
        )


def index(folder: Path, words: str) -> None:
    """A vector index's folder, as far as copying it goes."""
    (folder / "segment").mkdir(parents=True)
    (folder / "segment" / "header.bin").write_text(words)
    with contextlib.closing(sqlite3.connect(folder / "chroma.sqlite3")) as connection, connection:
        connection.execute("CREATE TABLE said (words)")
        connection.execute("INSERT INTO said VALUES (?)", (words,))


def indexed(folder: Path) -> str | None:
    """What a vector index's folder says; None where there is none."""
    return (folder / "segment" / "header.bin").read_text() if folder.is_dir() else None
