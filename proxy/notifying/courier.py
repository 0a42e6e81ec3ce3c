"""Carries notifications through the channels, each at its own pace: one that hangs holds up no other.

What does not arrive is tried again after each of the waits that are configured, then it has failed: that is counted,
logged without addresses, and shown in readiness until the channel works again.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import structlog

from memory.notifications.outbox import INTERRUPTED, Delivery, Outbox
from proxy.metrics import Metrics
from proxy.notifying.channel import Channel, Undelivered
from proxy.notifying.channels import NAMES, Channels
from proxy.notifying.message import message_of
from proxy.notifying.standing import Standing
from store.errors import StoreError

AT_ONCE: Final = 4
"""Messages under way through one channel at most."""
POLL: Final = 5.0
"""Seconds between two looks at what another process may have left."""
GRACE: Final = 5.0
"""Seconds beyond a channel's own limit after which a sending is given up, and taken for lost."""
REMOVED: Final = "the channel is not configured any more"

_log = structlog.get_logger(__name__)


class NotDelivered(Exception):
    """Told to health in place of what a channel met: it holds nothing of that."""


class Courier:
    """Sends what is due. Belongs to one event loop, but for ``wake``.

    Args:
        standing: told of each delivery that failed for good, and of each that arrived.
        clock: seconds since 1970, the outbox's own.
        poll: seconds between two looks where nothing is known to be due.
    """

    def __init__(
        self,
        outbox: Outbox,
        channels: Channels,
        metrics: Metrics,
        standing: Standing,
        clock: Callable[[], float] = time.time,
        poll: float = POLL,
    ) -> None:
        self._outbox = outbox
        self._channels = channels
        self._metrics = metrics
        self._standing = standing
        self._clock = clock
        self._poll = poll
        self._tasks: list[asyncio.Task[None]] = []
        self._news: dict[str, asyncio.Event] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    def start(self) -> None:
        """Start a task for each channel, in the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._news = {name: asyncio.Event() for name in NAMES}
        self._tasks = [asyncio.create_task(self._run(name)) for name in NAMES]

    def wake(self) -> None:
        """Something is due now. From any thread."""
        loop = self._loop
        if loop is not None:
            # The loop may have ended meanwhile: what is due waits in SQL.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._ring)

    async def close(self, limit: float = 5.0) -> None:
        """Let what is under way end, for so many seconds; what is left over waits in SQL for the next start."""
        self._stopping = True
        self._ring()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=limit)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self._loop = [], None
        await self._channels.close()

    async def round(self, name: str) -> float:
        """Send what is due through one channel, some of it; gives the seconds until there is more to do.

        Raises ``DatabaseError``.
        """
        channel = await self._channels.of(name)
        if channel is None:
            return await self._nobody(name)
        waits = tuple(self._channels.retry)
        taken = await asyncio.to_thread(
            self._outbox.take, name, AT_ONCE, len(waits) + 1, max(channel.timeout + 2 * GRACE, *waits[:1], 0.0)
        )
        for delivery in taken.lost:
            self._fail(delivery, INTERRUPTED)
        await asyncio.gather(*(self._carry(channel, delivery, waits) for delivery in taken.due))
        if taken.due or taken.lost:
            return 0.0
        due = await asyncio.to_thread(self._outbox.next_due, name)
        return self._poll if due is None else min(self._poll, max(0.0, due - self._clock()))

    def _ring(self) -> None:
        for news in self._news.values():
            news.set()

    async def _run(self, name: str) -> None:
        news = self._news[name]
        while not self._stopping:
            news.clear()
            try:
                seconds = await self.round(name)
            except Exception as error:  # noqa: BLE001  a channel must never end
                self._standing.failed(name, error)
                _log.error("notifications wait", channel=name, error=type(error).__name__)
                seconds = self._poll
            if seconds:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), seconds)

    async def _nobody(self, name: str) -> float:
        """Who takes a channel out of the configuration does not want what waits for it to come with its return."""
        if await asyncio.to_thread(self._outbox.give_up, name, REMOVED):
            _log.warning("notifications given up", channel=name, reason=REMOVED)
        self._standing.worked(name)
        return self._poll

    async def _carry(self, channel: Channel, delivery: Delivery, waits: tuple[float, ...]) -> None:
        try:
            async with asyncio.timeout(channel.timeout + GRACE):
                note = await channel.send(message_of(delivery.notification))
        except Undelivered as error:
            await self._undelivered(delivery, error, waits)
        except TimeoutError:
            await self._undelivered(delivery, Undelivered("no answer in time"), waits)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  whatever a channel meets, it counts as not delivered
            await self._undelivered(delivery, Undelivered(type(error).__name__), waits)
        else:
            await asyncio.to_thread(self._outbox.delivered, delivery, note)
            self._count(delivery.channel, "delivered")
            self._standing.worked(delivery.channel)

    async def _undelivered(self, delivery: Delivery, error: Undelivered, waits: tuple[float, ...]) -> None:
        if error.final or delivery.tries > len(waits):
            await asyncio.to_thread(self._outbox.failed, delivery, error.reason)
            self._fail(delivery, error.reason)
            return
        seconds = max(waits[delivery.tries - 1], error.after or 0.0)
        await asyncio.to_thread(self._outbox.again, delivery, seconds, error.reason)
        self._count(delivery.channel, "retried")

    def _fail(self, delivery: Delivery, reason: str) -> None:
        self._count(delivery.channel, "failed")
        _log.error(
            "a notification was not delivered",
            channel=delivery.channel,
            id=delivery.notification.id,
            event_told=delivery.notification.event,
            tries=delivery.tries,
            reason=reason,
        )
        self._standing.failed(delivery.channel, NotDelivered(f"{delivery.channel}: {reason}"))

    def _count(self, channel: str, outcome: str) -> None:
        self._metrics.notification_deliveries.labels(channel, outcome).inc()
