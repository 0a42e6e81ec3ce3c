"""What a session is: a conversation about one problem, its steps, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

Status = Literal["active", "paused", "resolved", "escalated", "abandoned"]
StepType = Literal["question", "action", "verification", "script", "solution", "other"]
Ending = Literal["resolved", "escalated", "abandoned"]

STATUSES: Final[tuple[Status, ...]] = get_args(Status)
STEP_TYPES: Final[tuple[StepType, ...]] = get_args(StepType)
ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)
OBJECT: Final = "session"
"""What the audit calls a session."""
STEP_OBJECT: Final = "session_step"


@dataclass(frozen=True, slots=True)
class Option:
    """One of several things that an answer offers to choose from."""

    id: str
    """As it stood there, ``2`` or ``b``; its place, from 1, where it bore no mark."""
    label: str


@dataclass(frozen=True, slots=True)
class Step:
    """A row of ``session_steps``: one interaction of a session."""

    interaction_id: str
    at: str
    step_type: str
    skipped: bool
    """Passed over: the same turn was asked again, or the user said so."""
    node_id: str | None
    """The node of the attached flow that it stands at."""
    options: tuple[Option, ...]
    option_selected: str | None
    """Label of the option that the next turn picked."""
    free_text: str | None
    """The user's own words where options were offered or a question was asked."""
    action_result: str | None
    """What became of it, by the next turn, or by the tool."""
    asked: str
    said: str
    corrected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A row of ``sessions`` with its steps, oldest first. Times are text in UTC, ``YYYY-MM-DD HH:MM:SS``."""

    namespace: str
    id: str
    root: str
    """The session id that its interactions carry."""
    project: str
    client: str | None
    status: str
    started_at: str
    last_at: str
    ended_at: str | None
    ended_by: str | None
    """person, phrase, signal or idle."""
    problem_summary: str
    problem_domain: str | None
    resolution_summary: str | None
    escalation_reason: str | None
    confidence: float
    """That its flow fits, in [0, 1]."""
    match_state: str
    match_score: float | None
    """The best score of any flow at its start, in [0, 1]; None where there was none."""
    matched_flow: str | None
    matched_version: int | None
    suggested_flow: str | None
    analysis: str | None
    outcome: str | None
    proposal_id: str | None
    analysed_at: str | None
    signal: str | None
    corrected: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def has_free_text(self) -> bool:
        """Did the user answer any step in words of their own?"""
        return any(step.free_text for step in self.steps)


_ROW: Final = tuple(name for name in Session.__slots__ if name not in ("corrected", "steps"))


def as_session(row: Mapping[str, Any], steps: tuple[Step, ...] = ()) -> Session:
    """A row, and its steps, as a session."""
    return Session(**{name: row[name] for name in _ROW}, corrected=names_in(row["corrected"]), steps=steps)


def as_step(row: Mapping[str, Any]) -> Step:
    """A row as a step."""
    return Step(
        interaction_id=row["interaction_id"],
        at=row["at"],
        step_type=row["step_type"],
        skipped=bool(row["skipped"]),
        node_id=row["node_id"],
        options=options_in(row["options"]),
        option_selected=row["option_selected"],
        free_text=row["free_text"],
        action_result=row["action_result"],
        asked=row["asked"],
        said=row["said"],
        corrected=names_in(row["corrected"]),
    )


def names_in(column: str | None) -> tuple[str, ...]:
    """A JSON list of names; a damaged one reads as empty."""
    return tuple(name for name in _list_in(column) if isinstance(name, str))


def options_in(column: str | None) -> tuple[Option, ...]:
    """A JSON list of options; a damaged one reads as empty."""
    found = (one for one in _list_in(column) if isinstance(one, dict))
    return tuple(Option(str(one.get("id", "")), str(one.get("label", ""))) for one in found)


def _list_in(column: str | None) -> list[Any]:
    try:
        value = json.loads(column) if column else []
    except ValueError:
        return []
    return value if isinstance(value, list) else []
