"""Which files are documents, and what reads each.

Logs are left out on purpose: they change with every line, would push documents out of the results, and hold what
nobody meant to publish.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from memory.sources.reading.apart import read_apart
from memory.sources.reading.decoding import decoded
from memory.sources.reading.document import Document, Read, Unreadable, shortened, strings

READER: Final = "reader/1"
"""The version of what reads and cuts; raised when either gives other pieces, so that all files are read anew."""


_SMALL: Final = 32_768
"""Characters of HTML up to which the server's own process reads it: too few to keep it busy for long."""
_MOST_LINES: Final = 500_000


def _markdown(text: str) -> Read:
    from memory.sources.reading.markdown import read_markdown

    return read_markdown(text)


def _html(text: str) -> Read:
    from memory.sources.reading.html import read_html

    return read_html(text) if len(text) <= _SMALL else read_apart(text.encode(), "html")


def _text(text: str) -> Read:
    from memory.sources.reading.text import read_text

    return read_text(text)


def _structured(text: str) -> Read:
    from memory.sources.reading.structured import read_structured

    return read_structured(text)


_BY_FORMAT: Final[Mapping[str, Callable[[str], Read]]] = {
    "markdown": _markdown,
    "html": _html,
    "rst": _structured,
    "text": _text,
}

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".md": "markdown",
        ".markdown": "markdown",
        ".mdown": "markdown",
        ".txt": "text",
        ".text": "text",
        ".rst": "rst",
        ".html": "html",
        ".htm": "html",
        ".xhtml": "html",
        ".pdf": "pdf",
    }
)
"""The endings of names, in lower case, that are read, and the format of each."""


def format_of(path: str) -> str | None:
    """The format of a file by its name; None: it is not read."""
    return FORMATS.get(PurePosixPath(path).suffix.lower())


def read_document(data: bytes, path: str) -> Document:
    """The document in these bytes; ``path`` gives its format, and its title where it has none itself.

    Raises :class:`Unreadable`.
    """
    format = format_of(path)
    if format is None:
        raise Unreadable("not a kind of file that is read")
    encoding = None
    if format == "pdf":
        read = read_apart(data, "pdf")
    else:
        text, encoding = decoded(data)
        if text.count("\n") >= _MOST_LINES:
            raise Unreadable(f"it has more than {_MOST_LINES} lines")
        read = _BY_FORMAT[format](text)
    return Document(format, encoding, _title(read, path), read.sections, strings(read.tags))


def _title(read: Read, path: str) -> str:
    first = next((section.heading_path[0] for section in read.sections if section.heading_path), "")
    return shortened(" ".join(read.title.split()) or first or PurePosixPath(path).stem)
