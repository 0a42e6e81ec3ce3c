"""Writes vectors to the index behind the response, in batches, and catches up after a crash.

A vector is first in SQL with its entry, marked as not indexed. This thread adds it to the index and marks it. What a
failure or a killed process leaves unmarked is taken up again by ``catch_up``.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from store.entries import Entries
from store.errors import StoreError
from store.vectors import Vector, VectorIndex

BATCH = 256
WINDOW = 0.02
"""Seconds to wait for company: sixteen vectors in one call cost little more than one."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A vector on its way to the index."""

    id: str
    compat_key: str
    partition: str
    vector: Vector


class Indexer:
    """The one writer of the vector index.

    Args:
        failed: told of each failure; the vectors stay marked in SQL for the next ``catch_up``.
    """

    def __init__(
        self, entries: Entries, index: VectorIndex, embedder: str, failed: Callable[[Exception], None]
    ) -> None:
        self._entries = entries
        self._index = index
        self._embedder = embedder
        self._failed = failed
        self._queue: queue.SimpleQueue[Pending | None] = queue.SimpleQueue()
        self._pending: dict[str, Pending] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._marked: Future[None] | None = None
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name="reprise-indexer", daemon=True)
        self._thread.start()

    def put(self, item: Pending) -> None:
        """Queue a vector; ``pending`` shows it until the index does."""
        with self._lock:
            self._pending[item.id] = item
            self._idle.clear()
        self._queue.put(item)

    def pending(self, compat_key: str) -> list[tuple[str, Vector]]:
        """Vectors under a compat_key that the index may not show yet."""
        with self._lock:
            return [(item.id, item.vector) for item in self._pending.values() if item.compat_key == compat_key]

    def pending_in(self, partition: str) -> list[tuple[str, Vector]]:
        """All vectors of a partition that the index may not show yet."""
        with self._lock:
            return [(item.id, item.vector) for item in self._pending.values() if item.partition == partition]

    def catch_up(self) -> int:
        """Write to the index what SQL has and the index lacks; gives how many. Raises ``StoreError``."""
        written = 0
        while found := self._catch_up():
            written += found
        return written

    def discard(self, partition: str, embedder: str, ids: Sequence[str]) -> None:
        """Remove vectors from the index, those on their way there too. Raises ``VectorIndexError``."""
        # Whatever is being written now is in the index before this, or never gets there.
        with self._writing:
            with self._lock:
                for id_ in ids:
                    self._pending.pop(id_, None)
                if not self._pending:
                    self._idle.set()
            self._index.remove(partition, embedder, ids)

    def rewrite(self, compact: Callable[[], None] = lambda: None) -> int:
        """Empty the index and write it again from SQL; gives how many vectors it holds then. Raises ``StoreError``.

        Args:
            compact: takes off the disk what the index held before; nobody writes meanwhile.
        """
        # A mark that is still on its way would count as written what the reset takes away.
        with self._writing:
            self._index.reset()
            if self._marked is not None:
                self._marked.result()
            self._entries.forget_index()
        self.catch_up()
        with self._writing:
            compact()
        return self._index.count(self._embedder)

    def renew(self, drop: Callable[[], None], partitions: Sequence[str], compact: Callable[[], None]) -> None:
        """Write partitions again from SQL: the index's files keep what was removed until then. Raises ``StoreError``.

        Args:
            drop: takes these partitions, and no others, out of the index.
            compact: takes off the disk what was dropped; nobody writes meanwhile.
        """
        # As in ``rewrite``; what comes after the drop goes to the index anew.
        with self._writing:
            drop()
            if self._marked is not None:
                self._marked.result()
            self._entries.forget_index(partitions)
        self.catch_up()
        with self._writing:
            compact()

    @contextlib.contextmanager
    def still(self) -> Iterator[None]:
        """Hold off what this would write; ``pending`` shows it meanwhile."""
        with self._writing:
            yield

    def wait(self, timeout: float) -> bool:
        """Block until nothing is pending; False after ``timeout`` seconds."""
        return self._idle.wait(timeout)

    def close(self) -> None:
        """Write what is queued, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _catch_up(self) -> int:
        with self._writing:
            rows = self._entries.unindexed(self._embedder, BATCH)
            by_partition: dict[str, list[tuple[str, Vector]]] = {}
            for id_, partition, vector in rows:
                by_partition.setdefault(partition, []).append((id_, vector))
            for partition, found in by_partition.items():
                self._index.add(partition, self._embedder, [id_ for id_, _ in found], [vector for _, vector in found])
            if rows:
                self._entries.mark_indexed([id_ for id_, _, _ in rows]).result()
            return len(rows)

    def _run(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._next_batch()
            if batch:
                self._write(batch)

    def _next_batch(self) -> tuple[list[Pending], bool]:
        item = self._queue.get()
        batch: list[Pending] = []
        deadline = time.monotonic() + WINDOW
        while item is not None:
            batch.append(item)
            left = deadline - time.monotonic()
            if len(batch) == BATCH or left <= 0:
                return batch, True
            try:
                item = self._queue.get(timeout=left)
            except queue.Empty:
                return batch, True
        return batch, False

    def _write(self, batch: list[Pending]) -> None:
        by_partition: dict[str, list[Pending]] = {}
        for item in batch:
            by_partition.setdefault(item.partition, []).append(item)
        for partition, items in by_partition.items():
            try:
                with self._writing:
                    self._add(partition, items)
            except StoreError as error:
                self._failed(error)
        with self._lock:
            for item in batch:
                self._pending.pop(item.id, None)
            if not self._pending:
                self._idle.set()

    def _add(self, partition: str, items: Sequence[Pending]) -> None:
        """Write what nobody has discarded meanwhile."""
        with self._lock:
            wanted = [item for item in items if item.id in self._pending]
        if wanted:
            ids = [item.id for item in wanted]
            self._index.add(partition, self._embedder, ids, [item.vector for item in wanted])
            self._marked = self._entries.mark_indexed(ids)
