"""The vector index of pieces: Chroma in a folder of its own, which can be deleted and is then written again from SQL.

A partition holds all pieces for one audience (a set of namespaces), and one more those of each project among them, so
that a project's own pieces are found however many others are nearer. What a partition holds may be outdated: whoever
searches checks it against SQL.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import secrets
import shutil
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from memory.sources.changes import Changes
from memory.sources.chunk_notes import ChunkNotes, Place, Unembedded
from memory.sources.layout import Layout, forget_layout, read_layout, write_layout
from memory.sources.source import Sources
from store.embedder import Embedder, EmbedderError
from store.errors import VectorIndexError
from store.vectors import ChromaIndex, Vector

EMBEDDED_AT_ONCE: Final = 64
WRITTEN_AT_ONCE: Final = 50
"""Vectors from SQL to the index at a time: who searches meanwhile waits until they are written, about 0.1 s."""
IN_DEMAND: Final = 5.0
"""Seconds after a search in which writing rests as long as it works: Chroma lets readers in between two writes only."""
MOST_REST: Final = 1.0
"""Seconds of one such rest."""

_log = logging.getLogger(__name__)


def text_of(heading_path: Sequence[str], content: str) -> str:
    """What of a piece is embedded: the headings above it, which say what it is about, and itself."""
    return f"{' > '.join(heading_path)}\n{content}" if heading_path else content


class ChunkIndex:
    """Usable from any thread. Until it is open, nothing is found and pieces wait in SQL.

    Args:
        folder: its own; made when first needed.
        changes: told of each change of what can be found.
    """

    def __init__(self, notes: ChunkNotes, sources: Sources, folder: Path, changes: Changes | None = None) -> None:
        self._notes = notes
        self._sources = sources
        self._folder = folder
        self.changes = changes or Changes()
        self._writing = threading.RLock()
        self._mending = threading.Lock()
        self._index: ChromaIndex | None = None
        self._embedder: Embedder | None = None
        self._layout = Layout("", "")
        self._damaged = False
        self._searched = -math.inf
        self._late: list[Place] = []
        """What was altered before it was open."""
        self._stopping = threading.Event()

    @property
    def is_open(self) -> bool:
        """Can pieces be found?"""
        return self._index is not None

    @property
    def embedder(self) -> Embedder | None:
        """The embedder of its vectors; None until it is open."""
        return self._embedder

    def open(self, embedder: Embedder) -> None:
        """Open the folder, or make it anew where it is missing, damaged, another embedder's or holds less than SQL.

        Writing it is left to ``mend``. Raises ``StoreError``.
        """
        with self._writing:
            if self._index is not None:
                return
            layout = read_layout(self._folder)
            index = self._opened(layout) if layout is not None and layout.embedder == embedder.id else None
            self._embedder = embedder
            if layout is None or index is None:
                self._start_over()
                return
            self._index, self._layout = index, layout
            self._take_out_late(index)
            if not self._is_whole(index):
                _log.warning("the index of the sources is not what SQL says: writing it again")
                self._start_over()

    def search(self, audience: str, project: str, vector: Vector, k: int) -> list[tuple[str, float]]:
        """Ids of the k nearest for an audience, of a project's own where one is given. Raises ``VectorIndexError``."""
        index, embedder = self._index, self._embedder
        if index is None or embedder is None:
            return []
        self._searched = time.monotonic()
        try:
            return index.query(_partition(audience, project), embedder.id, vector, k)
        except VectorIndexError:
            if index is self._index:
                self._damaged = True
            raise

    def mend(self, patience: float = math.inf) -> int:
        """Embed what has no vector of this embedder, and write to the index what it lacks; gives how many were written.

        Args:
            patience: seconds after which the rest is left to the next time.

        Raises:
            StoreError, EmbedderError: it will be tried again.
        """
        if not self._mending.acquire(blocking=patience == math.inf):
            # Whoever mends now does this, too.
            return 0
        try:
            with self.changes.reading():
                return self._mend(time.monotonic() + patience) if self._index is not None else 0
        finally:
            self._mending.release()

    def _mend(self, until: float) -> int:
        if self._damaged:
            _log.warning("the index of the sources cannot be read: writing it again")
            self._start_over()
        self._follow_audiences()
        written = self.catch_up()
        failure: EmbedderError | None = None
        for waiting in self._to_embed(until):
            try:
                self._notes.set_vectors(self._embedder_id(), self.embed(waiting))
            except EmbedderError as error:
                failure = error
            written += self.catch_up()
        if failure is not None:
            raise failure
        return written

    def embed(self, pieces: Sequence[Unembedded]) -> list[tuple[str, Vector]]:
        """Vectors of pieces by id; those that the embedder refuses are left out. Raises ``EmbedderError`` for all."""
        embedder = self._embedder
        if embedder is None:
            return []
        texts = [text_of(piece.heading_path, piece.content) for piece in pieces]
        try:
            return list(zip([piece.id for piece in pieces], embedder.embed(texts), strict=True))
        except EmbedderError as error:
            failure = error
        made: list[tuple[str, Vector]] = []
        for piece, text in zip(pieces, texts, strict=True):
            # One text that it refuses must not keep the others waiting.
            with contextlib.suppress(EmbedderError):
                made.append((piece.id, embedder.embed([text])[0]))
        if not made:
            raise failure
        return made

    def catch_up(self) -> int:
        """Write to the index what SQL has a vector of and it lacks; gives how many. Raises ``StoreError``."""
        written = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            with self._writing:
                if self._index is None:
                    return written
                rows = self._notes.unindexed(self._embedder_id(), WRITTEN_AT_ONCE)
                if not rows:
                    return written
                self._write(rows)
            written += len(rows)
            self.changes.grown()
            if time.monotonic() - self._searched < IN_DEMAND:
                self._stopping.wait(min(time.monotonic() - began, MOST_REST))
        return written

    @contextlib.contextmanager
    def without(self, places: Collection[Place], beside: Collection[Place] = ()) -> Iterator[None]:
        """Pieces are out of the index while this lasts, for SQL to change or delete them; ``catch_up`` brings back
        what is left of them. Whatever is interrupted leaves them to be written again. Raises ``DatabaseError``.

        Args:
            beside: pieces of the same documents that stay in it.
        """
        with self._writing:
            if self._index is None:
                self._late += places
            if places and self._index is not None:
                self._notes.mark([place.id for place in places], self._embedder_id(), indexed=False)
                try:
                    self._remove(self._index, places)
                except VectorIndexError:
                    # What SQL no longer has is not shown; what is left over goes when it is written again.
                    self._damaged = True
            try:
                yield
            finally:
                # Even where SQL failed: it may have changed all the same.
                self.changes.altered([place.id for place in (*places, *beside)])

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Hold off what is written to the folder; searches go on."""
        with self._writing:
            yield

    def rewrite(self) -> int:
        """Write all of it again from SQL; gives how many pieces it holds. Raises as ``mend``."""
        with self.changes.reading():
            with self._writing:
                if self._index is None:
                    return 0
                self._start_over()
            self.mend()
        return sum(self._notes.held().values())

    def stop(self) -> None:
        """Ask long work to end after its present step."""
        self._stopping.set()

    def close(self) -> None:
        """Let the folder go."""
        self.stop()
        with self._writing:
            self._index = None

    def _embedder_id(self) -> str:
        assert self._embedder is not None
        return self._embedder.id

    def _to_embed(self, until: float) -> Iterator[list[Unembedded]]:
        last = ""
        while not self._stopping.is_set() and time.monotonic() < until:
            found = self._notes.to_embed(self._embedder_id(), EMBEDDED_AT_ONCE, after=last)
            if not found:
                return
            last = found[-1].id
            yield found

    def _write(self, rows: Sequence[tuple[Place, Vector]]) -> None:
        assert self._index is not None
        self._settle_audiences({place.source for place, _ in rows})
        together: dict[str, list[tuple[str, Vector]]] = {}
        for place, vector in rows:
            for partition in self._partitions(place):
                together.setdefault(partition, []).append((place.id, vector))
        for partition, found in together.items():
            ids = [id_ for id_, _ in found]
            self._index.add(partition, self._embedder_id(), ids, [vector for _, vector in found])
        self._notes.mark([place.id for place, _ in rows], self._embedder_id(), indexed=True)

    def _remove(self, index: ChromaIndex, places: Collection[Place]) -> None:
        together: dict[str, list[str]] = {}
        for place in places:
            if place.source in self._layout.audiences:
                for partition in self._partitions(place):
                    together.setdefault(partition, []).append(place.id)
        for partition, ids in together.items():
            index.remove(partition, self._embedder_id(), ids)

    def _partitions(self, place: Place) -> list[str]:
        audience = self._layout.audiences[place.source]
        return [_partition(audience, ""), *([_partition(audience, place.project)] if place.project else [])]

    def _settle_audiences(self, names: Collection[str]) -> None:
        """Note for whom sources that come in anew are; a source that is configured no more is nobody's."""
        unknown = set(names) - self._layout.audiences.keys()
        if unknown:
            sources = self._sources()
            self._layout.audiences |= {name: sources[name].audience if name in sources else "" for name in unknown}
            write_layout(self._folder, self._layout)

    def _follow_audiences(self) -> None:
        """Move the pieces of sources that are now for others."""
        for name, source in self._sources().items():
            known = self._layout.audiences.get(name)
            if known is None or known == source.audience:
                continue
            for places in self._notes.of_source(name):
                with self.without(places):
                    pass
            with self._writing:
                self._layout.audiences[name] = source.audience
                write_layout(self._folder, self._layout)

    def _start_over(self) -> None:
        """An empty index in a folder of its own: Chroma keeps hold of one that it could not open."""
        with self._writing:
            before, self._index = self._index, None
            if before is not None:
                with contextlib.suppress(Exception):
                    before.close()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._folder.iterdir():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
            self._layout = Layout(f"index-{secrets.token_hex(4)}", self._embedder_id())
            index = ChromaIndex(self._folder / self._layout.folder)
            # First SQL: killed in between, the next start finds no layout and begins again.
            forget_layout(self._folder)
            self._notes.forget_index()
            write_layout(self._folder, self._layout)
            self._index, self._damaged = index, False
            self._late.clear()
        # What was found before stands in SQL still; only searching finds less for a while.
        self.changes.grown()

    def _take_out_late(self, index: ChromaIndex) -> None:
        """Make up for what was altered while it was not open: what is left of that is written again."""
        late, self._late = self._late, []
        if late:
            self._notes.mark([place.id for place in late], self._embedder_id(), indexed=False)
            with contextlib.suppress(VectorIndexError):
                self._remove(index, late)

    def _opened(self, layout: Layout) -> ChromaIndex | None:
        folder = self._folder / layout.folder
        if not folder.is_dir():
            return None
        try:
            return ChromaIndex(folder)
        except VectorIndexError:
            _log.warning("the index of the sources cannot be opened: writing it again")
            return None

    def _is_whole(self, index: ChromaIndex) -> bool:
        """Does it hold what SQL says, no less and no more?"""
        held = {place: count for place, count in self._notes.held().items() if count}
        if any(source not in self._layout.audiences for source, _ in held):
            return False
        wanted = sum(count + (count if project else 0) for (_, project), count in held.items())
        audiences = {(self._layout.audiences[source], project) for source, project in held}
        partitions = {_partition(*place) for place in audiences} | {_partition(known, "") for known, _ in audiences}
        try:
            counted = index.count(self._layout.embedder)
        except VectorIndexError:
            return False
        names = {index.collection_of(partition, self._layout.embedder) for partition in partitions}
        if len(names) < len(partitions):
            # What shares a collection is in it once.
            return counted > 0
        # A killed process leaves some that were written but not noted yet.
        return wanted <= counted <= wanted + 2 * sum(self._notes.waiting().values())


def _partition(audience: str, project: str) -> str:
    return json.dumps([audience, project])
