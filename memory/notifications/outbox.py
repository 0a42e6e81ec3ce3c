"""Notifications on their way: which are due, and what became of each.

A delivery is counted as tried when it is taken and comes back by itself, so that a process killed on the way leaves it
waiting. So what is sent may come twice, and bears the notification's id, by which its receiver can tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.notifications.inbox import as_notification
from memory.notifications.notification import Notification
from store.database import Database
from store.tables import deliveries, notifications

STATES: Final = ("waiting", "delivered", "failed")
INTERRUPTED: Final = "interrupted"
"""Why a delivery failed whose last try ended with its process."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notification that was taken to be sent through a channel."""

    notification: Notification
    channel: str
    tries: int
    """This one included."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a look at the due deliveries of a channel gave."""

    due: Sequence[Delivery]
    lost: Sequence[Delivery]
    """Failed, for they were taken for the last time and never heard of again."""


class Outbox:
    """The deliveries. Everything blocks and raises ``DatabaseError``.

    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def take(self, channel: str, most: int, tries: int, again_in: float) -> Taken:
        """The oldest that are due, each now counted as tried once more.

        Args:
            most: so many at most.
            tries: after so many a delivery has failed.
            again_in: seconds after which one comes back that nobody was heard of.
        """
        now = self._clock()
        due = (
            sa.select(notifications, deliveries.c.tries)
            .join(deliveries, deliveries.c.notification_id == notifications.c.id)
            .where(deliveries.c.channel == channel, deliveries.c.state == "waiting", deliveries.c.due_at <= now)
            .order_by(deliveries.c.due_at, notifications.c.id)
            .limit(most)
        )
        found = [Delivery(as_notification(row), channel, row["tries"]) for row in self._database.query(due)]
        lost = [one for one in found if one.tries >= tries]
        taken: list[Delivery] = []

        def work(connection: sa.Connection) -> None:
            for one in found:
                claimed: dict[str, Any] = {"tries": one.tries + 1, "due_at": now + again_in}
                if one in lost:
                    claimed = {"state": "failed", "error": INTERRUPTED}
                # Another process may have taken it meanwhile.
                unchanged = (deliveries.c.state == "waiting", deliveries.c.tries == one.tries)
                mine = sa.update(deliveries).where(*_which(one), *unchanged).values(**claimed)
                if connection.execute(mine).rowcount and one not in lost:
                    taken.append(Delivery(one.notification, channel, one.tries + 1))

        if found:
            self._database.transact(work)
        return Taken(taken, lost)

    def delivered(self, delivery: Delivery, note: str | None = None) -> None:
        """It has arrived.

        Args:
            note: what is to be known of it all the same.
        """
        self._set(delivery, state="delivered", delivered_at=self._clock(), error=note)

    def again(self, delivery: Delivery, seconds: float, error: str) -> None:
        """It did not arrive, and is to be tried again in so many seconds."""
        self._set(delivery, due_at=self._clock() + seconds, error=error)

    def failed(self, delivery: Delivery, error: str) -> None:
        """It did not arrive, and is not tried again by itself."""
        self._set(delivery, state="failed", error=error)

    def give_up(self, channel: str, error: str) -> int:
        """Fail all that waits for a channel, such as one that is no more; gives how many."""
        waiting = sa.and_(deliveries.c.channel == channel, deliveries.c.state == "waiting")
        return self._update(waiting, state="failed", error=error)

    def retry(self, notification_id: str) -> int:
        """Send a notification again through each channel where it failed; gives how many."""
        aside = sa.and_(deliveries.c.notification_id == notification_id, deliveries.c.state == "failed")
        return self._update(aside, state="waiting", tries=0, due_at=self._clock(), error=None)

    def next_due(self, channel: str) -> float | None:
        """When the next delivery is due, in seconds since 1970; None where none waits."""
        waiting = (deliveries.c.channel == channel, deliveries.c.state == "waiting")
        soonest = sa.select(sa.func.min(deliveries.c.due_at).label("at")).where(*waiting)
        at = self._database.query(soonest)[0]["at"]
        return None if at is None else float(at)

    def of(self, ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
        """The deliveries of notifications, by their ids; channels in order."""
        if not ids:
            return {}
        rows = self._database.query(
            sa.select(deliveries).where(deliveries.c.notification_id.in_(ids)).order_by(deliveries.c.channel)
        )
        found: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(row.pop("notification_id"), []).append(row)
        return found

    def counts(self) -> dict[str, int]:
        """How many there are in each state."""
        grouped = sa.select(deliveries.c.state, sa.func.count().label("count")).group_by(deliveries.c.state)
        return dict.fromkeys(STATES, 0) | {row["state"]: row["count"] for row in self._database.query(grouped)}

    def _set(self, delivery: Delivery, **values: Any) -> None:
        self._update(sa.and_(*_which(delivery)), **values)

    def _update(self, which: sa.ColumnElement[bool], **values: Any) -> int:
        changed = 0

        def work(connection: sa.Connection) -> None:
            nonlocal changed
            changed = connection.execute(sa.update(deliveries).where(which).values(**values)).rowcount

        self._database.transact(work)
        return changed


def _which(delivery: Delivery) -> tuple[sa.ColumnElement[bool], ...]:
    return deliveries.c.notification_id == delivery.notification.id, deliveries.c.channel == delivery.channel
