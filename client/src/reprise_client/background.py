"""Sends interactions behind the application's back: a bounded queue, and one thread that empties it."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from reprise_client.calls import Request
from reprise_client.errors import RepriseError, Unavailable
from reprise_client.trouble import Trouble

MOST_WAITING = 1000
PATIENCE = 30.0
"""Seconds for which one interaction is tried again while Reprise cannot be reached."""


class Sender:
    """Sends requests in their order. What finds the queue full is dropped and counted; nobody ever waits for room."""

    def __init__(
        self,
        send: Callable[[Request], Any],
        trouble: Trouble,
        most: int = MOST_WAITING,
        patience: float = PATIENCE,
    ) -> None:
        self._send = send
        self._trouble = trouble
        self._patience = patience
        self._queue: queue.Queue[Request] = queue.Queue(most)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def put(self, request: Request) -> None:
        """Queue a request."""
        with self._lock:
            if self._closing.is_set():
                self._trouble.drop()
                return
            if self._process != os.getpid():
                # Forked: what waits is the parent's to send, and its thread is not here.
                self._queue, self._thread, self._process = queue.Queue(self._queue.maxsize), None, os.getpid()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reprise-client", daemon=True)
                self._thread.start()
            try:
                self._queue.put_nowait(request)
            except queue.Full:
                self._trouble.drop()

    def flush(self, timeout: float) -> bool:
        """Wait until all that was queued has been sent or given up; False when it takes longer."""
        deadline = time.monotonic() + timeout
        with self._queue.all_tasks_done:
            while self._queue.unfinished_tasks:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._queue.all_tasks_done.wait(left)
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Send what is queued, for so many seconds; what is left then is dropped and counted. Idempotent."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self.flush(timeout)
        with self._lock:
            self._closing.set()
        if thread is not None:
            thread.join(1.0)
        left = 0
        while True:
            try:
                self._queue.get_nowait()
            except queue.Empty:
                break
            left += 1
            self._queue.task_done()
        self._trouble.drop(left)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                request = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                self._deliver(request)
            finally:
                self._queue.task_done()

    def _deliver(self, request: Request) -> None:
        ends = time.monotonic() + self._patience
        pause = 0.2
        while True:
            try:
                self._send(request)
            except RepriseError as error:
                self._trouble.failed(error)
                # What may have arrived is not sent twice.
                again = isinstance(error, Unavailable) and not error.sent
                if not again or time.monotonic() + pause > ends or self._closing.wait(pause):
                    self._trouble.drop()
                    return
                pause = min(2 * pause, 5.0)
            except Exception as error:  # noqa: BLE001  the thread must not end
                self._trouble.failed(RepriseError(type(error).__name__))
                self._trouble.drop()
                return
            else:
                self._trouble.worked()
                return
