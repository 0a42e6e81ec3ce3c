"""Which of a client's headers go on to the upstream, and which of these can change the answer."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.upstreams.base import Target

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
_HARMLESS = frozenset(
    "user-agent referer origin dnt priority pragma forwarded via from baggage traceparent tracestate b3 sentry-trace"
    " newrelic uber-trace-id elastic-apm-traceparent cdn-loop true-client-ip idempotency-key x-request-id"
    " x-correlation-id x-trace-id x-real-ip x-client-ip x-cluster-client-ip x-client-request-id x-request-start"
    " x-queue-start x-scheme content-type accept accept-language accept-charset".split()
)
"""Headers that describe the client, the way a call came, or its trace: most differ with every call."""
_HARMLESS_PREFIXES = (
    "x-stainless-",
    "x-forwarded-",
    "x-original-",
    "x-b3-",
    "x-datadog-",
    "x-amzn-",
    "x-amz-cf-",
    "x-cloud-trace-",
    "x-envoy-",
    "x-vercel-",
    "x-azure-",
    "x-appengine-",
    "x-ot-",
    "x-instana-",
    "fly-",
    "sec-",
    "cf-",
    "x-reprise-",
)
_ACCOUNT = frozenset({"openai-organization", "openai-project"})
"""These belong to the caller's own key and mean nothing with another."""


def outgoing(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    """The headers of an upstream call: the client's, the target's key, the entry's own."""
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


def steering(headers: Mapping[str, str]) -> list[list[str]]:
    """The client's headers that go on and may change the answer: all but those known to be harmless.

    They are part of what a call is matched on: an upstream may read who asks, or how, from a header.
    """
    return sorted(
        [name, value]
        for name, value in headers.items()
        if name not in _NOT_SENT and name not in _HARMLESS and not name.startswith(_HARMLESS_PREFIXES)
    )
