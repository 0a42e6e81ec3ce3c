"""The data directory: everything kept on disk lies under it, and one server holds it at a time."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import IO, Any

from store.errors import DataDirectoryError

SECRET_BYTES = 32


class DataDirectory:
    """Paths under one folder, created when first needed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        """The SQLite file: the truth."""
        return self.root / "reprise.db"

    @property
    def vectors(self) -> Path:
        """Chroma's folder: an index that can be deleted."""
        return self.root / "chroma"

    @property
    def chunk_vectors(self) -> Path:
        """Chroma's folder for pieces of documents: another index that can be deleted."""
        return self.root / "chroma-sources"

    @property
    def indexes(self) -> tuple[Path, ...]:
        """All of Chroma's folders, each written again from SQL where it is missing."""
        return (self.vectors, self.chunk_vectors)

    @property
    def secret_key(self) -> Path:
        """What keys the hashes of callers' credentials: without it, nobody finds what keyless callers stored."""
        return self.root / "secret.key"

    @property
    def lock_file(self) -> Path:
        """Locked by whoever holds the folder, with a note of who that is."""
        return self.root / "server.lock"

    @property
    def backups(self) -> Path:
        """The backups, each a folder of its own."""
        return self.root / "backups"

    def prepare(self) -> None:
        """Create the folder and prove that it can be written. Raises ``DataDirectoryError``."""
        probe = self.root / f".probe-{os.getpid()}"
        try:
            # Prompts and answers are nobody else's to read.
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise DataDirectoryError(
                f"data directory {self.root} is not writable: {error.strerror or error}"
            ) from error

    def hold(self, holder: dict[str, Any]) -> None:
        """Take the folder for this process until it ends; ``holder`` tells others who has it.

        The embedded Chroma client is not safe for two writing processes. The lock is the kernel's, so a killed
        server leaves none behind.

        Raises:
            DataDirectoryError: another process holds it.
        """
        handle = self.lock_file.open("a+", encoding="utf-8")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = _holder(handle)
            handle.close()
            who = f" (process {other['pid']})" if "pid" in other else ""
            raise DataDirectoryError(
                f"data directory {self.root} is held by another server{who}: stop it, or give --data-dir"
            ) from error
        handle.seek(0)
        handle.truncate()
        handle.write(json.dumps(holder))
        handle.flush()
        self._lock = handle

    def release(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def holder(self) -> dict[str, Any] | None:
        """Who holds the folder now; None when nobody does."""
        try:
            handle = self.lock_file.open("r", encoding="utf-8")
        except OSError:
            return None
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return _holder(handle)
        return None

    def secret(self) -> bytes:
        """Thirty-two random bytes, made once, that key the hashes of callers' credentials."""
        path = self.secret_key
        try:
            if not path.exists():
                _publish(path, secrets.token_hex(SECRET_BYTES))
            value = bytes.fromhex(path.read_text(encoding="ascii"))
        except OSError as error:
            raise DataDirectoryError(f"{path} cannot be written or read: {error.strerror or error}") from error
        except ValueError:
            value = b""
        if len(value) != SECRET_BYTES:
            raise DataDirectoryError(f"{path} is damaged: put it back, or delete it and lose what callers have stored")
        return value


def _publish(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, whenever this process is killed."""
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(text)
    partial.replace(path)


def _holder(handle: IO[str]) -> dict[str, Any]:
    handle.seek(0)
    try:
        value = json.loads(handle.read())
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
