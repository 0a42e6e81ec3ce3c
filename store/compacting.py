"""Takes off the disk what Chroma keeps of removed vectors."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Final

PATIENCE: Final = 60.0
"""Seconds for the whole; it takes milliseconds."""

_SCRIPT: Final = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=10, isolation_level=None)
connection.execute("PRAGMA secure_delete=ON")
known = {id for id, in connection.execute("SELECT id FROM collections")}
for topic, in connection.execute("SELECT DISTINCT topic FROM embeddings_queue").fetchall():
    if topic.rpartition("/")[2] not in known:
        connection.execute("DELETE FROM embeddings_queue WHERE topic = ?", (topic,))
connection.execute("VACUUM")
print(json.dumps([id for id, in connection.execute("SELECT id FROM segments")]))
"""


def compact(folder: Path) -> None:
    """Take collections that were deleted off the disk.

    Chroma leaves their vectors in its queue of writes, in free pages of its SQLite file and in the folders of their
    segments. All of it goes in a process of its own: Chroma brings another build of SQLite, and two
    of them in one process take each other's locks away (sqlite.org/howtocorrupt.html, 2.2.1).

    Raises:
        OSError, subprocess.SubprocessError, ValueError: it did not work; the index is as it was.
    """
    database = folder / "chroma.sqlite3"
    if not database.is_file():
        return
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(database)], capture_output=True, check=True, timeout=PATIENCE
    )
    known = set(json.loads(done.stdout))
    for path in folder.iterdir():
        if path.is_dir() and _is_segment(path.name) and path.name not in known:
            shutil.rmtree(path)


def _is_segment(name: str) -> bool:
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(name)) == name
    return False
