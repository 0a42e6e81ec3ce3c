"""How far an import has come, kept beside the data, so that one that was killed can go on."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from proxy.moving.lines import Unreadable

HEAD_BYTES: Final = 64 * 1024
"""A file whose first bytes are the same is the same file, perhaps a longer one."""


class Checkpoint:
    """The state of the import of one file into one data directory.

    Args:
        folder: where states are kept; made when first needed.
        file: what is imported.
        options: all that decides what becomes of a record.
    """

    def __init__(self, folder: Path, file: Path, options: Mapping[str, Any]) -> None:
        self._file = file.absolute()
        name = hashlib.sha256(str(self._file).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        self._path = folder / f"{name}.json"
        self._options = hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest()

    def load(self) -> dict[str, Any] | None:
        """Where the last import of this file stopped; None where it came to its end, or there was none.

        Raises:
            Unreadable: the file is another one now, or the options were others.
        """
        try:
            kept = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise Unreadable(f"{self._path} cannot be read: start again without --resume") from error
        if kept["options"] != self._options:
            raise Unreadable("that import was started with other options: give the same, or start without --resume")
        if kept["head"] != self._head(kept["head_bytes"]):
            raise Unreadable(f"{self._file} is not the file it was: start without --resume")
        state: dict[str, Any] = kept["state"]
        return state

    def exists(self) -> bool:
        """Did an import of this file stop before its end?"""
        return self._path.is_file()

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state in place of the one before. Raises ``OSError``."""
        size = min(HEAD_BYTES, self._file.stat().st_size)
        kept = {
            "file": str(self._file),
            "options": self._options,
            "head": self._head(size),
            "head_bytes": size,
            "state": state,
        }
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(kept), "utf-8")
        partial.replace(self._path)

    def clear(self) -> None:
        """The import came to its end."""
        self._path.unlink(missing_ok=True)

    def _head(self, size: int) -> str:
        with self._file.open("rb") as file:
            return hashlib.sha256(file.read(size)).hexdigest()
