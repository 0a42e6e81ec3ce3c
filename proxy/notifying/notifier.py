"""Tells people of an event, behind whoever says that it happened: who tells it waits for nothing and meets no error.

What cannot be written now, or is lost with a killed process, is told by the next round over what nobody was told of.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, Protocol

import structlog

from memory.notifications.inbox import Inbox
from proxy.metrics import Metrics
from proxy.notifying.standing import Standing

MOST_WAITING: Final = 1000
"""Events that wait for SQL at most; what comes beyond is left to the next round."""

TELLING: Final = "telling"
"""How the standing calls what is done here."""

_log = structlog.get_logger(__name__)


class Notify(Protocol):
    """Says that something happened that people are to be told of, once it is committed. Gives at once, never raises."""

    def __call__(
        self, event: str, namespace: str, object_type: str, object_id: str, title: str, body: Mapping[str, Any]
    ) -> None:
        """Tell it: once for each event of an object, and for each ``body["version"]`` of a flow that is published,
        each ``body["status"]`` of a proposal that is decided."""
        ...


class Notifier:
    """Writes what is told, one after the other, in a thread of its own.

    Args:
        wake: called once there is something to be sent.
    """

    def __init__(self, inbox: Inbox, metrics: Metrics, standing: Standing, wake: Callable[[], None]) -> None:
        self._inbox = inbox
        self._metrics = metrics
        self._wake = wake
        self._standing = standing
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reprise-notify")
        self._room = threading.BoundedSemaphore(MOST_WAITING)

    def notify(
        self, event: str, namespace: str, object_type: str, object_id: str, title: str, body: Mapping[str, Any]
    ) -> None:
        """See ``Notify``. From any thread."""
        if not self._room.acquire(blocking=False):
            return
        try:
            done = self._thread.submit(self.tell, event, namespace, object_type, object_id, title, dict(body))
        except RuntimeError:
            # It is closed.
            self._room.release()
            return
        done.add_done_callback(self._done)

    def settle(self) -> None:
        """Wait until what was told so far is written. Blocks."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Write what waits, and take nothing more. Blocks."""
        self._thread.shutdown(wait=True)

    def tell(
        self, event: str, namespace: str, object_type: str, object_id: str, title: str, body: Mapping[str, Any]
    ) -> bool:
        """The same, at once; False where it was told before. Blocks, and raises ``DatabaseError``."""
        told = self._inbox.tell(event, namespace, object_type, object_id, title, body) is not None
        if told:
            self._metrics.notifications.labels(event).inc()
            self._wake()
        self._standing.worked(TELLING)
        return told

    def _done(self, done: Future[bool]) -> None:
        self._room.release()
        error = done.exception()
        if error is not None:
            _log.error("an event could not be told yet", error=type(error).__name__)
            self._standing.failed(TELLING, error)
