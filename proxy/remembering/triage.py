"""A configured model decides on candidates in a person's place, where it is sure enough. Off without a model.

What it decides is audited in the name of ``triage`` with the model's own, and can be undone; what was undone, and what
it left to a person, it is not asked about again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Final

import sqlalchemy as sa

from cache.answers import is_complete, text_of
from memory.context.terms import terms
from memory.hygiene.contradictions import relate
from memory.memories.audit_trail import Changed
from memory.memories.memories import Memories
from memory.memories.memory import Actor, Memory
from memory.memories.rows import as_memory
from memory.memories.rows import read as read_row
from memory.memories.rows import select as select_memories
from memory.quoting import mark as new_mark
from memory.quoting import quoted
from memory.review.triage import SCHEMA, Verdict, card, read, speaks_to_a_model
from proxy.asking import Asks
from proxy.config import TriageSettings
from proxy.errors import ProxyError
from proxy.metrics import Metrics
from store.database import Database
from store.tables import audit, memory_pairs
from store.tables import memories as table

PROMPT: Final = "triage.v1"
"""A changed prompt gets a new version: verdicts of two prompts are not alike."""
NAME: Final = "triage"
LEFT: Final = "leave"
"""The audit's word for a candidate that was left to a person."""
MOST_AT_ONCE: Final = 20
"""Candidates in a round."""
MOST_FAILURES: Final = 3
"""In a row; then the round is over."""
MOST_TRIES: Final = 5
"""Failures for one candidate; then a person decides on it."""
MOST_KNOWN: Final = 5
"""Known memories that the model is shown beside a candidate."""
MOST_COMPARED: Final = 2000
"""Known memories whose words are compared with a candidate's."""

_DECIDED: Final = ("promote", "reject")


