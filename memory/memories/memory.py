"""What a memory is: a statement worth keeping, who stands for it, and where it came from.

Trust rises by a person's hand only: what is extracted is a ``candidate`` until somebody promotes it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

MemoryType = Literal["identity", "preference", "project", "episodic", "knowledge", "adaptation"]
Status = Literal["candidate", "active", "superseded", "invalid"]
WrittenBy = Literal["person", "extraction"]
Role = Literal["user", "assistant", ""]

TYPES: Final[tuple[MemoryType, ...]] = get_args(MemoryType)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

LEAST_CHARS: Final = 8
"""A shorter statement is none."""
MOST_CHARS: Final = 280
"""Characters of an extracted statement at most."""

INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TRAILING = " \t\n.,;:!…"


class MemoryFault(ValueError):
    """Something about a memory is wrong; ``field`` names what."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Missing(LookupError):
    """There is no such memory, or it is not what the change needs, such as a candidate."""


class Conflict(Exception):
    """A change does not fit what is stored now."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a statement was said: the interaction, whose text, which characters of it, and who found it."""

    interaction_id: str
    role: Role
    rule: str
    """The rule's name, or ``model``."""
    extractor: str
    """Extractor and version: ``rules/1``, ``model/NAME/extract.v1``."""
    start: int
    end: int
    """Characters [start, end) of the prompt (role user) or of the response (role assistant) as logged."""
    span: str
    """That text, redacted."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A row of ``memories``. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``; confidence is in [0, 1]."""

    id: str
    namespace: str
    project: str
    """Empty: of every project."""
    memory_type: MemoryType
    content: str
    status: Status
    confidence: float
    created_at: str
    updated_at: str
    written_by: WrittenBy = "person"
    pinned: bool = False
    version: int = 1
    """Rises with each change of content or status."""
    tags: Sequence[str] = ()
    valid_until: str | None = None
    reference_count: int = 0
    last_referenced_at: str | None = None
    injected_count: int = 0
    supports: int = 0
    """How many interactions say it."""
    review: str | None = None
    """Why an active memory is in the review queue again: ``unused`` or ``contradicted``. Of an invalid one
    ``rejected``, where a person, or what decides in a person's place, said no to it."""
    superseded_by: str | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A statement that an extractor found; nothing is stored yet."""

    memory_type: MemoryType
    content: str
    rule: str
    role: Role
    start: int
    end: int
    """Characters [start, end) of the role's text."""
    confidence: float = 0.5


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something, and why: goes into the audit."""

    name: str
    """A key's name, ``cli``, ``extraction``, ``reinforcement``, ``hygiene``, ``triage`` ..."""
    reason: str = ""


def clean(text: str) -> str:
    """Text as a person may see it: NFC, no zero-width or direction characters, whitespace collapsed."""
    visible = _CONTROL.sub(" ", INVISIBLE.sub("", unicodedata.normalize("NFC", text)))
    return " ".join(visible.split())


def content_key(content: str) -> str:
    """What two wordings of one text share: case, punctuation at the end, compatibility forms and spacing ignored."""
    folded = unicodedata.normalize("NFKC", clean(content)).casefold().strip(_TRAILING)
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
