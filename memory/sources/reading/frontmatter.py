"""What a Markdown file says about itself before its text: a block of YAML between lines of dashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import yaml

from memory.sources.reading.document import strings

_MOST: Final = 32_768
"""Characters of front matter at most."""
_MOST_BRACKETS: Final = 200
"""Of more, the parser's time grows with their square."""
_FRONT: Final = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_TITLE: Final = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE)
_FIELD: Final = re.compile(r"\s*(?:#.*\n\s*)*[\w-]+:(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Front:
    """The title and the tags that a file gives itself, if any."""

    title: str = ""
    tags: tuple[str, ...] = ()


def split_front_matter(text: str) -> tuple[Front, str]:
    """What the front matter says, and the text below it; all of the text where it has none."""
    found = _FRONT.match(text[:_MOST])
    if found is None or not _FIELD.match(found[1]):
        return Front(), text
    return _read(found[1]), text[found.end() :]


def _read(source: str) -> Front:
    try:
        if sum(map(source.count, "[{")) > _MOST_BRACKETS:
            raise yaml.YAMLError
        # Values stay the strings that they are written as: a date that does not exist is no error.
        said = yaml.load(source, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError):
        title = _TITLE.search(source)
        return Front(title[1].strip().strip("\"'") if title else "")
    if not isinstance(said, dict):
        return Front()
    title = said.get("title")
    return Front(title if isinstance(title, str) else "", _tags(said.get("tags") or said.get("keywords")))


def _tags(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        given = given.split(",")
    return strings(given[:50]) if isinstance(given, list) else ()
