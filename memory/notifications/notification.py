"""What a notification is, and what of an event goes into one: a title and a few facts, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args
from urllib.parse import quote

Event = Literal[
    "proposal.pending",
    "proposal.decided",
    "flow.published",
    "session.escalated",
    "budget.spent",
    "gap.found",
]
EVENTS: Final[tuple[Event, ...]] = get_args(Event)

TITLE_CHARS: Final = 200
FACTS: Final = 24
"""Facts of a body at most."""
FACT_CHARS: Final = 500

# What is kept, besides, of a list among the facts.
_LISTED: Final = 50
# What happens to one object more than once, by the fact that tells one time from another.
_OCCASIONS: Final = {"proposal.decided": "status", "flow.published": "version"}
_PLACES: Final = {"proposal": "/proposals/", "flow": "/flows/", "session": "/sessions/"}
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")


@dataclass(frozen=True, slots=True)
class Notification:
    """A row of ``notifications``. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``."""

    id: str
    namespace: str
    event: str
    object_type: str
    object_id: str
    at: str
    title: str
    """One line, redacted, at most ``TITLE_CHARS``."""
    body: Mapping[str, Any]
    """Further facts: short, redacted."""
    read_at: str | None = None

    @property
    def link(self) -> str:
        """The path below the server's address where there is more of it."""
        place = _PLACES.get(self.object_type)
        return place + quote(self.object_id, safe="") if place else f"/{_plural(self.object_type)}"


def one_line(text: str, most: int = TITLE_CHARS) -> str:
    """The text on one line, without control characters and what nobody sees, cut where it is longer than ``most``."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def facts(given: Mapping[str, Any], redact: Callable[[str], str]) -> dict[str, Any]:
    """What of the facts may be kept: numbers, truth values, short redacted texts, and lists of them."""
    kept: dict[str, Any] = {}
    for name, value in list(given.items())[:FACTS]:
        if isinstance(value, list | tuple):
            kept[name] = [_fact(one, redact) for one in value[:_LISTED]]
        else:
            kept[name] = _fact(value, redact)
    return kept


def occasion_of(event: str, body: Mapping[str, Any]) -> str:
    """Tells one time from another where something happens to one object more than once; empty where it cannot."""
    name = _OCCASIONS.get(event)
    return "" if name is None else str(body.get(name, ""))


def read_body(text: str) -> dict[str, Any]:
    """A body as it was stored; a damaged one reads as empty."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _fact(value: Any, redact: Callable[[str], str]) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return one_line(redact(str(value)), FACT_CHARS)


def _plural(object_type: str) -> str:
    return "notifications" if object_type not in ("gap",) else "gaps"
