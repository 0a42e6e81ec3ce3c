"""A memory that an answer used gains confidence, one that the user contradicts loses some; see ``Reinforcement``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from memory.context.packs import beside_memories
from memory.echo.contradiction import contradicts
from memory.echo.earlier import Earlier, earlier_answer
from memory.echo.echo import Echoes, echoes
from memory.echo.usage import echoed_anew, used
from memory.interactions import stamp_at
from memory.memories import rows
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Conflict, Memory
from store.database import Database
from store.dialects import greatest, insert
from store.embedder import EmbedderSource, no_embedder
from store.tables import audit, extractions, memories, memory_references

ACTOR: Final = "reinforcement"
VERSION: Final = "reinforcement/1"
"""Marks in ``extractions`` the interactions whose injections are counted."""
LOW: Final = 0.5
"""Confidence below which a contradicted memory returns to review."""
UNUSED: Final = "unused"
CONTRADICTED: Final = "contradicted"
DECAY: Final = ("hygiene", "decay")
"""Actor and action of the audit row of a memory that time alone took out of use."""
HITS: Final = frozenset({"hit", "stale"})
"""Cache statuses of answers that no model has just made."""
PERSONAL: Final = frozenset({"identity", "preference"})
"""Types of global memories that count for every project."""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rules:
    """How far memories move: the configuration's section ``memory.echo.reinforcement``."""

    step: float = 0.02
    """Confidence that a use adds, in [0, 1]."""
    contradiction: float = 0.1
    """Confidence that a contradiction takes, in [0, 1]."""
    cooldown: float = 600.0
    """Seconds between two gains of one memory at least."""
    unused_after: int = 30
    """Injections without a single use after which a memory returns to review, 1 or more."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What an interaction moved, by the memories' ids."""

    used: Sequence[str] = ()
    contradicted: Sequence[str] = ()
    lowered_interactions: Sequence[str] = ()
    """Earlier interactions whose answers the user contradicted: what is cached of them should be lowered too."""


