"""Ingestion: a source's files read into documents, cut into pieces, embedded; what vanished is taken out.

Only what has changed is read: a file of the same size and date is not opened, one of the same bytes is not cut again,
and of a changed one the pieces that stay the same keep their rows and vectors. Each file is a transaction of its own,
so whatever is interrupted goes on with the next run where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

from memory.interactions import stamp_at
from memory.sources.chunk_index import EMBEDDED_AT_ONCE, ChunkIndex
from memory.sources.chunk_notes import ChunkNotes, Unembedded
from memory.sources.documents import FAILED, Change, Documents, File, Known, NewPiece, digest_of
from memory.sources.reading import FORMATS, READER, Unreadable, chunked, read_document
from memory.sources.roots import Found, Outside, TooLarge, read_inside, walk, within
from memory.sources.runs import Run, Runs
from memory.sources.source import Source, Sources
from store.database import Database
from store.embedder import EmbedderError
from store.errors import StoreError
from store.vectors import Vector

MOST_AT_ONCE: Final = 512
"""New pieces of one file that are embedded before it is stored; those of a larger one follow behind."""
PURGED_AT_ONCE: Final = 50
"""Documents."""
SETTLED: Final = 2.0
"""Seconds that a file's date must lie back for the date alone to say that it is the same."""
REST: Final = 0.002
"""Seconds between two files that were read: reading is Python's work, and calls must get their turn."""
LOOKS: Final = 200
"""Files that were not read between two such rests."""


class Stopped(Exception):
    """The process is to end; the next run goes on."""


class Unavailable(Exception):
    """The source's folder is not there now, or cannot be listed; the message says which, without its path."""


