"""Somebody's words, found in a text in whatever form it was stored.

Case, compatibility forms of characters, accents written as one sign or two, invisible characters and the width of
whitespace make no difference; nor do the escapes of JSON, also of JSON within JSON, as in the arguments of tool calls.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cached_property
from typing import Final

MOST_LEVELS: Final = 3
"""How deep JSON within JSON is read."""

_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))')
_MEANS: Final = {'"': '"', "\\": "\\", "/": "/", "b": " ", "f": " ", "n": "\n", "r": "\r", "t": "\t"}
_PLAIN = re.compile(r"[\w@.+-]+", re.ASCII)
"""Words that a short escape, such as that of a line's end, can be no part of."""
_INSIDE: Final = rb"[0-9A-Za-z_\x80-\xff]"


class Words:
    """What is looked for. Immutable.

    Args:
        text: a name, an address; more than whitespace.
        whole: find it only where no letter, digit or underscore touches it: ``Ann``, but not ``planning``.
    """

    def __init__(self, text: str, *, whole: bool = False) -> None:
        self.text = text
        self.whole = whole
        self._folded = fold(text)
        if not self._folded:
            raise ValueError("there are no words to look for")
        self._spaced = " " in self._folded
        self._longest = max(self._folded.split(), key=len)
        self._plain = _PLAIN.fullmatch(self._folded) is not None
        self._whole = re.compile(rf"(?<!\w){re.escape(self._folded)}(?!\w)") if whole else None

    @property
    def chars(self) -> int:
        """Characters that are looked for, as they are compared."""
        return len(self._folded)

    def stand_in(self, text: str | None) -> bool:
        """Does the text hold the words?"""
        if not text:
            return False
        for _ in range(MOST_LEVELS):
            if self._in(text):
                return True
            # Most texts have escapes of line ends and quotes alone, which many words cannot be written with.
            if "\\" not in text or (self._plain and "\\u" not in text):
                return False
            text = unescaped(text)
        return self._in(text)

    def forms(self) -> list[bytes]:
        """How files may spell them out, in lower case as far as ASCII goes: UTF-8, escaped as in JSON, UTF-16."""
        texts = {unicodedata.normalize(form, self.text) for form in ("NFC", "NFD", "NFKC")} | {self.text}
        spelt = {way for text in texts for way in (text, text.lower(), text.upper(), text.title(), text.casefold())}
        found = set[bytes]()
        for text in spelt:
            coded = [text.encode(coding, "surrogatepass") for coding in ("utf-8", "utf-16-le", "utf-16-be")]
            found |= {*coded, json.dumps(text)[1:-1].encode()}
        return sorted(form.lower() for form in found)

    def stand_in_bytes(self, raw: bytes) -> bool:
        """Is one of the ``forms`` in these bytes? ASCII letters of either case count as the same."""
        lowered = raw.lower()
        # One after the other: a pattern of them all takes a hundred times as long.
        if self._marks and not any(mark in lowered for mark in self._marks):
            return False
        found = [form for form in self._forms if form in lowered]
        if self._whole is None:
            return bool(found)
        around = (rb"(?<!" + _INSIDE + rb")" + re.escape(form) + rb"(?!" + _INSIDE + rb")" for form in found)
        return any(re.search(pattern, lowered) for pattern in around)

    @cached_property
    def _marks(self) -> list[bytes]:
        """One of these stands in every form: there are few of them where a whole word is plain ASCII."""
        plain = max((word for word in self.text.lower().split() if word.isascii()), key=len, default="")
        if not _PLAIN.fullmatch(plain):
            return []
        return [plain.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]

    @cached_property
    def _forms(self) -> list[bytes]:
        return self.forms()

    def _in(self, text: str) -> bool:
        folded = fold(text, spaces=False)
        if self._longest not in folded:
            return False
        if self._spaced:
            folded = " ".join(folded.split())
        return self._folded in folded if self._whole is None else self._whole.search(folded) is not None


def fold(text: str, *, spaces: bool = True) -> str:
    """What all spellings of a text share.

    Args:
        spaces: make one space of all whitespace between words, and none of it at the ends.
    """
    if text.isascii():
        folded = text.lower()
    else:
        visible = _INVISIBLE.sub("", text)
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    return " ".join(folded.split()) if spaces else folded


def unescaped(text: str) -> str:
    """The text with one level of JSON's escapes undone, wherever they stand."""
    plain = _ESCAPE.sub(_meant, text)
    # Signs beyond the first plane are escaped as two halves.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _meant(escape: re.Match[str]) -> str:
    code, sign = escape.groups()
    return chr(int(code, 16)) if code else _MEANS[sign]
