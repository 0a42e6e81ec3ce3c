"""Sources in one server: the life of their index, beside the calls, and the parts that read and find documents."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

from memory.projects.registry import Registry
from memory.sources.changes import Changes
from memory.sources.chunk_index import ChunkIndex
from memory.sources.chunk_notes import ChunkNotes
from memory.sources.ingestion import Ingestion
from memory.sources.shelf import Shelf
from memory.sources.source import Sources
from proxy.health import Health
from store.database import Database
from store.embedder import EmbedderError, EmbedderSource
from store.errors import StoreError

LOOK: Final = 0.02
"""Seconds between two looks whether the embedder is there, while the server starts."""
LATER: Final = 1.0
"""The same, once it has started without one."""
SEARCH: Final = "embedder"
"""What health calls that which gives the embedder."""
PART: Final = "sources"
"""What health calls this."""


class Library:
    """The sources' index, shelf and ingestion. Opens nothing before ``start`` or ``open``.

    Args:
        folder: the index's.
        sources: those in force.
        embedder: the semantic tier's, once it is there.
    """

    def __init__(
        self,
        database: Database,
        folder: Path,
        sources: Sources,
        projects: Registry,
        embedder: EmbedderSource,
        health: Health,
    ) -> None:
        self.sources = sources
        self.notes = ChunkNotes(database)
        changes = Changes()
        self.index = ChunkIndex(self.notes, sources, folder, changes)
        self.shelf = Shelf(database, sources, self.notes, self.index, changes)
        self.ingestion = Ingestion(
            database,
            self.index,
            sources,
            owner=projects.owner,
            told=lambda error: health.failed(error, PART),
        )
        self._embedder = embedder
        self._health = health

    def start(self) -> Coroutine[Any, Any, None]:
        """Open the index once the embedder is there, and give it what it lacks, which may take minutes.

        The server is starting until the index is open, or cannot be: calls before would go without documents.
        """
        if self.sources():
            self._health.starting.add(PART)
        return self._start()

    async def _start(self) -> None:
        try:
            while self._embedder() is None and SEARCH in self._health.starting:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(LOOK)
            await asyncio.to_thread(self._try_open)
        finally:
            self._health.started(PART)
        while self._embedder() is None:  # noqa: ASYNC110  it comes up in a thread that tells of nothing
            await asyncio.sleep(LATER)
        await asyncio.to_thread(self.mend, math.inf)

    def _try_open(self) -> None:
        try:
            self.open()
        except (EmbedderError, StoreError) as error:
            self._health.failed(error, PART)

    def open(self) -> bool:
        """Open the index where there is something for it; is it open? Raises ``StoreError``."""
        embedder = self._embedder()
        if not self.index.is_open and embedder is not None and (self.sources() or self.notes.any()):
            self.index.open(embedder)
        return self.index.is_open

    def mend(self, patience: float) -> None:
        """Embed and write to the index what it lacks. A failure is told; the next time tries again.

        Args:
            patience: seconds after which the rest is left to the next time.
        """
        try:
            if self.open():
                self.index.mend(patience)
                self._health.worked(PART)
        except (EmbedderError, StoreError) as error:
            self._health.failed(error, PART)

    def reindex(self) -> int:
        """Write the whole index again from SQL; gives how many pieces. Raises ``StoreError``."""
        if not self.open():
            return 0
        try:
            self.index.rewrite()
        except EmbedderError as error:
            # What cannot be embedded waits; all else is written.
            self._health.failed(error, PART)
        return self.shelf.count()

    def stop(self) -> None:
        """Ask long work to end after its present step."""
        self.ingestion.stop()
        self.index.stop()

    def close(self) -> None:
        """Let the index go."""
        self.stop()
        self.index.close()
