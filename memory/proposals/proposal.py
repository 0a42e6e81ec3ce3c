"""What a proposal is: something that sessions taught, for a person to decide on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Status = Literal["pending", "approved", "modified", "rejected", "dismissed", "auto_reinforced"]
Kind = Literal["new_flow", "enhancement", "auto_reinforced"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
REINFORCED: Final = "auto_reinforced"
OBJECT: Final = "proposal"
"""What the audit calls it."""
PREFIX: Final = "pro"
"""Of its ids."""

FIRST_CONFIDENCE: Final = 0.5
GAIN: Final = 0.1
"""Confidence that each further session brings, up to 1."""

TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A row of ``proposals``. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``; confidence is in [0, 1]."""

    id: str
    namespace: str
    project: str
    proposal_type: str
    title: str
    description: str
    status: str
    problem_domain: str | None
    target_flow_id: str | None
    target_version: int | None
    """The version of that flow that it was made from."""
    flow_id: str | None
    """What approving it published, or made a new version of."""
    confidence_score: float
    supporting_session_count: int
    supporting_session_ids: tuple[str, ...]
    """The first ones first; of very many, the last ones."""
    analyst: str
    """The model and the version of its prompt."""
    problem: str | None
    """Why it cannot be published as it is."""
    created_at: str
    updated_at: str
    content: Mapping[str, Any]
    """A flow, or what is to be added to one, as JSON."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a session taught, before it is known whether a proposal says that already."""

    proposal_type: Kind
    title: str
    description: str
    content: Mapping[str, Any]
    analyst: str
    problem: str | None = None
    target_flow_id: str | None = None
    target_version: int | None = None
    embedder: str | None = None
    vector: bytes | None = None


def content_in(column: str | None) -> dict[str, Any]:
    """A JSON object; a damaged one reads as empty."""
    try:
        value = json.loads(column) if column else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def gained(confidence: float) -> float:
    """Confidence after one more session."""
    return min(1.0, round(confidence + GAIN, 6))
