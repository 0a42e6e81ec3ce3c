"""Where Reprise is, and how long it may take."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:4000"
DEFAULT_TIMEOUT = 3.0
CONNECT_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """A server of Reprise, as one application uses it."""

    url: str
    """Without a path of its own: an OpenAI client's base URL loses its ``/v1``."""
    api_key: str | None = field(repr=False)
    timeout: float
    """Seconds to wait for each answer; for a connection at most ``CONNECT_TIMEOUT``."""

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request."""
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    @property
    def is_local(self) -> bool:
        """On this machine? Proxies of the environment are not for it."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def read_settings(
    base_url: str | None,
    api_key: str | None,
    timeout: float = DEFAULT_TIMEOUT,
    env: Mapping[str, str] = os.environ,
) -> Settings:
    """Arguments first, then ``REPRISE_URL`` and ``REPRISE_API_KEY``.

    Raises:
        ValueError: the address is no http address, the key no header can hold, or the timeout not above 0.
    """
    url = (base_url or env.get("REPRISE_URL") or DEFAULT_URL).strip().rstrip("/").removesuffix("/v1").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an address such as http://127.0.0.1:4000")
    key = (api_key if api_key is not None else env.get("REPRISE_API_KEY", "")).strip()
    if not (key.isascii() and (key.isprintable() or not key)):
        raise ValueError("api_key holds characters that no header can")
    if not timeout > 0:
        raise ValueError("timeout must be above 0 seconds")
    return Settings(url, key or None, timeout)
