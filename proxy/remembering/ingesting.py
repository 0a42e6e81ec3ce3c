"""Runs of ingestion in one server: they take turns, in the order in which they were asked for.

Who asks for what already waits gets that run. A run goes on when whoever asked for it leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from memory.sources.runs import Run
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.remembering.library import PART, Library
from store.errors import StoreError

_log = structlog.get_logger(__name__)

CLOSING: Final = 5.0
"""Seconds that the server's end waits for a run: it stops between two files."""

Key = tuple[str, str, bool]


class Ingesting:
    """For one event loop."""

    def __init__(self, library: Library, metrics: Metrics, health: Health) -> None:
        self._library = library
        self._metrics = metrics
        self._health = health
        self._turn = asyncio.Lock()
        self._waiting: dict[Key, asyncio.Task[Run]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._current: Key | None = None
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin, in the running event loop: what a killed process left is noted as stopped."""
        self._loop = asyncio.get_running_loop()

        def work() -> None:
            self._library.ingestion.runs.end_killed()
            self._library.ingestion.follow_projects()

        self._keep(self._in_turn(work))

    def begin(self, source: str, under: str = "", *, purge: bool = True) -> asyncio.Task[Run]:
        """Have a source read, or what is at or below ``under`` in it.

        The task raises ``LookupError`` where the source is configured no more when its turn comes, ``StoreError``.
        """
        key = (source, under, purge)
        task = self._waiting.get(key)
        if task is None:
            task = self._waiting[key] = self._keep(self._run(key))
        return task

    def roots_changed(self, sources: frozenset[str]) -> None:
        """Have documents given to the projects whose roots cover them now. It may be called from any thread."""
        if self._loop is not None and not self._closed:
            self._loop.call_soon_threadsafe(lambda: self._keep(self._in_turn(self._library.ingestion.follow_projects)))

    def follow_sources(self) -> None:
        """Have what belongs to sources that are configured no more taken out, and what is for others now moved."""

        def work() -> None:
            self._library.ingestion.purge_removed()
            self._library.mend(60.0)

        self._keep(self._in_turn(work))

    def status(self) -> dict[str, Any]:
        """``running``: the run under way and how far it is, or None; ``queued``: runs that wait for their turn."""
        run, current = self._library.ingestion.running, self._current
        begun = None if current is None else {"source": current[0], "path": current[1], "status": "running"}
        waiting = [{"source": source, "path": under} for source, under, _ in self._waiting]
        return {"running": begun if run is None else described(run), "queued": waiting}

    async def close(self, limit: float = CLOSING) -> None:
        """Begin no run any more and let the one under way stop."""
        self._closed = True
        self._library.stop()
        for waiting in self._waiting.values():
            waiting.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=limit)

    def _keep(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._settled)
        return task

    def _settled(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Whoever waits for it hears of it as well; where nobody does it must not go unheard.
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, LookupError):
            self._health.failed(error, PART)

    async def _run(self, key: Key) -> Run:
        name, under, purge = key
        try:
            await self._turn.acquire()
        finally:
            self._waiting.pop(key, None)
        self._current = key
        try:
            source = self._library.sources().get(name)
            if source is None or self._closed:
                raise LookupError(name)

            def work() -> Run:
                self._open()
                return self._library.ingestion.run(source, under, purge=purge)

            run = await asyncio.to_thread(work)
        finally:
            self._current = None
            self._turn.release()
        self._note(run)
        return run

    async def _in_turn(self, work: Callable[[], object]) -> None:
        async with self._turn:
            await asyncio.to_thread(work)

    def _open(self) -> None:
        try:
            self._library.open()
        except StoreError as error:
            # What is read waits in SQL until it opens.
            self._health.failed(error, PART)

    def _note(self, run: Run) -> None:
        self._metrics.ingestion_runs.labels(run.status).inc()
        self._metrics.ingestion_seconds.inc(run.seconds or 0.0)
        for outcome in ("read", "unchanged", "failed", "purged"):
            self._metrics.ingested.labels(outcome).inc(getattr(run, outcome))
        if run.read or run.purged or run.status not in ("done", "partial"):
            _log.info(
                "a source was ingested",
                source=run.source,
                status=run.status,
                read=run.read,
                failed=run.failed,
                purged=run.purged,
                seconds=run.seconds,
            )


def described(run: Run) -> dict[str, Any]:
    """A run as it is told: ``path`` is below the source."""
    return {
        "id": run.id,
        "source": run.source,
        "path": run.under,
        "status": run.status,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "seconds": run.seconds,
        "found": run.found,
        "read": run.read,
        "unchanged": run.unchanged,
        "failed": run.failed,
        "purged": run.purged,
        "chunks": run.chunk_count,
        "error": run.error,
    }
