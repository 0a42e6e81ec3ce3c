"""How the sources stand: what is known of each, for operators and for statistics. No paths of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from memory.sources.source import Source
from proxy.insights.ingestion import NONE
from proxy.remembering.ingesting import Ingesting, described
from proxy.remembering.library import Library

SHOWN: Final = 20
"""Files that could not be read, listed of a source."""


class SourcesStanding:
    """Reads SQL; every method raises ``DatabaseError``."""

    def __init__(self, library: Library, ingesting: Ingesting) -> None:
        self._library = library
        self._ingesting = ingesting

    def sources(self, may_see: Callable[[Source], bool] = lambda source: True) -> list[dict[str, Any]]:
        """Each source: what was made of it, what of it could not be read and why, and its last run."""
        documents, runs = self._library.ingestion.documents, self._library.ingestion.runs
        figures, waiting = documents.figures(), self._library.notes.waiting()
        under_way = self._library.ingestion.running
        found = []
        for name, source in sorted(self._library.sources().items()):
            if not may_see(source):
                continue
            last, exists = runs.latest(name), _exists(source)
            held = figures.get(name, NONE)
            found.append(
                {
                    "name": name,
                    "enabled": True,
                    "exists": exists,
                    "ready": exists and not waiting.get(name) and runs.latest(name, whole=True) is not None,
                    "watch": source.watch,
                    "namespaces": None if source.namespaces is None else sorted(source.namespaces),
                    "tags": list(source.tags),
                    **held,
                    "waiting": waiting.get(name, 0),
                    "failures": documents.failures(name, SHOWN) if held["failed"] else [],
                    "last_run": None if last is None else described(last),
                    "running": described(under_way) if under_way is not None and under_way.source == name else None,
                }
            )
        return found

    def ready(self) -> bool:
        """Are all sources there, read to the end at least once, and found?"""
        waiting, runs = self._library.notes.waiting(), self._library.ingestion.runs
        return all(
            _exists(source) and not waiting.get(name) and runs.latest(name, whole=True) is not None
            for name, source in self._library.sources().items()
        )


def _exists(source: Source) -> bool:
    return source.path.is_dir() and os.access(source.path, os.R_OK | os.X_OK)
