"""Reads a file of answers record by record and stores them in batches, in bounded memory, from any point on."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Protocol

from proxy.moving.item import Item, Result
from proxy.moving.source import Record, Source

BATCH: Final = 500
"""Records stored at once."""
BATCH_BYTES: Final = 2 * 2**20
"""Bytes of records after which a batch is stored, however few they are."""
SHOWN: Final = 20
"""Bad records that are told of one by one."""

INVALID: Final = "invalid"
"""The refusal that makes a record a bad one."""


class Sink(Protocol):
    """Where items go."""

    def store(self, items: Sequence[Item]) -> list[Result]:
        """What became of each. Raises where nothing could be stored."""
        ...


@dataclass
class Tally:
    """What became of the records so far."""

    records: int = 0
    stored: int = 0
    duplicates: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """By reason."""
    bad: int = 0
    shown: list[tuple[int, str]] = field(default_factory=list)
    """The first bad records: number, and what is wrong."""
    number: int = 0
    """The last record's."""
    end: int = 0
    errors_at: int = 0
    """Bytes of the file of errors that belong to these records."""

    def refuse(self, reason: str) -> None:
        """Count one that was left out."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    def as_state(self) -> dict[str, Any]:
        """As JSON takes it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Tally:
        """What ``as_state`` gave."""
        return cls(**{**state, "shown": [(number, why) for number, why in state["shown"]]})


class Importer:
    """One import.

    Args:
        tally: where to go on; a new one begins at the file's beginning.
        saved: told of the tally after each batch that is stored.
        progress: told after each batch, whatever became of it.
        errors: takes a line for each bad record.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        tally: Tally,
        *,
        saved: Callable[[Tally], None] = lambda tally: None,
        progress: Callable[[Tally], None] = lambda tally: None,
        errors: IO[bytes] | None = None,
    ) -> None:
        self._source = source
        self._sink = sink
        self._tally = tally
        self._saved = saved
        self._progress = progress
        self._errors = errors

    def run(self) -> Tally:
        """Read to the end. Raises what source and sink raise; the tally then tells how far it came."""
        batch: list[Record] = []
        size = 0
        for record in self._source.read(self._tally.number, self._tally.end):
            batch.append(record)
            size += record.size
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                self._finish(batch)
                batch, size = [], 0
        if batch:
            self._finish(batch)
        return self._tally

    def _finish(self, batch: Sequence[Record]) -> None:
        items = [record.item for record in batch if record.item is not None]
        results = iter(self._sink.store(items) if items else ())
        for record in batch:
            self._count(record, next(results) if record.item is not None else None)
        self._tally.number, self._tally.end = batch[-1].number, batch[-1].end
        if self._errors is not None:
            self._errors.flush()
            self._tally.errors_at = self._errors.tell()
        self._saved(self._tally)
        self._progress(self._tally)

    def _count(self, record: Record, result: Result | None) -> None:
        tally = self._tally
        tally.records += 1
        if result is None and record.unfit is not None:
            tally.refuse(record.unfit)
        elif result is None:
            self._bad(record.number, record.bad or "it cannot be read")
        elif result.status == "stored":
            tally.stored += 1
        elif result.status == "duplicate":
            tally.duplicates += 1
        elif result.reason == INVALID:
            self._bad(record.number, result.message)
        else:
            tally.refuse(result.reason or INVALID)

    def _bad(self, number: int, why: str) -> None:
        self._tally.bad += 1
        if len(self._tally.shown) < SHOWN:
            self._tally.shown.append((number, why))
        if self._errors is not None:
            self._errors.write(f"{self._source.unit} {number}: {why}\n".encode("utf-8", "replace"))


class Rehearsal:
    """Before a sink that stores nothing: notices what the file itself holds twice, in a file of its own."""

    def __init__(self, sink: Sink, seen: sqlite3.Connection) -> None:
        self._sink = sink
        self._seen = seen

    def store(self, items: Sequence[Item]) -> list[Result]:
        """See ``Sink``."""
        return [self._again(result) for result in self._sink.store(items)]

    def _again(self, result: Result) -> Result:
        if result.status != "stored" or result.key is None:
            return result
        key = bytes.fromhex(result.key)[:16]
        new = self._seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount
        return result if new else dataclasses.replace(result, status="duplicate", id=None)


@contextlib.contextmanager
def rehearsal(sink: Sink) -> Iterator[Rehearsal]:
    """For a dry run."""
    with tempfile.TemporaryDirectory(prefix="reprise-") as folder:
        seen = sqlite3.connect(Path(folder) / "seen.db", isolation_level=None)
        with contextlib.closing(seen):
            seen.execute("PRAGMA journal_mode=OFF")
            seen.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
            seen.execute("BEGIN")
            yield Rehearsal(sink, seen)
