"""A source's files: which there are, which have changed, and what each says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from memory.sources.documents import File, Known, NewPiece, digest_of
from memory.sources.reading import FORMATS, READER, Unreadable, chunked, read_document
from memory.sources.roots import Found, Outside, TooLarge, read_inside, walk, within
from memory.sources.source import Source

SETTLED: Final = 2.0
"""Seconds that a file's date must lie back for the date alone to say that it is the same."""


def walked(root: Path, under: str) -> Iterator[Found]:
    """The files of a source, or the one file or the folder's that ``under`` names."""
    if not under:
        yield from walk(root)
        return
    try:
        path = within(root, under)
        facts = path.stat()
    except (Outside, OSError):
        return
    if path.is_dir():
        yield from walk(root, under)
    elif _is_eligible(under):
        yield Found(under, facts.st_size, facts.st_mtime)


def is_same(found: Found, known: Known) -> bool:
    """Does its date say that the file is the one that was read?"""
    if (found.size, found.modified_at, READER) != (known.size, known.modified_at, known.reader):
        return False
    # One that could not be opened may be opened now; one written when it was read may have been written again since.
    return bool(known.digest) and not found.problem and found.modified_at < seconds_of(known.ingested_at) - SETTLED


def is_gone(root: Path, path: str) -> bool:
    """Is there no such file any more, or none to be read? What cannot be looked at is not gone."""
    try:
        within(root, path).stat()
    except (Outside, FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return not _is_eligible(path)


def data_of(source: Source, root: Path, found: Found) -> bytes:
    """A file's bytes. Raises ``Unreadable``."""
    if found.problem:
        raise Unreadable(found.problem)
    if storable(found.path) != found.path:
        raise Unreadable("its name is not UTF-8")
    try:
        return read_inside(root, found.path, source.max_file)
    except TooLarge as error:
        raise Unreadable(f"it is larger than max_file, {error.limit} bytes") from error
    except Outside as error:
        raise Unreadable("it leads out of the source") from error
    except OSError as error:
        raise Unreadable(f"it cannot be opened: {error.strerror or type(error).__name__}") from error


def parsed(file: File, digest: str, data: bytes) -> File:
    """What a file says. Raises ``Unreadable``."""
    document = read_document(data, file.path)
    pieces = tuple(
        NewPiece(tuple(piece.heading_path), piece.content, digest_of(piece.heading_path, piece.content))
        for piece in chunked(document)
    )
    return File(
        file.path,
        file.size,
        file.modified_at,
        digest,
        document.format,
        document.encoding,
        document.title,
        tuple(document.tags),
        pieces,
    )


def failed(file: File, reason: str, digest: str = "") -> File:
    """A file that cannot be read, and why."""
    return File(file.path, file.size, file.modified_at, digest, error=reason)


def storable(path: str) -> str:
    """The path as SQL can keep it."""
    return path.encode("utf-8", "backslashreplace").decode()


def seconds_of(stamp: str) -> float:
    """Seconds since 1970 of a time as SQL keeps it."""
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()


def _is_eligible(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix.lower() in FORMATS and not any(part.startswith(".") for part in pure.parts)
