"""What projects are called: names, their folding, and the parts of a source that belong to a project. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from memory.memories import fields
from memory.memories.memory import MemoryFault, clean

MOST_ALIASES: Final = 100
MOST_ROOTS: Final = 100
DESCRIPTION_CHARS: Final = 2000
SUBPATH_CHARS: Final = 1000
LABEL_CHARS: Final = 200
MOST_FOLDS: Final = 5
"""Until nothing changes any more: folding may leave what folds again."""

_KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Root:
    """A part of a source whose documents belong to the project."""

    source: str
    """Name of one of ``memory.sources``."""
    subpath: str = ""
    """Below the source, parts joined by ``/``; empty for all of it."""
    label: str = ""

    def covers(self, source: str, path: str) -> bool:
        """Does a document of this source, at this path below it, lie within?"""
        return source == self.source and (
            not self.subpath or path == self.subpath or path.startswith(f"{self.subpath}/")
        )


@dataclass(frozen=True, slots=True)
class Definition:
    """A project as an operator writes it: checked, each alias once."""

    id: str
    aliases: tuple[str, ...] = ()
    description: str = ""
    roots: tuple[Root, ...] = ()

    @property
    def folded(self) -> tuple[str, ...]:
        """What it goes by, as names are compared: the id first."""
        return (folded(self.id), *map(folded, self.aliases))


def folded(name: str) -> str:
    """A name as names are compared: compatibility forms, case, hidden characters and spacing ignored."""
    for _ in range(MOST_FOLDS):
        once = unicodedata.normalize("NFKC", clean(name).casefold())
        if once == name:
            break
        name = once
    return name


def checked(id_: Any, aliases: Any, description: Any, roots: Any, sources: Collection[str]) -> Definition:
    """A definition of what somebody wrote.

    Args:
        roots: each ``{source, subpath, label}``.
        sources: the configured ones, by name.

    Raises:
        MemoryFault: something cannot be; ``field`` names it, such as ``ingest_roots.0.subpath``.
    """
    name = project_id(id_)
    return Definition(name, _aliases(aliases, name), _description(description), _roots(roots, sources))


def project_id(value: Any) -> str:
    """An id in kebab-case. Raises ``MemoryFault``."""
    name = fields.text("project_id", value).strip()
    if not _KEBAB.fullmatch(name) or len(name) > fields.NAME_CHARS:
        raise MemoryFault(
            "project_id",
            f"project_id must be kebab-case (a-z, 0-9, single dashes between), at most {fields.NAME_CHARS} characters",
        )
    return name


def _aliases(value: Any, id_: str) -> tuple[str, ...]:
    found = {folded(id_): ""}
    for given in _list("aliases", value, MOST_ALIASES):
        name = clean(fields.text("aliases", given))
        if not name or len(name) > fields.NAME_CHARS:
            raise MemoryFault("aliases", f"an alias has 1 to {fields.NAME_CHARS} characters")
        found.setdefault(folded(name), name)
    return tuple(name for name in found.values() if name)


def _description(value: Any) -> str:
    text = clean(fields.text("description", "" if value is None else value))
    if len(text) > DESCRIPTION_CHARS:
        raise MemoryFault("description", f"description has more than {DESCRIPTION_CHARS} characters")
    return text


def _roots(value: Any, sources: Collection[str]) -> tuple[Root, ...]:
    given = enumerate(_list("ingest_roots", value, MOST_ROOTS))
    found = {
        (root.source, root.subpath): root for root in (_root(f"ingest_roots.{at}", one, sources) for at, one in given)
    }
    return tuple(found.values())


def _root(field: str, value: Any, sources: Collection[str]) -> Root:
    if not isinstance(value, Mapping):
        raise MemoryFault(field, f"{field} must be an object with source, subpath and label")
    source = fields.text(f"{field}.source", value.get("source"))
    if source not in sources:
        raise MemoryFault(f"{field}.source", f"{source!r} is none of memory.sources")
    label = clean(fields.text(f"{field}.label", value.get("label") or ""))
    if len(label) > LABEL_CHARS:
        raise MemoryFault(f"{field}.label", f"label has more than {LABEL_CHARS} characters")
    return Root(source, subpath(value.get("subpath") or "", f"{field}.subpath"), label)


def subpath(value: Any, field: str = "subpath") -> str:
    """A path below a source, without ``.`` and doubled slashes.

    Raises:
        MemoryFault: it is absolute, climbs out with ``..``, or cannot be a path of any system.
    """
    given = fields.text(field, value)
    if len(given) > SUBPATH_CHARS or "\0" in given:
        raise MemoryFault(field, f"{field} must be a path of at most {SUBPATH_CHARS} characters")
    if given.startswith(("/", "\\", "~")) or _DRIVE.match(given):
        raise MemoryFault(field, f"{field} must be relative to its source")
    parts = [part for part in given.replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise MemoryFault(field, f"{field} must stay within its source")
    return "/".join(parts)


def _list(field: str, value: Any, most: int) -> Sequence[Any]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise MemoryFault(field, f"{field} must be a list")
    if len(value) > most:
        raise MemoryFault(field, f"{field} has more than {most} entries")
    return value
