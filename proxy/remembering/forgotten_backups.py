"""Backups in the data directory that still hold what is forgotten: they are deleted, unless they are to be kept.

A backup is whole or of no use, so nothing is cut out of one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Final

from proxy.remembering.finding import find
from proxy.remembering.selector import Selector
from store.backups.folder import Backups
from store.backups.manifest import DATABASE
from store.backups.stamps import is_stamp
from store.errors import BackupError, DatabaseError
from store.sqlite import SQLite
from store.traces import traces

PATIENCE: Final = 5.0
"""Seconds to wait for a backup that is being made: it may hold what has gone since."""


class ForgottenBackups:
    """What forgetting does about backups. All of it blocks."""

    def __init__(self, backups: Backups) -> None:
        self._backups = backups
        self._prefix = f"{backups.home.name}/"

    @contextlib.contextmanager
    def quiet(self, left: list[str]) -> Iterator[None]:
        """Nobody begins a backup while this lasts; one that does not end is noted as ``left``."""
        with self._backups.alone(PATIENCE) as alone:
            if not alone:
                left.append("a backup that is being made now, perhaps: ask again when it is done")
            yield

    def are_in(self, selector: Selector, files: Sequence[str]) -> tuple[list[str], list[str]]:
        """The stamps of backups with what is forgotten in them, and the files that are in none of them.

        Args:
            files: those with the words in them, by their path below the data directory.

        Raises:
            BackupError: nobody can tell.
        """
        if selector.words is None or self._backups.home.is_symlink():
            # On another disk, where the search of files does not go.
            return [stamp for stamp in self._backups.stamps() if self._holds(stamp, selector)], list(files)
        stamps = {self._stamp_of(name): None for name in files}
        return [stamp for stamp in stamps if stamp], [name for name in files if not self._stamp_of(name)]

    def holding(self, selector: Selector) -> list[str]:
        """The stamps of backups with what would be forgotten in them. Raises ``BackupError`` where nobody can tell."""
        if selector.words is None or self._backups.home.is_symlink():
            return self.are_in(selector, ())[0]
        try:
            seen = traces(self._backups.home, selector.words) if self._backups.stamps() else None
        except OSError as error:
            raise BackupError(f"the backups were not searched: {error}") from error
        return self.are_in(selector, [f"{self._prefix}{name}" for name in seen.holding] if seen else ())[0]

    def settle(self, stamps: Sequence[str], *, keep: bool, left: list[str]) -> list[str]:
        """Delete them, or note them as ``left``; gives those that were deleted."""
        deleted = []
        for stamp in stamps:
            try:
                if keep:
                    left.append(f"backup {stamp}, which was to be kept and would bring it back")
                    continue
                self._backups.remove(stamp)
                deleted.append(stamp)
            except BackupError as error:
                left.append(str(error))
        return deleted

    def _holds(self, stamp: str, selector: Selector) -> bool:
        try:
            return bool(find(SQLite(self._backups.home / stamp / DATABASE), selector).counts())
        except DatabaseError:
            # Damaged, or of a schema that has not all of the tables: it may.
            return True

    def _stamp_of(self, name: str) -> str:
        first = name.removeprefix(self._prefix).partition("/")[0] if name.startswith(self._prefix) else ""
        return first if is_stamp(first) else ""
