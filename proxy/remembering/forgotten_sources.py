"""What forgetting does about the sources' documents, and about what projects are called.

A document goes whole, with its pieces and their vectors. The file that it was read from is the operator's: it is named,
for it would be read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from memory.memories.memory import Actor
from memory.projects.registry import Registry
from proxy.remembering.library import Library
from proxy.remembering.selector import Selector
from store.errors import StoreError

MOST_NAMED: Final = 20
"""Files named in a receipt."""
RENEWED: Final = 20_000
"""Pieces that are written to the index again, so that nothing is left of removed vectors; more take minutes."""

_ACTOR: Final = Actor("forget")


class ForgottenSources:
    """What is taken out of projects and sources. All of it blocks and raises ``StoreError``."""

    def __init__(self, library: Library, projects: Registry) -> None:
        self._library = library
        self._projects = projects
        self._unclean = False

    def documents(self, ids: Collection[str]) -> Counter[str]:
        """Delete documents, their pieces and the pieces' vectors; gives how many, by table."""
        if not ids:
            return Counter()
        pieces = self._library.ingestion.forget(ids)
        self._unclean = True
        return Counter(documents=len(ids), chunks=pieces)

    def projects(self, selector: Selector) -> int:
        """Take the words out of what projects are called and described as; gives how many projects changed."""
        words = selector.words
        return 0 if words is None else self._projects.forget(words.stand_in, _ACTOR)

    def left(self, documents: Iterable[tuple[str, str]], selector: Selector) -> list[str]:
        """What a receipt says of what stays: the files of documents that went, and names that are the operator's.

        Args:
            documents: source and path of each.
        """
        words = selector.words
        if words is None:
            return []
        found: list[str] = []
        unnamed = 0
        for source, path in sorted(documents):
            if len(found) < MOST_NAMED and not words.stand_in(f"{source}/{path}"):
                found.append(f"file {path} of source {source}, which is read again when that is ingested")
            else:
                unnamed += 1
        if unnamed:
            found.append(f"{unnamed} more files of sources, which are read again when these are ingested")
        if any(map(words.stand_in, self._projects.fixed())):
            found.append("the registry of projects: an id, or the path of an ingest root")
        return found

    def renew(self, left: list[str]) -> None:
        """Take the numbers of removed vectors off the disk."""
        if not self._unclean:
            return
        index = self._library.index
        try:
            small = self._library.shelf.count() <= RENEWED
            if index.is_open and small:
                index.rewrite()
                self._unclean = False
                return
        except StoreError:
            pass
        left.append("numbers of removed vectors, in the files of the sources' index: run reprise reindex")
