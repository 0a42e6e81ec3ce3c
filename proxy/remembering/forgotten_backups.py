"""Backups in the data directory that still hold what is forgotten: they are named, or deleted where that is asked.

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

    def settle(self, stamps: Sequence[str], *, delete: bool, left: list[str]) -> int:
        """Delete them, or note them as ``left``; gives how many were deleted."""
        deleted = 0
        for stamp in stamps:
            try:
                if delete:
                    self._backups.remove(stamp)
                    deleted += 1
                    continue
                left.append(
                    f"backup {stamp}, which would bring it back: ask again with backups (--backups) to delete it,"
                    " then make a new one"
                )
            except BackupError as error:
                left.append(str(error))
        return deleted

    def _holds(self, stamp: str, selector: Selector) -> bool:
        try:
            return bool(find(self._backups.home / stamp / DATABASE, selector).counts())
        except DatabaseError:
            # Damaged, or of a schema that has not all of the tables: it may.
            return True

    def _stamp_of(self, name: str) -> str:
        first = name.removeprefix(self._prefix).partition("/")[0] if name.startswith(self._prefix) else ""
        return first if is_stamp(first) else ""
