"""What a model replied: its text, where it was said to its end, and the JSON in it, whatever stands around that. Pure.

A reply that is cut off, refused or empty is a failure; it never stands for "nothing".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

MOST_TEXT: Final = 4_000_000
"""Characters of a reply; a longer one is a failure."""

_FINISHED: Final = frozenset("stop stop_sequence end_turn eos eos_token completed".split())
_THOUGHT = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_FENCE = re.compile(r"```[ \t]*(?:json|JSON)?[ \t]*\n(.*?)```", re.DOTALL)
_OPENING = re.compile(r"\{")
_MOST_OPENINGS: Final = 64
"""Places in prose where JSON is looked for."""

Number = Callable[[str], Any]


class ReplyError(ValueError):
    """A reply is none: it was cut off, refused, or holds no such JSON."""


class Doubled(dict[str, Any]):
    """An object that names a key twice."""

    doubled: frozenset[str] = frozenset()


def nothing(_: str) -> None:
    """What a number says where numbers say nothing; some cannot be read."""


def text_of(answer: Mapping[str, Any]) -> str:
    """A chat completion's text, where it was said to its end. Raises ``ReplyError``."""
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise ReplyError("no message")
    if message.get("refusal"):
        raise ReplyError("refused")
    if str(choice.get("finish_reason")).lower() not in _FINISHED:
        raise ReplyError("not finished")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    if not isinstance(content, str) or not content.strip():
        raise ReplyError("empty")
    if len(content) > MOST_TEXT:
        raise ReplyError("too long")
    return _THOUGHT.sub("", content, count=1).strip()


def found_in(text: str, wanted: Callable[[Any], bool], number: Number = nothing) -> Iterator[Any]:
    """The JSON objects and arrays in a reply: the whole of it, else those in fences, else those in prose.

    Each kind the last first: a model that thinks aloud concludes at the end.

    Args:
        wanted: which of those in prose count; an object stands within others there.
        number: what a number is read as.
    """
    whole = _parsed(text, number)
    if whole is not None:
        yield whole
        return
    fenced = [_parsed(fence, number) for fence in _FENCE.findall(text)]
    yield from (found for found in reversed(fenced) if found is not None)
    yield from reversed(_in_prose(text, wanted, number))


def _in_prose(text: str, wanted: Callable[[Any], bool], number: Number) -> list[Any]:
    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=nothing, parse_int=number)
    said: list[Any] = []
    end = 0
    for count, opening in enumerate(_OPENING.finditer(text)):
        if count == _MOST_OPENINGS:
            break
        if opening.start() < end:
            continue
        try:
            found, end = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            continue
        if wanted(found):
            said.append(found)
    return said


def _parsed(text: str, number: Number) -> Any:
    """A JSON object or array; None for anything else."""
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=nothing, parse_int=number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) == len(keys):
        return dict(pairs)
    found = Doubled(pairs)
    found.doubled = frozenset(key for key in keys if keys.count(key) > 1) if len(keys) < 100 else frozenset(keys)
    return found