class Reinforcement:
    """Learns from interactions what memories are worth.

    A memory that the answer used gains ``step``, once per session and not within ``cooldown`` of its last gain; one
    that the user's next turn contradicts loses ``contradiction``, once per session. Candidates and answers out of the
    cache move nothing. Learning the same interaction twice is the same as once, also over a killed process.

    Args:
        embedder: the loaded embedder, or None where there is none; without it words alone decide.
        clock: seconds since 1970; dates what is written.
    """

    def __init__(
        self,
        memories: Memories,
        database: Database,
        rules: Callable[[], Rules] = Rules,
        embedder: EmbedderSource = no_embedder,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._memories = memories
        self._database = database
        self._rules = rules
        self._embedder = embedder
        self._clock = clock

    def learn(self, record: Record) -> Learned:
        """Learn from an interaction as ``Interactions.get`` gives it. Raises ``DatabaseError``."""
        if record["interaction_type"] != "llm":
            return Learned()
        before = earlier_answer(self._database, record)
        contradicted = self._contradicted(before, record["prompt"]) if before is not None else []
        fresh = _is_fresh(record)
        credited = self._used(record, before) if fresh else []
        shown = _injected(record) if fresh else []
        if contradicted or credited or shown:
            self._write(record, credited, shown, contradicted)
        return self._learned(record, before)

    def _used(self, record: Record, before: Earlier | None) -> list[Memory]:
        """The memories that the answer used: of those that the interaction names, or else of the pool."""
        answer = record["response"] or record["response_summary"] or ""
        named = _named(record)
        if named:
            pool = list(self._memories.some(named, record["namespace"]))
            ids = used(record["prompt"], pool, answer, self._embedder, beside=_beside(record))
        else:
            pool = self._pool(record["namespace"], record["project"] or "")
            ids = echoed_anew(_with(record["prompt"], _beside(record)), pool, answer, self._embedder)
            if ids and before is not None:
                # What the answer before told already may be repeated from there.
                told = Echoes(before.response, before.prompt)
                ids = [memory.id for memory in pool if memory.id in set(ids) and not told.hold(memory.content)]
        return [memory for memory in pool if memory.id in set(ids) and self._may_gain(memory)]

    def _pool(self, namespace: str, project: str) -> list[Memory]:
        """What an answer may be held against that names no memories: its project's, and whose it is."""
        statement = rows.select().where(
            memories.c.namespace == namespace,
            memories.c.status == "superseded",
            memories.c.project.in_({project, ""}),
            memories.c.decayed_on.is_not(None),
            memories.c.superseded_by.is_(None),
        )
        decayed = [rows.as_memory(row) for row in self._database.query(statement)]
        return [
            memory
            for memory in [*self._memories.active(namespace, project), *decayed]
            if memory.project == project or memory.memory_type in PERSONAL
        ]

    def _may_gain(self, memory: Memory) -> bool:
        """Is it active, or out of use only because it had decayed?"""
        if memory.status != "superseded":
            return memory.status == "active"
        latest = (
            sa.select(audit.c.actor, audit.c.action)
            .where(audit.c.object_id == memory.id, audit.c.after.like('%"superseded"%'))
            .order_by(audit.c.at.desc(), audit.c.id.desc())
            .limit(1)
        )
        return [(row["actor"], row["action"]) for row in self._database.query(latest)] == [DECAY]

    def _contradicted(self, before: Earlier, said: str) -> list[Memory]:
        """The memories that the answer before carried and the user now contradicts."""
        carried = dict.fromkeys([*before.memories, *self._credited(before.id)])
        return [
            memory
            for memory in self._memories.some(carried, before.namespace)
            if memory.status == "active"
            and contradicts(memory.content, said, told=echoes(memory.content, before.response, before.prompt))
        ]

    def _credited(self, interaction_id: str) -> list[str]:
        return [row["memory_id"] for row in self._references(interaction_id) if row["kind"] == "used"]

    def _references(self, interaction_id: str) -> list[dict[str, Any]]:
        return self._database.query(
            sa.select(memory_references)
            .where(memory_references.c.interaction_id == interaction_id)
            .order_by(memory_references.c.memory_id)
        )

    def _learned(self, record: Record, before: Earlier | None) -> Learned:
        """What is written of an interaction, now or when it was learned first."""
        kinds: dict[str, list[str]] = {"used": [], CONTRADICTED: []}
        for row in self._references(record["id"]):
            kinds.setdefault(row["kind"], []).append(row["memory_id"])
        lowered = [before.id] if kinds[CONTRADICTED] and before is not None else []
        return Learned(kinds["used"], kinds[CONTRADICTED], lowered)

    def _write(
        self, record: Record, credited: Sequence[Memory], shown: Sequence[str], contradicted: Sequence[Memory]
    ) -> None:
        rules = self._rules()

        def work(connection: sa.Connection) -> None:
            for memory in credited:
                self._gain(connection, record, memory.id, rules)
            for memory in contradicted:
                self._lose(connection, record, memory.id, rules)
            if shown and self._is_first(connection, record["id"], len(shown)):
                self._count(connection, record, shown, rules)

        self._database.transact(work)

    def _gain(self, connection: sa.Connection, record: Record, id_: str, rules: Rules) -> None:
        row = _row(connection, id_)
        if row is None or row["status"] not in ("active", "superseded"):
            return
        delta = 0.0 if _is_cooling(connection, id_, record["created_at"], rules.cooldown) else rules.step
        if not self._refer(connection, record, id_, "used", delta):
            return
        changes: dict[str, Any] = {
            "confidence": min(1.0, row["confidence"] + delta),
            "reference_count": row["reference_count"] + 1,
            "last_referenced_at": max(record["created_at"], row["last_referenced_at"] or ""),
        }
        if row["review"] == UNUSED:
            changes["review"] = None
        if row["status"] == "superseded":
            changes |= {"status": "active", "decayed_on": None}
        try:
            self._adjust(connection, record, id_, "used", changes)
        except Conflict:
            # Decayed, and written anew meanwhile: the new one stands for it.
            return

    def _lose(self, connection: sa.Connection, record: Record, id_: str, rules: Rules) -> None:
        row = _row(connection, id_)
        if row is None or row["status"] != "active":
            return
        if not self._refer(connection, record, id_, CONTRADICTED, -rules.contradiction):
            return
        confidence = max(0.0, row["confidence"] - rules.contradiction)
        changes: dict[str, Any] = {"confidence": confidence}
        if confidence < LOW:
            changes["review"] = CONTRADICTED
        self._adjust(connection, record, id_, CONTRADICTED, changes)

    def _count(self, connection: sa.Connection, record: Record, shown: Sequence[str], rules: Rules) -> None:
        """One more injection. A counter is no change of trust: it is not audited, unless it calls for a review."""
        theirs = sa.and_(memories.c.id.in_(shown), memories.c.namespace == record["namespace"])
        latest = greatest(sa.func.coalesce(memories.c.last_injected_at, ""), sa.literal(record["created_at"]))
        counted = sa.update(memories).where(theirs)
        connection.execute(counted.values(injected_count=memories.c.injected_count + 1, last_injected_at=latest))
        never = sa.select(memories.c.id).where(
            theirs,
            memories.c.status == "active",
            memories.c.reference_count == 0,
            memories.c.review.is_(None),
            memories.c.injected_count % rules.unused_after == 0,
        )
        for id_ in connection.scalars(never).all():
            self._adjust(connection, record, id_, UNUSED, {"review": UNUSED})

    def _adjust(
        self, connection: sa.Connection, record: Record, id_: str, action: str, changes: Mapping[str, Any]
    ) -> None:
        self._memories.adjust(
            connection, id_, actor=Actor(ACTOR), action=action, interaction_id=record["id"], **changes
        )

    def _refer(self, connection: sa.Connection, record: Record, id_: str, kind: str, delta: float) -> bool:
        """Note what moves a memory; False where this session has moved it that way before."""
        row = {
            "memory_id": id_,
            "session_id": record["session_id"] or record["id"],
            "kind": kind,
            "interaction_id": record["id"],
            "at": record["created_at"],
            "delta": delta,
        }
        return connection.execute(insert(memory_references).values(**row).on_conflict_do_nothing()).rowcount == 1

    def _is_first(self, connection: sa.Connection, interaction_id: str, shown: int) -> bool:
        """Mark an interaction's injections as counted; False where they were."""
        now = stamp_at(self._clock())
        row = {"interaction_id": interaction_id, "extractor": VERSION, "at": now, "found": shown}
        return connection.execute(insert(extractions).values(**row).on_conflict_do_nothing()).rowcount == 1


def _is_fresh(record: Record) -> bool:
    """Did it work, and was the answer made for this very call?"""
    answered = bool((record["response"] or record["response_summary"] or "").strip())
    return bool(record["success"]) and answered and record["cache_status"] not in HITS and not record["collapsed"]


def _named(record: Record) -> list[str]:
    return list(dict.fromkeys(id_ for id_ in record["memories_used"] if isinstance(id_, str)))


def _injected(record: Record) -> list[str]:
    """The memories that the proxy itself put into the prompt; what clients post shows no injection."""
    return _named(record) if record["policy"] is not None and record["context_pack"] else []


def _beside(record: Record) -> str:
    """What the proxy put into the prompt beside memories: state, pieces of documents, a flow."""
    kept = record["context_pack"]
    text = kept.get("text") if isinstance(kept, Mapping) else None
    return beside_memories(text) if isinstance(text, str) else ""


def _with(prompt: str, more: str) -> str:
    return f"{prompt}\n\n{more}" if more else prompt


def _row(connection: sa.Connection, id_: str) -> dict[str, Any] | None:
    found = connection.execute(sa.select(memories).where(memories.c.id == id_)).mappings().first()
    return dict(found) if found else None


def _is_cooling(connection: sa.Connection, id_: str, at: str, cooldown: float) -> bool:
    """Did the memory gain within the cooldown before or after this time?

    Told by the interactions' own times, so that jobs done late or in another order come out the same.
    """
    moment = datetime.fromisoformat(at)
    span = timedelta(seconds=cooldown)
    near = sa.select(sa.literal(1)).where(
        memory_references.c.memory_id == id_,
        memory_references.c.kind == "used",
        memory_references.c.delta > 0,
        memory_references.c.at > (moment - span).isoformat(" ", "seconds"),
        memory_references.c.at < (moment + span).isoformat(" ", "seconds"),
    )
    return connection.execute(near.limit(1)).first() is not None
