"""What a source is to memory: a folder, and who may get pieces of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of documents.

    ``namespaces``: those whose calls may get pieces of it; None: every namespace's. ``max_file``: bytes.
    """

    name: str
    path: Path
    namespaces: frozenset[str] | None = None
    tags: tuple[str, ...] = ()
    watch: bool = False
    max_file: int = 16 * 2**20

    def serves(self, namespace: str) -> bool:
        """May calls of this namespace get pieces of it?"""
        return self.namespaces is None or namespace in self.namespaces

    @property
    def audience(self) -> str:
        """Names the set of its namespaces: equal for equal sets."""
        return EVERYONE if self.namespaces is None else json.dumps(sorted(self.namespaces))


Sources = Callable[[], Mapping[str, Source]]
"""The sources in force now, by name; the same mapping object until something about them changes."""
