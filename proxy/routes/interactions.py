"""The log over HTTP: record, list, read."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.interactions import Interaction, InteractionError, summary_of
from proxy.errors import InvalidRequest, NotFound
from proxy.remembering.conversations import Steps
from proxy.remembering.learner import LEARN
from proxy.remembering.toolruns import as_hit, as_kept, as_run, embed_job
from proxy.routes.access import AnyCaller, Parts
from proxy.services import Services
from proxy.wire import check_nesting
from store.writer import Statement

router = APIRouter(tags=["interactions"])

_NO_COLUMNS = {"prompt", "response", "response_summary", "input", "output", "reinforce", "cached_from"}


class NewInteraction(BaseModel):
    """What a client reports. Of a tool, ``input`` and ``output`` may stand for prompt and response."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    response: str = ""
    response_summary: str = ""
    project: str = ""
    client: str = ""
    session_id: str = ""
    model: str | None = None
    provider: str | None = None
    memories_used: list[str] = []
    chunks_used: list[str] = []
    context_pack: dict[str, Any] | None = None
    reinforce: bool = Field(
        default=True,
        description="May memories that the response used gain from it? Behind the answer, once per session.",
    )
    interaction_type: str = Field(default="llm", min_length=1, max_length=64)
    tool_id: str | None = None
    tool_name: str | None = None
    input: Any = None
    output: Any = None
    success: bool = True
    quality_score: float | None = Field(default=None, ge=0, le=1)
    latency_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    error: str | None = None
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="US dollars.")
    cached_from: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="The run of this tool whose output was served instead of running it: makes this a hit. Its output "
        "is taken where none is given.",
    )
    metadata: dict[str, Any] = {}


@router.post("/interactions", operation_id="record_interaction")
async def record(given: NewInteraction, parts: Parts, caller: AnyCaller) -> dict[str, str]:
    """Log a round trip that did not go through the proxy, or a tool's run."""
    _check_storable(given)
    prompt = given.prompt if given.prompt is not None else _as_text(given.input)
    if not prompt.strip():
        raise InvalidRequest("'prompt' must not be blank.", param="prompt")
    switches = parts.settings.memory.interactions.model_dump()
    if not switches.get(given.interaction_type, True):
        raise InvalidRequest(f"Logging of {given.interaction_type!r} is switched off.", param="interaction_type")
    response = given.response or _as_text(given.output)
    fields = given.model_dump(exclude=_NO_COLUMNS)
    interaction = Interaction(
        prompt=prompt,
        response=response,
        response_summary=given.response_summary or summary_of(response),
        namespace=caller.namespace,
        **fields,
    )
    if interaction.tool_id is not None:
        interaction = as_run(interaction)
    if given.cached_from is not None:
        interaction = await asyncio.to_thread(as_hit, parts.interactions, interaction, given.cached_from)
    kept = as_kept(interaction, await parts.redaction(interaction))
    await parts.interactions.record(kept, _jobs(parts, interaction, given.reinforce))
    return {"status": "recorded", "id": interaction.id, "created_at": interaction.created_at}


@router.get("/interactions", operation_id="list_interactions")
def list_interactions(
    parts: Parts,
    caller: AnyCaller,
    project: str | None = None,
    session_id: str | None = None,
    client: str | None = None,
    since: Annotated[str | None, Query(description="ISO 8601; inclusive; UTC unless it says otherwise.")] = None,
    limit: Annotated[int, Query(description="At most 500; 0 or less gives nothing.")] = 50,
) -> dict[str, Any]:
    """Newest first, without responses; a client sees its own namespace."""
    try:
        found = parts.interactions.list(
            namespace=caller.visible, project=project, session_id=session_id, client=client, since=since, limit=limit
        )
    except InteractionError as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return {"count": len(found), "interactions": found}


@router.get("/interactions/{id}", operation_id="get_interaction")
def get_interaction(id: str, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The whole record, with response and context pack."""
    found = parts.interactions.get(id, caller.visible)
    if found is None:
        raise NotFound(f"No interaction {id!r}.", param="id")
    return found


def _jobs(parts: Services, interaction: Interaction, reinforce: bool) -> list[Statement]:
    """What is to be done behind the answer; it stands or falls with the interaction, and never holds it up."""
    memory, queue = parts.settings.memory, parts.remembering.jobs
    jobs = embed_job(queue, interaction) if memory.interactions.embed else []
    says = bool(interaction.response or interaction.response_summary)
    if reinforce and says and interaction.cache_status != "hit" and memory.reinforcement.enabled:
        jobs.append(queue.statement(LEARN, interaction.id, interaction.namespace))
    return [*jobs, *Steps(queue, lambda: memory.flows).of_posted(interaction)]


def _check_storable(given: NewInteraction) -> None:
    """What JSON lets through but a record cannot hold. Raises ``InvalidRequest``."""
    body = given.model_dump()
    check_nesting(body)
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest("The body holds half a surrogate pair.", param="body", code="invalid_json") from error


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
