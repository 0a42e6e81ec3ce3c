"""What an edit of the configuration changes in a running server, and what of it has to wait for a restart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from proxy.config.models import Settings
from proxy.config.problems import dotted


@dataclass(frozen=True, slots=True)
class Source:
    """Where the settings of the start came from."""

    path: Path
    raw: bytes
    """What the file held."""
    environ: Mapping[str, str]
    settings: Settings
    """What file and environment said, before the command line's changes."""


LIVE: Final = (
    ("model_list",),
    ("auth", "keys"),
    ("cache", "enabled"),
    ("cache", "writes_per_minute"),
    ("cache", "policies"),
    ("cache", "routes"),
    ("cache", "experiments"),
    ("memory", "interactions"),
    ("memory", "sources"),
    ("memory", "retrieval"),
    ("memory", "context"),
    ("notifications",),
    ("stats",),
    ("logging", "level"),
)
"""What takes effect while the server runs, with all that lies below it. Anything else needs a restart."""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edited file beside what runs."""

    settings: Settings
    """What runs once the edit is applied: the new values of what can change, the old ones of all else."""
    changed: tuple[str, ...]
    """What takes effect, by dotted names out of ``LIVE``."""
    waiting: tuple[str, ...]
    """Settings that differ from those of the start and need a restart, by their dotted paths."""


def compare(running: Settings, started: Settings, edited: Settings) -> Edit:
    """An edit of the file, beside what runs.

    Args:
        running: what is in force, with what the command line said of the server.
        started: what the file and the environment said at the start.
        edited: what they say now.
    """
    changed = [path for path in LIVE if _at(running, path) != _at(edited, path)]
    settings = running
    for path in changed:
        settings = _with(settings, path, _at(edited, path))
    waiting = [path for path in _differing(started, edited) if not any(path[: len(live)] == live for live in LIVE)]
    return Edit(settings, tuple(map(dotted, changed)), tuple(map(dotted, waiting)))


def _at(section: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        section = getattr(section, name)
    return section


def _with(section: Any, path: tuple[str, ...], value: Any) -> Any:
    """The section with another value at the path."""
    name, *rest = path
    inner = _with(getattr(section, name), tuple(rest), value) if rest else value
    return section.model_copy(update={name: inner})


def _differing(one: BaseModel, other: BaseModel, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the values, no sections among them, in which the two differ."""
    for name in type(one).model_fields:
        before, after = getattr(one, name), getattr(other, name)
        if isinstance(before, BaseModel) and isinstance(after, BaseModel):
            yield from _differing(before, after, (*path, name))
        elif before != after:
            yield (*path, name)
