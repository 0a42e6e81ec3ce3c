"""Errors a caller may see, in OpenAI's shape. Each knows its HTTP status, ``type`` and ``code``.

ProxyError
├── InvalidRequest       400  the body, a header or a parameter is wrong; ``param`` names it
├── Unauthenticated      401  no key, or one nobody configured
├── Forbidden            403  the key may not do this
├── NotFound             404  no such model, interaction or route
├── Conflict             409  what is stored stands against it
├── BodyTooLarge         413  more bytes than server.max_body
├── NotCached            504  only-if-cached, and nothing is
├── Unavailable          503  the log cannot be read
└── UpstreamError        502  the upstream cannot be reached or does not make sense
    └── UpstreamTimeout  504  the upstream took too long
"""

from __future__ import annotations

from typing import Any


class ProxyError(Exception):
    """An error with an HTTP status, to be told to the caller."""

    status = 500
    type = "server_error"
    code: str | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code or self.code
        self.told: dict[str, str] = {}
        """Response headers that tell what the cache did before the error."""

    def body(self) -> dict[str, Any]:
        """The error in OpenAI's shape."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        """Response headers that go with it."""
        return self.told


class InvalidRequest(ProxyError):
    """The body, a header or a parameter is wrong."""

    status = 400
    type = "invalid_request_error"


class Unauthenticated(ProxyError):
    """No key, or one nobody configured."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"

    def headers(self) -> dict[str, str]:
        return {**self.told, "www-authenticate": "Bearer"}


class Forbidden(ProxyError):
    """The key may not do this."""

    status = 403
    type = "permission_error"
    code = "forbidden"


class NotFound(ProxyError):
    """No such thing."""

    status = 404
    type = "invalid_request_error"
    code = "not_found"


class Conflict(ProxyError):
    """What is stored stands against it."""

    status = 409
    type = "invalid_request_error"
    code = "conflict"


class BodyTooLarge(ProxyError):
    """More bytes than the server takes."""

    status = 413
    type = "invalid_request_error"
    code = "body_too_large"


class Unavailable(ProxyError):
    """A part of Reprise that this route needs does not work now."""

    status = 503
    code = "unavailable"


class NotCached(ProxyError):
    """The caller asked for a stored answer only, and there is none."""

    status = 504
    type = "invalid_request_error"
    code = "only_if_cached"

    def headers(self) -> dict[str, str]:
        # OpenAI's clients retry a 504 unless told otherwise.
        return {**self.told, "x-should-retry": "false"}


class UpstreamError(ProxyError):
    """The upstream cannot be reached, or what it says makes no sense."""

    status = 502
    type = "upstream_error"
    code = "upstream_unavailable"


class UpstreamTimeout(UpstreamError):
    """The upstream took too long."""

    status = 504
    code = "upstream_timeout"
