"""Reading in a process of its own, for formats in which a small file can ask for hours of work or all of the memory.

Parsers in C or of PDF cannot be stopped from a thread beside them, and would hold up every call that the server answers
meanwhile. What comes back is JSON: nothing that a hostile file could have made is run here.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from memory.sources.reading.document import Block, Read, Section, Unreadable

SECONDS: Final = {"pdf": 60, "html": 20}
"""Of the processor's time, at most, for one file."""
MEMORY: Final = 2 * 2**30
"""Bytes of memory at most, where the system can hold a process to it."""

_ROOT: Final = str(Path(__file__).resolve().parents[3])
_RUN: Final = "import sys; sys.path.append(sys.argv[1]); from memory.sources.reading.apart import main; main()"


def read_apart(data: bytes, format: str) -> Read:
    """What the reader of ``pdf`` or ``html`` (UTF-8) finds in these bytes. Raises :class:`Unreadable`."""
    seconds = SECONDS[format]
    command = [sys.executable, "-P", "-c", _RUN, _ROOT, format, str(seconds), str(MEMORY)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=4 * seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise Unreadable("reading it takes too long") from error
    if done.returncode:
        raise Unreadable("reading it takes too much time or memory")
    answer = json.loads(done.stdout)
    if "unreadable" in answer:
        raise Unreadable(answer["unreadable"])
    return _read(answer)


def main() -> None:
    """The process: bytes on its input, a document as JSON on its output."""
    format, seconds, memory = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    _limit(seconds, memory)
    try:
        answer = _written(_READERS[format](sys.stdin.buffer.read()))
    except Unreadable as error:
        answer = {"unreadable": str(error)}
    except (MemoryError, RecursionError):
        answer = {"unreadable": "reading it takes too much memory"}
    json.dump(answer, sys.stdout)


def _limit(seconds: int, memory: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit of the caller holds
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _pdf(data: bytes) -> Read:
    import logging

    from memory.sources.reading.pdf import read_pdf

    logging.disable()  # the library tells of each oddity of a file
    return read_pdf(data)


def _html(data: bytes) -> Read:
    from memory.sources.reading.html import read_html

    return read_html(data.decode())


_READERS: Final = {"pdf": _pdf, "html": _html}


def _written(read: Read) -> dict[str, Any]:
    sections = [
        [section.heading_path, [[block.text, block.kind, block.depth, block.gap] for block in section.blocks]]
        for section in read.sections
    ]
    return {"title": read.title, "tags": read.tags, "sections": sections}


def _read(answer: Any) -> Read:
    sections = tuple(
        Section(tuple(path), tuple(Block(*block) for block in blocks)) for path, blocks in answer["sections"]
    )
    return Read(sections, answer["title"], tuple(answer["tags"]))
