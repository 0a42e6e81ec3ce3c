"""A file of answers as a stream of items: whatever its format, one record at a time."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from proxy.errors import InvalidRequest
from proxy.moving.gptcache import MAGIC, GPTCacheFile
from proxy.moving.item import BadRecord, Item, Unfit
from proxy.moving.lines import MOST_BYTES, Line, Lines, Unreadable
from proxy.moving.shapes import READERS, read_openai, shape_of
from proxy.moving.template import Template
from proxy.wire import parse_object

FORMATS: Final = ("auto", "jsonl", "openai", "gptcache", "entries", "interactions")

Requests = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file."""

    number: int
    """Its line, or its row's id."""
    end: int
    """Where to go on behind it."""
    item: Item | None = field(repr=False)
    size: int
    """Bytes, about."""
    bad: str | None = None
    """Why it cannot be read."""
    unfit: str | None = None
    """Why it is left out, in one word."""


class Source(Protocol):
    """A file that is read record by record."""

    unit: str
    """What a record's number counts: ``line`` or ``row``."""
    size: int
    """What ``done`` comes to."""

    @property
    def done(self) -> int: ...

    def read(self, number: int = 0, end: int = 0) -> Iterator[Record]:
        """The records behind one that was read before, or all. Raises ``Unreadable``."""
        ...


class JsonLines:
    """Lines that are JSON objects."""

    unit = "line"

    def __init__(self, lines: Lines, format_: str, template: Template, requests: Requests | None) -> None:
        self._lines = lines
        self._format = format_
        self._template = template
        self._requests = requests
        self.size = lines.size

    @property
    def done(self) -> int:
        """Bytes of the file read so far."""
        return self._lines.done

    def read(self, number: int = 0, end: int = 0) -> Iterator[Record]:
        """See ``Source``."""
        for line in self._lines.read(number, end):
            size = len(line.raw or b"")
            try:
                yield Record(line.number, line.end, self._item(line), size)
            except BadRecord as bad:
                yield Record(line.number, line.end, None, size, bad=str(bad))
            except Unfit as unfit:
                yield Record(line.number, line.end, None, size, unfit=str(unfit))

    def _item(self, line: Line) -> Item:
        if line.raw is None:
            raise BadRecord(f"it is longer than {MOST_BYTES} bytes")
        try:
            record = parse_object(line.raw)
        except InvalidRequest as error:
            raise BadRecord(_json_problem(line, error)) from error
        shape = shape_of(record) if self._format == "auto" else self._format
        if shape == "openai":
            return read_openai(record, self._template, self._requests)
        return READERS[shape](record, self._template)


class GPTCacheRows:
    """Questions and answers of a GPTCache."""

    unit = "row"

    def __init__(self, file: GPTCacheFile, template: Template) -> None:
        self._file = file
        self._template = template
        self.size = file.count()
        self.done = 0

    def read(self, number: int = 0, end: int = 0) -> Iterator[Record]:
        """See ``Source``."""
        for row in self._file.read(number):
            self.done += 1
            size = len(row.question or "") + len(row.answer or "")
            try:
                item = None if row.problem else self._item(row.question or "", row.answer or "")
                yield Record(row.id, row.id, item, size, bad=row.problem)
            except BadRecord as bad:
                yield Record(row.id, row.id, None, size, bad=str(bad))

    def _item(self, question: str, answer: str) -> Item:
        return READERS["jsonl"]({"prompt": question, "answer": answer}, self._template)


@contextlib.contextmanager
def open_source(path: Path, format_: str, template: Template, requests: Path | None = None) -> Iterator[Source]:
    """The records of a file.

    Args:
        format_: one of ``FORMATS``; ``auto`` tells from each record what it is.
        requests: the file of a batch's requests.

    Raises:
        Unreadable: it cannot be read, or is of another format.
    """
    head = _head(path)
    if head.startswith(MAGIC):
        if format_ not in ("auto", "gptcache"):
            raise Unreadable(f"{path} is an SQLite file: --format gptcache reads GPTCache's")
        with GPTCacheFile(path) as file:
            yield GPTCacheRows(file, template)
        return
    if format_ == "gptcache":
        raise Unreadable(f"{path} is no SQLite file: GPTCache keeps its answers in one, sqlite.db as a rule")
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        raise Unreadable(f"{path} is one JSON array: make a line of each item first, with: jq -c '.[]'")
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_batch_requests(requests)) if requests is not None else None
        yield JsonLines(stack.enter_context(Lines(path)), format_, template, found)


@contextlib.contextmanager
def _batch_requests(path: Path) -> Iterator[Requests]:
    """Looks up request lines by their ``custom_id``, in a file of its own: they need not fit into memory."""
    with tempfile.TemporaryDirectory(prefix="reprise-") as folder, Lines(path) as lines:
        connection = sqlite3.connect(Path(folder) / "requests.db", isolation_level=None)
        with contextlib.closing(connection):
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("CREATE TABLE requests (custom_id TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID")
            connection.execute("BEGIN")
            connection.executemany("INSERT OR REPLACE INTO requests VALUES (?, ?)", _by_custom_id(lines))
            connection.execute("COMMIT")

            def find(custom_id: str) -> Any:
                row = connection.execute("SELECT line FROM requests WHERE custom_id = ?", (custom_id,)).fetchone()
                return json.loads(row[0]) if row else None

            yield find


def _by_custom_id(lines: Lines) -> Iterator[tuple[str, bytes]]:
    for line in lines.read():
        with contextlib.suppress(InvalidRequest):
            request: Mapping[str, Any] = parse_object(line.raw or b"")
            if isinstance(request.get("custom_id"), str):
                yield request["custom_id"], line.raw or b""


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}") from error


def _json_problem(line: Line, error: InvalidRequest) -> str:
    if b"\x00" in (line.raw or b""):
        return "it holds NUL bytes, and is no JSON"
    return error.message.replace("The request body", "it").rstrip(".")
