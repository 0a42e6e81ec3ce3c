"""What is to be ingested when somebody names a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from memory.sources.reading import FORMATS
from memory.sources.roots import Outside, within
from memory.sources.source import Source
from proxy.errors import Forbidden, InvalidRequest, NotFound

PARAM = "path"


@dataclass(frozen=True, slots=True)
class Asked:
    """A source, or what is at or below ``under`` in it. ``exists``: is there anything?"""

    source: Source
    under: str
    exists: bool


def asked_for(sources: Mapping[str, Source], given: str) -> Asked:
    """What a path means: absolute and inside a source, or a source's name and perhaps a path below it.

    Blocks for the file system.

    Raises:
        Forbidden: it is inside no source; whether there is something at its end is not looked at.
        InvalidRequest: there is no such path, or it is no file of a kind that is read.
        NotFound: the source's folder is not there.
    """
    if not given.strip() or "\0" in given:
        raise InvalidRequest("'path' must name a file or folder.", param=PARAM)
    if Path(given).is_absolute():
        # The deepest first: a source may lie within another.
        places = sorted(sources.values(), key=lambda one: -len(one.path.absolute().parts))
        found = [place for place in (_placed(source, given) for source in places) if place is not None]
        if not found:
            raise _outside()
        return found[0]
    name, _, below = given.replace("\\", "/").removeprefix("./").strip("/").partition("/")
    source = sources.get(name)
    place = _placed(source, below) if source is not None else None
    if place is None:
        raise _outside()
    return place


def _placed(source: Source, given: str) -> Asked | None:
    """The place within a source; None: it is outside."""
    try:
        root = source.path.resolve(strict=True)
        path = within(source.path, given)
    except Outside:
        return None
    except OSError as error:
        # Its folder is not there, or cannot be followed: what is inside it by name alone is told so.
        if given and Path(given).is_absolute() and not Path(given).is_relative_to(source.path.absolute()):
            return None
        raise NotFound(f"The folder of source '{source.name}' is not there.", param=PARAM) from error
    under = path.relative_to(root).as_posix()
    if path.is_file() and path.suffix.lower() not in FORMATS:
        raise InvalidRequest(f"'path': a file of this kind is not read; these are: {', '.join(FORMATS)}.", param=PARAM)
    return Asked(source, "" if under == "." else under, path.exists())


def _outside() -> Forbidden:
    return Forbidden(
        "The path is not inside a configured source: give its name, NAME/path/below, or an absolute path.", param=PARAM
    )
