"""What an upstream is: something that takes a chat call and gives back a status, headers and bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Target:
    """Where one call goes."""

    provider: str
    model: str
    """The provider's name for the model."""
    api_base: str | None
    api_key: str | None = field(repr=False)
    """The configured key, else the caller's own; None sends none."""
    own_key: bool
    """Is it the caller's own key?"""
    extra_headers: Mapping[str, str] = field(repr=False)
    params: Mapping[str, Any] = field(repr=False)
    """Further LiteLLM parameters of the entry."""
    timeout: float
    """Seconds for a whole call that is not streamed."""
    stream_timeout: float
    """Seconds of silence between two chunks."""
    settings: str = ""
    """Digest of ``params`` and ``extra_headers``; empty where there are none."""

    @property
    def identity(self) -> str:
        """What of the target can change the answer: provider, model, base and the entry's other settings; no key."""
        return f"{self.provider}|{self.model}|{self.api_base or ''}|{self.settings}"


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One call, ready to be sent."""

    target: Target
    raw: bytes = field(repr=False)
    """The client's bytes."""
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """The client's headers, lower-case names."""
    query: str

    @property
    def stream(self) -> bool:
        """Does the client want a stream?"""
        return bool(self.body.get("stream"))


@dataclass(frozen=True, slots=True)
class UpstreamResponse:
    """An upstream's answer, its body still to be read."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    chunks: AsyncIterator[bytes]

    @property
    def is_stream(self) -> bool:
        """Is the body a stream of server-sent events?"""
        return self.headers.get("content-type", "").startswith("text/event-stream")


class Upstream(Protocol):
    """Sends chat calls to a provider.

    Entering the context sends the call and reads the head; leaving it closes the connection. Both entering and
    reading chunks raise ``proxy.errors.UpstreamError`` or ``UpstreamTimeout``.
    """

    def send(self, call: UpstreamCall) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Send a call."""

    async def close(self) -> None:
        """Close pooled connections."""
