"""Who calls: the namespace a call belongs to, and what its key may do. Fails closed."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from proxy.config import AuthSettings
from proxy.errors import Forbidden, Unauthenticated

Role = Literal["client", "admin"]
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever presented the credentials of a request."""

    namespace: str
    role: Role
    key_name: str | None = None
    authorization: str | None = field(default=None, repr=False)
    """The caller's own Authorization, to be used upstream; never set while Reprise has keys of its own."""
    key_id: str = field(default="", repr=False, compare=False)
    """Tells configured keys apart, whatever they are called; empty without keys."""

    @property
    def visible(self) -> str | None:
        """The one namespace whose records the caller may read; None for all."""
        return None if self.role == "admin" else self.namespace


class Authenticator:
    """Tells callers apart.

    With configured keys a caller must present one. Without, every caller is an admin of this machine, and its
    namespace is a keyed hash of its Authorization, so that people with different provider keys share nothing.

    Args:
        settings: the configured keys.
        secret: keys the hash; random bytes of this data directory.
    """

    def __init__(self, settings: AuthSettings, secret: bytes) -> None:
        self._secret = secret
        self._by_digest = {
            digest: Caller(key.namespace, key.role, key.name, key_id=digest.hex()[:32])
            for key in settings.keys
            for digest in [_digest(key.key.get_secret_value())]
        }
        self._namespaces: dict[str, str] = {}

    def identify(self, headers: Mapping[str, str]) -> Caller:
        """The caller behind a request's headers. Raises ``Unauthenticated``."""
        presented = _presented(headers)
        if not self._by_digest:
            _refuse_pages(headers)
            authorization = headers.get("authorization") or (f"Bearer {presented}" if presented else None)
            return Caller(self._namespace(presented), "admin", None, authorization)
        if presented is None:
            raise Unauthenticated("No API key given: send one as 'Authorization: Bearer KEY'.")
        caller = self._by_digest.get(_digest(presented))
        if caller is None:
            raise Unauthenticated("This API key is not known here.")
        return caller

    def identify_admin(self, headers: Mapping[str, str]) -> Caller:
        """As ``identify``, for what only admins may do. Raises ``Forbidden`` too."""
        caller = self.identify(headers)
        if caller.role != "admin":
            raise Forbidden("This needs a key with the role admin.")
        return caller

    def _namespace(self, presented: str | None) -> str:
        if presented is None:
            return DEFAULT_NAMESPACE
        known = self._namespaces.get(presented)
        if known is None:
            digest = hmac.new(self._secret, presented.encode(), hashlib.sha256).hexdigest()
            known = f"key-{digest[:24]}"
            if len(self._namespaces) < 1000:
                self._namespaces[presented] = known
        return known


def is_loopback(host: str) -> bool:
    """Is this a name or an address of this machine alone?"""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _refuse_pages(headers: Mapping[str, str]) -> None:
    """Refuse what a web page elsewhere makes a browser of this machine send: it would be an admin's call.

    Its origin is foreign; and where its name was made to resolve to this machine, the host is.
    """
    for name, value in (("Host", headers.get("host")), ("Origin", headers.get("origin"))):
        if value and not is_loopback(_host_in(value)):
            raise Forbidden(f"Without auth.keys only this machine may call, and the {name} is another's.", param=name)


def _host_in(value: str) -> str:
    try:
        return urlsplit(value if "://" in value else f"//{value}").hostname or ""
    except ValueError:
        return ""


def _presented(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    if authorization:
        scheme, _, token = authorization.partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else authorization
    return headers.get("x-api-key") or headers.get("api-key") or None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
