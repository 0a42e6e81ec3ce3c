"""What may be written into a memory, field by field. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

from memory.interactions import InteractionError, parse_since
from memory.memories.memory import STATUSES, TYPES, MemoryFault, MemoryType, Status, clean

MOST_WRITTEN: Final = 2000
"""Characters of a memory's content at most, whoever writes it."""
MOST_TAGS: Final = 20
TAG_CHARS: Final = 50
NAME_CHARS: Final = 200

Redact = Callable[[str], str]


def memory_type(value: Any) -> MemoryType:
    """A known type. Raises ``MemoryFault``, as all of these do."""
    if value not in TYPES:
        raise MemoryFault("memory_type", f"memory_type must be one of {', '.join(TYPES)}")
    return cast(MemoryType, value)


def status(value: Any) -> Status:
    """A known status."""
    if value not in STATUSES:
        raise MemoryFault("status", f"status must be one of {', '.join(STATUSES)}")
    return cast(Status, value)


def content(value: Any, redact: Redact) -> str:
    """Text as it is stored: cleaned, then redacted, so that no hidden character keeps a secret from being found."""
    found = clean(text("content", value))
    if len(found) > MOST_WRITTEN:
        raise MemoryFault("content", f"content has {len(found)} characters; at most {MOST_WRITTEN} are kept")
    found = clean(redact(found))
    if not found:
        raise MemoryFault("content", "content must not be blank")
    return found


def project(value: Any) -> str:
    """A project's name; empty for all projects."""
    name = clean(text("project", "" if value is None else value))
    if len(name) > NAME_CHARS:
        raise MemoryFault("project", f"project has more than {NAME_CHARS} characters")
    return name


def confidence(value: Any, name: str = "confidence") -> float:
    """A number in [0, 1]."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise MemoryFault(name, f"{name} must be a number from 0 to 1")
    return float(value)


def tags(value: Any, redact: Redact) -> list[str]:
    """Short names, each once, in the order given."""
    if value is None:
        return []
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise MemoryFault("tags", "tags must be a list of names")
    names = [clean(redact(clean(text("tags", name)))) for name in value]
    if any(not name or len(name) > TAG_CHARS for name in names):
        raise MemoryFault("tags", f"a tag has 1 to {TAG_CHARS} characters")
    unique = list(dict.fromkeys(names))
    if len(unique) > MOST_TAGS:
        raise MemoryFault("tags", f"at most {MOST_TAGS} tags")
    return unique


def valid_until(value: Any) -> str | None:
    """Any ISO 8601 time in storage form, a date alone as its midnight UTC; None or empty text for no end."""
    if value is None or value == "":
        return None
    try:
        return parse_since(text("valid_until", value))
    except InteractionError as error:
        raise MemoryFault("valid_until", "valid_until is not an ISO 8601 time") from error


def pinned(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise MemoryFault("pinned", "pinned must be true or false")
    return value


_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "memory_type": memory_type,
    "status": status,
    "project": project,
    "confidence": confidence,
    "valid_until": valid_until,
    "pinned": pinned,
}
_REDACTED: Final[dict[str, Callable[[Any, Redact], Any]]] = {"content": content, "tags": tags}


def checked(name: str, value: Any, redact: Redact) -> Any:
    """A field's value as it is kept, whichever field it is."""
    if name in _REDACTED:
        return _REDACTED[name](value, redact)
    if name not in _PLAIN:
        raise MemoryFault(name, f"{name} is no field that can be written")
    return _PLAIN[name](value)


def text(field: str, value: Any) -> str:
    """Text that can be stored."""
    if not isinstance(value, str):
        raise MemoryFault(field, f"{field} must be text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise MemoryFault(field, f"{field} holds half a surrogate pair") from error
    return value
