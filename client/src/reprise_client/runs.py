"""What Reprise knows of a tool: an earlier run, and the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from reprise_client.errors import Unavailable

NOTES: Final = "reprise"
"""In an interaction's metadata, what this client notes there."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run of a tool, as it was logged."""

    id: str
    tool_id: str
    input: str
    """As it was logged: a single text as it stands, anything else as canonical JSON."""
    response: str
    """The output as text, never cut."""
    success: bool
    quality: float
    """Its rating in [0, 1]; what the server takes as neutral where nobody rated it."""
    similarity: float
    """In [0, 1]; 1.0 where the inputs are equal, and nowhere else."""
    equal: bool
    score: float
    """Quality x similarity."""
    age_seconds: float
    created_at: datetime
    quality_score: float | None = None
    latency_ms: float | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def output(self) -> Any:
        """The output as the tool gave it; the text, where it was no JSON or another client logged it."""
        return json.loads(self.response) if self._noted("output") == "json" else self.response

    @property
    def is_faithful(self) -> bool:
        """Is ``output`` what the tool gave, to the letter and type? Known of what this client logged."""
        return self._noted("output") in ("text", "json") and self.is_cacheable

    @property
    def is_cacheable(self) -> bool:
        """False where JSON could not hold what the tool was given, or gave."""
        return self._noted("cacheable") is not False

    @property
    def started_at(self) -> float:
        """When the tool began, in seconds since 1970 by the clock of the machine that ran it; compare with
        ``os.stat`` times. Where nobody noted it, when the run was logged, less its latency and a second."""
        noted = self._noted("started_at")
        if isinstance(noted, int | float):
            return float(noted)
        return self.created_at.timestamp() - (self.latency_ms or 0.0) / 1000 - 1.0

    def _noted(self, name: str) -> Any:
        notes = self.metadata.get(NOTES)
        return notes.get(name) if isinstance(notes, Mapping) else None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the server said of an interaction that it recorded."""

    id: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Ran:
    """A call of a decorated tool: what it gave, and where that came from."""

    value: Any
    status: Literal["hit", "miss", "uncached"]
    """``uncached``: Reprise was not asked, or could not be."""
    interaction_id: str | None = None
    """What to rate; None where it was not logged, or is sent in the background."""
    source: PastRun | None = None
    """Of a hit, the run whose output this is."""


def past_run(row: Mapping[str, Any]) -> PastRun:
    """A run as the server lists it. Raises ``Unavailable`` where it makes no sense."""
    try:
        return PastRun(
            id=row["id"],
            tool_id=row["tool_id"],
            input=row["prompt"],
            response=row["response"] or "",
            success=bool(row["success"]),
            quality=float(row["quality"]),
            similarity=float(row["similarity"]),
            equal=bool(row["equal"]),
            score=float(row["score"]),
            age_seconds=float(row["age_seconds"]),
            created_at=datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC),
            quality_score=row.get("quality_score"),
            latency_ms=row.get("latency_ms"),
            error=row.get("error"),
            metadata=row.get("metadata") or {},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable("the answer is not one of Reprise's") from error
