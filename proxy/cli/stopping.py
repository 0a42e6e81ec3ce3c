"""Stops the server that holds a data directory, and waits until it has let it go."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Final

from proxy.cli.options import CannotRun
from store.directory import DataDirectory

GRACE: Final = 30.0
"""Seconds beyond the time for running calls in which a server writes what is queued and closes."""


def stop_server(directory: DataDirectory, drain: float) -> None:
    """Ask the holder to end, as its supervisor would, and wait: what it has under way is finished and written.

    Args:
        drain: seconds that it lets running calls finish.

    Raises:
        CannotRun: it is no server, it cannot be told for sure, it does not end, or another takes its place.
    """
    holder = directory.holder()
    if holder is None:
        return
    pid = holder.get("pid")
    if not isinstance(pid, int) or "port" not in holder:
        raise CannotRun(f"another command works in {directory.root} (process {pid}): wait for it")
    # The number may be another process's: the holder may live in a container of its own.
    if not _has_open(pid, directory.lock_file):
        raise CannotRun(f"cannot tell that process {pid} is the server of {directory.root}: stop it yourself")
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError as error:
        raise CannotRun(f"process {pid} cannot be stopped: {error.strerror or error}") from error
    until = time.monotonic() + drain + GRACE
    while (now := directory.holder()) is not None:
        if now.get("pid") != pid:
            raise CannotRun("the server was started again, by a supervisor perhaps: stop it there, then restore")
        if time.monotonic() >= until:
            raise CannotRun(f"the server (process {pid}) does not end: stop it yourself, then restore")
        time.sleep(0.05)


def _has_open(pid: int, path: Path) -> bool:
    """Does a process have a file open? False, too, where nobody can tell: not ours, or a system without /proc."""
    try:
        wanted = path.stat()
        for link in Path(f"/proc/{pid}/fd").iterdir():
            try:
                found = link.stat()
            except OSError:
                continue
            if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                return True
    except OSError:
        pass
    return False
