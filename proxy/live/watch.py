"""Sees that the configuration file may have changed: by the file system's word, by a look now and then, by SIGHUP."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import structlog
from watchfiles import awatch

from proxy.live.reload import Reloader

EVERY: Final = 5.0
"""Seconds between two looks without word: some file systems (network, containers) tell of no changes."""
STEP: Final = 50
"""Milliseconds without further changes after which one is told of."""

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def watching(reloader: Reloader, every: float = EVERY) -> AsyncIterator[None]:
    """Have the file looked at whenever it may have changed, and on SIGHUP. Without a file there is nothing to do."""
    if reloader.source is None:
        yield
        return
    stop = asyncio.Event()
    asked: set[asyncio.Task[object]] = set()

    def hangup() -> None:
        task = asyncio.ensure_future(reloader.look(asked=True))
        asked.add(task)
        task.add_done_callback(asked.discard)

    task = asyncio.create_task(_watch(reloader, reloader.source.path, stop, every))
    # Signals reach the main thread alone; a server in another one (as in tests) does without.
    heard = threading.current_thread() is threading.main_thread()
    loop = asyncio.get_running_loop()
    if heard:
        loop.add_signal_handler(signal.SIGHUP, hangup)
    try:
        yield
    finally:
        if heard:
            loop.remove_signal_handler(signal.SIGHUP)
        # The thread that waits for the file system sees this within a step.
        stop.set()
        await asyncio.wait({task}, timeout=1.0)
        for waiting in (task, *asked):
            waiting.cancel()
        await asyncio.gather(task, *asked, return_exceptions=True)


async def _watch(reloader: Reloader, path: Path, stop: asyncio.Event, every: float) -> None:
    known = _signature(path)
    # What was written between the start and now is seen here.
    await reloader.look()
    while not stop.is_set():
        try:
            async for _ in awatch(
                *_folders(path),
                watch_filter=None,
                stop_event=stop,
                step=STEP,
                debounce=4 * STEP,
                rust_timeout=int(every * 1000),
                yield_on_timeout=True,
                recursive=False,
            ):
                now = _signature(path)
                if now != known:
                    known = now
                    await reloader.look()
        except Exception as error:  # noqa: BLE001  a folder that went, too many watches: the looks go on
            _log.warning(
                "the configuration cannot be watched, it is looked at now and then", error=type(error).__name__
            )
            await asyncio.sleep(every)
            await reloader.look()


def _folders(path: Path) -> set[Path]:
    """Where changes show: the file's own folder, and that of the file behind links."""
    return {path.parent, path.resolve().parent}


def _signature(path: Path) -> tuple[int, int, int, int] | None:
    """Changes with every edit, whatever way it was made; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
