"""Notices when a model behind a target has become another version, and invalidates what the older one answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from cachetools import LRUCache

from cache.versions import VersionRule
from store.catalogue import Catalogue
from store.selection import Selection

TARGETS: Final = 1000
"""Targets remembered."""
LOOKED_AT: Final = 5000
"""Newest entries among which a target's last version is looked for, when a server first hears of it."""
WAITING: Final = 1000
"""Answers waiting to be looked at; beyond it they are passed over."""

_log = structlog.get_logger(__name__)


class Versions:
    """Follows the versions that fresh answers name, behind the answers, on one thread.

    Args:
        catalogue: knows which version answered last before this server started.
        invalidate: takes a selection out of service; gives how many entries that were.
        failed: told of failures; what an answer said of its version is then lost.
        clock: seconds since 1970, the same as the cache's.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        invalidate: Callable[[Selection], int],
        failed: Callable[[Exception], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._invalidate = invalidate
        self._failed = failed
        self._started = clock()
        self._rules: LRUCache[str, VersionRule] = LRUCache(TARGETS)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-versions")
        self._waiting = threading.Semaphore(WAITING)

    def seen(self, target: str, asked: str, version: str | None) -> None:
        """Note which version a fresh answer names. Returns at once and never raises.

        Args:
            asked: the model as the target was asked for it. An answer that says no more than that names no version:
                some upstreams do so in streams only.
        """
        if version is None or version == asked or not target:
            return
        rule = self._rules.get(target)
        if rule is not None and rule.is_settled_on(version):
            return
        if self._waiting.acquire(blocking=False):
            try:
                self._thread.submit(self._look, target, asked, version)
            except RuntimeError:
                # The server stops.
                self._waiting.release()

    def wait(self) -> None:
        """Block until what was seen so far is looked at."""
        self._thread.submit(lambda: None).result()

    def close(self) -> None:
        """Look at what is waiting, then stop."""
        self._thread.shutdown(wait=True)

    def _look(self, target: str, asked: str, version: str) -> None:
        try:
            rule = self._rules.get(target)
            if rule is None:
                rule = VersionRule(self._catalogue.newest_version(target, asked, self._started, LOOKED_AT))
                self._rules[target] = rule
            older = rule.seen(version)
            if older is not None:
                gone = self._invalidate(Selection(target=target, answered_by=older))
                _log.info("a model has become another version; the older one's answers are invalidated", entries=gone)
        except Exception as error:  # noqa: BLE001  the thread must go on
            self._failed(error)
        finally:
            self._waiting.release()
