"""What one logged interaction says by itself: the words of this turn, and where in a conversation it stands. Pure.

A chat client sends its whole history again, so a turn is what follows the assistant's last message. The history is kept
as a path: for each turn a digest of all that the user's side had said up to it, and one of the answer to it. Two paths
that begin alike are of one conversation as far as they do; nothing else tells people apart who open alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

DERIVED: Final = "ses_"
"""How session ids begin that nobody named (``memory.sessions.identity``)."""
MOST_PATH: Final = 16
"""Turns of a path that are kept, the latest."""

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.IGNORECASE | re.DOTALL)
_CHECKS = frozenset(
    "check checks verify verifies test tests ping validate assert health healthcheck status diagnose".split()
)


@dataclass(frozen=True, slots=True)
class Place:
    """A turn of a path."""

    turn: str
    """Digest of what the user's side said, from the conversation's beginning up to this turn."""
    answer: str
    """Digest of the answer to it, as shown or as given."""


@dataclass(frozen=True, slots=True)
class Turn:
    """An interaction as a turn."""

    kind: str
    """``llm``, ``command_check``, or another type of tool run."""
    path: tuple[Place, ...]
    """Ends with this turn and its own answer."""
    opens: bool
    """Does no answer go before it in what was sent?"""
    asked: str
    said: str
    results: tuple[str, ...] = ()
    """What tools gave back in this turn."""
    called: tuple[str, ...] = ()
    """Names of the tools that the answer calls."""
    called_before: tuple[str, ...] = ()
    """Names of the tools that the turn before this one called."""
    opening: str = ""
    """The first words of the user in what was sent."""
    success: bool = True
    error: str | None = None
    messages: int = field(default=0, compare=False)


def read_turn(record: Mapping[str, Any]) -> Turn:
    """The turn of a record as ``Interactions.get`` gives it. Never raises for what a record may hold."""
    kind = str(record.get("interaction_type") or "llm")
    prompt, said = str(record.get("prompt") or ""), str(record.get("response") or record.get("response_summary") or "")
    messages = _messages(record.get("request")) if kind == "llm" else []
    if not messages:
        return _lone(kind, prompt, said, record)
    called = _called_in(said)
    turns = list(_turns(messages))
    path: list[Place] = []
    before = ""
    for turn in turns:
        before = _digest(before, *turn.texts)
        path.append(Place(before, _digest(turn.answer)[:8] if turn.answer is not None else ""))
    own = turns[-1]
    # A request that ends with an assistant's message asks for it to be continued.
    given = Place(path[-1].turn, _digest(_answer_of(said))[:8])
    return Turn(
        kind=kind,
        path=(*path[:-1], given)[-MOST_PATH:],
        opens=len(turns) == 1,
        asked="\n".join(own.said),
        said=_told(said, called),
        results=tuple(own.results),
        called=tuple(name for name, _ in called),
        called_before=tuple(turns[-2].called) if len(turns) > 1 else (),
        opening=next((text for turn in turns for text in turn.said if text.strip()), ""),
        messages=len(messages),
    )


def is_check(name: str) -> bool:
    """Does a tool of this name look at something rather than do something?"""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").lower().split()
    return bool(words) and (words[0] in _CHECKS or words[-1] in _CHECKS)


@dataclass(slots=True)
class _Said:
    """What the user's side said between two answers."""

    said: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    answer: str | None = None
    called: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [*self.said, *self.results]


def _lone(kind: str, prompt: str, said: str, record: Mapping[str, Any]) -> Turn:
    """A turn without a history: of a tool, or of a client that sends none."""
    called = _called_in(said) if kind == "llm" else []
    # With nothing else to tell them apart, only the same words with the same answer are the same turn.
    place = Place(_digest("", prompt, said), _digest(_answer_of(said))[:8])
    name = record.get("tool_name") or record.get("tool_id")
    return Turn(
        kind=kind,
        path=(place,),
        opens=True,
        asked=prompt,
        said=_told(said, called),
        called=tuple(one for one, _ in called) if kind == "llm" else ((str(name),) if name else ()),
        opening=prompt if kind == "llm" else "",
        success=bool(record.get("success", True)),
        error=record.get("error"),
    )


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[_Said]:
    """The turns of a history, the last one being new; instructions belong to none."""
    current = _Said()
    for message in messages:
        role = message.get("role")
        if role in ("system", "developer"):
            continue
        text = _text(message.get("content"))
        if role == "assistant":
            if not current.texts and current.answer is None:
                # A greeting before anybody said anything.
                continue
            calls = _calls_in(message)
            current.answer = "\n".join(filter(None, (current.answer, text or _as_called(calls))))
            current.called += [name for name, _ in calls]
            continue
        if current.answer is not None:
            yield current
            current = _Said()
        (current.results if role in ("tool", "function") else current.said).append(text)
    yield current


def _messages(request: Any) -> list[Mapping[str, Any]]:
    try:
        body = json.loads(request) if isinstance(request, str) and request else {}
    except (ValueError, RecursionError):
        return []
    listed = body.get("messages") if isinstance(body, dict) else None
    return [message for message in listed if isinstance(message, Mapping)] if isinstance(listed, list) else []


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def _called_in(said: str) -> list[tuple[str, str]]:
    """The tool calls of an answer that was logged as JSON, having no text."""
    if not said.startswith("{"):
        return []
    try:
        message = json.loads(said)
    except (ValueError, RecursionError):
        return []
    return _calls_in(message) if isinstance(message, dict) and message.get("role", "assistant") == "assistant" else []


def _calls_in(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, arguments) of each tool that a message calls."""
    calls = message.get("tool_calls")
    listed = [call.get("function") for call in calls if isinstance(call, Mapping)] if isinstance(calls, list) else []
    listed.append(message.get("function_call"))
    functions = [one for one in listed if isinstance(one, Mapping)]
    return [(str(one.get("name") or ""), str(one.get("arguments") or "")) for one in functions]


def _as_called(calls: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"{name}({arguments})" for name, arguments in calls)


def _told(said: str, called: Sequence[tuple[str, str]]) -> str:
    return _as_called(called) if called else _THOUGHT.sub("", said).strip()


def _answer_of(said: str) -> str:
    return _as_called(_called_in(said)) or said


def _digest(*texts: str) -> str:
    """Stands for texts; spacing, and what a model thought aloud, which clients take out, make no difference."""
    joined = "\0".join(" ".join(_THOUGHT.sub("", text).split()) for text in texts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:16]
