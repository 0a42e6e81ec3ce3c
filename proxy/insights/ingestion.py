"""What the sources hold and how they were read. From SQL alone: with a server or without one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from memory.sources.chunk_notes import ChunkNotes
from memory.sources.documents import Documents
from memory.sources.runs import Runs
from memory.sources.source import Source
from memory.statistics.calls import Calls
from store.database import Database

NONE: Final = {"documents": 0, "chunks": 0, "failed": 0}
"""Figures of a source of which nothing was read."""


def ingestion(database: Database, sources: Mapping[str, Source], calls: Calls, *, runs: bool) -> dict[str, Any]:
    """Documents, pieces, what waits and what failed, of each source that the namespace may read and together.

    Args:
        runs: count the runs of the window too, by status.

    Raises:
        DatabaseError: SQL cannot be read.
    """
    documents, waiting = Documents(database).figures(), ChunkNotes(database).waiting()
    visible = [
        name for name, source in sorted(sources.items()) if calls.namespace is None or source.serves(calls.namespace)
    ]
    by_source = {name: {**documents.get(name, NONE), "waiting": waiting.get(name, 0)} for name in visible}
    together = {figure: sum(row[figure] for row in by_source.values()) for figure in (*NONE, "waiting")}
    counted = {"runs": Runs(database, time.time).counts(calls.since)} if runs else {}
    return {**together, "sources": by_source, **counted}
