"""Counts hits and wrong hits of a replayed stream. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.decisions.data import Request
from cache.policy import Tier

FORBIDDEN = frozenset({"action", "never", "personal"})
"""Shares of rows that no cache should answer: a hit there is wrong whatever was served."""

Outcome = Tier | Literal["miss", "bypass"]


@dataclass(slots=True)
class Tally:
    """Counts over the requests of one replay."""

    requests: int = 0
    bypassed: int = 0
    exact: int = 0
    semantic: int = 0
    wrong_exact: int = 0
    wrong_semantic: int = 0
    forbidden: int = 0
    """Hits on rows that no cache should answer; among the wrong ones."""

    def add(self, request: Request, outcome: Outcome, served: str | None) -> bool:
        """Count one request; ``served`` is the answer_id of what was served. Gives whether that was wrong."""
        self.requests += 1
        self.bypassed += outcome == "bypass"
        if outcome not in ("exact", "semantic"):
            return False
        wrong = request.share in FORBIDDEN or served != request.answer_id
        self.forbidden += request.share in FORBIDDEN
        if outcome == "exact":
            self.exact += 1
            self.wrong_exact += wrong
        else:
            self.semantic += 1
            self.wrong_semantic += wrong
        return wrong

    @property
    def hits(self) -> int:
        """Hits of both tiers."""
        return self.exact + self.semantic

    @property
    def wrong(self) -> int:
        """Wrong hits of both tiers."""
        return self.wrong_exact + self.wrong_semantic

    @property
    def hit_rate(self) -> float:
        """Hits per request."""
        return self.hits / self.requests if self.requests else 0.0

    @property
    def wrong_per_hit(self) -> float:
        """Wrong hits per hit, 0 where there is none."""
        return self.wrong / self.hits if self.hits else 0.0

    @property
    def wrong_per_request(self) -> float:
        """Wrong hits per request."""
        return self.wrong / self.requests if self.requests else 0.0

    @property
    def wrong_per_semantic_hit(self) -> float:
        """What an error budget bounds; 0 where there is no semantic hit."""
        return self.wrong_semantic / self.semantic if self.semantic else 0.0

    @property
    def forbidden_per_request(self) -> float:
        """Hits on rows that no cache should answer, per request."""
        return self.forbidden / self.requests if self.requests else 0.0

    @property
    def exact_share(self) -> float:
        """Exact hits per hit."""
        return self.exact / self.hits if self.hits else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Counts and shares, for JSON."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return {**counts, "hit_rate": self.hit_rate, "wrong_per_hit": self.wrong_per_hit}


def ceiling(requests: Sequence[Request]) -> float:
    """The best possible hit rate: a right answer was asked for before, and the row may be answered by a cache."""
    seen: set[str] = set()
    possible = 0
    for request in requests:
        possible += request.answer_id in seen and request.share not in FORBIDDEN
        seen.add(request.answer_id)
    return possible / len(requests) if requests else 0.0
