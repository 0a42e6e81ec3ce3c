"""Sources with ``watch: true``: read at the start and as files change, whatever becomes of their folders.

Sources without it are read when somebody asks. Which are watched follows the configuration in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import structlog
from watchfiles import Change, awatch

from memory.sources.source import Source
from proxy.remembering.ingesting import Ingesting
from proxy.remembering.library import Library
from store.errors import StoreError

LOOK: Final = 0.5
"""Seconds between two looks at the configuration in force."""
DEBOUNCE: Final = 1000
"""Milliseconds within which changes count as one."""
STEP: Final = 200
"""Milliseconds without further changes after which they are taken in."""
AGAIN: Final = 5.0
"""Seconds before a folder that is not there, or cannot be watched, is looked at again."""
WHOLE: Final = 300.0
"""Seconds between two readings of all of a source without word: some file systems tell of no changes."""

_log = structlog.get_logger(__name__)


class Watching:
    """For one event loop."""

    def __init__(self, library: Library, ingesting: Ingesting) -> None:
        self._library = library
        self._ingesting = ingesting
        self._watched: dict[Source, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        known: Mapping[str, Source] = self._library.sources()
        try:
            while True:
                sources = self._library.sources()
                if sources is not known:
                    known = sources
                    self._ingesting.follow_sources()
                await self._follow({source for source in sources.values() if source.watch})
                await asyncio.sleep(LOOK)
        finally:
            await self._follow(set())

    async def _follow(self, wanted: Collection[Source]) -> None:
        """Watch these, and no others."""
        ended = [task for source, task in self._watched.items() if source not in wanted]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        self._watched = {source: task for source, task in self._watched.items() if source in wanted}
        for source in wanted:
            if source not in self._watched:
                self._watched[source] = asyncio.create_task(self._watch(source))

    async def _watch(self, source: Source) -> None:
        missed = False
        while True:
            root = await asyncio.to_thread(_root, source)
            if root is None:
                if not missed:
                    _log.warning("a source's folder is not there: it is read once it is", source=source.name)
                missed = True
            else:
                try:
                    await self._watch_folder(source, root)
                    missed = False
                except Exception as error:  # noqa: BLE001  a folder that went, too many watches: it is begun again
                    _log.warning("a source cannot be watched now", source=source.name, error=type(error).__name__)
            await asyncio.sleep(AGAIN)

    async def _watch_folder(self, source: Source, root: Path) -> None:
        """Read all of it, then what changes, until the folder goes."""
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        changes = awatch(
            root,
            watch_filter=None,
            debounce=DEBOUNCE,
            step=STEP,
            stop_event=stop,
            rust_timeout=1000,
            yield_on_timeout=True,
        )
        read_at = -WHOLE
        try:
            # The first word comes at once where something changed, within a second where nothing did; what is
            # written from then on is told, so nothing is missed between the reading and the watching.
            async for changed in changes:
                if loop.time() - read_at >= WHOLE or read_at < 0:
                    read_at = loop.time()
                    await self._read(source, "")
                elif changed:
                    await self._read(source, _common(root, changed))
                if not await asyncio.to_thread(root.is_dir):
                    return
        finally:
            stop.set()
            with contextlib.suppress(Exception):
                await changes.aclose()

    async def _read(self, source: Source, under: str) -> None:
        # It goes on where this ends: the run is the queue's.
        task = self._ingesting.begin(source.name, under)
        with contextlib.suppress(LookupError, StoreError):
            await asyncio.shield(task)


def _root(source: Source) -> Path | None:
    """The source's folder, if it is there and can be listed."""
    with contextlib.suppress(OSError):
        root = source.path.resolve(strict=True)
        if root.is_dir() and os.access(root, os.R_OK | os.X_OK):
            return root
    return None


def _common(root: Path, changed: Collection[tuple[Change, str]]) -> str:
    """What lies above all changes, below the source; empty for all of it."""
    try:
        paths = [Path(path).relative_to(root) for _, path in changed]
    except ValueError:
        return ""
    shared = os.path.commonpath([path.as_posix() for path in paths])
    return "" if shared == "." else shared
