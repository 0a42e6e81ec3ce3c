"""What an interaction alone tells of its step: read once, and stored, as all else follows from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from memory.memories.memory import INVISIBLE
from memory.sessions import kinds
from memory.sessions.session import Option, StepType, names_in, options_in
from memory.sessions.signals import hands_over
from memory.sessions.turns import DERIVED, Place, Turn, read_turn
from memory.sessions.wording import shortened, summary

MOST_TEXT: Final = 4000
"""Characters of what was asked and said that a step keeps; of a longer text the beginning and the end."""
MOST_READ: Final = 40_000
"""Characters of a longer text that are looked at for what is to be taken out of it."""
OPENING_CHARS: Final = 600
RESULT_CHARS: Final = 600
NAME_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """A step as its interaction alone tells it. Its texts are redacted."""

    interaction_id: str
    namespace: str
    root: str
    """The session id of the interaction."""
    at: str
    kind: str
    path: tuple[Place, ...]
    opens: bool
    asked: str
    said: str
    options: tuple[Option, ...]
    step_type: StepType
    project: str = ""
    client: str = ""
    opening: str = ""
    result: str = ""
    """What tools gave back in this turn, or what the tool itself gave."""
    called_before: tuple[str, ...] = ()
    yes_or_no: bool = False
    """Does the answer end with a question that takes a yes or a no?"""
    checks: str = ""
    """``success`` where it asks whether things work now, ``trouble`` where a yes would mean that they do not, ``more``
    where it asks whether anything else is wanted."""
    hands_over: bool = False

    @property
    def turn(self) -> str:
        """Digest of the conversation up to this turn."""
        return self.path[-1].turn

    @property
    def answer(self) -> str:
        """Digest of the answer."""
        return self.path[-1].answer

    @property
    def shown(self) -> Place | None:
        """The turn before, as the history showed it; None without one."""
        return self.path[-2] if len(self.path) > 1 else None

    @property
    def derived(self) -> bool:
        """Did nobody name its session?"""
        return self.root.startswith(DERIVED)

    @property
    def is_talk(self) -> bool:
        """Is it a turn of a conversation, and not a tool's run that was posted?"""
        return self.kind == "llm"


def read(record: Mapping[str, Any], redact: Callable[[str], str]) -> Reading:
    """The reading of a record as ``Interactions.get`` gives it."""
    turn = read_turn(record)
    said = _safe(turn.said or turn.error or "", redact)
    safe = Turn(turn.kind, turn.path, turn.opens, _safe(turn.asked, redact), said, called=turn.called)
    options = kinds.options_of(safe)
    question = kinds.question_in(said, anywhere=bool(options)) if turn.kind == "llm" and not turn.called else None
    result = said if turn.kind != "llm" else _safe("\n".join(turn.results), redact)
    return Reading(
        interaction_id=record["id"],
        namespace=record["namespace"],
        root=record["session_id"],
        at=record["created_at"],
        kind=turn.kind,
        path=turn.path,
        opens=turn.opens,
        asked=shortened(safe.asked, MOST_TEXT),
        said=shortened(said, MOST_TEXT),
        options=options,
        step_type=kinds.kind_of(safe, options),
        project=record.get("project") or "",
        client=record.get("client") or "",
        opening="" if turn.opens else summary(_safe(turn.opening, redact), OPENING_CHARS),
        result=_result(result, turn),
        called_before=turn.called_before,
        yes_or_no=question is not None and kinds.asks_yes_or_no(question),
        checks=_checks(question),
        hands_over=turn.kind == "llm" and hands_over(said),
    )


def as_row(reading: Reading) -> dict[str, Any]:
    """The columns that a reading fills."""
    more = {
        "kind": reading.kind,
        "type": reading.step_type,
        "path": " ".join(f"{place.turn}:{place.answer}" for place in reading.path),
        "opens": reading.opens,
        "project": reading.project,
        "client": reading.client,
        "opening": reading.opening,
        "result": reading.result,
        "called": list(reading.called_before),
        "yes_or_no": reading.yes_or_no,
        "checks": reading.checks,
        "hands_over": reading.hands_over,
    }
    return {
        "interaction_id": reading.interaction_id,
        "namespace": reading.namespace,
        "session_id": reading.root,
        "root": reading.root,
        "at": reading.at,
        "step_type": reading.step_type,
        "options": dump_options(reading.options),
        "asked": reading.asked,
        "said": reading.said,
        "reading": json.dumps({name: value for name, value in more.items() if value}, ensure_ascii=False),
    }


def from_row(row: Mapping[str, Any]) -> Reading:
    """The reading of a row of ``session_steps``; what is damaged reads as empty."""
    try:
        more = json.loads(row["reading"] or "{}")
    except ValueError:
        more = {}
    path = tuple(Place(*pair.partition(":")[::2]) for pair in str(more.get("path") or row["interaction_id"]).split())
    return Reading(
        interaction_id=row["interaction_id"],
        namespace=row["namespace"],
        root=row["root"],
        at=row["at"],
        kind=more.get("kind", "llm"),
        path=path,
        opens=bool(more.get("opens")),
        asked=row["asked"],
        said=row["said"],
        options=options_in(row["options"]),
        step_type=more.get("type", row["step_type"]),
        project=more.get("project", ""),
        client=more.get("client", ""),
        opening=more.get("opening", ""),
        result=more.get("result", ""),
        called_before=names_in(json.dumps(more.get("called", []))),
        yes_or_no=bool(more.get("yes_or_no")),
        checks=more.get("checks", ""),
        hands_over=bool(more.get("hands_over")),
    )


def dump_options(options: tuple[Option, ...]) -> str | None:
    """Options as the column keeps them."""
    listed = [{"id": option.id, "label": option.label} for option in options]
    return json.dumps(listed, ensure_ascii=False) if listed else None


def _safe(text: str, redact: Callable[[str], str]) -> str:
    """Text as it may be kept: what is secret or personal is taken out before anything is cut."""
    # PostgreSQL keeps no NUL.
    seen = INVISIBLE.sub("", text).replace("\0", " ").strip() if text else ""
    return redact(shortened(seen, MOST_READ)) if seen else ""


def _result(result: str, turn: Turn) -> str:
    verdict = "" if turn.kind == "llm" or turn.success else "failed: "
    return summary(verdict + result, RESULT_CHARS) if result or verdict else ""


def _checks(question: str | None) -> str:
    if question is not None and kinds.asks_for_more(question):
        return "more"
    if question is None or not kinds.checks_success(question):
        return ""
    return "trouble" if kinds.checks_trouble(question) else "success"
