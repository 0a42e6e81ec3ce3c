"""The connection to Reprise, kept open between requests."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import httpx2

from reprise_client.calls import Request, read_answer
from reprise_client.errors import Unavailable
from reprise_client.settings import CONNECT_TIMEOUT, Settings

KEPT_SECONDS = 4.0
"""How long an idle connection is kept: servers close theirs after five."""


class Link:
    """Thread-safe: threads share its connections."""

    def __init__(self, settings: Settings, transport: httpx2.BaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._client: httpx2.Client | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()

    def send(self, request: Request) -> dict[str, Any]:
        """The answer's JSON. Raises ``Refused`` and ``Unavailable``."""
        with _told(self._settings):
            response = self._open().request(request.method, request.path, **_content(request))
        return read_answer(response.status_code, response.content)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _open(self) -> httpx2.Client:
        with self._lock:
            if self._process != os.getpid():
                # Forked: on the parent's connections each would read answers meant for the other.
                self._client, self._process = None, os.getpid()
            if self._client is None:
                self._client = httpx2.Client(**_options(self._settings), transport=self._transport)
            return self._client


class AsyncLink:
    """Keeps its connections by event loop, so that it outlives ``asyncio.run``."""

    def __init__(self, settings: Settings, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    async def send(self, request: Request) -> dict[str, Any]:
        """The answer's JSON. Raises ``Refused`` and ``Unavailable``."""
        with _told(self._settings):
            response = await self._open().request(request.method, request.path, **_content(request))
        return read_answer(response.status_code, response.content)

    async def close(self) -> None:
        """Close the connections of the running loop; the next request opens new ones."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            client = httpx2.AsyncClient(**_options(self._settings), transport=self._transport)
            self._clients[loop] = client
        return client


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "base_url": settings.url,
        "headers": {"accept": "application/json", **settings.headers},
        "timeout": httpx2.Timeout(settings.timeout, connect=min(settings.timeout, CONNECT_TIMEOUT)),
        "limits": httpx2.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=KEPT_SECONDS),
        "trust_env": not settings.is_local,
    }


def _content(request: Request) -> dict[str, Any]:
    if request.body is None:
        return {}
    return {"content": request.body, "headers": {"content-type": "application/json"}}


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    """Turns the HTTP library's errors into ours, which name the address but nothing that was sent."""
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
        raise Unavailable(f"Reprise cannot be reached at {settings.url}", sent=False) from error
    except httpx2.TimeoutException as error:
        raise Unavailable(f"Reprise at {settings.url} did not answer within {settings.timeout:g} s") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(f"the connection to {settings.url} failed: {type(error).__name__}") from error
