"""Posts JSON to an address of the operator's, as webhooks take it.

Redirects are not followed: what was meant for one address is not told to another. An answer of 4xx is final, for the
same again would be refused again, but for 408, 425 and 429; so is a redirect. 5xx and a line that breaks are not.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp

from proxy.notifying.channel import Undelivered
from proxy.upstreams.direct import proxy_for

PASSING: Final = frozenset({408, 425, 429})
"""Refusals that another time may not meet."""
MOST_AFTER: Final = 3600.0
"""Seconds that a receiver's Retry-After is heeded for at most."""


class Poster:
    """Posts to one address. For one event loop.

    Args:
        timeout: seconds for the whole, up to the answer's first line.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, timeout: float, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self.timeout = timeout
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Post it. Raises ``Undelivered``."""
        given = {"content-type": "application/json", "user-agent": "reprise", **headers}
        try:
            async with self._open().post(
                self._url, data=body, headers=given, allow_redirects=False, proxy=proxy_for(self._url)
            ) as response:
                status, after = response.status, response.headers.get("retry-after")
        except TimeoutError as error:
            raise Undelivered("no answer in time") from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise Undelivered("the address is not valid", final=True) from error
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            # Its text names the address.
            raise Undelivered(type(error).__name__) from None
        if not 200 <= status < 300:
            raise _refused(status, _seconds(after, self._clock()))

    async def close(self) -> None:
        """Close the line."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use: it belongs to the running loop.
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self.timeout)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self._session


def _refused(status: int, after: float | None) -> Undelivered:
    if 300 <= status < 400:
        return Undelivered(f"HTTP {status}, and redirects are not followed", final=True)
    return Undelivered(f"HTTP {status}", final=400 <= status < 500 and status not in PASSING, after=after)


def _seconds(text: str | None, now: float) -> float | None:
    """What a Retry-After says, a number of seconds or a date; None where it says nothing that can be heeded."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - now
        except (TypeError, ValueError, OverflowError):
            return None
    return min(seconds, MOST_AFTER) if math.isfinite(seconds) and seconds > 0 else None
