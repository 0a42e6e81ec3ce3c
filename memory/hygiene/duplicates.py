"""Which of two memories that say nearly the same stays, and when nobody need be asked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from memory.hygiene.contradictions import relate
from memory.hygiene.neighbours import Known, Near


@dataclass(frozen=True, slots=True)
class Merging:
    """From which cosine on two memories are nearly the same."""

    propose_at: float = 0.88
    alone_at: float | None = None
    """From here on they are merged without a person; None: never."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Two memories that belong together before a person."""

    kind: str
    """``merge`` or ``contradiction``."""
    first: Known
    """The one that stays, where they are merged."""
    second: Known
    score: float
    alone: bool = False
    """Nobody need be asked."""


def judge(near: Near, merging: Merging) -> Finding | None:
    """What to do about two neighbours; None for nothing."""
    relation = relate(near.first.content, near.second.content)
    kept, other = sorted((near.first, near.second), key=_rank)
    if relation.kind == "contradiction":
        return Finding("contradiction", kept, other, near.cosine)
    if near.first.memory_type != near.second.memory_type or near.cosine < merging.propose_at:
        return None
    if relation.kind == "different":
        return None
    sure = merging.alone_at is not None and near.cosine >= merging.alone_at and relation.kind == "same"
    return Finding("merge", kept, other, near.cosine, alone=sure and _may_go(other))


def _rank(memory: Known) -> tuple[bool, bool, bool, bool, int, str, str]:
    """The better one first: by trust, by use, by how many say it, by age."""
    return (
        memory.status != "active",
        memory.written_by != "person",
        not memory.pinned,
        not memory.reference_count,
        -memory.supports,
        memory.created_at,
        memory.id,
    )


def _may_go(memory: Known) -> bool:
    """What a person wrote or pinned goes by a person's hand."""
    return memory.written_by != "person" and not memory.pinned
