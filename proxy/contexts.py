"""What memory has for prompts, found and put together beside the event loop, and remembered as long as it holds."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from cachetools import LRUCache

from memory.context.composing import Composed, Composer, composed
from memory.context.grounds import Ground
from memory.context.packs import Pack
from memory.context.ranking import Ranked, Weights
from memory.context.retrieval import NotReadyError, Retriever
from proxy.config import MemorySettings
from proxy.config.sources import RetrievalSettings

PATIENCE: Final = 2.0
"""Seconds that a call waits for what must be read or searched, before it goes on without."""
REST: Final = 10.0
"""Seconds without a search of documents after one failed: else each call would wait in vain."""
KNOWN_CHARS: Final = 16_000_000
"""Of the packs that are remembered, with the pieces they were made from."""
_LONG: Final = 2000
"""Longer prompts are remembered by their hash."""
_LEAST_SIZE: Final = 200

NOT_SEARCHED: Final = -1

T = TypeVar("T")


class Stock(Protocol):
    """As much of ``memory.sources.shelf.Shelf`` as remembering needs."""

    def version(self) -> int:
        """Rises as what can be found changes."""
        ...

    def hold(self, version: int, ids: Iterable[str]) -> bool:
        """Is a choice of these pieces, made under a version, one to go by still?"""
        ...

    def is_stocked(self) -> bool:
        """Is it worth searching?"""
        ...


@dataclass(slots=True)
class Remembered:
    """What a prompt got, and from what."""

    pack: Pack | None
    mark: object
    """Of the memories and state that were chosen from (``Ground.mark``)."""
    found: tuple[Ranked, ...]
    """The pieces that were chosen from."""
    version: int
    """The shelf's under which they were seen to hold last."""

    def holds(self, shelf: Stock, version: int) -> bool:
        """Are its pieces those to choose from under the present version?"""
        if self.version != version:
            # What is new does not count yet, and of what is altered nothing is among them.
            if not shelf.hold(self.version, [one.chunk.id for one in self.found]):
                return False
            self.version = version
        return True


Known = MutableMapping[tuple[str, str, bool, int, str], Remembered]
"""By namespace, project, whether documents were searched, budget and prompt."""


class Contexts:
    """Chooses what prompts get. Belongs to one event loop.

    Args:
        settings: those of memory in force.
        told: notes that documents could not be searched, or that all is well again.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        composer: Composer,
        retriever: Retriever,
        shelf: Stock,
        settings: Callable[[], MemorySettings],
        told: Callable[[BaseException | None], None] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._composer = composer
        self._retriever = retriever
        self._shelf = shelf
        self._settings = settings
        self._told = told
        self._clock = clock
        self._known: Known = LRUCache(KNOWN_CHARS, _size)
        self._under: MemorySettings | None = None
        self._stocked = False
        self._rested = float("-inf")
        self._failing = False
        # Apart, so that a slow embedder does not hold up who needs memories alone.
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reprise-memories")
        self._searching = ThreadPoolExecutor(max_workers=2, thread_name_prefix="reprise-context")

    async def choice(self, namespace: str, project: str, prompt: str, taken: int = 0) -> Pack | None:
        """What a call gets; None for nothing.

        Args:
            taken: characters of the budget that are spent already.

        Documents that cannot be searched are left out, and that is told. Raises whatever reading memories or state
        raises, and ``TimeoutError``.
        """
        settings = self._settings()
        ground = self._composer.grounds.current(namespace, project)
        if ground is None:
            ground = await self._read(self._composer.grounds.of, namespace, project)
        version = await self._version(settings, namespace)
        if version is None and not ground:
            return None
        if settings is not self._under:
            self._known.clear()
            self._under = settings
        budget = settings.context.budget - taken
        under = NOT_SEARCHED if version is None else version
        key = (namespace, project, version is not None, budget, _short(prompt))
        known = self._known.get(key)
        if known is not None and known.holds(self._shelf, under):
            if known.mark is not ground.mark:
                known.pack = self._composer.again(ground, project, prompt, budget, known.found)
                known.mark = ground.mark
            return known.pack
        pieces: tuple[Ranked, ...] = ()
        if version is not None:
            found = await self._with_chunks(ground, namespace, project, prompt, budget)
            if found is None:
                # Not remembered: the next call may find more.
                return composed(ground, project, prompt, budget)
            chosen, pieces = found.pack, found.found
        else:
            chosen = composed(ground, project, prompt, budget)
        self._known[key] = Remembered(chosen, ground.mark, pieces, under)
        return chosen

    async def query(self, namespace: str, project: str, prompt: str, most: int, tags: Sequence[str]) -> list[Ranked]:
        """The pieces of documents that serve a prompt best. Raises as ``Retriever.find``."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._searching, self._retriever.find, namespace, project, prompt, most, tuple(tags)
        )

    async def build(self, namespace: str, project: str, prompt: str, budget: int) -> Composed:
        """The pack of a prompt, anew. Raises as ``Composer.compose``."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searching, self._composer.compose, namespace, project, prompt, budget)

    def forget(self) -> None:
        """Drop what is remembered of prompts."""
        self._known.clear()

    @property
    def budget(self) -> int:
        """Characters that a call's context may take now."""
        return self._settings().context.budget

    def close(self) -> None:
        """Stop the threads."""
        self._reading.shutdown(wait=True)
        self._searching.shutdown(wait=True)

    async def _version(self, settings: MemorySettings, namespace: str) -> int | None:
        """The shelf's; None where it has nothing for calls of the namespace, or is not to be searched now."""
        if not settings.context.sources or self._clock() < self._rested:
            return None
        if not any(one.namespaces is None or namespace in one.namespaces for one in settings.sources.values()):
            return None
        # Taken first: what is altered while it is searched makes the choice outdated.
        version = self._shelf.version()
        if not self._stocked:
            # An index that opens changes nothing but that: an empty shelf is looked at again.
            self._stocked = await self._read(self._shelf.is_stocked)
        return version if self._stocked else None

    async def _read(self, work: Callable[..., T], *given: object) -> T:
        reading = asyncio.get_running_loop().run_in_executor(self._reading, work, *given)
        return await asyncio.wait_for(reading, PATIENCE)

    async def _with_chunks(
        self, ground: Ground, namespace: str, project: str, prompt: str, budget: int
    ) -> Composed | None:
        """None where documents cannot be searched."""
        loop, work = asyncio.get_running_loop(), self._composer.with_chunks
        searching = loop.run_in_executor(self._searching, work, ground, namespace, project, prompt, budget)
        try:
            found = await asyncio.wait_for(searching, PATIENCE)
        except NotReadyError:
            # It starts, or its failure is known already.
            return None
        except Exception as error:  # noqa: BLE001  whatever fails here, the call goes on
            self._failing, self._rested = True, self._clock() + REST
            self._told(error)
            return None
        if self._failing:
            self._failing = False
            self._told(None)
        return found


def weights_of(given: RetrievalSettings) -> Weights:
    """The weights of a configuration."""
    return Weights(
        project=given.project_boost,
        word=given.token_boost,
        most_for_words=given.token_cap,
        raised=given.path_boost,
        lowered=given.path_penalty,
        raising=tuple(given.boosted),
        lowering=tuple(given.lowered),
    )


def _short(prompt: str) -> str:
    """The prompt, or what stands for a long one."""
    if len(prompt) <= _LONG:
        return prompt
    return f"sha256 {hashlib.sha256(prompt.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _size(known: Remembered) -> int:
    text = len(known.pack.text) if known.pack else 0
    return _LEAST_SIZE + text + sum(len(one.chunk.content) for one in known.found)