class Ingestion:
    """Runs one after the other, one at a time. It may be used from any thread, and blocks it.

    Args:
        owner: the project that a source's document at a path belongs to; '' for none.
        told: told of each failure of embedder or index, after which pieces wait in SQL.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        index: ChunkIndex,
        sources: Sources,
        *,
        owner: Callable[[str, str], str] = lambda source, path: "",
        told: Callable[[BaseException], None] = lambda error: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.documents = Documents(database)
        self.runs = Runs(database, clock)
        self._notes = ChunkNotes(database)
        self._index = index
        self._sources = sources
        self._owner = owner
        self._told = told
        self._clock = clock
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self.running: Run | None = None
        """The run under way, its figures rising; None when there is none."""

    def run(self, source: Source, under: str = "", *, purge: bool = True) -> Run:
        """Read what is new or changed in a source, or at or below ``under`` in it.

        Args:
            purge: take out the documents whose files are gone.

        Raises:
            StoreError: SQL failed; the run is noted as failed where that can be.
        """
        with self._turn:
            began = time.perf_counter()
            self.running = run = self.runs.begin(source.name, under)
            try:
                self._run(run, source, purge=purge)
                run.status = "partial" if run.failed else "done"
            except Stopped:
                run.status = "stopped"
            except Unavailable as error:
                run.status, run.error = "failed", str(error)
            except Exception as error:
                run.status, run.error = "failed", type(error).__name__
                raise
            finally:
                run.seconds = round(time.perf_counter() - began, 3)
                run.finished_at = stamp_at(self._clock())
                self.running = None
                self.runs.note(run)
            return run

    def follow_projects(self) -> int:
        """Give documents to the projects whose roots cover them now; gives how many changed. Raises ``StoreError``."""
        with self._turn:
            return sum(self._claim(name, self.documents.known(name).values()) for name in self.documents.sources())

    def forget(self, ids: Collection[str]) -> int:
        """Delete documents, with their pieces and vectors; gives how many pieces. Raises ``StoreError``.

        A run that meets their files reads them again.
        """
        forgotten = 0
        with self._turn:
            for some in _some(list(ids), PURGED_AT_ONCE):
                places = self._notes.places(some)
                with self._index.without(places):
                    self.documents.delete(some)
                forgotten += len(places)
        return forgotten

    def purge_removed(self) -> int:
        """Take out the documents of sources that are configured no more; gives how many. Raises ``StoreError``."""
        with self._turn:
            return self._purge_removed()

    def stop(self) -> None:
        """Ask a run under way to end after its present step; later ones end at once."""
        self._stopping.set()

    def _run(self, run: Run, source: Source, *, purge: bool) -> None:
        root = self._root(source)
        known = self.documents.known(source.name, run.under)
        self._claim(source.name, known.values())
        seen: set[str] = set()
        changes: list[Change] = []
        for file in self._files(run, source, root, known, seen):
            changes.append(self.documents.change(file, known.get(file.path)))
            if len(changes) == EMBEDDED_AT_ONCE or _fresh(changes) >= EMBEDDED_AT_ONCE:
                self._settle(run, source, changes)
                changes = []
        self._settle(run, source, changes)
        if purge:
            missing = [document for path, document in known.items() if path not in seen]
            run.purged = self._purge([document for document in missing if _is_gone(root, document.path)])
        self._purge_removed()
        self._mend()
        run.chunk_count = sum(one.chunk_count for one in self.documents.known(source.name, run.under).values())

    def _root(self, source: Source) -> Path:
        """The source's folder, which can be read, and is the one that was read before."""
        try:
            root = source.path.resolve(strict=True)
            with os.scandir(root) as entries:
                empty = next(entries, None) is None
            changed_at = root.stat().st_mtime
        except FileNotFoundError as error:
            raise Unavailable("the folder does not exist") from error
        except NotADirectoryError as error:
            raise Unavailable("it is not a folder") from error
        except OSError as error:
            raise Unavailable(f"the folder cannot be read: {error.strerror or type(error).__name__}") from error
        before = self.runs.latest(source.name, found=True) if empty else None
        # Files that are deleted change their folder; an empty one that is older is what is left without a mount.
        if before is not None and changed_at < _seconds(before.started_at):
            raise Unavailable("the folder is empty and was not emptied: is it not mounted?")
        return root

    def _files(
        self, run: Run, source: Source, root: Path, known: Mapping[str, Known], seen: set[str]
    ) -> Iterator[File]:
        """The files to be stored: new, changed, and those that cannot be read."""
        for found in _walked(root, run.under):
            if self._stopping.is_set():
                raise Stopped
            run.found += 1
            seen.add(found.path)
            file = self._read(run, source, root, found, known.get(found.path))
            if file is not None:
                yield file
                time.sleep(REST)
            elif run.found % LOOKS == 0:
                time.sleep(REST)

    def _read(self, run: Run, source: Source, root: Path, found: Found, known: Known | None) -> File | None:
        """What is to be stored of a file; None where all of it is known."""
        if known is not None and _is_same(found, known):
            self._unchanged(run, known)
            return None
        file = File(_storable(found.path), found.size, found.modified_at)
        try:
            data = self._bytes(source, root, found)
        except Unreadable as error:
            run.failed += 1
            return _failed(file, str(error))
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and (known.digest, known.reader) == (digest, READER):
            self.documents.touch(known, found.size, found.modified_at, stamp_at(self._clock()))
            self._unchanged(run, known)
            return None
        try:
            file = _parsed(file, digest, data)
        except Unreadable as error:
            run.failed += 1
            return _failed(file, str(error), digest)
        except Exception as error:  # noqa: BLE001  whatever one file does to a parser, the others must be read
            run.failed += 1
            return _failed(file, f"the reader failed: {type(error).__name__}", digest)
        run.read += 1
        return file

    def _unchanged(self, run: Run, known: Known) -> None:
        if known.status == FAILED:
            run.failed += 1
        else:
            run.unchanged += 1

    def _bytes(self, source: Source, root: Path, found: Found) -> bytes:
        """Raises ``Unreadable``."""
        if found.problem:
            raise Unreadable(found.problem)
        if _storable(found.path) != found.path:
            raise Unreadable("its name is not UTF-8")
        try:
            return read_inside(root, found.path, source.max_file)
        except TooLarge as error:
            raise Unreadable(f"it is larger than max_file, {error.limit} bytes") from error
        except Outside as error:
            raise Unreadable("it leads out of the source") from error
        except OSError as error:
            raise Unreadable(f"it cannot be opened: {error.strerror or type(error).__name__}") from error

    def _settle(self, run: Run, source: Source, changes: Sequence[Change]) -> None:
        """Embed the new pieces together, then store each file."""
        if not changes:
            return
        vectors = self._vectors(changes)
        embedder = self._index.embedder
        for change in changes:
            self._store(source, change, vectors, embedder.id if embedder else None)
            run.chunk_count += len(change.file.pieces)
        try:
            self._index.catch_up()
        except StoreError as error:
            self._told(error)
        self.runs.note(run)

    def _store(self, source: Source, change: Change, vectors: Mapping[str, Vector], embedder: str | None) -> None:
        project = self._owner(source.name, change.file.path)
        places = self._notes.places([change.document_id]) if change.known and change.gone else []
        gone = set(change.gone)
        with self._index.without([place for place in places if place.id in gone]):
            self.documents.put(
                source.name,
                project,
                change,
                reader=READER,
                at=stamp_at(self._clock()),
                vectors=vectors,
                embedder=embedder,
            )

    def _vectors(self, changes: Sequence[Change]) -> dict[str, Vector]:
        """Vectors of new pieces by id; without those of very large files, and of none while the embedder fails."""
        fresh = [
            Unembedded(id_, piece.heading_path, piece.content)
            for change in changes
            if len(change.fresh) <= MOST_AT_ONCE
            for id_, _, piece in change.fresh
        ]
        made: dict[str, Vector] = {}
        try:
            for start in range(0, len(fresh), EMBEDDED_AT_ONCE):
                made |= self._index.embed(fresh[start : start + EMBEDDED_AT_ONCE])
        except EmbedderError as error:
            self._told(error)
        return made

    def _claim(self, source: str, known: Iterable[Known]) -> int:
        moved = {one.id: owner for one in known if (owner := self._owner(source, one.path)) != one.project}
        for some in _some(list(moved), PURGED_AT_ONCE):
            with self._index.without(self._notes.places(some)):
                self.documents.claim({id_: moved[id_] for id_ in some})
        if moved:
            self._mend()
        return len(moved)

    def _purge(self, gone: Sequence[Known]) -> int:
        for some in _some([document.id for document in gone], PURGED_AT_ONCE):
            if self._stopping.is_set():
                raise Stopped
            with self._index.without(self._notes.places(some)):
                self.documents.delete(some)
        return len(gone)

    def _purge_removed(self) -> int:
        removed = [name for name in self.documents.sources() if name not in self._sources()]
        return sum(self._purge(list(self.documents.known(name).values())) for name in removed)

    def _mend(self) -> None:
        """Embed and index what still waits; where that fails it is done behind."""
        try:
            self._index.mend()
        except (StoreError, EmbedderError) as error:
            self._told(error)


