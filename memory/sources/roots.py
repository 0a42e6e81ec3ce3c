"""Files of a folder, and never one outside it, whatever a name or a link says.

A link inside the folder that leads to a place inside it is followed; one that leads out is not. The folder itself may
be a link: whoever configured it named it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from memory.sources.reading.formats import format_of

_FOLDER: Final = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FILE: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would block
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_STEPWISE: Final = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and bool(_NO_LINK)


class Outside(Exception):
    """A path is not inside the folder. Says nothing about whether there is something at its end."""

    def __init__(self) -> None:
        super().__init__("the path is not inside the source")


class NotAFile(OSError):
    """A folder, device, pipe or socket where a file was expected."""

    def __init__(self) -> None:
        super().__init__("it is not a regular file")


class TooLarge(Exception):
    """A file is larger than what may be read. ``limit`` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"it is larger than {limit} bytes")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a kind that is read, or what could not be looked into.

    ``path``: below the root, with ``/``; ``size`` in bytes; ``modified_at`` in seconds since 1970. ``problem``: why it
    cannot be read, in plain words; empty where it can.
    """

    path: str
    size: int
    modified_at: float
    problem: str = ""


def within(root: Path, given: str) -> Path:
    """The path that ``given`` means, links followed; it need not exist.

    ``given`` is below the root, or absolute; it has no ``..``. Raises :class:`Outside`, and :class:`FileNotFoundError`
    where there is no root.
    """
    real_root = root.resolve(strict=True)
    try:
        os.fsencode(given)
        asked = Path(given)
        # A backslash separates on some systems only: such a name is refused on all.
        if "\0" in given or ".." in given.replace("\\", "/").split("/"):
            raise Outside
        if asked.is_absolute() or asked.drive:
            # What is outside by its name alone is not looked at.
            base = next((base for base in (root.absolute(), real_root) if asked.is_relative_to(base)), None)
            if base is None:
                raise Outside
            asked = asked.relative_to(base)
        path = (real_root / asked).resolve()
    except (ValueError, OSError, RuntimeError) as error:
        raise Outside from error
    if not path.is_relative_to(real_root):
        raise Outside
    return path


def open_inside(root: Path, relative: str) -> BinaryIO:
    """A regular file inside the root, opened to be read.

    Raises :class:`Outside`, :class:`NotAFile` and any other :class:`OSError`.
    """
    real_root = root.resolve(strict=True)
    path = within(real_root, relative)
    parts = path.relative_to(real_root).parts
    if not parts:
        raise NotAFile
    file = _open_stepwise(real_root, parts) if _STEPWISE else _open(path)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise NotAFile
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


def _open_stepwise(root: Path, parts: tuple[str, ...]) -> int:
    """Opens each folder on the way from the one before, and no link: one put there meanwhile leads nowhere."""
    folder = os.open(root, os.O_RDONLY | _FOLDER)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
        # To open a device can do something; a file put there between the two is found out by its own facts.
        if not stat.S_ISREG(os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode):
            raise NotAFile
        return os.open(parts[-1], os.O_RDONLY | _FILE | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)


def _open(path: Path) -> int:
    """Where folders cannot be opened: the file must be the one that was found inside."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise NotAFile
    file = os.open(path, os.O_RDONLY | _FILE)
    if path.resolve() != path or not os.path.samestat(os.fstat(file), os.lstat(path)):
        os.close(file)
        raise Outside
    return file


def read_inside(root: Path, relative: str, limit: int) -> bytes:
    """The bytes of a file inside the root, at most ``limit``. Raises :class:`TooLarge`, and as :func:`open_inside`."""
    with open_inside(root, relative) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise TooLarge(limit)
    return data


def walk(root: Path, under: str = "") -> Iterator[Found]:
    """The files below ``under``, or that file, of a kind that is read: in a settled order, each once, hidden ones left
    out.

    A link inside the root is followed where it leads to something inside it that is not met otherwise. Raises as
    :func:`within`.
    """
    return _Walk(root.resolve(strict=True)).below(within(root, under))


class _Walk:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._met: set[tuple[int, int]] = set()
        """Device and number of each file and folder."""
        self._links: list[Path] = []

    def below(self, start: Path) -> Iterator[Found]:
        """What is there itself; then what links lead to, in the order of their paths."""
        yield from self._path(start)
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                yield from self._link(link)

    def _path(self, start: Path) -> Iterator[Found]:
        waiting = [start]
        while waiting:
            path = waiting.pop()
            try:
                facts = os.lstat(path)
                if stat.S_ISLNK(facts.st_mode):
                    self._links.append(path)
                elif stat.S_ISDIR(facts.st_mode):
                    waiting += self._entries(path, facts)
                elif format_of(path.name) is not None:
                    yield from self._file(path, facts)
            except FileNotFoundError:  # gone since its folder was listed
                continue
            except OSError as error:
                yield self._problem(path, f"it cannot be opened: {error.strerror or type(error).__name__}")

    def _entries(self, folder: Path, facts: os.stat_result) -> list[Path]:
        """What stands in a folder that was not met before, the last first."""
        if self._is_new(facts):
            return [folder / name for name in sorted(os.listdir(folder), reverse=True) if not name.startswith(".")]
        return []

    def _file(self, path: Path, facts: os.stat_result) -> Iterator[Found]:
        if not stat.S_ISREG(facts.st_mode):
            yield self._problem(path, "it is not a regular file")
        elif not _is_utf8(path):
            yield self._problem(path, "its name is not UTF-8")
        # Of a file with several names, each is read: which of them is the one would depend on the order.
        elif self._is_new(facts) or facts.st_nlink > 1:
            yield Found(path.relative_to(self._root).as_posix(), facts.st_size, facts.st_mtime)

    def _link(self, link: Path) -> Iterator[Found]:
        try:
            target = within(self._root, str(link))
            facts = os.lstat(target)
        except (Outside, FileNotFoundError):
            # Nothing is said of a link of a kind that would not be read anyhow, nor of whether there is something.
            if format_of(link.name) is not None:
                yield self._problem(link, "it leads to no file inside the source")
            return
        if stat.S_ISDIR(facts.st_mode):
            for entry in self._entries(link, facts):
                yield from self._path(entry)
        elif format_of(link.name) is not None and (facts.st_dev, facts.st_ino) not in self._met:
            yield from self._file(link, facts)

    def _is_new(self, facts: os.stat_result) -> bool:
        place = (facts.st_dev, facts.st_ino)
        new = place not in self._met
        self._met.add(place)
        return new

    def _problem(self, path: Path, problem: str) -> Found:
        shown = path.relative_to(self._root).as_posix().encode("utf-8", "surrogateescape")
        return Found(shown.decode("utf-8", "backslashreplace"), 0, 0.0, problem)


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
