"""PDF: its pages as sections, under the headings of its outline where it has one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from memory.sources.reading.decoding import plain
from memory.sources.reading.document import Block, Outline, Read, Unreadable

if TYPE_CHECKING:
    from pypdf import PdfReader

_MOST_PAGES: Final = 5000
_MOST_CHARACTERS: Final = 20_000_000
_MOST_ENTRIES: Final = 20_000
"""Entries of an outline that are looked at, at most."""
_BLANK: Final = re.compile(r"\n(?:[ \t]*\n)+")
_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])-\n(?=[a-z])")


def read_pdf(data: bytes) -> Read:
    """The document in the bytes of a PDF. Raises :class:`Unreadable`.

    Bytes made to do harm can keep it busy for long: see :mod:`memory.sources.reading.apart`.
    """
    from pypdf import PdfReader
    from pypdf.errors import FileNotDecryptedError, PyPdfError

    try:
        reader = PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("it is encrypted")
        return _read(reader)
    except FileNotDecryptedError as error:
        raise Unreadable("it is encrypted") from error
    except Unreadable:
        raise
    # A damaged file makes the library fail in any way: it reads what the file says is there.
    except (
        PyPdfError,
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise Unreadable("it is damaged, or no PDF") from error


def _read(reader: PdfReader) -> Read:
    pages = len(reader.pages)
    if pages > _MOST_PAGES:
        raise Unreadable(f"it has more than {_MOST_PAGES} pages")
    titles = _titles(reader)
    outline = Outline()
    characters = 0
    for number in range(pages):
        text = plain(reader.pages[number].extract_text()).strip()
        characters += len(text)
        if characters > _MOST_CHARACTERS:
            raise Unreadable(f"it has more than {_MOST_CHARACTERS} characters")
        for level, heading in titles.get(number, []):
            outline.heading(level, heading)
        # Below what the outline names, so that a piece can be found on its page.
        outline.heading(100, f"page {number + 1}")
        for paragraph in _BLANK.split(_HYPHEN.sub("", text)):
            outline.block(Block(paragraph.strip("\n").rstrip()))
    if not characters:
        raise Unreadable("it has no text: its pages are images, or empty")
    title = reader.metadata.title if reader.metadata else None
    return Read(outline.sections(), plain(title) if isinstance(title, str) else "")


def _titles(reader: PdfReader) -> Mapping[int, list[tuple[int, str]]]:
    """The entries of the outline that begin on each page, the first page being 0: their levels from 1, and titles."""
    titles: dict[int, list[tuple[int, str]]] = {}
    for level, entry in _entries(reader.outline):
        number = reader.get_destination_page_number(entry)
        if number is not None and isinstance(entry.title, str):
            titles.setdefault(number, []).append((level, plain(entry.title)))
    return titles


def _entries(outline: Any) -> Iterator[tuple[int, Any]]:
    waiting: list[tuple[int, Any]] = [(0, outline)]
    for _ in range(_MOST_ENTRIES):
        if not waiting:
            return
        level, entry = waiting.pop()
        if isinstance(entry, list):
            waiting += [(level + 1, inner) for inner in reversed(entry)]
        else:
            yield level, entry
