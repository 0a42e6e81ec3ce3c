"""What a gap is: a place where flows fall short, what shows it, and what could be done about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from memory.statistics.worth import wilson

Kind = Literal["weak_options", "high_escalation", "uncharted", "repeated_pattern"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

LEAST: Final = 5
"""Sessions, or answers, that a gap shows in at least: one of one is no share."""
SESSIONS_NAMED: Final = 20
EXAMPLES: Final = 3
EXAMPLE_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the 95 % interval of the share behind it."""

    count: int
    of: int

    @property
    def bounds(self) -> tuple[float, float]:
        """Wilson's interval."""
        return wilson(self.count / self.of, self.of) if self.of else (0.0, 1.0)

    def is_above(self, share: float) -> bool:
        """Is the share behind it above this one, with confidence and enough of them to speak of?"""
        return self.of >= LEAST and self.bounds[0] > share

    def as_json(self) -> dict[str, Any]:
        """Count, share, and its interval."""
        low, high = self.bounds
        share = round(self.count / self.of, 4) if self.of else None
        return {"count": self.count, "of": self.of, "share": share, "low": round(low, 4), "high": round(high, 4)}


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap of one namespace."""

    kind: Kind
    namespace: str
    subject: str
    """What tells it from others of its kind, the same from day to day: a node, a domain, the words of a problem."""
    title: str
    problem_domain: str | None
    flow_id: str | None
    evidence: Mapping[str, Any]
    """Counts, ``sessions`` (ids, the newest first, some of them), ``nodes`` and redacted ``examples``."""
    action: str
    """What to do about it."""

    @property
    def id(self) -> str:
        """The same whenever this gap is found."""
        named = f"{self.kind}\n{self.namespace}\n{self.subject}"
        return f"gap_{hashlib.sha256(named.encode()).hexdigest()[:16]}"
