"""Looks through files for what should be in none of them, byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from store.words import Words

CHUNK: Final = 1024 * 1024
"""Bytes read at once: while they are searched, nothing else runs in this process."""
OVERLAP: Final = 4 * 1024
"""Bytes read again with the next chunk: longer words may be missed where two chunks meet."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What a search of files gave."""

    files: int
    """How many were read."""
    holding: tuple[str, ...]
    """Those with the words in them, by their path below the folder."""


def traces(root: Path, words: Words) -> Traces:
    """Search every file below a folder, whatever it is, for words in every way that ``Words.forms`` names.

    A file that goes meanwhile holds nothing. Raises ``OSError`` for one that cannot be read.
    """
    read, holding = 0, []
    for path in sorted(root.rglob("*")):
        try:
            if not path.is_file():
                continue
            with path.open("rb") as file:
                read += 1
                kept = b""
                while chunk := file.read(CHUNK):
                    kept += chunk
                    if words.stand_in_bytes(kept):
                        holding.append(path.relative_to(root).as_posix())
                        break
                    kept = kept[-OVERLAP:]
        except FileNotFoundError:
            continue
    return Traces(read, tuple(holding))
