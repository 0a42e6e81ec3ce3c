"""What is new in a logged interaction. Pure.

A call sends the whole conversation again, with the system prompt and, from the proxy, recalled memories. An extractor
that reads those finds its own memories a second time. Here only the last user turn and the answer are left, and of
these only what the prompt did not hold already.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from memory.extraction.restated import Known
from memory.extraction.sentences import MOST_READ, Sentence, sentences
from memory.memories.memory import Role

USER_SHARE: Final = 0.85
"""Share of a user's sentence that, said before in one place, makes it said already."""
ANSWER_SHARE: Final = 0.6
"""The same of an answer's sentence, beside the instructions and the injected text: an answer rewords."""
RECORD_SHARE: Final = 0.85
"""The same of an answer's sentence, beside earlier turns: an answer may be asked to write down what was agreed."""

_DELIMITED = re.compile(
    r"<(?P<tag>(?:[\w-]{0,30}[_-])?(?:memor(?:y|ies)|context|background|system|instructions|recall(?:ed)?|notes"
    r"|knowledge|profile)(?:[_-][\w-]{0,30})?)(?:\s[^<>]{0,200})?>.*?(?:</(?P=tag)\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Fresh:
    """The new part of an interaction; places are those of the logged prompt and response."""

    prompt: str
    response: str
    user: tuple[Sentence, ...]
    answer: tuple[Sentence, ...]
    earlier: tuple[tuple[str, str], ...] = ()
    """(role, text) of the turns before, oldest first: not to be extracted from, but they say what a turn means."""
    standing: Known = field(default_factory=Known, repr=False, compare=False)
    """Instructions and injected text."""
    said: Known = field(default_factory=Known, repr=False, compare=False)
    """Earlier turns."""

    def is_new(self, text: str, role: Role) -> bool:
        """Was this not in the prompt before?"""
        if role == "assistant":
            return not self.standing.holds(text, ANSWER_SHARE) and not self.said.holds(text, RECORD_SHARE, every=True)
        return not self.standing.holds(text, USER_SHARE) and not self.said.holds(text, USER_SHARE)


def fresh(record: Mapping[str, Any]) -> Fresh:
    """The new part of a record as ``Interactions.get`` gives it. Never raises for what a record may hold."""
    prompt, response = str(record.get("prompt") or ""), str(record.get("response") or "")
    request = _request(record.get("request"))
    turns = list(_turns(request))
    earlier, sent_again = _before_last(turns)
    injected = list(_texts(record.get("context_pack")))
    standing = [*_texts(request.get("system")), *_texts(request.get("instructions")), *injected]
    standing += [text for role, text in turns if role in ("system", "developer")]
    said = [text for role, text in reversed(earlier) if role not in ("system", "developer")]
    turns_before = tuple((role, text) for role, text in earlier if role in ("user", "assistant"))
    whole = Fresh(prompt, response, (), (), turns_before, Known(standing), Known(said))
    user = () if sent_again else _new(prompt, "user", whole)
    return dataclasses.replace(whole, user=user, answer=_new(response, "assistant", whole))


def _new(text: str, role: Role, known: Fresh) -> tuple[Sentence, ...]:
    held = [found.span() for found in _DELIMITED.finditer(text[:MOST_READ])]
    return tuple(
        line
        for line in sentences(text)
        if not any(start < line.end and line.start < end for start, end in held) and known.is_new(line.text, role)
    )


def _request(text: Any) -> Mapping[str, Any]:
    try:
        request = json.loads(text) if isinstance(text, str) and text else {}
    except (ValueError, RecursionError):
        return {}
    return request if isinstance(request, dict) else {}


def _turns(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(role, text) of every message that a request holds, chat completions and their kin."""
    messages = request.get("messages") or request.get("input")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, Mapping):
            role = message.get("role") or message.get("type")
            content = message.get("content") if "content" in message else message.get("output")
            yield str(role), "\n".join(_texts(content))


def _before_last(turns: Sequence[tuple[str, str]]) -> tuple[Sequence[tuple[str, str]], bool]:
    """The turns before the last user turn, and whether that one was sent before: results of tools follow it."""
    for at in range(len(turns) - 1, -1, -1):
        if turns[at][0] == "user":
            after = turns[at + 1 :]
            return [*turns[:at], *after], any(role not in ("assistant", "system", "developer") for role, _ in after)
    return turns, False


def _texts(value: Any, depth: int = _DEPTH) -> Iterator[str]:
    """Every text in a message's content or a context pack."""
    if isinstance(value, str):
        yield value
    elif depth and isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part, depth - 1)
    elif depth and isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part, depth - 1)
