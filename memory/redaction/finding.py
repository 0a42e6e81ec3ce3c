"""What a redactor found in a text."""

from __future__ import annotations

from typing import Final, NamedTuple

KINDS: Final = (
    "secret",
    "email",
    "phone",
    "iban",
    "card",
    "id",
    "ip",
    "address",
    "birthdate",
    "person",
    "place",
    "personal",
)
"""What a text may hold, the last three told by Presidio alone. A kind in square brackets stands for what it was."""


class Finding(NamedTuple):
    """Characters [start, end) of a text, and what they are: one of ``KINDS``."""

    kind: str
    start: int
    end: int
