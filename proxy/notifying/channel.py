"""What a channel is: it sends one message at a time, or says why it did not arrive."""

from __future__ import annotations

from typing import Protocol

from proxy.notifying.message import Message


class Undelivered(Exception):
    """A message did not arrive.

    Args:
        reason: a few words without addresses and secrets, fit to be shown and logged.
        final: trying again would not help.
        after: seconds that the receiver asks to be left alone for.
    """

    def __init__(self, reason: str, *, final: bool = False, after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final
        self.after = after


class Channel(Protocol):
    """A way to tell people."""

    timeout: float
    """Seconds that one sending may take."""

    async def send(self, message: Message) -> str | None:
        """Send it; gives what is to be known of it all the same, as a rule nothing. Raises ``Undelivered``."""
        ...

    async def close(self) -> None:
        """Give up what is held open."""
        ...
