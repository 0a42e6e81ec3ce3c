"""Puts together what makes backups in one server, and what does without one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog

from proxy.version import installed_version
from store.backups.copying import DatabaseSource, SQLiteSource
from store.backups.folder import Backups
from store.backups.restoring import finish
from store.backups.target import SQLiteTarget, Target
from store.directory import DataDirectory
from store.driver import Driver
from store.sqlite import SQLite

if TYPE_CHECKING:
    from proxy.services import Services

_log = structlog.get_logger(__name__)


def build_backups(services: Services) -> Backups:
    """The backups of a server, in its data directory, made beside its calls."""

    @contextlib.contextmanager
    def still() -> Iterator[None]:
        with services.semantic.still(), services.remembering.library.index.still():
            yield

    return Backups(services.directory, source_of(services.database.driver), installed_version(), still)


def finish_restore(directory: DataDirectory, driver: Driver) -> None:
    """Finish a restore that was interrupted, and log it. For whoever has just taken the directory.

    Raises ``BackupError``: the directory is not to be used.
    """
    outcome = finish(directory, target_of(driver))
    if outcome is not None:
        _log.warning(outcome)


def backups_of(directory: DataDirectory, driver: Driver) -> Backups:
    """The backups of a data directory that no server holds."""
    return Backups(directory, source_of(driver), installed_version())


def source_of(driver: Driver) -> DatabaseSource:
    """What copies a database."""
    if isinstance(driver, SQLite):
        return SQLiteSource(driver.path)
    from store.backups.postgres import PostgresSource
    from store.postgres import PostgreSQL

    assert isinstance(driver, PostgreSQL)
    return PostgresSource(driver)


def target_of(driver: Driver) -> Target:
    """What a restore puts a database into."""
    if isinstance(driver, SQLite):
        return SQLiteTarget(driver.path)
    from store.backups.postgres import PostgresTarget
    from store.postgres import PostgreSQL

    assert isinstance(driver, PostgreSQL)
    return PostgresTarget(driver)
