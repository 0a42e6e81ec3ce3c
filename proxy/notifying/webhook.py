"""The webhook: one JSON object for each event, signed where there is a secret.

The signature is ``t=SECONDS,v1=HEX``: HMAC-SHA256 of ``SECONDS.BODY``, so that a body that somebody kept cannot be
passed off as new. Whoever checks it compares in constant time and refuses times that lie far back.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

import orjson

from proxy.config.flows import WebhookSettings
from proxy.notifying.message import HEADER, Message
from proxy.notifying.posting import Poster

SIGNATURE = "x-reprise-signature"
EVENT = "x-reprise-event"


class Webhook:
    """Posts messages as they are. For one event loop.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, settings: WebhookSettings, clock: Callable[[], float] = time.time) -> None:
        self.timeout = settings.timeout
        self._secret = None if settings.secret is None else settings.secret.get_secret_value().encode()
        self._poster = Poster(settings.url.get_secret_value(), settings.timeout, clock)
        self._clock = clock

    async def send(self, message: Message) -> None:
        """Raises ``Undelivered``."""
        body = orjson.dumps(message.as_json())
        headers = {HEADER: message.id, EVENT: message.event}
        if self._secret is not None:
            headers[SIGNATURE] = signature(self._secret, int(self._clock()), body)
        await self._poster.post(body, headers)

    async def close(self) -> None:
        """Close the line."""
        await self._poster.close()


def signature(secret: bytes, at: int, body: bytes) -> str:
    """What the header says of a body that is sent at a time in seconds since 1970."""
    return f"t={at},v1={hmac.digest(secret, b'%d.%s' % (at, body), 'sha256').hex()}"
