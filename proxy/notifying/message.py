"""What goes out of a notification: the same facts for every channel, and words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from memory.notifications.notification import Notification

HEADER: Final = "x-reprise-notification-id"
"""Names the notification in whatever is sent of it: what comes twice bears the same."""

_SAYS: Final = {
    "proposal.pending": "To be reviewed",
    "proposal.decided": "Decided",
    "flow.published": "Flow published",
    "session.escalated": "Session escalated",
    "budget.spent": "Budget spent",
    "gap.found": "Gap found",
    "notification.test": "Test",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A notification as channels send it."""

    id: str
    event: str
    namespace: str
    at: str
    """UTC, ISO 8601."""
    object: Mapping[str, str]
    title: str
    link: str
    """A path below the server's address."""
    details: Mapping[str, Any]

    @property
    def headline(self) -> str:
        """One line that says what happened."""
        return f"{_SAYS.get(self.event, self.event)}: {self.title}"

    def as_json(self) -> dict[str, Any]:
        """What a webhook gets."""
        return {
            "event": self.event,
            "id": self.id,
            "at": self.at,
            "namespace": self.namespace,
            "object": dict(self.object),
            "title": self.title,
            "link": self.link,
            "details": dict(self.details),
        }


def message_of(notification: Notification) -> Message:
    """The message that tells of a notification."""
    return Message(
        id=notification.id,
        event=notification.event,
        namespace=notification.namespace,
        at=notification.at.replace(" ", "T") + "Z",
        object={"type": notification.object_type, "id": notification.object_id},
        title=notification.title,
        link=notification.link,
        details=notification.body,
    )
