"""Names of backups: the moment they were made, in UTC, such as ``20261121T131500Z``."""

from __future__ import annotations

import re
import time
from collections.abc import Container
from typing import Final

_SHAPE: Final = re.compile(r"([0-9]{8}T[0-9]{6}Z)(?:-([1-9][0-9]{0,3}))?")


def is_stamp(text: str) -> bool:
    """Is this a backup's name? Nothing that is can lead out of a folder."""
    return _SHAPE.fullmatch(text) is not None


def stamp_at(seconds: float, taken: Container[str]) -> str:
    """The stamp of a moment, in seconds since 1970; with ``-2``, ``-3`` where earlier ones of that second have it."""
    first = stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
    number = 1
    while stamp in taken:
        number += 1
        stamp = f"{first}-{number}"
    return stamp


def order(stamp: str) -> tuple[str, int]:
    """What stamps are sorted by: the older first."""
    found = _SHAPE.fullmatch(stamp)
    return (found[1], int(found[2] or 1)) if found else (stamp, 0)
