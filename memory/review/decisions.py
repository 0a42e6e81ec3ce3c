"""What a person decides on a card of the review queue, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from memory.memories import fields, pairs
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from memory.memories.pairs import Pair
from memory.memories.steps import Done
from memory.proposals.lessons import TYPES
from memory.review import proposed
from memory.review.proposed import Deck
from store.errors import DatabaseError

ACTIONS: Final[Mapping[str, Sequence[str]]] = {
    "memory": ("approve", "edit", "reject", "dismiss", "merge", "skip"),
    "merge": ("merge", "dismiss", "skip"),
    "contradiction": ("merge", "dismiss", "skip"),
    "unused": ("keep", "edit", "retire", "reject", "skip"),
    "contradicted": ("keep", "edit", "retire", "reject", "skip"),
    **dict.fromkeys(TYPES, proposed.ACTIONS),
}
"""What can be decided, by kind of card."""

_ALSO: Final[Mapping[str, Mapping[str, str]]] = {
    "merge": {"approve": "merge", "reject": "dismiss", "keep": "dismiss"},
    "contradiction": {"reject": "dismiss", "keep": "dismiss"},
    "unused": {"approve": "keep", "dismiss": "keep"},
    "contradicted": {"approve": "keep", "dismiss": "keep"},
}
"""Other words for the same, for those that decide on many kinds at once."""

AUDITED: Final = ("promote", "reject", "dismiss", "merge", "keep", "edit", "retire", "approve", "modify")
"""What the audit calls decisions."""

EDITS: Final = ("content", "memory_type", "project")
_FIELDS: Final = ("id", "action", "reason", "keep", "changes", *EDITS)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a card."""

    id: str
    action: str
    content: str | None = None
    memory_type: str | None = None
    project: str | None = None
    keep: str | None = None
    """Of two memories, the one that stays."""
    changes: Mapping[str, Any] | None = None
    """Of a proposal, what is published in place of what it says."""
    reason: str = ""

    @classmethod
    def read(cls, given: Any) -> Decision:
        """What a client sent. Raises ``MemoryFault``."""
        if not isinstance(given, Mapping):
            raise MemoryFault("decisions", "a decision is an object with id and action")
        for name, value in given.items():
            if name not in _FIELDS:
                raise MemoryFault(str(name), f"a decision has no field {name!r}")
            if name == "changes":
                if value is not None and not isinstance(value, Mapping):
                    raise MemoryFault(name, "changes must be an object")
            elif value is not None or name in ("id", "action"):
                fields.text(name, value)
        for name in ("id", "action"):
            if not given.get(name):
                raise MemoryFault(name, f"{name} is missing")
        return cls(**{name: value for name, value in given.items() if value is not None})

    @property
    def edits(self) -> dict[str, str]:
        """What is to be changed in the memory."""
        given = {name: getattr(self, name) for name in EDITS}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a decision: an error, or the memory that it left."""

    id: str
    action: str
    memory_id: str | None = None
    status: str | None = None
    """The memory's now."""
    audit_id: str | None = None
    """By which it can be undone; None where nothing was changed."""
    error: Exception | None = None
    flow_id: str | None = None
    """The flow that a proposal was published as."""


