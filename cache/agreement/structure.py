"""Answers that are data or code: JSON, tool calls, programs. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from cache.agreement import code
from cache.agreement.reading import Said, canonical, normal

Told = bool | None
ASSURANCE: Final = frozenset({"confidence", "score", "probability", "certainty"})
"""Keys under which a model states how sure it is: a share that differs from call to call."""
SHORT_VALUE: Final = 3
"""A JSON string of at most this many words is a value, a longer one is prose."""


def same_json(a: Any, b: Any, prose: Callable[[str, str], Told]) -> Told:
    """Do two JSON values say the same? Keys have no order; a list's order may mean something.

    ``prose`` compares strings that are longer than a value. None where keys or the order of a list differ.
    """
    if isinstance(a, dict) and isinstance(b, dict):
        shared = [_same_field(key, a[key], b[key], prose) for key in a.keys() & b.keys()]
        return _all(shared if a.keys() == b.keys() else [*shared, None])
    if isinstance(a, list) and isinstance(b, list):
        if len(a) == len(b):
            told = _all([same_json(one, two, prose) for one, two in zip(a, b, strict=True)])
            if told is not False:
                return told
        reordered = sorted(map(canonical, a)) == sorted(map(canonical, b))
        return None if reordered else False
    if _is_number(a) and _is_number(b):
        return math.isclose(a, b, rel_tol=1e-9)
    if isinstance(a, str) and isinstance(b, str):
        return _same_string(a, b, prose)
    return canonical(a) == canonical(b)


def same_code(a: Said, b: Said) -> Told:
    """Does the code in two answers do the same? None where there is none, or it is written in another way."""
    if not a.blocks and not b.blocks and not (_is_all_code(a) and _is_all_code(b)):
        return None
    left, right = _outlines(a), _outlines(b)
    if not left or not right:
        return None
    return True if left == right else None


def has_program(said: Said) -> bool:
    """Does it hold code of more than a line in a fence?"""
    return any("\n" in block.strip() for _, block in said.blocks)


def literals(said: Said) -> set[str]:
    """The words of code and commands that an answer names."""
    lines = [line for _, block in said.blocks for line in block.splitlines()] + said.spans
    return {word.strip("\"'") for line in lines for word in line.split()}


def _same_field(key: str, a: Any, b: Any, prose: Callable[[str, str], Told]) -> Told:
    if key.lower() in ASSURANCE and _is_number(a) and _is_number(b) and 0 <= a <= 1 and 0 <= b <= 1:
        return True
    return same_json(a, b, prose)


def _same_string(a: str, b: str, prose: Callable[[str, str], Told]) -> Told:
    if normal(a) == normal(b):
        return True
    return prose(a, b) if min(len(a.split()), len(b.split())) > SHORT_VALUE else False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all(told: list[Told]) -> Told:
    return False if False in told else None if None in told else True


def _is_all_code(said: Said) -> bool:
    return len(said.spans) == 1 and said.text.strip() == f"`{said.spans[0]}`"


def _outlines(said: Said) -> list[str]:
    blocks = said.blocks or [("", span) for span in said.spans]
    return [code.outline(block, language) for language, block in blocks if block.strip()]
