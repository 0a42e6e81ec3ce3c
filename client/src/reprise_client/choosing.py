"""Which earlier run may stand for a new one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from reprise_client.alike import same_details
from reprise_client.runs import PastRun

Valid = Callable[[PastRun], bool]
Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Terms:
    """What an earlier run must be to be served again."""

    threshold: float = 0.95
    """Least similarity of the inputs; 1.0 takes equal ones alone."""
    max_age_hours: float = 24.0
    min_quality: float = 0.7
    same: Same | None = same_details
    """Says of a similar input, beside the embedder, whether it may share a result; None leaves it to the embedder."""
    valid: Valid | None = None
    """Has the last word: is this run's output still right?"""

    def __post_init__(self) -> None:
        for name in ("threshold", "min_quality"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must be from 0 to 1")
        if not self.max_age_hours > 0:
            raise ValueError("max_age_hours must be above 0")


def fitting(text: str, found: Iterable[PastRun], terms: Terms) -> list[PastRun]:
    """The runs that meet the terms, all but ``valid``: those with an equal input first, then best first."""
    fit = [run for run in found if _fits(text, run, terms)]
    return sorted(fit, key=lambda run: not run.equal)


def _fits(text: str, run: PastRun, terms: Terms) -> bool:
    if not run.success or run.quality < terms.min_quality or run.age_seconds > terms.max_age_hours * 3600:
        return False
    if not run.is_cacheable:
        return False
    if run.equal:
        return run.input == text
    similar = run.similarity >= terms.threshold and terms.threshold < 1.0
    return similar and (terms.same is None or terms.same(text, run.input))
