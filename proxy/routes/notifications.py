"""What people are told, over HTTP: the list, whether it was read, and how its sending goes."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.interactions import InteractionError, stamp_at
from memory.memories.memory import Missing
from memory.notifications.notification import Event, Notification
from proxy.errors import InvalidRequest
from proxy.live.running import stamp_of
from proxy.notifying.channel import Undelivered
from proxy.notifying.channels import NAMES
from proxy.notifying.message import message_of
from proxy.routes.access import Admin, Parts
from proxy.services import Services
from store.ids import new_id

router = APIRouter(tags=["notifications"], prefix="/notifications")

TEST = "notification.test"


class Which(BaseModel):
    """Some notifications."""

    model_config = ConfigDict(extra="forbid")

    ids: list[str] | None = Field(default=None, max_length=500, description="Left out: all there are.")


class Try(BaseModel):
    """What is to be tried."""

    model_config = ConfigDict(extra="forbid")

    channel: Literal["webhook", "slack", "email"] | None = Field(
        default=None, description="Left out: every one that is configured."
    )


@router.get("", operation_id="list_notifications")
def list_notifications(
    parts: Parts,
    _: Admin,
    unread: Annotated[bool | None, Query(description="Only what was not read yet; false: only what was.")] = None,
    event: Event | None = None,
    namespace: str | None = None,
    since: Annotated[str | None, Query(description="ISO 8601, inclusive; UTC unless it says otherwise.")] = None,
    limit: Annotated[int, Query(description="At most 500; 0 or less gives nothing.")] = 50,
) -> dict[str, Any]:
    """Newest first, each with the channels that it goes through and how far it came: waiting, delivered or failed."""
    notifying = parts.remembering.notifying
    try:
        found = notifying.inbox.list(namespace=namespace, event=event, unread=unread, since=since, limit=limit)
    except InteractionError as error:
        raise InvalidRequest(str(error), param=error.field) from error
    ways = notifying.outbox.of([one.id for one in found])
    return {
        "count": len(found),
        "unread": notifying.inbox.count_unread(namespace),
        "notifications": [_shown(one, ways.get(one.id, [])) for one in found],
    }


@router.post("/read", operation_id="read_notifications")
def read_all(given: Which, parts: Parts, _: Admin) -> dict[str, Any]:
    """Mark these as read; `read` counts those that were not before."""
    return {"status": "read", "read": parts.remembering.notifying.inbox.read_all(given.ids)}


@router.post("/test", operation_id="test_notifications")
async def send_test(parts: Parts, _: Admin, given: Try | None = None) -> dict[str, Any]:
    """Send a test through the channels now, once, and say what became of it: `delivered`, or why not."""
    channel = given.channel if given else None
    names = [channel] if channel is not None else list(NAMES)
    found = await asyncio.gather(*(_tried(parts, name) for name in names))
    results = {name: result for name, result in zip(names, found, strict=True) if result is not None}
    if channel is not None and not results:
        raise InvalidRequest(f"'notifications.{channel}' is not configured.", param="channel")
    return {"status": "sent" if all(one["delivered"] for one in results.values()) else "failed", "channels": results}


@router.post("/{id}/read", operation_id="read_notification")
def read(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Mark one as read; again, it stays as it was."""
    found = parts.remembering.notifying.inbox.read(id)
    return {"status": "read", "id": id, "read_at": found.read_at}


@router.post("/{id}/retry", operation_id="retry_notification")
def retry(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """Send one again through each channel where it failed."""
    notifying = parts.remembering.notifying
    if notifying.inbox.get(id) is None:
        raise Missing(f"There is no notification {id!r}")
    retried = notifying.outbox.retry(id)
    notifying.courier.wake()
    return {"status": "waiting" if retried else "unchanged", "id": id, "retried": retried}


async def _tried(parts: Services, name: str) -> dict[str, Any] | None:
    """What became of a test; None where the channel is not configured."""
    notifying = parts.remembering.notifying
    channel = await notifying.channels.of(name)
    if channel is None:
        return None
    at = stamp_at(time.time())
    told = Notification(new_id("ntf"), "default", TEST, "notification", name, at, "Reprise can reach you here.", {})
    try:
        async with asyncio.timeout(channel.timeout):
            note = await channel.send(message_of(told))
    except Undelivered as error:
        return {"delivered": False, "error": error.reason}
    except TimeoutError:
        return {"delivered": False, "error": "no answer in time"}
    notifying.standing.worked(name)
    return {"delivered": True, "error": note}


def _shown(notification: Notification, ways: list[dict[str, Any]]) -> dict[str, Any]:
    shown = dataclasses.asdict(notification)
    shown["object"] = {"type": shown.pop("object_type"), "id": shown.pop("object_id")}
    shown["link"] = notification.link
    shown["deliveries"] = [
        {
            **way,
            "due_at": stamp_of(way["due_at"]) if way["state"] == "waiting" else None,
            "delivered_at": None if way["delivered_at"] is None else stamp_of(way["delivered_at"]),
        }
        for way in ways
    ]
    return shown
