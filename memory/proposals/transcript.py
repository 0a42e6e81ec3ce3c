"""What a model is shown of a session: its steps without secrets and personal data, within bounds. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final, Protocol

from memory.memories.memory import content_key
from memory.sessions.session import Session, Step

FIRST_STEPS: Final = 10
LAST_STEPS: Final = 30
"""Of a longer session so many steps of its beginning and of its end are shown."""
MOST_CHARS: Final = 24_000
"""Characters of all texts shown, about."""
_LIMITS: Final = (1600, 800, 400, 200)
"""Characters of one text at most; of several limits the first that keeps the whole within bounds."""
_GAP: Final = " [...] "


class RedactsTogether(Protocol):
    """Takes secrets and personal data out of texts of one conversation: ``memory.redaction.Redactor``."""

    def of_one(self, texts: Sequence[str]) -> list[str]:
        """Each text without what was found in any of them."""
        ...


def transcript(session: Session, redactor: RedactsTogether) -> dict[str, Any]:
    """A session as a model is shown it: redacted as one conversation first, then cut to size."""
    shown = list(session.steps)
    left_out = max(0, len(shown) - FIRST_STEPS - LAST_STEPS)
    if left_out:
        shown = [*shown[:FIRST_STEPS], *shown[-LAST_STEPS:]]
    told = {
        "problem": session.problem_summary,
        "domain": session.problem_domain,
        "resolution": session.resolution_summary,
        "steps": [_step(step) for step in shown],
    }
    # Before anything is cut: what tells that a word is a secret may stand in what goes.
    safe = _reworded(told, redactor)
    cut: dict[str, Any] = safe
    for limit in _LIMITS:
        cut = _cut(safe, limit)
        if len(json.dumps(cut, ensure_ascii=False)) <= MOST_CHARS:
            break
    if left_out:
        cut["left_out"] = left_out
    return cut


def fingerprint(session: Session) -> str:
    """What two sessions share in which the same was said in the same order."""
    said = [
        [
            content_key(text or "")
            for text in (step.asked, step.said, step.option_selected, step.free_text, step.action_result)
        ]
        for step in session.steps
    ]
    return hashlib.sha256(json.dumps([content_key(session.problem_summary), said]).encode()).hexdigest()


def _step(step: Step) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": step.step_type, "user": step.asked, "assistant": step.said}
    further = {
        "options": [option.label for option in step.options],
        "picked": step.option_selected,
        "own_words": step.free_text,
        "result": step.action_result,
    }
    return told | {name: value for name, value in further.items() if value}


def _reworded(value: Any, redactor: RedactsTogether) -> Any:
    texts: list[str] = []
    _gather(value, texts)
    return _filled(value, iter(redactor.of_one(texts)))


def _gather(value: Any, into: list[str]) -> None:
    if isinstance(value, str):
        into.append(value)
    elif isinstance(value, dict):
        for one in value.values():
            _gather(one, into)
    elif isinstance(value, list):
        for one in value:
            _gather(one, into)


def _filled(value: Any, texts: Any) -> Any:
    """The value with its texts replaced, in the order in which they were gathered."""
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {key: _filled(one, texts) for key, one in value.items()}
    return [_filled(one, texts) for one in value] if isinstance(value, list) else value


def _cut(value: Any, limit: int) -> Any:
    if isinstance(value, str):
        return _shortened(value, limit)
    if isinstance(value, dict):
        return {key: _cut(one, limit) for key, one in value.items()}
    return [_cut(one, limit) for one in value] if isinstance(value, list) else value


def _shortened(text: str, limit: int) -> str:
    """Both ends of a long text: what is asked stands at the one, what follows from it at the other."""
    if len(text) <= limit:
        return text
    first = (limit - len(_GAP)) * 2 // 3
    return text[:first].rstrip() + _GAP + text[-(limit - len(_GAP) - first) :].lstrip()
