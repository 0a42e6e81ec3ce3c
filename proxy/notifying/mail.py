"""E-mail: one plain text in UTF-8 for each message, by SMTP."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

import aiosmtplib

from memory.notifications.notification import one_line
from proxy.config.flows import EmailSettings
from proxy.notifying.channel import Undelivered
from proxy.notifying.message import HEADER, Message

SUBJECT_CHARS = 150


class Email:
    """Mails messages, each over a line of its own.

    Refusals of the 500s are final, those of the 400s and lines that break are not. With ``starttls`` nothing is sent
    where the server offers none.

    Args:
        tls: how a server's certificate is checked; left out, against what the system trusts.
        clock: seconds since 1970.
    """

    def __init__(
        self, settings: EmailSettings, tls: ssl.SSLContext | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.timeout = settings.timeout
        self._settings = settings
        self._tls = tls
        self._clock = clock
        self._name: str | None = None

    async def send(self, message: Message) -> str | None:
        """Says how many recipients were refused, where that is not all of them. Raises ``Undelivered``."""
        mail = written(message, self._settings.sender, self._settings.to, self._clock())
        try:
            async with asyncio.timeout(self.timeout):
                async with await self._line() as line:
                    refused, _ = await line.send_message(mail, sender=_address(self._settings.sender))
        except (aiosmtplib.SMTPException, TimeoutError, OSError, ValueError) as error:
            raise _undelivered(error) from None
        return f"{len(refused)} of {len(self._settings.to)} recipients refused" if refused else None

    async def close(self) -> None:
        """Nothing is held open."""

    async def _line(self) -> aiosmtplib.SMTP:
        given = self._settings
        if self._name is None:
            # It asks the resolver, which may take its time.
            self._name = await asyncio.to_thread(socket.getfqdn)
        return aiosmtplib.SMTP(
            hostname=given.host,
            port=given.port,
            username=given.username,
            password=None if given.password is None else given.password.get_secret_value(),
            timeout=given.timeout,
            use_tls=given.security == "tls",
            start_tls=given.security == "starttls",
            tls_context=None if given.security == "none" else self._tls,
            local_hostname=self._name,
        )


def written(message: Message, sender: str, to: list[str], now: float) -> EmailMessage:
    """The mail. Nothing that a title holds can become a header of its own."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = one_line(sender)
    mail["To"] = ", ".join(map(one_line, to))
    mail["Subject"] = one_line(f"[Reprise] {message.headline}", SUBJECT_CHARS)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    mail["Message-ID"] = f"<{message.id}@{_address(sender).rpartition('@')[2] or 'reprise'}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[HEADER] = message.id
    mail.set_content("\n".join(_lines(message)) + "\n", cte="quoted-printable")
    return mail


def _lines(message: Message) -> list[str]:
    details = [f"{name.replace('_', ' ')}: {_told(value)}" for name, value in message.details.items()]
    return [
        one_line(message.headline),
        "",
        f"event: {message.event}",
        f"namespace: {one_line(message.namespace)}",
        f"{message.object['type']}: {one_line(message.object['id'])}",
        f"at: {message.at}",
        f"more: {message.link}",
        *(["", *details] if details else []),
    ]


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _address(text: str) -> str:
    return parseaddr(text)[1] or text


def _undelivered(error: Exception) -> Undelivered:
    """Servers' words may quote addresses: only codes and kinds are passed on."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [one.code for one in error.recipients]
        return Undelivered("all recipients refused", final=all(code >= 500 for code in codes))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Undelivered(f"SMTP {error.code}", final=500 <= error.code < 600)
    if isinstance(error, TimeoutError):
        return Undelivered("no answer in time")
    return Undelivered(type(error).__name__)