class Triage:
    """Looks candidates over, oldest first.

    Args:
        settings: with a model's name.
        stopping: asked between candidates.
        mark: makes text that nobody can guess.
    """

    def __init__(
        self,
        settings: TriageSettings,
        memories: Memories,
        database: Database,
        asking: Asks,
        metrics: Metrics,
        stopping: Callable[[], bool] = lambda: False,
        mark: Callable[[], str] = new_mark,
    ) -> None:
        self._settings = settings
        self._memories = memories
        self._database = database
        self._asking = asking
        self._metrics = metrics
        self._stopping = stopping
        self._mark = mark
        self._failed: Counter[str] = Counter()
        self._prompt = resources.files("proxy").joinpath("prompts", f"{PROMPT}.txt").read_text("utf-8")

    async def run(self) -> dict[str, int]:
        """One round: ``approved``, ``rejected``, ``left`` to a person, ``failed``.

        Raises:
            DatabaseError: memories cannot be read or written.
            ProxyError: the model failed for every candidate it was asked about.
        """
        counts = {"approved": 0, "rejected": 0, "left": 0, "failed": 0}
        failed: list[Memory] = []
        failure: ProxyError | None = None
        in_a_row = 0
        for candidate in await asyncio.to_thread(self._waiting):
            if self._stopping() or in_a_row == MOST_FAILURES:
                break
            try:
                outcome = await self._decide(candidate)
                in_a_row = 0
            except ProxyError as error:
                outcome, failure = "failed", error
                in_a_row += 1
                failed.append(candidate)
            self._metrics.memory_triage.labels(outcome).inc()
            counts[outcome] = counts.get(outcome, 0) + 1
        await asyncio.to_thread(self._note_failed, failed)
        if failure is not None and counts["failed"] == sum(counts.values()):
            raise failure
        return counts

    def _note_failed(self, failed: Sequence[Memory]) -> None:
        """Put behind the others what the model failed for, and leave it to a person in time."""
        for candidate in failed:
            self._failed[candidate.id] += 1
            if self._failed[candidate.id] >= MOST_TRIES:
                self._act(candidate, "", None, f"the model failed {self._failed.pop(candidate.id)} times")

    async def _decide(self, candidate: Memory) -> str:
        why, near = await asyncio.to_thread(self._look, candidate)
        model, verdict = "", None
        if why is None:
            model, verdict = await self._verdict(candidate, near)
            why = self._doubt(verdict)
        return await asyncio.to_thread(self._act, candidate, model, verdict, why)

    def _look(self, candidate: Memory) -> tuple[str | None, list[Memory]]:
        """Why no model need be asked, and what is known that is like it."""
        known = self._memories.active(candidate.namespace, candidate.project)[-MOST_COMPARED:]
        return _for_a_person(candidate, known), _nearest(candidate, known)

    async def _verdict(self, candidate: Memory, near: Sequence[Memory]) -> tuple[str, Verdict | None]:
        """The model that decides, and its word; the larger one's where the first is not sure."""
        data = {name: self._shown(value) for name, value in card(candidate, near).items()}
        model, verdict = "", None
        for name in (self._settings.model, self._settings.larger_model):
            if name is None or (model and self._doubt(verdict) is None):
                continue
            messages = quoted(self._prompt, data, self._mark())
            answer = await self._asking.ask(name, messages, schema=SCHEMA, timeout=self._settings.timeout)
            whole = is_complete(answer) and len(answer["choices"]) == 1
            model, verdict = name, read(text_of(answer)) if whole else None
        return model, verdict

    def _doubt(self, verdict: Verdict | None) -> str | None:
        """Why a verdict does not count; None where it does."""
        if verdict is None:
            return "the reply was no verdict"
        if verdict.word == "person":
            return "it said that a person should decide"
        return None if verdict.sure >= self._settings.act_at else f"only {verdict.sure:.2f} sure of {verdict.word}"

    def _shown(self, value: Any) -> Any:
        """Redacted once more: a rule may be newer than what was stored."""
        if isinstance(value, list):
            return [self._shown(one) for one in value]
        return self._memories.shown(value) if isinstance(value, str) else value

    def _act(self, candidate: Memory, model: str, verdict: Verdict | None, why: str | None) -> str:
        """Do what was decided, if the candidate is still what the model saw; gives the outcome."""
        done: list[str] = []

        def work(connection: sa.Connection) -> None:
            row = read_row(connection, candidate.id)
            if row is None or row["status"] != "candidate" or row["version"] != candidate.version:
                done.append("changed")
                return
            contradicts = connection.scalar(sa.select(_contradicted(candidate.id)))
            reason = "it is in a contradiction" if contradicts else why
            if reason is not None or verdict is None:
                self._leave(connection, candidate, model, reason or "")
                done.append("left")
                return
            actor = Actor(NAME, f"{model}, {PROMPT}: {verdict.word}, {verdict.sure:.2f} sure")
            if verdict.word == "approve":
                self._memories.steps.promote(connection, row, {}, actor)
            else:
                self._memories.steps.refuse(connection, row, actor, "reject")
            done.append("approved" if verdict.word == "approve" else "rejected")

        self._memories.transact(work)
        return done[0]

    def _leave(self, connection: sa.Connection, candidate: Memory, model: str, why: str) -> None:
        named = f"{model}, {PROMPT}: {why}" if model else why
        left = Changed(candidate.id, LEFT, candidate.namespace, {}, {"version": candidate.version})
        self._memories.trail.write(connection, Actor(NAME, named), left)

    def _waiting(self) -> list[Memory]:
        """Candidates, the oldest first, that this has neither decided on nor left to a person as they are."""
        seen = sa.literal('{"version": ').concat(sa.cast(table.c.version, sa.Text)).concat("}")
        spoken = sa.exists().where(
            audit.c.object_id == table.c.id,
            audit.c.actor == NAME,
            sa.or_(audit.c.action.in_(_DECIDED), sa.and_(audit.c.action == LEFT, audit.c.after == seen)),
        )
        waiting = select_memories().where(table.c.status == "candidate", ~spoken, ~_contradicted(table.c.id))
        oldest = waiting.order_by(table.c.created_at, table.c.id).limit(MOST_AT_ONCE)
        found = [as_memory(row) for row in self._database.query(oldest)]
        return sorted(found, key=lambda memory: self._failed[memory.id])


def _contradicted(id_: Any) -> sa.ColumnElement[bool]:
    """Is the memory in an open contradiction?"""
    either = sa.or_(memory_pairs.c.first == id_, memory_pairs.c.second == id_)
    return sa.exists().where(memory_pairs.c.kind == "contradiction", memory_pairs.c.status == "open", either)


def _for_a_person(candidate: Memory, known: Sequence[Memory]) -> str | None:
    """Why no model need be asked."""
    if speaks_to_a_model(candidate):
        return "it looks like an instruction to an assistant"
    if any(relate(candidate.content, other.content).kind == "contradiction" for other in known):
        return "it contradicts a memory"
    return None


def _nearest(candidate: Memory, known: Sequence[Memory]) -> list[Memory]:
    """The known memories that share most words with it."""
    wanted = terms(candidate.content)
    shared = ((len(wanted & terms(other.content)), other) for other in known)
    found = sorted((one for one in shared if one[0]), key=lambda one: (-one[0], one[1].id))
    return [other for _, other in found[:MOST_KNOWN]]