class Decisions:
    """Carries decisions out."""

    def __init__(self, memories: Memories, deck: Deck | None = None) -> None:
        self._memories = memories
        self._steps = memories.steps
        self._deck = deck

    def decide(self, given: Sequence[Any], actor: str) -> list[Outcome]:
        """Each in turn and on its own: one that fails leaves the others alone."""
        return [self._outcome(one, actor) for one in given]

    def _outcome(self, given: Any, actor: str) -> Outcome:
        try:
            return self._decided(Decision.read(given), actor)
        except (MemoryFault, Missing, Conflict, DatabaseError) as error:
            said = given if isinstance(given, Mapping) else {}
            return Outcome(str(said.get("id", "")), str(said.get("action", "")), error=error)

    def _decided(self, decision: Decision, actor: str) -> Outcome:
        by = Actor(actor, self._memories.shown(decision.reason))
        if proposed.is_proposal(decision.id):
            return self._on_proposal(decision, by)
        edits = self._memories.checked(decision.edits)

        def work(connection: sa.Connection) -> Outcome:
            if ":" in decision.id:
                done = self._on_pair(connection, pairs.parse(decision.id), decision, edits, by)
            else:
                done = self._on_memory(connection, decision, edits, by)
            status = self._steps.required(connection, done.memory_id, None)["status"]
            return Outcome(decision.id, decision.action, done.memory_id, status, done.audit_id)

        return self._memories.transact(work)

    def _on_proposal(self, decision: Decision, by: Actor) -> Outcome:
        if self._deck is None:
            raise Missing(f"no proposal {decision.id!r}")
        action = "modify" if decision.action == "edit" else decision.action
        changes = None if decision.changes is None else dict(decision.changes)
        done = self._deck.decide(decision.id, action, changes, by)
        if done is None:
            return Outcome(decision.id, decision.action, status="pending")
        return Outcome(decision.id, decision.action, status=done.status, audit_id=done.audit_id, flow_id=done.flow_id)

    def _on_memory(self, connection: sa.Connection, decision: Decision, edits: dict[str, Any], by: Actor) -> Done:
        row = self._steps.required(connection, decision.id, None)
        kind = kind_of(row)
        if kind is None:
            raise Missing(f"memory {decision.id!r} is not in the queue: it is {row['status']}")
        action = _action(kind, decision)
        if action == "skip":
            return Done(row["id"], None)
        if action in ("reject", "dismiss"):
            return self._steps.refuse(connection, row, by, action)
        if action == "merge":
            return self._merge_into(connection, row, _kept(decision), by)
        if kind == "memory":
            return self._steps.promote(connection, row, edits, by)
        if action == "retire":
            changes = self._steps.replace(connection, row, None, "retire")
            return Done(row["id"], self._memories.trail.write(connection, by, *changes))
        return self._steps.change(connection, row, {**edits, "review": None}, by, action)

    def _merge_into(self, connection: sa.Connection, row: Mapping[str, Any], kept: str, by: Actor) -> Done:
        changes = self._steps.replace(connection, row, kept, "merge")
        return Done(kept, self._memories.trail.write(connection, by, *changes))

    def _on_pair(
        self, connection: sa.Connection, pair: Pair, decision: Decision, edits: dict[str, Any], by: Actor
    ) -> Done:
        if pairs.status_of(connection, pair) != "open":
            raise Missing(f"pair {pair.id!r} is not in the queue")
        action = _action(pair.kind, decision)
        both = {id_: self._steps.required(connection, id_, None) for id_ in (pair.first, pair.second)}
        first = both[pair.first]
        if action == "skip":
            return Done(pair.first, None)
        if action == "dismiss":
            settled = pairs.settle(connection, pair, "dismissed", first["namespace"], "dismiss", first["project"])
            return Done(pair.first, self._memories.trail.write(connection, by, settled))
        kept = decision.keep or (better(*both.values()) if pair.kind == "merge" else _kept(decision))
        if kept not in both:
            raise MemoryFault("keep", f"keep must be {pair.first} or {pair.second}")
        gone = both[pair.second if kept == pair.first else pair.first]
        # Whoever keeps a candidate in the place of what was trusted trusts it.
        approved = {"status": "active"} if gone["status"] == "active" else {}
        # The one that goes makes way first: the other may get its words.
        changes = list(self._steps.replace(connection, gone, kept, "merge", approved=True))
        changes += self._steps.edit(connection, both[kept], {**edits, **approved})
        changes.append(pairs.settle(connection, pair, "merged", first["namespace"], "merge", first["project"]))
        return Done(kept, self._memories.trail.write(connection, by, *changes))


def kind_of(row: Mapping[str, Any]) -> str | None:
    """The kind of card that a memory has in the queue; None where it has none."""
    if row["status"] == "candidate":
        return "memory"
    waits = row["status"] == "active" and row["review"] in ("unused", "contradicted")
    return str(row["review"]) if waits else None


def better(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Which of two memories stays where nobody says: the one with more trust behind it, else the older."""

    def worth(row: Mapping[str, Any]) -> tuple[Any, ...]:
        trust = (row["status"] == "active", bool(row["pinned"]), row["written_by"] == "person")
        return (*trust, row["supports"], row["reference_count"], row["confidence"])

    first, second = sorted((one, other), key=lambda row: row["id"])
    return str(second["id"] if worth(second) > worth(first) else first["id"])


def _action(kind: str, decision: Decision) -> str:
    """The action, by its own name. Raises ``MemoryFault``."""
    action = _ALSO.get(kind, {}).get(decision.action, decision.action)
    if action not in ACTIONS[kind]:
        raise MemoryFault("action", f"action must be one of {', '.join(ACTIONS[kind])} for kind {kind}")
    if action == "edit" and not decision.edits:
        raise MemoryFault("content", f"edit needs one of {', '.join(EDITS)}")
    return action


def _kept(decision: Decision) -> str:
    if not decision.keep:
        raise MemoryFault("keep", "keep must name the memory that stays")
    return decision.keep
