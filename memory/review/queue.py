"""The one queue of what waits for a person: candidates, pairs to look at together, active memories in doubt, proposals
of flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import pairs, rows
from memory.memories.ledger import LIVE
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Memory, MemoryFault, Missing
from memory.memories.undoing import Undone
from memory.proposals.proposal import Proposal
from memory.review.cards import Card, Nearest, compared, span_of
from memory.review.decisions import ACTIONS, AUDITED, Decisions, Outcome, kind_of
from memory.review.proposed import Deck
from store.database import Database
from store.tables import audit, interactions, memories, memory_pairs, memory_support

KINDS: Final = tuple(ACTIONS)
MOST_LISTED: Final = 500
MOST_SUPPORTING: Final = 5
MOST_POOLS: Final = 8
"""Namespaces whose active memories are kept ready to be compared with."""
_PAIRS: Final = ("merge", "contradiction")
_DOUBTS: Final = ("unused", "contradicted")


@dataclass(frozen=True, slots=True)
class Queue:
    """The first cards, and how many wait of each kind."""

    cards: Sequence[Card]
    waiting: Mapping[str, int]


class Review:
    """Shows the queue and takes decisions. All methods raise ``DatabaseError`` where SQL fails."""

    def __init__(self, memories: Memories, database: Database, deck: Deck | None = None) -> None:
        self._memories = memories
        self._database = database
        self._deck = deck
        self._decisions = Decisions(memories, deck)
        self._pools: dict[str, tuple[int, Nearest]] = {}
        """By namespace: what is active, and the version of it."""

    def queue(
        self,
        *,
        namespace: str | None = None,
        project: str | None = None,
        kind: str | None = None,
        limit: int = 50,
    ) -> Queue:
        """What waits: the most supported first, then the surest, then the oldest.

        Args:
            project: a project's own; empty for what is of all projects.
            limit: <= 0 gives no cards, the cap is 500.

        Raises:
            MemoryFault: no such kind.
        """
        if kind is not None and kind not in KINDS:
            raise MemoryFault("kind", f"kind must be one of {', '.join(KINDS)}")
        kinds = KINDS if kind is None else (kind,)
        where = {"namespace": namespace, "project": project}
        most = max(0, min(limit, MOST_LISTED))
        found: list[_Found | Proposal] = [*self._of_memories(kinds, where, most), *self._of_pairs(kinds, where, most)]
        if self._deck is not None:
            found += self._deck.first(kinds, namespace, project, most)
        found.sort(key=_order)
        waiting = {one: count for one, count in self._waiting(where).items() if one in kinds}
        return Queue(self._cards(found[:most]), waiting)

    def decide(self, given: Sequence[Any], actor: str) -> list[Outcome]:
        """Carry decisions out, each in its own transaction; an error touches no other."""
        return self._decisions.decide(given, actor)

    def undo(self, actor: Actor, audit_id: str | None = None, *, dry_run: bool = False) -> Undone:
        """Undo a decision by its audit row; without one, the last of this actor that still stands.

        Args:
            dry_run: say what would come of it, and change nothing.

        Raises:
            Missing: there is none.
            Conflict: what it changed was changed since.
        """
        last = audit_id or self._last_of(actor.name)
        if last is None:
            raise Missing(f"no decision of {actor.name} is left to undo")
        return self._memories.undo(last, actor, dry_run=dry_run)

    def _last_of(self, actor: str) -> str | None:
        undone = audit.alias()
        # By the object too: that is what the index knows.
        gone = sa.exists().where(undone.c.object_id == audit.c.object_id, undone.c.undoes == audit.c.id)
        made = sa.select(audit.c.id).where(audit.c.actor == actor, audit.c.action.in_(AUDITED), ~gone)
        found = self._database.query(made.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(1))
        return found[0]["id"] if found else None

    # Reading

    def _of_memories(self, kinds: Sequence[str], where: Mapping[str, Any], most: int) -> list[_Found]:
        statement = rows.select().where(_waits(kinds), *_within(memories, where))
        ordered = statement.order_by(
            sa.text("supports DESC"), memories.c.confidence.desc(), memories.c.created_at, memories.c.id
        )
        known = self._database.query(ordered.limit(most))
        return [_Found(kind_of(row) or "", rows.as_memory(row)) for row in known]

    def _of_pairs(self, kinds: Sequence[str], where: Mapping[str, Any], most: int) -> list[_Found]:
        known = self._database.query(
            _open_pairs(memory_pairs, kinds=kinds, where=where).order_by(memory_pairs.c.score.desc()).limit(most)
        )
        wanted = {id_ for row in known for id_ in (row["first"], row["second"])}
        by_id = {row["id"]: rows.as_memory(row) for row in self._database.query(rows.select().where(_one_of(wanted)))}
        return [
            _Found(row["kind"], by_id[row["first"]], by_id[row["second"]], row["score"])
            for row in known
            if row["first"] in by_id and row["second"] in by_id
        ]

    def _waiting(self, where: Mapping[str, Any]) -> dict[str, int]:
        kind = sa.case((memories.c.status == "candidate", "memory"), else_=memories.c.review).label("kind")
        counted = sa.select(kind, sa.func.count().label("count")).where(_waits(KINDS), *_within(memories, where))
        found = {row["kind"]: row["count"] for row in self._database.query(counted.group_by(sa.text("kind")))}
        both = _open_pairs(memory_pairs.c.kind, sa.func.count().label("count"), kinds=KINDS, where=where)
        found |= {row["kind"]: row["count"] for row in self._database.query(both.group_by(memory_pairs.c.kind))}
        if self._deck is not None:
            found |= self._deck.waiting(where["namespace"], where["project"])
        return {one: found.get(one, 0) for one in KINDS}

    # Cards

    def _cards(self, found: Sequence[_Found | Proposal]) -> list[Card]:
        alone = {one.memory.namespace for one in found if isinstance(one, _Found) and one.other is None}
        pools = {name: self._nearest(name) for name in alone}
        return [self._card(one, pools) if isinstance(one, _Found) else self._proposed(one) for one in found]

    def _proposed(self, proposal: Proposal) -> Card:
        assert self._deck is not None
        return self._deck.card(proposal)

    def _nearest(self, namespace: str) -> Nearest:
        version, known = self._memories.version(namespace), self._pools.get(namespace)
        if known is not None and known[0] == version:
            return known[1]
        active = rows.select().where(memories.c.namespace == namespace, memories.c.status == "active")
        nearest = Nearest(rows.as_memory(row) for row in self._database.query(active))
        if len(self._pools) >= MOST_POOLS:
            self._pools.clear()
        self._pools[namespace] = version, nearest
        return nearest

    def _card(self, found: _Found, pools: Mapping[str, Nearest]) -> Card:
        memory, other, origin = found.memory, found.other, found.memory.provenance
        pair = None if other is None else pairs.Pair(found.kind, *sorted((memory.id, other.id)))
        nearest = pools[memory.namespace](memory) if other is None else compared(memory, other, found.score or 0.0)
        return Card(
            id=memory.id if pair is None else pair.id,
            kind=found.kind,
            memory_id=memory.id,
            memory_type=memory.memory_type,
            content=memory.content,
            project=memory.project,
            namespace=memory.namespace,
            status=memory.status,
            confidence=memory.confidence,
            created_at=memory.created_at,
            supports=found.supports,
            rule=origin.rule if origin else None,
            extractor=origin.extractor if origin else None,
            span=span_of(origin, self._interaction(origin.interaction_id) if origin else None, self._memories.shown),
            nearest=nearest,
            why=_why(found),
            actions=ACTIONS[found.kind],
            tags=memory.tags,
            valid_until=memory.valid_until,
            score=found.score,
            supporting=self._supporting(memory.id),
        )

    def _interaction(self, id_: str) -> dict[str, Any] | None:
        texts = sa.select(interactions.c.prompt, interactions.c.response).where(interactions.c.id == id_)
        found = self._database.query(texts)
        return found[0] if found else None

    def _supporting(self, id_: str) -> list[str]:
        of_it = sa.select(memory_support.c.interaction_id).where(memory_support.c.memory_id == id_)
        newest = of_it.order_by(memory_support.c.at.desc(), memory_support.c.interaction_id.desc())
        return [row["interaction_id"] for row in self._database.query(newest.limit(MOST_SUPPORTING))]


@dataclass(frozen=True, slots=True)
class _Found:
    """What a card is made of; of a pair both memories."""

    kind: str
    memory: Memory
    other: Memory | None = None
    score: float | None = None

    @property
    def supports(self) -> int:
        return max(self.memory.supports, self.other.supports if self.other else 0)


def _order(found: _Found | Proposal) -> tuple[Any, ...]:
    if isinstance(found, Proposal):
        return (-found.supporting_session_count, -found.confidence_score, found.created_at, found.id)
    confidence = found.memory.confidence if found.score is None else found.score
    return (-found.supports, -confidence, found.memory.created_at, found.memory.id)


def _waits(kinds: Sequence[str]) -> sa.ColumnElement[bool]:
    candidate = memories.c.status == "candidate" if "memory" in kinds else sa.false()
    doubts = [one for one in _DOUBTS if one in kinds]
    return sa.or_(candidate, sa.and_(memories.c.status == "active", memories.c.review.in_(doubts)))


def _within(table: Any, where: Mapping[str, Any]) -> Iterable[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in where.items() if value is not None]


def _one_of(ids: Iterable[str]) -> sa.ColumnElement[bool]:
    return memories.c.id.in_(sorted(ids))


def _open_pairs(*columns: Any, kinds: Sequence[str], where: Mapping[str, Any]) -> sa.Select[Any]:
    """Open pairs of which both memories are still in use."""
    first, second = memories.alias("one"), memories.alias("other")
    return (
        sa.select(*columns)
        .select_from(memory_pairs)
        .join(first, first.c.id == memory_pairs.c.first)
        .join(second, second.c.id == memory_pairs.c.second)
        .where(memory_pairs.c.status == "open", memory_pairs.c.kind.in_([one for one in _PAIRS if one in kinds]))
        .where(first.c.status.in_(LIVE), second.c.status.in_(LIVE), *_within(first, where))
    )


def _why(found: _Found) -> str:
    """In a sentence, why this is in the queue."""
    memory, times = found.memory, found.memory.injected_count
    said = f"{memory.supports} interaction{'' if memory.supports == 1 else 's'} said it"
    return {
        "memory": f"It was extracted and nobody has approved it; {said}.",
        "merge": f"Two memories say nearly the same (similarity {found.score or 0:.2f}).",
        "contradiction": "Two memories contradict each other.",
        "unused": f"It was put into {times} prompt{'' if times == 1 else 's'} and no answer used it.",
        "contradicted": "What a user said next contradicts it.",
    }[found.kind]
