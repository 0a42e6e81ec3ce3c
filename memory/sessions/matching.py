"""What a match at the start of a session means for it. Pure."""

from __future__ import annotations

from typing import Any, Final, Protocol

from memory.sessions.rules import Rules

COMPARED_AT: Final = 0.5
"""Match score from which the best flow is kept, though it is not even suggested: an analysis compares with it."""


class Found(Protocol):
    """The best flow for a problem."""

    @property
    def flow_id(self) -> str:
        """The flow."""
        ...

    @property
    def version(self) -> int:
        """Its newest version."""
        ...

    @property
    def score(self) -> float:
        """In [0, 1]."""
        ...


def matched(found: Found | None, rules: Rules) -> dict[str, Any]:
    """The columns of a session whose problem has this best flow. The score is kept whatever comes of it."""
    nothing = {"match_state": "none", "match_score": None, "matched_flow": None, "matched_version": None}
    if found is None:
        return {**nothing, "suggested_flow": None}
    if found.score >= rules.attach_at:
        attached = {"match_state": "attached", "matched_flow": found.flow_id, "matched_version": found.version}
        return {**attached, "match_score": found.score, "suggested_flow": None}
    state = "suggested" if found.score >= rules.suggest_at else "none"
    kept = found.flow_id if found.score >= min(COMPARED_AT, rules.suggest_at) else None
    return {**nothing, "match_state": state, "match_score": found.score, "suggested_flow": kept}
