"""The review queue over HTTP: what waits for a person, decisions in bulk, undo."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.memories.memory import Missing
from memory.review.cards import Card
from memory.review.decisions import Outcome
from memory.review.queue import KINDS
from proxy.errors import NotFound
from proxy.routes.access import Admin, Parts
from proxy.routes.memories import actor_of
from proxy.routes.memory_errors import as_told
from store.errors import StoreError

router = APIRouter(prefix="/review", tags=["review"])

MOST_DECISIONS = 500


class Decided(BaseModel):
    """Decisions, each on one card."""

    model_config = ConfigDict(extra="forbid")

    decisions: Annotated[list[dict[str, Any]], Field(max_length=MOST_DECISIONS)] = Field(
        description="Each `{id, action, content?, memory_type?, project?, keep?, changes?, reason?}`. The card names "
        "the actions; `edit` takes new values and approves; `keep` names the memory that stays in a merge; `changes` "
        "holds what `modify` puts in place of what a proposal says."
    )


class Undo(BaseModel):
    """What is to be undone."""

    model_config = ConfigDict(extra="forbid")

    audit_id: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="A row of the audit; left out: the caller's last decision."
    )
    reason: Annotated[str, Field(max_length=1000)] | None = None
    dry_run: bool = Field(default=False, description="Say what it would do, and change nothing.")


@router.get("", operation_id="list_review")
def queue(
    parts: Parts,
    _: Admin,
    project: Annotated[str | None, Query(description="A project's own; empty: those of every project.")] = None,
    kind: Annotated[str | None, Query(description="One of: " + ", ".join(KINDS) + ".")] = None,
    namespace: str | None = None,
    limit: Annotated[int, Query(description="At most 500; 0 or less gives no cards.")] = 50,
) -> dict[str, Any]:
    """What waits: the most supported first, then the surest, then the oldest. `waiting` counts all of it by kind."""
    within = None if project is None else parts.remembering.projects.resolve(project)
    found = parts.remembering.review.queue(namespace=namespace, project=within, kind=kind, limit=limit)
    return {"count": len(found.cards), "waiting": dict(found.waiting), "cards": [_card(card) for card in found.cards]}


@router.post("", operation_id="decide_review")
def decide(given: Decided, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Decide on cards. Each decision stands alone: one that fails is told with its error and stops no other."""
    outcomes = parts.remembering.review.decide(given.decisions, actor_of(parts, caller).name)
    for outcome in outcomes:
        if isinstance(outcome.error, StoreError):
            parts.health.failed(outcome.error, "memory")
    done = sum(outcome.error is None for outcome in outcomes)
    return {"done": done, "failed": len(outcomes) - done, "results": [_result(outcome) for outcome in outcomes]}


@router.post("/undo", operation_id="undo_review")
def undo(parts: Parts, caller: Admin, given: Undo | None = None) -> dict[str, Any]:
    """Put back what a decision changed, or any other change of the audit, unless it was changed again since.

    `moved` counts rows that follow, by table: those of a project go where its names lead then.
    """
    asked = given or Undo()
    try:
        undone = parts.remembering.review.undo(
            actor_of(parts, caller, asked.reason), asked.audit_id, dry_run=asked.dry_run
        )
    except Missing as error:
        raise NotFound(as_told(error).message, param="audit_id") from error
    return {"status": "dry_run" if asked.dry_run else "undone", **dataclasses.asdict(undone)}


def _card(card: Card) -> dict[str, Any]:
    return dataclasses.asdict(card)


def _result(outcome: Outcome) -> dict[str, Any]:
    told: dict[str, Any] = {"id": outcome.id, "action": outcome.action}
    if outcome.error is not None:
        return {**told, **as_told(outcome.error).body()}
    told |= {"memory_id": outcome.memory_id, "status": outcome.status, "audit_id": outcome.audit_id}
    return told if outcome.flow_id is None else {**told, "flow_id": outcome.flow_id}
