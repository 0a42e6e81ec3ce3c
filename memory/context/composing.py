"""The pack of a prompt, put together of all there is: state, memories, pieces of documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memory.context.grounds import Ground, Grounds
from memory.context.notes import reach
from memory.context.packs import Pack, pack
from memory.context.pieces import pieces_of
from memory.context.ranking import Ranked
from memory.context.retrieval import Retriever
from memory.context.statements import by_need
from memory.context.terms import terms


@dataclass(frozen=True, slots=True)
class Composed:
    """A pack, and the pieces of documents in it, the best first."""

    pack: Pack | None
    chunks: tuple[Ranked, ...] = ()
    found: tuple[Ranked, ...] = ()
    """All pieces that it was made from."""


class Composer:
    """Makes packs. Usable from any thread; its methods block.

    Args:
        least: cosine below which a piece of a document is left out, now.
    """

    def __init__(self, grounds: Grounds, retriever: Retriever, least: Callable[[], float] = lambda: 0.3) -> None:
        self.grounds = grounds
        self._retriever = retriever
        self._least = least

    def compose(self, namespace: str, project: str, prompt: str, budget: int) -> Composed:
        """What a prompt of a project gets.

        Args:
            project: by its id; empty for none.
            budget: characters at most.

        Raises:
            DatabaseError: memories or state cannot be read.
            EmbedderError, StoreError: documents cannot be searched.
        """
        ground = self.grounds.of(namespace, project)
        return self.with_chunks(ground, namespace, project, prompt, budget)

    def with_chunks(self, ground: Ground, namespace: str, project: str, prompt: str, budget: int) -> Composed:
        """As ``compose``, of memories and state that are known already."""
        found = self._retriever.find(namespace, project, prompt, chunks_within(budget))
        made = self.again(ground, project, prompt, budget, found)
        inside = {id_ for id_, _ in made.chunks} if made else set()
        return Composed(made, tuple([one for one in found if one.chunk.id in inside]), tuple(found))

    def again(self, ground: Ground, project: str, prompt: str, budget: int, found: Sequence[Ranked]) -> Pack | None:
        """The pack of other memories and state with the same pieces; nothing is searched."""
        return composed(ground, project, prompt, budget, found, self._least())


def composed(
    ground: Ground, project: str, prompt: str, budget: int, found: Sequence[Ranked] = (), least: float = 0.0
) -> Pack | None:
    """The pack of what there is; None for nothing. Pure.

    Args:
        found: pieces of documents, the best first.
        least: cosine below which they are left out.
    """
    words = terms(prompt)
    matches = ground.held.ranked(project, words, reach(budget)) if len(ground.held) else ()
    return pack(matches, budget, by_need(ground.statements, words), pieces_of(found, least))


def chunks_within(budget: int) -> int:
    """How many pieces are looked at for a budget: some more than fit as a rule."""
    return min(400, 8 + budget // 200)
