"""What commands share that read the log: how far back, of whom, and a line that says how far they are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from proxy.cli.options import CannotRun
from proxy.config import Settings, parse_duration
from store.directory import DataDirectory

if TYPE_CHECKING:
    from store.database import Database
    from store.driver import Driver

Since = Annotated[str | None, typer.Option(help="How far back: 30m, 24h, 7d; else the whole log.")]
Namespace = Annotated[str | None, typer.Option(help="Only the calls of this namespace.")]
Limit = Annotated[int, typer.Option(help="The most calls; of more, the newest.", min=1)]

OFTEN = 0.2
"""Seconds between two changes of the progress line."""


def beginning(since: str | None) -> float | None:
    """Seconds since 1970 where the calls begin; None for the whole log. Raises ``CannotRun``."""
    if since is None:
        return None
    try:
        seconds = parse_duration(since)
    except (TypeError, ValueError) as error:
        raise CannotRun(f"--since: {error}") from error
    return max(0.0, time.time() - seconds)


def stored(settings: Settings, otherwise: str = "nothing is stored in {}") -> Driver:
    """Where SQL is kept.

    Args:
        otherwise: what is said where nothing ever was; ``{}`` stands for the place.

    Raises ``CannotRun``.
    """
    from proxy.databases import driver_of
    from store.errors import StoreError

    directory = DataDirectory(settings.server.data_dir)
    try:
        driver = driver_of(settings, directory)
        there = driver.exists()
    except StoreError as error:
        raise CannotRun(str(error)) from error
    if not there:
        raise CannotRun(otherwise.format(directory.root if settings.store.sql is None else driver.shown))
    return driver


@contextmanager
def reading(settings: Settings) -> Iterator[Database]:
    """The database of the data directory, for reading alone. Raises ``CannotRun``."""
    from store.embedder import EmbedderError
    from store.errors import StoreError
    from store.reader import ReadOnlyDatabase

    driver = stored(settings, "no log in {}: no server has run there yet")
    try:
        database = ReadOnlyDatabase(driver)
    except StoreError as error:
        raise CannotRun(str(error)) from error
    try:
        yield database
    except (StoreError, EmbedderError) as error:
        raise CannotRun(str(error)) from error
    finally:
        database.close()


class ProgressLine:
    """One line on standard error that says how far a command is; silent where nobody looks."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` are done."""
        if not self._shown or (time.monotonic() < self._next and done < total):
            return
        self._next = time.monotonic() + OFTEN
        print(f"\r{what}: {done} of {total}\x1b[K", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
