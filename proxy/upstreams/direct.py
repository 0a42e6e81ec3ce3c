"""OpenAI-compatible upstreams, spoken to as the client speaks: bytes pass through untouched."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
from multidict import CIMultiDictProxy

from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.upstreams.base import Target, UpstreamCall, UpstreamResponse
from proxy.upstreams.fields import CHAT_FIELDS
from proxy.upstreams.outgoing import outgoing

OPENAI = "https://api.openai.com/v1"


class DirectUpstream:
    """A pooled HTTP client for every OpenAI-compatible base."""

    def __init__(self, connect_timeout: float) -> None:
        self._connect_timeout = connect_timeout
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def send(self, call: UpstreamCall) -> AsyncIterator[UpstreamResponse]:
        """POST the client's body to the target's chat completions."""
        target = call.target
        url = f"{(target.api_base or OPENAI).rstrip('/')}/chat/completions{'?' + call.query if call.query else ''}"
        headers = {"content-type": "application/json", **call.headers}
        async with self.request("POST", url, target, headers, _payload(call), stream=call.stream) as response:
            yield response

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        target: Target,
        headers: Mapping[str, str],
        data: bytes | None,
        *,
        stream: bool,
    ) -> AsyncIterator[UpstreamResponse]:
        """Any request to an OpenAI-compatible base. Raises ``UpstreamError`` or ``UpstreamTimeout``."""
        timeout = aiohttp.ClientTimeout(
            total=None if stream else target.timeout,
            sock_connect=self._connect_timeout,
            sock_read=target.stream_timeout if stream else None,
        )
        try:
            async with self._open().request(
                method,
                url,
                data=data,
                headers=outgoing(headers, target),
                timeout=timeout,
                allow_redirects=False,
                proxy=proxy_for(target.api_base or OPENAI),
            ) as response:
                yield UpstreamResponse(response.status, _lower(response.headers), _chunks(response))
        except (aiohttp.ClientError, TimeoutError, ssl.SSLError, OSError, ValueError) as error:
            raise _as_upstream_error(error) from error

    async def close(self) -> None:
        """Close the pool."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        # Made on first use: it belongs to the running loop. Cookies of one caller must not reach another's call.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            )
        return self._session


@functools.lru_cache(maxsize=256)
def proxy_for(base: str) -> str | None:
    """The proxy that the environment names for a base (HTTPS_PROXY, NO_PROXY, ...); read once.

    aiohttp's own ``trust_env`` would also read ~/.netrc from disk with every call.
    """
    parts = urlsplit(base)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _payload(call: UpstreamCall) -> bytes:
    """The client's own bytes, unless the model has another name upstream, the body holds Reprise's own field, or the
    configured entry has defaults for fields that the client left out."""
    body, target = call.body, call.target
    defaults = {name: value for name, value in target.params.items() if name in CHAT_FIELDS and name not in body}
    if body["model"] == target.model and "cache" not in body and not defaults:
        return call.raw
    changed = {key: value for key, value in body.items() if key != "cache"}
    changed |= {**defaults, "model": target.model}
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()


def _lower(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    # The other way round: aiohttp reads UTF-8, servers send Latin-1.
    return {
        name.lower(): value if value.isascii() else value.encode("utf-8", "surrogateescape").decode("latin-1")
        for name, value in headers.items()
    }


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _as_upstream_error(error) from error


def _as_upstream_error(error: Exception) -> UpstreamError:
    # The text of a client error can hold the URL, never a key or a prompt.
    if isinstance(error, TimeoutError | asyncio.TimeoutError):
        return UpstreamTimeout("The upstream did not answer in time.")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamError("The upstream cannot be reached.", code="upstream_unreachable")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return UpstreamError("The upstream's address or a header for it is not valid.", code="upstream_misconfigured")
    return UpstreamError("The connection to the upstream was lost.", code="upstream_connection_lost")
