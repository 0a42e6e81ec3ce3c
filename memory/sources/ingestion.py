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
from pathlib import Path
from typing import Final

from memory.interactions import stamp_at
from memory.sources.chunk_index import EMBEDDED_AT_ONCE, ChunkIndex
from memory.sources.chunk_notes import ChunkNotes, Unembedded
from memory.sources.documents import FAILED, Change, Documents, File, Known
from memory.sources.files import data_of, failed, is_gone, is_same, parsed, seconds_of, storable, walked
from memory.sources.reading import READER, Unreadable
from memory.sources.roots import Found
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
                with self._index.changes.reading():
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

        It waits for no run: one under way does not bring them back, a later one that meets their files does.
        """
        forgotten = 0
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
            run.purged = self._purge([document for document in missing if is_gone(root, document.path)])
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
        if before is not None and changed_at < seconds_of(before.started_at):
            raise Unavailable("the folder is empty and was not emptied: is it not mounted?")
        return root

    def _files(
        self, run: Run, source: Source, root: Path, known: Mapping[str, Known], seen: set[str]
    ) -> Iterator[File]:
        """The files to be stored: new, changed, and those that cannot be read."""
        # The small ones first: a large file, some minutes of embedding, keeps no others waiting.
        for found in sorted(walked(root, run.under), key=lambda found: found.size):
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
        if known is not None and is_same(found, known):
            self._unchanged(run, known)
            return None
        file = File(storable(found.path), found.size, found.modified_at)
        try:
            data = data_of(source, root, found)
        except Unreadable as error:
            run.failed += 1
            return failed(file, str(error))
        digest = hashlib.sha256(data).hexdigest()
        if known is not None and (known.digest, known.reader) == (digest, READER):
            self.documents.touch(known, found.size, found.modified_at, stamp_at(self._clock()))
            self._unchanged(run, known)
            return None
        try:
            file = parsed(file, digest, data)
        except Unreadable as error:
            run.failed += 1
            return failed(file, str(error), digest)
        except Exception as error:  # noqa: BLE001  whatever one file does to a parser, the others must be read
            run.failed += 1
            return failed(file, f"the reader failed: {type(error).__name__}", digest)
        run.read += 1
        return file

    def _unchanged(self, run: Run, known: Known) -> None:
        if known.status == FAILED:
            run.failed += 1
        else:
            run.unchanged += 1

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
        places = self._notes.places([change.document_id]) if change.known else []
        gone = set(change.gone)
        # Those that stay may stand under another title, or be tagged otherwise.
        kept = [place for place in places if place.id not in gone]
        with self._index.without([place for place in places if place.id in gone], kept):
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
                if self._stopping.is_set():
                    raise Stopped
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


def _fresh(changes: Sequence[Change]) -> int:
    return sum(len(change.fresh) for change in changes)


def _some(ids: Sequence[str], most: int) -> Iterator[Collection[str]]:
    for start in range(0, len(ids), most):
        yield ids[start : start + most]
