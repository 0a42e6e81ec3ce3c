"""What the tests of notifying share."""

from __future__ import annotations

import pytest

from proxy.config.flows import NotificationSettings
from proxy.health import Health
from proxy.metrics import Metrics
from proxy.notifying.assembly import build_notifying
from store.database import Database
from tests.memory.notifications.test_inbox import Clock
from tests.proxy.notifying.receivers import Hook, Mailbox


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "reprise.db")
    yield opened
    opened.close()


@pytest.fixture
def hook():
    with Hook() as running:
        yield running


@pytest.fixture
def mailbox():
    with Mailbox() as running:
        yield running


class Told:
    """A server's parts that tell people, with its settings, its health and its clock at hand."""

    def __init__(self, database, clock, given):
        self.clock = clock
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.set(**given)
        self.parts = build_notifying(database, lambda: self.settings, str, self.metrics, self.health, clock)

    def set(self, **given):
        self.settings = NotificationSettings.model_validate(given)

    def tell(self, event="proposal.pending", object_id="pro_1", title="Printer offline", **body):
        self.parts.notifier.notify(event, "default", event.partition(".")[0], object_id, title, body)
        self.parts.notifier.settle()

    async def send(self, channel="webhook"):
        """Send what is due."""
        while not await self.parts.courier.round(channel):
            pass

    def way(self, channel="webhook", number=0):
        found = self.parts.inbox.list()[number]
        return next(way for way in self.parts.outbox.of([found.id])[found.id] if way["channel"] == channel)

    def counted(self, channel, outcome):
        labels = {"channel": channel, "outcome": outcome}
        return self.metrics.registry.get_sample_value("reprise_notification_deliveries_total", labels) or 0


@pytest.fixture
async def notifying(database, clock):
    """Makes the parts, of these settings."""
    made = []

    def make(**given):
        made.append(Told(database, clock, given))
        return made[-1]

    yield make
    for one in made:
        await one.parts.close()
