"""The list of what people are told. Each thing is told once, however often it is said.

A notification and its way through the channels are written together, in a transaction of their own, after what they
tell of was committed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from memory.interactions import parse_since, stamp_at
from memory.memories.memory import Missing
from memory.notifications.notification import Notification, facts, occasion_of, one_line, read_body
from store.database import Database
from store.dialects import insert
from store.ids import new_id
from store.tables import deliveries, notifications

MOST_LISTED: Final = 500

_COLUMNS: Final = ("id", "namespace", "event", "object_type", "object_id", "at", "title", "body", "read_at")


def no_channels(event: str) -> Sequence[str]:
    """For an inbox alone."""
    return ()


class Inbox:
    """What was told. Everything blocks and raises ``DatabaseError``.

    Args:
        channels: by which channels, besides, an event is to go.
        redact: takes secrets and personal data out of a text.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        channels: Callable[[str], Sequence[str]] = no_channels,
        redact: Callable[[str], str] = str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._channels = channels
        self._redact = redact
        self._clock = clock

    def tell(
        self, event: str, namespace: str, object_type: str, object_id: str, title: str, body: Mapping[str, Any]
    ) -> str | None:
        """Tell it and put it on its way; gives the notification's id, or None where it was told before."""
        now, id_ = self._clock(), new_id("ntf")
        kept = facts(body, self._redact)
        row = {
            "id": id_,
            "namespace": namespace,
            "event": event,
            "object_type": object_type,
            "object_id": object_id,
            "occasion": occasion_of(event, kept),
            "at": stamp_at(now),
            "title": one_line(self._redact(title)) or event,
            "body": json.dumps(kept, ensure_ascii=False),
        }
        ways = [
            {"notification_id": id_, "channel": channel, "state": "waiting", "tries": 0, "due_at": now}
            for channel in self._channels(event)
        ]
        told = False

        def work(connection: sa.Connection) -> None:
            nonlocal told
            added = insert(notifications).values(row).on_conflict_do_nothing().returning(notifications.c.id)
            # Nothing comes back where it is there already; rows are not counted on PostgreSQL.
            told = connection.scalar(added) is not None
            if told and ways:
                connection.execute(sa.insert(deliveries), ways)

        self._database.transact(work)
        return id_ if told else None

    def list(
        self,
        *,
        namespace: str | None = None,
        event: str | None = None,
        unread: bool | None = None,
        since: str | None = None,
        limit: int = 50,
    ) -> list[Notification]:
        """Newest first; ``limit`` <= 0 gives nothing, the cap is 500.

        Args:
            unread: only what was not read yet; False: only what was.
            since: any ISO 8601 time, inclusive.

        Raises:
            InteractionError: ``since`` cannot be read.
        """
        first = parse_since(since) if since is not None else None
        if limit <= 0:
            return []
        statement = sa.select(*(notifications.c[name] for name in _COLUMNS))
        for name, value in (("namespace", namespace), ("event", event)):
            if value is not None:
                statement = statement.where(notifications.c[name] == value)
        if unread is not None:
            read = notifications.c.read_at
            statement = statement.where(read.is_(None) if unread else read.is_not(None))
        if first is not None:
            statement = statement.where(notifications.c.at >= first)
        newest = statement.order_by(notifications.c.at.desc(), notifications.c.id.desc())
        return [as_notification(row) for row in self._database.query(newest.limit(min(limit, MOST_LISTED)))]

    def get(self, id_: str) -> Notification | None:
        """One of them."""
        one = sa.select(*(notifications.c[name] for name in _COLUMNS)).where(notifications.c.id == id_)
        rows = self._database.query(one)
        return as_notification(rows[0]) if rows else None

    def count_unread(self, namespace: str | None = None) -> int:
        """How many were not read yet."""
        counted = sa.select(sa.func.count().label("count")).where(notifications.c.read_at.is_(None))
        if namespace is not None:
            counted = counted.where(notifications.c.namespace == namespace)
        return int(self._database.query(counted)[0]["count"])

    def read(self, id_: str) -> Notification:
        """Note that somebody read it; again, it stays as it was. Raises ``Missing``."""
        self.read_all([id_])
        found = self.get(id_)
        if found is None:
            raise Missing(f"There is no notification {id_!r}")
        return found

    def read_all(self, ids: Sequence[str] | None = None) -> int:
        """Note that all of these were read, or all there are; gives how many had not been."""
        which: sa.ColumnElement[bool] = notifications.c.read_at.is_(None)
        if ids is not None:
            which = sa.and_(which, notifications.c.id.in_(ids))
        now, read = stamp_at(self._clock()), 0

        def work(connection: sa.Connection) -> None:
            nonlocal read
            read = connection.execute(sa.update(notifications).where(which).values(read_at=now)).rowcount

        self._database.transact(work)
        return read

    def prune(self, keep: float) -> int:
        """Delete what is older than so many seconds, and its deliveries; gives how many notifications went."""
        old = notifications.c.at < stamp_at(self._clock() - keep)
        pruned = 0

        def work(connection: sa.Connection) -> None:
            nonlocal pruned
            theirs = deliveries.c.notification_id.in_(sa.select(notifications.c.id).where(old))
            connection.execute(sa.delete(deliveries).where(theirs))
            pruned = connection.execute(sa.delete(notifications).where(old)).rowcount

        self._database.transact(work)
        return pruned


def as_notification(row: Mapping[str, Any]) -> Notification:
    """A row, read."""
    values = {name: row[name] for name in _COLUMNS}
    return Notification(**{**values, "body": read_body(values["body"])})