def _walked(root: Path, under: str) -> Iterator[Found]:
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


def _is_same(found: Found, known: Known) -> bool:
    """Does its date say that the file is the one that was read?"""
    if (found.size, found.modified_at, READER) != (known.size, known.modified_at, known.reader):
        return False
    # One that could not be opened may be opened now; one written when it was read may have been written again since.
    return bool(known.digest) and not found.problem and found.modified_at < _seconds(known.ingested_at) - SETTLED


def _is_gone(root: Path, path: str) -> bool:
    """Is there no such file any more, or none to be read? What cannot be looked at is not gone."""
    try:
        within(root, path).stat()
    except (Outside, FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return not _is_eligible(path)


def _is_eligible(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix.lower() in FORMATS and not any(part.startswith(".") for part in pure.parts)


def _parsed(file: File, digest: str, data: bytes) -> File:
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


def _failed(file: File, reason: str, digest: str = "") -> File:
    return File(file.path, file.size, file.modified_at, digest, error=reason)


def _storable(path: str) -> str:
    """The path as SQL can keep it."""
    return path.encode("utf-8", "backslashreplace").decode()


def _fresh(changes: Sequence[Change]) -> int:
    return sum(len(change.fresh) for change in changes)


def _some(ids: Sequence[str], most: int) -> Iterator[Collection[str]]:
    for start in range(0, len(ids), most):
        yield ids[start : start + most]


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
