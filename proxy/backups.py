"""Puts together what makes backups in one server, and what does without one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.version import installed_version
from store.backups.copying import SQLiteSource
from store.backups.folder import Backups
from store.directory import DataDirectory

if TYPE_CHECKING:
    from proxy.services import Services


def build_backups(services: Services) -> Backups:
    """The backups of a server's data directory, made beside its calls."""

    @contextlib.contextmanager
    def still() -> Iterator[None]:
        with services.semantic.still(), services.remembering.library.index.still():
            yield

    return Backups(services.directory, SQLiteSource(services.directory.database), installed_version(), still)


def backups_of(directory: DataDirectory) -> Backups:
    """The backups of a data directory that no server holds."""
    return Backups(directory, SQLiteSource(directory.database), installed_version())
