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

OPENAI = "https://api.openai.com/v1"

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NOT_SENT = _HOP_BY_HOP | {
    "accept-encoding",
    "api-key",
    "authorization",
    "cache-control",
    "content-length",
    "cookie",
    "expect",
    "host",
    "x-api-key",
}
_ACCOUNT = frozenset({"openai-organization", "openai-project"})
"""These belong to the caller's own key and mean nothing with another."""


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
                headers=_outgoing(headers, target),
                timeout=timeout,
                allow_redirects=False,
                proxy=_proxy_for(target.api_base or OPENAI),
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
def _proxy_for(base: str) -> str | None:
    """The proxy that the environment names for a base (HTTPS_PROXY, NO_PROXY, ...); read once.

    aiohttp's own ``trust_env`` would also read ~/.netrc from disk with every call.
    """
    parts = urlsplit(base)
    if parts.hostname is None or urllib.request.proxy_bypass(parts.hostname):
        return None
    return urllib.request.getproxies().get(parts.scheme)


def _payload(call: UpstreamCall) -> bytes:
    """The client's own bytes, unless the model has another name upstream or the body holds Reprise's own field."""
    if call.body["model"] == call.target.model and "cache" not in call.body:
        return call.raw
    changed = {key: value for key, value in call.body.items() if key != "cache"}
    changed["model"] = call.target.model
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode()


def _outgoing(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    kept_back = _NOT_SENT if target.own_key else _NOT_SENT | _ACCOUNT
    if "connection" in headers:
        kept_back = kept_back | {name.strip() for name in headers["connection"].lower().split(",")}
    sent = {
        name: value if value.isascii() else _as_utf8(value)
        for name, value in headers.items()
        if name not in kept_back and not name.startswith("x-reprise-")
    }
    sent["accept-encoding"] = "identity"
    if target.api_key is not None:
        sent["authorization"] = target.api_key if target.own_key else f"Bearer {target.api_key}"
    return {**sent, **{name.lower(): value for name, value in target.extra_headers.items()}}


def _as_utf8(value: str) -> str:
    # Servers give header bytes as Latin-1, aiohttp sends UTF-8: the bytes are to stay the same.
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


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
