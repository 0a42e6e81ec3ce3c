"""Slack's incoming webhooks, and what speaks like them: Mattermost, Rocket.Chat, Discord's ``/slack``."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import orjson

from proxy.config.flows import HookSettings
from proxy.notifying.message import HEADER, Message
from proxy.notifying.posting import Poster

# Slack reads mentions within <> alone; others read them in the bare text.
_MENTION = re.compile(r"@(?=\w)")
_APART = "@\u200b"


class Slack:
    """Posts a message as a line of text. For one event loop.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, settings: HookSettings, clock: Callable[[], float] = time.time) -> None:
        self.timeout = settings.timeout
        self._poster = Poster(settings.url.get_secret_value(), settings.timeout, clock)

    async def send(self, message: Message) -> None:
        """Raises ``Undelivered``."""
        text = f"{escaped(message.headline)}\n{escaped(message.namespace)} · {escaped(message.link)}"
        # No formatting and no names that become mentions: titles are made of what users wrote.
        body = {"text": text, "mrkdwn": False, "link_names": False, "unfurl_links": False}
        await self._poster.post(orjson.dumps(body), {HEADER: message.id})

    async def close(self) -> None:
        """Close the line."""
        await self._poster.close()


def escaped(text: str) -> str:
    """Text that Slack shows as it is: no link, no mention, nobody called."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub(_APART, plain)
