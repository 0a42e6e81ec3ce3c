"""What can be wrong with a configuration, and where.

ConfigError         everything that is wrong, at once
└─ .problems        list of Problem: place, key, message
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]
"""Where a value is in the configuration: ("auth", "keys", 0, "role")."""


@dataclass(frozen=True, slots=True)
class Place:
    """A source of values (a file, or an environment variable) and, in a file, the line and column, counted from 1."""

    file: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: `key` is the dotted path, empty for the whole file; `message` never holds a value."""

    file: str
    line: int | None
    column: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says all that is wrong, in the order of its lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=_by_line)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Findings:
    """Where every value came from, and what was found wrong so far."""

    source: Place
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place_of(self, path: KeyPath) -> Place:
        """The place of the value, or of the nearest section around it that has one."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.source)

    def add(self, path: KeyPath, message: str, place: Place | None = None) -> None:
        """Note that the value at `path` is wrong."""
        place = place or self.place_of(path)
        self.problems.append(Problem(place.file, place.line, place.column, dotted(path), message))

    def replace(self, path: KeyPath, place: Place) -> None:
        """The value at `path`, and all below it, now comes from `place`."""
        self.places = {known: at for known, at in self.places.items() if known[: len(path)] != path}
        self.places[path] = place


def child_of(data: Any, key: str) -> Any:
    """What lies under the key in values as written; None where there is nothing, or no mapping."""
    return data.get(key) if isinstance(data, dict) else None


def dotted(path: KeyPath) -> str:
    """`auth.keys.0.role`."""
    return ".".join(map(str, path))


def _by_line(problem: Problem) -> tuple[bool, int, int, str, str]:
    return (problem.line is None, problem.line or 0, problem.column or 0, problem.file, problem.key)
