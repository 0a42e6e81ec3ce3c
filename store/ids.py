"""Public ids that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time


class IdMaker:
    """Makes ids such as ``int_0199c0ffee12a04d5e6f7081``: prefix, microseconds since 1970 in hex, randomness.

    Ids of one maker increase strictly in text order, so that rows of one second keep their order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def __call__(self, prefix: str) -> str:
        with self._lock:
            self._last = moment = max(time.time_ns() // 1000, self._last + 1)
        return f"{prefix}_{moment:014x}{secrets.token_hex(5)}"


new_id = IdMaker()
