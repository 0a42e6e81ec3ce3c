"""How values go to PostgreSQL and come back: as with SQLite.

Its texts hold no NUL character. One is written as ``␀0``, and ``␀`` itself as ``␀␀``, so that nothing is lost, equal
stays equal, and people can read it.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper, Loader
from psycopg.types.string import StrDumperUnknown

_SIGN: Final = "␀"
_SIGN_BYTES: Final = _SIGN.encode()
_ZERO: Final = f"{_SIGN}0"
_BOTH: Final = re.compile(f"{_SIGN}([0{_SIGN}])")


def written(text: str) -> str:
    """A text as it is stored."""
    if "\0" in text or _SIGN in text:
        return text.replace(_SIGN, _SIGN + _SIGN).replace("\0", _ZERO)
    return text


def read(text: str) -> str:
    """A stored text as it was given."""
    return _BOTH.sub(lambda found: "\0" if found[1] == "0" else _SIGN, text)


class _TextDumper(StrDumperUnknown):
    def dump(self, obj: str) -> Buffer | None:
        return super().dump(written(obj))


class _TextLoader(Loader):
    def load(self, data: Buffer) -> str:
        raw = bytes(data)
        text = raw.decode()
        return read(text) if _SIGN_BYTES in raw else text


class _NumberLoader(Loader):
    """Sums of integers come as exact decimals of any length."""

    def load(self, data: Buffer) -> int | float:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else float(text)


class _TruthDumper(Dumper):
    """Truth values are kept as 0 and 1."""

    def dump(self, obj: bool) -> Buffer | None:
        return b"1" if obj else b"0"


@functools.cache
def adapters() -> Any:
    """What a connection converts with."""
    made = AdaptersMap(psycopg.adapters)
    made.register_dumper(str, _TextDumper)
    made.register_dumper(bool, _TruthDumper)
    for name in ("text", "varchar"):
        made.register_loader(name, _TextLoader)
    made.register_loader("numeric", _NumberLoader)
    return _Context(made)


class _Context:
    """What psycopg takes converters from; see ``psycopg.abc.AdaptContext``."""

    connection = None

    def __init__(self, made: AdaptersMap) -> None:
        self.adapters = made
