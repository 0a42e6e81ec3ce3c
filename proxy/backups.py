"""Puts together what makes backups in one server, and what does without one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from proxy.version import installed_version
from store.backups.copying import SQLiteSource
from store.backups.folder import Backups
from store.backups.restoring import finish
from store.directory import DataDirectory

if TYPE_CHECKING:
    from proxy.services import Services

_log = structlog.get_logger(__name__)


def build_backups(services: Services) -> Backups:
    """The backups of a server's data directory, made beside its calls."""

    @contextlib.contextmanager
    def still() -> Iterator[None]:
        with services.semantic.still(), services.remembering.library.index.still():
            yield

    return Backups(services.directory, SQLiteSource(services.directory.database), installed_version(), still)


def finish_restore(directory: DataDirectory) -> None:
    """Finish a restore that was interrupted, and log it. For whoever has just taken the directory.

    Raises ``BackupError``: the directory is not to be used.
    """
    outcome = finish(directory)
    if outcome is not None:
        _log.warning(outcome)


def backups_of(directory: DataDirectory) -> Backups:
    """The backups of a data directory that no server holds."""
    return Backups(directory, SQLiteSource(directory.database), installed_version())
