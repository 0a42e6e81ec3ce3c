"""The lines of a file, one by one, in bounded memory: plain or gzip, with or without a byte-order mark, LF or CRLF."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

MOST_BYTES: Final = 8 * 2**20
"""Longest line. A longer one is no call that anybody makes, and is passed over without being held in memory."""
_PIECE: Final = 2**20

_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_OTHERS: Final = (
    (b"\xff\xfe", "is UTF-16 text: convert it to UTF-8 first"),
    (b"\xfe\xff", "is UTF-16 text: convert it to UTF-8 first"),
    (b"PK\x03\x04", "is a zip archive: unpack it first"),
    (b"PAR1", "is a Parquet file: convert it to JSON Lines first"),
    (b"(\xb5/\xfd", "is compressed with zstd: unpack it first (gzip is read as it is)"),
)


class Unreadable(Exception):
    """The file cannot be read, or no further; its text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is not blank."""

    number: int
    """From 1; blank lines count."""
    end: int
    """Bytes of the unpacked file up to this line's end."""
    raw: bytes | None = field(repr=False)
    """Without its line end; None for one longer than ``MOST_BYTES``."""


class Lines:
    """Reads a file's lines. Use it as a context manager.

    Raises:
        Unreadable: there is no such file, it is of another kind, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file: IO[bytes] = path.open("rb")
            self.size = path.stat().st_size
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error
        self._path = path
        head = self._file.read(4)
        self._file.seek(0)
        for magic, why in _OTHERS:
            if head.startswith(magic):
                self._file.close()
                raise Unreadable(f"{path} {why}")
        self._text: IO[bytes] = self._file
        if head.startswith(_GZIP):
            self._text = io.BufferedReader(gzip.GzipFile(fileobj=self._file), _PIECE)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()
        self._file.close()

    @property
    def done(self) -> int:
        """Bytes of the file read so far, packed as it is: what progress is shown by."""
        return self._file.tell()

    def read(self, number: int = 0, end: int = 0) -> Iterator[Line]:
        """The lines behind a line that was read before, or all. Raises ``Unreadable``."""
        try:
            yield from self._read(number, end)
        except (OSError, EOFError, zlib.error) as error:
            raise Unreadable(f"{self._path} cannot be read to its end: {error}") from error

    def _read(self, number: int, end: int) -> Iterator[Line]:
        self._text.seek(end)
        while raw := self._text.readline(MOST_BYTES + 2):
            number += 1
            end += len(raw)
            if len(raw.rstrip(b"\r\n")) > MOST_BYTES:
                while not raw.endswith(b"\n") and (raw := self._text.readline(_PIECE)):
                    end += len(raw)
                yield Line(number, end, None)
                continue
            if number == 1:
                raw = raw.removeprefix(_BOM)
            if raw and not raw.isspace():
                yield Line(number, end, raw.rstrip(b"\r\n"))
