"""Memories over HTTP: written and promoted by admins, read by those whose they are; and the audit of every change."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.interactions import InteractionError
from memory.memories import fields
from memory.memories.memory import STATUSES, TYPES, Actor, Memory
from proxy.auth import Caller
from proxy.errors import Forbidden, InvalidRequest, NotFound
from proxy.routes.access import Admin, AnyCaller, Parts
from proxy.services import Services

router = APIRouter(tags=["memories"])

Confidence = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Reason = Annotated[str | None, Field(max_length=1000, description="Why; it goes into the audit.")]
Limit = Annotated[int, Query(description="At most 500; 0 or less gives nothing.")]
NAMED = "One of: " + ", ".join(TYPES) + "."


class Body(BaseModel):
    """What the routes take."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = None


class NewMemory(Body):
    """A memory that a person writes."""

    memory_type: str = Field(description=NAMED)
    content: str = Field(description=f"What is to be remembered, up to {fields.MOST_WRITTEN} characters.")
    project: str | None = Field(default=None, description="Left out: of every project.")
    confidence: Confidence = 1.0
    tags: list[str] | None = None
    valid_until: str | None = Field(default=None, description="ISO 8601; UTC unless it says otherwise.")
    namespace: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Whose it is; left out: the caller's own."
    )
    pinned: Annotated[bool, Field(strict=True)] = Field(default=False, description="Kept from decay and from merging.")


class Changes(Body):
    """What is to be changed; what is left out stays."""

    content: str | None = None
    confidence: Confidence | None = None
    status: str | None = Field(default=None, description="One of: " + ", ".join(STATUSES) + ".")
    memory_type: str | None = Field(default=None, description=NAMED)
    tags: list[str] | None = None
    valid_until: str | None = Field(default=None, description="null: no end.")
    project: str | None = Field(default=None, description="null: of every project.")
    pinned: Annotated[bool, Field(strict=True)] | None = None


class Promotion(Body):
    """How a candidate is edited while it is promoted."""

    content: str | None = None
    memory_type: str | None = None
    project: str | None = None


