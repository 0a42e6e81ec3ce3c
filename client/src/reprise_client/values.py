"""What of Python is JSON, to the letter: what comes back from Reprise must be what went in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any


class NotJson(ValueError):
    """A value that JSON cannot hold, or not so that it comes back the same."""


def canonical(value: Any) -> str:
    """A value as text that is the same for equal values: keys sorted, no spaces. Paths count as texts, tuples as lists.

    Raises ``NotJson``.
    """
    try:
        return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except RecursionError as error:
        raise NotJson("a value is nested too deeply") from error


def faithful(value: Any) -> str:
    """A value as JSON that reads back as the same value, of the same types all through. Raises ``NotJson``."""
    try:
        _check(value)
    except RecursionError as error:
        raise NotJson("a value is nested too deeply") from error
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def described(value: Any) -> str:
    """Some text for the log, of a value that JSON cannot hold: what it holds of it, and the types of the rest."""
    try:
        return json.dumps(value, ensure_ascii=False, default=lambda one: f"<{type(one).__name__}>", skipkeys=True)
    except (ValueError, TypeError, RecursionError):
        return f"<{type(value).__name__}>"


def key_of(arguments: Mapping[str, Any], version: str | None = None) -> str:
    """What names a call of a tool: its arguments by name. A single text stands for itself.

    Raises ``NotJson``.
    """
    if version is None and len(arguments) == 1:
        (only,) = arguments.values()
        # What begins with a brace might be mistaken for arguments by name.
        if type(only) is str and only.strip() and not only.lstrip().startswith("{"):
            _check(only)
            return only
    named = {"arguments": dict(arguments)} | ({"version": version} if version is not None else {})
    return canonical(named if version is not None else dict(arguments))


def _plain(value: Any) -> Any:
    if isinstance(value, PurePath):
        value = str(value)
    if type(value) in (list, tuple):
        return [_plain(item) for item in value]
    if type(value) is dict:
        if not all(type(name) is str for name in value):
            raise NotJson("a dict has keys that are no texts")
        return {_checked_text(name): _plain(item) for name, item in value.items()}
    _check(value)
    return value


def _check(value: Any) -> None:
    # Exact types: a subclass would come back as what it is derived from.
    kind = type(value)
    if kind is str:
        _checked_text(value)
    elif kind is float:
        if not math.isfinite(value):
            raise NotJson("a number is not finite")
    elif kind is list:
        for item in value:
            _check(item)
    elif kind is dict:
        for name, item in value.items():
            if type(name) is not str:
                raise NotJson("a dict has keys that are no texts")
            _checked_text(name)
            _check(item)
    elif value is not None and kind not in (bool, int):
        raise NotJson(f"a {kind.__name__} is not JSON")


def _checked_text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotJson("a text holds half a surrogate pair") from error
    return text
