"""Rows of numbers kept between runs: files of keys and float32 rows in one folder, each written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]


def key_of(*texts: str) -> bytes:
    """SHA-256 of a text, or of several told apart."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "surrogatepass")).digest()


WRITTEN_AT_ONCE = 2000
"""Rows that wait in memory before they are written: what an interruption loses."""


class KeptRows:
    """Rows by key. Thread-safe; several processes may write into one folder: each writes files of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[bytes, Rows] = {}
        self._waiting: dict[bytes, Rows] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as file:
                self._rows.update(zip(map(bytes, file["keys"]), file["rows"], strict=True))

    def missing(self, keys: Iterable[bytes]) -> list[bytes]:
        """Those not kept yet, each once, in order."""
        return [key for key in dict.fromkeys(keys) if key not in self._rows]

    def rows(self, keys: Sequence[bytes]) -> Rows:
        """Shape (len(keys), length of a row). Raises ``KeyError`` for a key not kept."""
        return np.stack([self._rows[key] for key in keys])

    def add(self, keys: Sequence[bytes], rows: npt.ArrayLike) -> None:
        """Keep rows; they are on disk after ``WRITTEN_AT_ONCE`` of them, or ``flush``."""
        added = dict(zip(keys, np.asarray(rows, dtype=np.float32), strict=True))
        with self._lock:
            self._rows.update(added)
            self._waiting.update(added)
            if len(self._waiting) >= WRITTEN_AT_ONCE:
                self._write()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            keys = np.frombuffer(b"".join(waiting), np.uint8).reshape(len(waiting), -1)
            np.savez(file, keys=keys, rows=np.stack(list(waiting.values())))
        Path(name).rename(Path(name).with_suffix(".npz"))
