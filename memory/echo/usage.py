"""Which memories did an answer use? What stands in the memory and in the answer and not in the prompt, weighed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from memory.echo.common import Common
from memory.echo.echo import Echoes
from memory.echo.evidence import Places, gather
from memory.echo.judging import Judge
from memory.echo.reading import read
from store.embedder import EmbedderSource, no_embedder


class Remembered(Protocol):
    """As much of a memory as is looked at."""

    @property
    def id(self) -> str:
        """Names it."""
        ...

    @property
    def memory_type(self) -> str:
        """One of ``memory.memories.memory.TYPES``."""
        ...

    @property
    def content(self) -> str:
        """What it says."""
        ...


def used(
    prompt: str,
    memories: Sequence[Remembered],
    answer: str,
    embedder: EmbedderSource = no_embedder,
    *,
    beside: str = "",
) -> list[str]:
    """Ids of the memories that the answer made use of, of those that were in its prompt.

    Code counts: a package manager named by a memory shows in a command. What only restates the prompt does not.

    Args:
        prompt: the user's text, without the memories.
        beside: what else stood in the prompt, such as pieces of documents: what the answer has from there says
            nothing of a memory.
    """
    said, given = Places(read(answer)), Places(read(f"{prompt}\n\n{beside}" if beside else prompt))
    known = [Places(read(memory.content)) for memory in memories]
    judge = Judge("usage", prompt, embedder)
    found = []
    for memory, places in zip(memories, known, strict=True):
        others = [other for other in known if other is not places]
        evidence = gather(places.reading, said, given, others)
        if judge.accepts(memory.content, evidence, {"manner": float(memory.memory_type in MANNER)}):
            found.append(memory.id)
    return found


MANNER = frozenset({"preference", "adaptation"})
"""Types of memory that answers follow more often than they tell them."""


def echoed_anew(
    prompt: str, memories: Sequence[Remembered], answer: str, embedder: EmbedderSource = no_embedder
) -> list[str]:
    """Ids of the memories that the answer echoes and the prompt does not: nobody said that they were at hand."""
    there = Echoes(answer, prompt, embedder, Common(memory.content for memory in memories))
    given = Echoes(prompt)
    return [memory.id for memory in memories if there.hold(memory.content) and not given.hold(memory.content)]
