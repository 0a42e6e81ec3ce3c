"""The channels that are configured now, made when they are first used and anew when their settings change."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Final

from proxy.config.flows import EmailSettings, HookSettings, NotificationSettings, WebhookSettings
from proxy.notifying.channel import Channel
from proxy.notifying.mail import Email
from proxy.notifying.slack import Slack
from proxy.notifying.webhook import Webhook

NAMES: Final = ("webhook", "slack", "email")

Given = WebhookSettings | HookSettings | EmailSettings


class Channels:
    """For one event loop, but for ``events``, which may be asked from any thread.

    Args:
        settings: those in force.
        tls: how mail servers' certificates are checked; left out, against what the system trusts.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        settings: Callable[[], NotificationSettings],
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._clock = clock
        self._made: dict[str, tuple[Given, Channel]] = {}

    @property
    def retry(self) -> Sequence[float]:
        """Seconds before each further try."""
        return self._settings().retry

    def taking(self, event: str) -> list[str]:
        """The names of the channels that an event goes through."""
        return [name for name in NAMES if (given := self._given(name)) is not None and event in given.events]

    async def of(self, name: str) -> Channel | None:
        """A channel; None where it is not configured."""
        given, made = self._given(name), self._made.get(name)
        if made is not None and made[0] != given:
            del self._made[name]
            await made[1].close()
        if given is None:
            return None
        if name not in self._made:
            self._made[name] = (given, self._make(given))
        return self._made[name][1]

    async def close(self) -> None:
        """Close them all."""
        while self._made:
            _, (_, channel) = self._made.popitem()
            await channel.close()

    def _given(self, name: str) -> Given | None:
        given: Given | None = getattr(self._settings(), name)
        return given

    def _make(self, given: Given) -> Channel:
        if isinstance(given, EmailSettings):
            return Email(given, self._tls, self._clock)
        if isinstance(given, WebhookSettings):
            return Webhook(given, self._clock)
        return Slack(given, self._clock)
