"""What the turns of one session say about the answers before them. Pure.

Turns are tied to answers as ``memory.echo.earlier`` does it: by the history that a call sends along or, without one, by
a session that somebody named. A program that sends the very same call again repeats nothing, and neither does a person
who asks what somebody else asked in a session that nobody named.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from memory.echo.earlier import DERIVED, shown_answer

Said = Literal["corrected", "repeated"]
Reacts = Callable[[str, str], Said | None]
"""What a user who had asked the first, and got an answer, says about it by the second."""
Row = Mapping[str, Any]

_LEAST: Final = 3
"""Words of a question that may be asked again much later: of shorter ones "and in French?" is another question."""


def reactions(rows: Sequence[Row], reacts: Reacts) -> Iterator[Said]:
    """What each turn says, where it says something.

    Args:
        rows: of one session, oldest first: ``id``, ``session_id``, ``prompt``, ``request`` and ``response``.
    """
    answered: dict[str, str] = {}
    asked: dict[str, str] = {}
    sent: set[str] = set()
    before: Row | None = None
    for row in rows:
        request = row["request"] or row["id"]
        if request not in sent:
            said = _said(row, before, answered, asked, reacts)
            if said is not None:
                yield said
        sent.add(request)
        answered[(row["response"] or "").strip()] = row["prompt"]
        asked.setdefault(_folded(row["prompt"]), row["prompt"])
        before = row


def _said(
    row: Row, before: Row | None, answered: Mapping[str, str], asked: Mapping[str, str], reacts: Reacts
) -> Said | None:
    prompt: str = row["prompt"]
    shown = shown_answer(row["request"])
    if shown is None:
        last = None if before is None or row["session_id"].startswith(DERIVED) else before["prompt"]
    else:
        last = answered.get(shown) if shown else None
    if last is None:
        return None
    said = reacts(last, prompt)
    folded = _folded(prompt)
    if said is not None or folded not in asked or folded.count(" ") + 1 < _LEAST:
        return said
    # Asked before, though not in the turn right before.
    own = shown is None or any(_folded(text) == folded for text in _earlier(row["request"]))
    return "repeated" if own and reacts(asked[folded], prompt) == "repeated" else None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _earlier(request: str) -> Iterator[str]:
    """The user's texts in a history, but for the last."""
    messages = [message for message in json.loads(request)["messages"] if isinstance(message, dict)]
    for message in messages[:-1]:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        if message.get("role") == "user":
            yield "\n".join(str(part.get("text") or "") for part in parts if isinstance(part, dict))
