"""Negative caching: an upstream's deterministic refusal of a call is repeated for some seconds, without asking again.

In this process only, never on disk. What is repeated was said to the very same bytes with the very same credentials:
fields that do not change an answer (``metadata``, ``user``, ...) may well be what was refused.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from cachetools import TLRUCache
from starlette.responses import Response

from cache.decision import Miss, Reason
from cache.lookup import Lookup
from proxy.exchange import Exchange
from proxy.flight import Head

STATUSES: Final = frozenset({400, 404, 413, 422})
"""Refusals that the same call gets again. Never 401, 403, 408, 409, 429 or 5xx: these are about keys, load and time."""
LONGEST: Final = 60.0
"""Seconds that a refusal is repeated at most, whatever policy says."""
MOST: Final = 1000
"""Refusals remembered."""
LARGEST: Final = 16 * 1024
"""Bytes of a refusal; a longer one is not remembered."""

_PASSING = re.compile(
    r"api[ _-]?key|quota|billing|credit|balance|payment|rate[ _-]?limit|too many|overload|capacity|temporar|unavailable"
    r"|try again|retry|time[ _-]?d?[ _-]?out|auth|permission|access|deactivat|loading|not ready|deploy",
    re.IGNORECASE,
)
"""Words of refusals that are about keys, quota or the moment: these may pass, so they are asked for again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the upstream said."""

    status: int
    content_type: str
    body: bytes = field(repr=False)
    until: float
    """On the clock of ``Negatives``: seconds."""

    def response(self, headers: Mapping[str, str]) -> Response:
        """The same again."""
        return Response(self.body, self.status, {**headers, "content-type": self.content_type})


class Negatives:
    """The refusals of late. Safe for threads.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: TLRUCache[bytes, Refusal] = TLRUCache(MOST, lambda _, refusal, now: refusal.until, clock)

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    def known(self, exchange: Exchange, lookup: Lookup) -> Refusal | None:
        """What the upstream would say to this call, where that is known and may be repeated."""
        if not _may_repeat(exchange, lookup):
            return None
        with self._lock:
            return self._kept.get(_key(exchange))

    def remember(self, exchange: Exchange, lookup: Lookup, head: Head, body: bytes) -> None:
        """Note how the upstream refused a call, if that is worth repeating."""
        seconds = min(LONGEST, exchange.call.policy.negative_ttl)
        if not exchange.call.store or not _may_store(lookup, seconds) or not is_deterministic(head, body):
            return
        content_type = head.headers.get("content-type", "application/json")
        refusal = Refusal(head.status, content_type, body, self._clock() + seconds)
        with self._lock:
            self._kept[_key(exchange)] = refusal

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


def is_deterministic(head: Head, body: bytes) -> bool:
    """Would the same call be refused again, as far as a refusal tells?"""
    if head.status not in STATUSES or len(body) > LARGEST or "retry-after" in head.headers:
        return False
    if head.headers.get("x-should-retry", "").lower() == "true":
        return False
    try:
        error = orjson.loads(body)
    except orjson.JSONDecodeError:
        # A page of some gateway, not a word of the model's server.
        return False
    return isinstance(error, dict) and not _PASSING.search(_words(error))


def _may_store(lookup: Lookup, seconds: float) -> bool:
    return seconds > 0 and "exact" in lookup.tiers


def _may_repeat(exchange: Exchange, lookup: Lookup) -> bool:
    fresh = isinstance(lookup.decision, Miss) and lookup.decision.reason == Reason.REFRESH
    return not fresh and _may_store(lookup, exchange.call.policy.negative_ttl)


def _words(error: Mapping[str, Any]) -> str:
    """All that an error says, in one text."""
    return orjson.dumps(error).decode("utf-8", "replace")


def _key(exchange: Exchange) -> bytes:
    """The very same bytes, in the same scope, with the same credentials upstream."""
    request = exchange.request
    digest = hashlib.sha256(exchange.call.exact_key.encode())
    for part in (exchange.target.api_key or "", request.headers.get("content-type", "")):
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    digest.update(request.raw)
    return digest.digest()
