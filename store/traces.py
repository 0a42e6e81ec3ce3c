"""Looks through files for what should be in none of them, byte by byte, in a process of its own.

A process that opens a database's file beside SQLite and closes it again gives up every lock that SQLite holds there
(sqlite.org/howtocorrupt.html, 2.2): another process may then cut the shared memory that this one reads.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from store.words import Words

_HOME: Final = Path(__file__).parents[1]
"""Where a fresh interpreter finds this package."""

CHUNK: Final = 1024 * 1024
"""Bytes read at once."""
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

    A file that goes meanwhile holds nothing. Raises ``OSError`` where one cannot be read or the search cannot run.
    """
    # The words by way of a pipe: who lists processes sees their arguments.
    asked = json.dumps({"root": str(root.absolute()), "text": words.text, "whole": words.whole})
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name], input=asked, capture_output=True, text=True, check=False, cwd=_HOME
    )
    if done.returncode != 0:
        raise OSError(f"the files below {root} were not searched: {done.stderr.strip().rpartition(chr(10))[2]}")
    said = json.loads(done.stdout)
    return Traces(said["files"], tuple(said["holding"]))


def search(root: Path, words: Words) -> Traces:
    """As ``traces``, in this process: only where no database below the folder is open in it."""
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


def main() -> None:
    """Do one search: asked for on standard input, told on standard output."""
    asked = json.load(sys.stdin)
    seen = search(Path(asked["root"]), Words(asked["text"], whole=asked["whole"]))
    json.dump(asdict(seen), sys.stdout)


if __name__ == "__main__":
    main()
