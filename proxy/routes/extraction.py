"""Extraction on request: what an interaction holds for memory, and reading what was not read yet."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from memory.extraction.keeping import Found, Record
from memory.interactions import InteractionError
from proxy.errors import InvalidRequest, NotFound, ProxyError, Unavailable, UpstreamError
from proxy.remembering.reading import Mode
from proxy.remembering.worker import Later
from proxy.routes.access import Admin, AnyCaller, Parts, require_admin
from proxy.routes.memories import actor_of

router = APIRouter(tags=["memories"])

MOST: int = 500
"""Interactions of one batch."""
Flag = Annotated[bool, Field(strict=True)]


class Extract(BaseModel):
    """How an interaction is read."""

    model_config = ConfigDict(extra="forbid")

    persist: Flag = Field(default=False, description="Store what is found as candidates; only admins may.")
    model: Flag = Field(default=False, description="Ask the extraction model, too; only admins may.")


class ExtractBatch(BaseModel):
    """Which interactions are read, and how."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Field(default="rules", description="`rules`, `model` or `all` of them.")
    since: str | None = Field(default=None, description="ISO 8601; inclusive; UTC unless it says otherwise.")
    limit: Annotated[int, Field(strict=True, ge=1, le=MOST)] = Field(
        default=50, description="Interactions at most, 1 to 500; 50 candidates end a pass sooner."
    )
    persist: Flag = Field(default=False, description="Store what is found as candidates.")
    namespace: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Of this namespace only."
    )


@router.post("/interactions/{id}/extract", operation_id="extract_candidates")
async def extract(id: str, parts: Parts, caller: AnyCaller, given: Extract | None = None) -> dict[str, Any]:
    """What of an interaction may be worth remembering. A preview, unless `persist` stores it for review.

    Found are statements that no active memory of the project makes; at most 50.
    """
    wanted = given or Extract()
    if wanted.persist or wanted.model:
        require_admin(caller)
    record = await asyncio.to_thread(parts.interactions.get, id, caller.visible)
    if record is None:
        raise NotFound(f"No interaction {id!r}.", param="id")
    mode: Mode = "all" if wanted.model else "rules"
    reading = parts.remembering.reading
    try:
        found = await reading.find(record, mode)
    except Later as later:
        raise Unavailable(f"The extraction model may be asked again in {later.seconds:.0f} s.") from later
    except InvalidRequest:
        raise
    except ProxyError as error:
        raise UpstreamError(error.message, code=error.code) from error
    stored = await reading.keep(record, found, mode, actor_of(parts, caller)) if wanted.persist else []
    return {
        "candidate_count": len(found),
        "candidates": [_shown(record, one) for one in found],
        "persisted": wanted.persist,
        "persisted_ids": stored,
    }


@router.post("/admin/extract-batch", operation_id="extract_batch")
async def extract_batch(given: ExtractBatch, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Read calls that the present version of the extractors has not read, oldest first.

    A pass ends with 50 candidates, and after a minute; `remaining` says how many calls it left. What a model failed on
    stands in `errors`, and counts as unread.
    """
    try:
        done = await parts.remembering.reading.batch(
            given.mode,
            since=given.since,
            namespace=given.namespace,
            limit=given.limit,
            persist=given.persist,
            actor=actor_of(parts, caller),
        )
    except InteractionError as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return {
        "mode": given.mode,
        "interactions": done.read,
        "candidate_count": len(done.found),
        "candidates": [_shown(record, one) for record, one in done.found],
        "persisted": given.persist,
        "persisted_ids": done.stored,
        "errors": [{"interaction_id": id_, "message": message} for id_, message in done.errors],
        "remaining": done.remaining,
        "retry_after": round(done.wait, 1) if done.wait else None,
    }


def _shown(record: Record, found: Found) -> dict[str, Any]:
    candidate = found.candidate
    return {
        "memory_type": candidate.memory_type,
        "content": candidate.content,
        "rule": candidate.rule,
        "source_span": found.span,
        "project": record["project"] or "",
        "confidence": candidate.confidence,
        "source_interaction_id": record["id"],
        "role": candidate.role,
        "start": candidate.start,
        "end": candidate.end,
    }
