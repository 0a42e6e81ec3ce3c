"""The parts of one server that tell people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from memory.notifications.inbox import Inbox
from memory.notifications.outbox import Outbox
from memory.notifications.untold import Untold
from proxy.config.flows import NotificationSettings
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.notifying.channels import Channels
from proxy.notifying.courier import Courier
from proxy.notifying.notifier import Notifier, Notify
from proxy.notifying.standing import Standing
from store.database import Database

BACK: Final = 7 * 86400.0
"""Seconds: what happened longer ago than that, and before notifications were kept, is not told any more."""


@dataclass
class Notifying:
    """What tells people. ``notify`` is how everything else says that something happened."""

    inbox: Inbox
    outbox: Outbox
    channels: Channels
    courier: Courier
    notifier: Notifier
    standing: Standing
    untold: Untold
    settings: Callable[[], NotificationSettings]

    @property
    def notify(self) -> Notify:
        """Tells people of an event, at once and without fail."""
        return self.notifier.notify

    def start(self) -> None:
        """Begin to send, in the running event loop."""
        self.courier.start()

    async def close(self) -> None:
        """Write what was told, and end."""
        await asyncio.to_thread(self.notifier.close)
        await self.courier.close()

    def round(self) -> Mapping[str, int]:
        """Tell what a killed process left untold, and clear old notifications away. Raises ``DatabaseError``."""
        keep = self.settings().keep
        told = 0
        for one in self.untold.found(min(BACK, keep) if keep else BACK):
            told += self.notifier.tell(one.event, one.namespace, one.object_type, one.object_id, one.title, one.body)
        return {"told": told, "pruned": self.inbox.prune(keep) if keep else 0}


def build_notifying(
    database: Database,
    settings: Callable[[], NotificationSettings],
    redact: Callable[[str], str],
    metrics: Metrics,
    health: Health,
    clock: Callable[[], float] = time.time,
) -> Notifying:
    """Put the parts together. Opens nothing and starts nothing."""
    channels, standing = Channels(settings, clock=clock), Standing(health.told_of("notifications"))
    inbox, outbox = Inbox(database, channels.taking, redact, clock), Outbox(database, clock)
    courier = Courier(outbox, channels, metrics, standing, clock)
    notifier = Notifier(inbox, metrics, standing, courier.wake)
    return Notifying(inbox, outbox, channels, courier, notifier, standing, Untold(database, clock), settings)