@router.post("/memory", operation_id="add_memory")
def add(given: NewMemory, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Remember something: it is active at once. Said again, it is the memory that stands there already.

    With a project, `registered` says whether anybody registered it; `did_you_mean` names one that is written nearly so.
    """
    memory, _ = parts.remembering.memories.add(
        namespace=given.namespace or caller.namespace,
        project=given.project or "",
        memory_type=given.memory_type,
        content=given.content,
        confidence=given.confidence,
        tags=given.tags or (),
        valid_until=given.valid_until,
        pinned=given.pinned,
        actor=actor_of(parts, caller, given.reason),
    )
    told = {"status": "ok", "id": memory.id, "memory_type": memory.memory_type}
    return {**told, **about_project(parts, memory.project)}


@router.get("/memory", operation_id="list_memories")
def list_memories(
    parts: Parts,
    caller: AnyCaller,
    memory_type: Annotated[str | None, Query(description=NAMED)] = None,
    project: Annotated[str | None, Query(description="A project's own; empty: those of every project.")] = None,
    status: Annotated[str | None, Query(description="Wins over `active_only`.")] = None,
    active_only: bool = True,
    min_confidence: Annotated[float | None, Query(ge=0, le=1)] = None,
    namespace: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The last changed first; a client sees its own namespace."""
    found = parts.remembering.memories.list(
        namespace=namespace_of(caller, namespace),
        project=project,
        memory_type=memory_type,
        status=status,
        active_only=active_only,
        min_confidence=min_confidence,
        limit=limit,
    )
    shown = [as_shown(memory) for memory in found]
    return {"count": len(shown), "memories": shown, "types": list(TYPES), "statuses": list(STATUSES)}


@router.get("/memory/{id}", operation_id="get_memory")
def get(id: str, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """One memory, whatever its status."""
    found = parts.remembering.memories.get(id, caller.visible)
    if found is None:
        raise _unknown(id)
    return as_shown(found)


@router.put("/memory/{id}", operation_id="change_memory")
def change(id: str, given: Changes, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Change a memory. To make a candidate active is to promote it; the id given back is that of the active one."""
    changes = given.model_dump(exclude_unset=True, exclude={"reason"})
    if not changes:
        raise InvalidRequest("The body names nothing to change.", param="body")
    memory = parts.remembering.memories.update(id, changes, actor_of(parts, caller, given.reason))
    about = about_project(parts, memory.project) if "project" in changes else {}
    return {"status": "updated", "id": memory.id, "memory": as_shown(memory), **about}


@router.delete("/memory/{id}", operation_id="delete_memory")
def delete(
    id: str, parts: Parts, caller: Admin, reason: Annotated[str | None, Query(max_length=1000)] = None
) -> dict[str, Any]:
    """Make a memory invalid: it is used no more and not extracted again. `POST /admin/forget` takes its words away."""
    memory = parts.remembering.memories.invalidate(id, actor_of(parts, caller, reason))
    return {"status": memory.status, "id": memory.id}


@router.post("/memory/{id}/promote", operation_id="promote_memory")
def promote(id: str, parts: Parts, caller: Admin, given: Promotion | None = None) -> dict[str, Any]:
    """Make a candidate active. Where its text is active already, `superseded_by` names the memory that says it."""
    edits = given or Promotion()
    memory = parts.remembering.memories.promote(
        id,
        actor_of(parts, caller, edits.reason),
        content=edits.content,
        memory_type=edits.memory_type,
        project=edits.project,
    )
    return {"status": "promoted", "id": id} | ({} if memory.id == id else {"superseded_by": memory.id})


@router.post("/memory/{id}/reject", operation_id="reject_memory")
def reject(id: str, parts: Parts, caller: Admin, given: Body | None = None) -> dict[str, Any]:
    """Say no to a candidate: it becomes invalid, and its text is not raised again."""
    parts.remembering.memories.reject(id, actor_of(parts, caller, given.reason if given else None))
    return {"status": "rejected", "id": id}


@router.get("/memory/{id}/audit", operation_id="memory_history")
def history(id: str, parts: Parts, caller: AnyCaller, limit: Limit = 500) -> dict[str, Any]:
    """Who changed this memory, when, why and how; newest first."""
    if parts.remembering.memories.get(id, caller.visible) is None:
        raise _unknown(id)
    found = parts.remembering.trail.of(id, limit)
    return {"id": id, "count": len(found), "audit": found}


@router.get("/admin/audit", operation_id="list_audit", tags=["operations"])
def list_audit(
    parts: Parts,
    _: Admin,
    since: Annotated[str | None, Query(description="ISO 8601; inclusive; UTC unless it says otherwise.")] = None,
    actor: str | None = None,
    action: str | None = None,
    object_id: str | None = None,
    namespace: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Every change of what is remembered, newest first. What was changed together shares an id up to its dot."""
    try:
        found = parts.remembering.trail.list(
            since=since, actor=actor, action=action, object_id=object_id, namespace=namespace, limit=limit
        )
    except InteractionError as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return {"count": len(found), "audit": found}


def actor_of(parts: Services, caller: Caller, reason: str | None = None) -> Actor:
    """Who changes something, for the audit. Raises ``MemoryFault``."""
    name = caller.key_name or f"{caller.role} of {caller.namespace}"
    return Actor(name, parts.remembering.memories.shown(fields.text("reason", reason or "")))


def about_project(parts: Services, project: str) -> dict[str, Any]:
    """What to say of the project that something was written under: a mistyped name would be found by nobody."""
    if not project:
        return {}
    registry = parts.remembering.projects
    if registry.known(project) is not None:
        return {"registered": True}
    near = registry.near(project)
    return {"registered": False} | ({} if near is None else {"did_you_mean": near})


def namespace_of(caller: Caller, asked: str | None) -> str | None:
    """The namespace to read; None for all. Raises ``Forbidden``."""
    if caller.visible is None:
        return asked
    if asked not in (None, caller.visible):
        raise Forbidden("This key reads its own namespace only.", param="namespace")
    return caller.visible


def as_shown(memory: Memory) -> dict[str, Any]:
    """A memory as callers get it."""
    return dataclasses.asdict(memory)


def _unknown(id_: str) -> NotFound:
    return NotFound(f"No memory {id_!r}.", param="id")
