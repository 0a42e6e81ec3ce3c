"""Bytes into text."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import Final

from memory.memories.memory import INVISIBLE
from memory.sources.reading.document import Unreadable

_MARKS: Final = (
    # UTF-32's mark begins with UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_CP1252: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_LINE_END: Final = re.compile(r"\r\n?|[\v\u2028\u2029]")
_STRETCH: Final = re.compile(r"[^\n]{0,2000}\n|[^\n]{1,2000}")
_BINARY: Final = "it holds binary data, not text"
_MOST_CONTROLS: Final = 0.02
"""Share of control characters from which bytes are no text."""


def decoded(data: bytes) -> tuple[str, str]:
    """The text, made plain (:func:`plain`), and the name of its encoding.

    A byte order mark decides; then UTF-8 where all of it is valid, as text in another encoding hardly ever is; then
    CP1252, but for bytes that it leaves undefined; then Latin-1, which fits any bytes. Raises :class:`Unreadable` for
    binary data.
    """
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if marked is None and b"\0" in data:
        raise Unreadable(_BINARY)
    for encoding in (marked,) if marked else ("utf-8", "cp1252", "latin-1"):
        if encoding == "cp1252" and _NOT_CP1252.search(data):
            continue
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text or _is_noise(text):
            raise Unreadable(_BINARY)
        return plain(text), encoding
    raise Unreadable(f"it is marked as {marked.upper() if marked else 'text'}, and is not")


def _is_noise(text: str) -> bool:
    return sum(1 for _ in _CONTROL.finditer(text)) > max(8, _MOST_CONTROLS * len(text))


def plain(text: str) -> str:
    """Composed (NFC), lines ended by a line feed, no control, zero-width or direction characters.

    A form feed, which ends a page, ends a paragraph.
    """
    text = _LINE_END.sub("\n", text).replace("\f", "\n\n")
    text = _CONTROL.sub(" ", INVISIBLE.sub("", text))
    if unicodedata.is_normalized("NFC", text):
        return text
    # In stretches: the time that normalizing takes grows with the square of a run of combining characters.
    return "".join(unicodedata.normalize("NFC", stretch) for stretch in _STRETCH.findall(text))
