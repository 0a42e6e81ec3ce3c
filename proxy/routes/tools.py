"""Runs of tools over HTTP: earlier ones like this, how good one was, how a tool fares."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.tools.runs import NEUTRAL_QUALITY, Wanted
from memory.tools.stats import tool_statistics
from proxy.auth import Caller
from proxy.errors import Forbidden, InvalidRequest, NotFound
from proxy.routes.access import AnyCaller, Parts
from proxy.services import Services

router = APIRouter(tags=["tools"])

MOST_FOUND = 100
MOST_HOURS = 87_600.0
"""Ten years."""

ToolId = Annotated[str, Field(min_length=1, max_length=512)]
Unit = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Lookup(BaseModel):
    """What is looked for among a tool's runs."""

    model_config = ConfigDict(extra="forbid")

    tool_id: ToolId
    text: Annotated[str, Field(description="The tool's input.")]
    threshold: Annotated[Unit, Field(description="Least similarity; 1 takes equal inputs alone.")] = 0.85
    min_quality: Annotated[Unit, Field(description=f"What nobody rated counts as {NEUTRAL_QUALITY}.")] = 0.0
    require_success: bool = False
    top_k: Annotated[int, Field(ge=1, le=MOST_FOUND)] = 5
    max_age_hours: Annotated[float | None, Field(gt=0, le=MOST_HOURS)] = None


class Rating(BaseModel):
    """How good an output was."""

    model_config = ConfigDict(extra="forbid")

    score: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


@router.get("/interactions/similar", operation_id="find_similar_interactions")
def find_similar(wanted: Annotated[Lookup, Query()], parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """Runs of a tool whose input was equal or similar, by quality x similarity, newest first on ties.

    Of the caller's own namespace, for an admin too. Only an equal input, to the character, has the similarity 1. What
    was served again from an earlier run is not listed, so that nothing grows younger by being used.
    """
    return _similar(wanted, parts, caller)


@router.post("/interactions/similar", operation_id="search_similar_interactions")
def search_similar(wanted: Lookup, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The same, for inputs that are too long for an address or that no access log should hold."""
    return _similar(wanted, parts, caller)


@router.post("/interactions/{id}/quality", operation_id="rate_interaction")
def rate(id: str, given: Rating, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """Set how good an interaction's answer was, 0 to 1, and move what it was served from: entry, or a tool's run.

    The same as feedback with a score: given again, it replaces what was given before.
    """
    try:
        done = parts.feedback.give(id, caller.visible, score=given.score)
    except NotFound as error:
        raise NotFound(error.message, param="id") from error
    told: dict[str, Any] = {
        "status": "replaced" if done.replaced else "recorded",
        "id": done.interaction_id,
        "quality_score": done.score,
    }
    if done.entry is not None and (caller.role == "admin" or parts.settings.server.expose == "full"):
        told["entry"] = {
            "id": done.entry.id,
            "quality": round(done.entry.quality, 4),
            "status": done.entry.status,
        }
    return told


@router.get("/tools/{tool_id:path}/stats", operation_id="get_tool_statistics")
def statistics(
    tool_id: str,
    parts: Parts,
    caller: AnyCaller,
    hours: Annotated[float, Query(gt=0, le=MOST_HOURS, description="How far back.")] = 24,
    namespace: Annotated[str | None, Query(description="Only this one's; a client's own, always.")] = None,
) -> dict[str, Any]:
    """How a tool fared: runs, hits, success, quality, latency, and the time and money that hits saved."""
    if caller.visible is not None and namespace not in (None, caller.visible):
        raise Forbidden("Only an admin sees another namespace's statistics.", param="namespace")
    within = caller.visible if namespace is None else namespace
    return tool_statistics(parts.database, tool_id, hours, within)


def _similar(wanted: Lookup, parts: Services, caller: Caller) -> dict[str, Any]:
    if not wanted.text.strip():
        raise InvalidRequest("'text' must not be blank.", param="text")
    for name, value in (("tool_id", wanted.tool_id), ("text", wanted.text)):
        if not _is_whole(value):
            raise InvalidRequest(f"'{name}' holds half a surrogate pair.", param=name)
    given = wanted.model_dump(exclude={"max_age_hours"})
    age = None if wanted.max_age_hours is None else wanted.max_age_hours * 3600.0
    found = parts.remembering.tools.similar(caller.namespace, Wanted(**given, max_age=age))
    return {"count": len(found), "interactions": found}


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
