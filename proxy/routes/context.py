"""Pieces of documents and whole contexts for prompts, over HTTP; each caller's own."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.context.packs import Pack
from memory.context.ranking import Ranked
from memory.interactions import stamp_at
from proxy.errors import InvalidRequest, NotFound, Unavailable
from proxy.injection import behind
from proxy.lastpacks import Shown
from proxy.routes.access import AnyCaller, Parts
from proxy.services import Services
from store.embedder import EmbedderError

router = APIRouter(tags=["context"])

MOST_BUDGET: Final = 100_000

Prompt = Annotated[str, Field(min_length=1, description="What is asked.")]
Project = Annotated[str | None, Field(max_length=200, description="A project's id or alias; left out: none.")]


class Wanted(BaseModel):
    """What pieces of documents are looked for."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    top_k: Annotated[int, Field(strict=True, ge=1, le=100, description="Results at most.")] = 10
    filter_tags: Annotated[
        list[str] | None, Field(max_length=20, description="Only of documents that have all of these tags.")
    ] = None
    project: Project = None


class ToBuild(BaseModel):
    """What a context is built for."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    project: Project = None
    budget: Annotated[int, Field(strict=True, ge=1, le=MOST_BUDGET)] | None = Field(
        default=None, description="Characters at most; left out: `memory.context.budget`."
    )


@router.post("/query", operation_id="query_sources")
async def query(given: Wanted, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The pieces of documents that serve a prompt best, of sources that the caller's namespace may read."""
    project = _checked(given.prompt, given.project, parts)
    try:
        found = await parts.remembering.contexts.query(
            caller.namespace, project, given.prompt, given.top_k, given.filter_tags or ()
        )
    except EmbedderError as error:
        raise _unavailable() from error
    return {"count": len(found), "project": project or None, "results": [_as_result(one) for one in found]}


@router.post("/context/build", operation_id="build_context")
async def build(given: ToBuild, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The context that a prompt of the caller's gets: its project's state, memories, pieces of documents.

    It is what a call gets, but that documents take part whatever `memory.context.sources` says.
    """
    began = time.perf_counter()
    project = _checked(given.prompt, given.project, parts)
    contexts = parts.remembering.contexts
    budget = contexts.budget if given.budget is None else given.budget
    try:
        made = await contexts.build(caller.namespace, project, given.prompt, budget)
    except EmbedderError as error:
        raise _unavailable() from error
    pack = made.pack or Pack("")
    parts.remembering.last_packs.put(caller, Shown(pack, project, budget, stamp_at(time.time())))
    told = _as_told(pack, project, budget)
    return {
        **told,
        "full_prompt": behind(given.prompt, pack.text) if pack.text else given.prompt,
        "chunks": [_as_result(one) for one in made.chunks],
        "duration_ms": round((time.perf_counter() - began) * 1000, 3),
    }


@router.get("/debug/context", operation_id="last_context")
async def last(
    parts: Parts,
    caller: AnyCaller,
    session: Annotated[str | None, Query(description="Of this session of the caller's; left out: of any.")] = None,
) -> dict[str, Any]:
    """The context that this very caller was given last, by a call or by `POST /context/build`; nobody else's.

    The server keeps the latest only, and none beyond its own life.
    """
    shown = parts.remembering.last_packs.of(caller, session)
    if shown is None:
        raise NotFound("This caller was given no context yet.", param="session" if session else None)
    return {
        **_as_told(shown.pack, shown.project, shown.budget),
        "chunks": [{"chunk_id": id_, "digest": digest} for id_, digest in shown.pack.chunks],
        "created_at": shown.at,
        "session_id": shown.session,
        "interaction_id": shown.interaction,
    }


def _checked(prompt: str, project: str | None, parts: Services) -> str:
    """The project's id. Raises ``InvalidRequest``."""
    if not prompt.strip():
        raise InvalidRequest("'prompt' must not be blank.", param="prompt")
    return parts.remembering.projects.resolve(project)


def _unavailable() -> Unavailable:
    return Unavailable("Documents cannot be searched now: the embedder is not ready, or fails.", code="embedder")


def _as_told(pack: Pack, project: str, budget: int) -> dict[str, Any]:
    return {
        "formatted_context": pack.text,
        "project": project or None,
        "chunks_used": len(pack.chunks),
        "memories_used": [id_ for id_, _ in pack.memories],
        "state_used": list(pack.state),
        "flow_used": pack.flow[0] if pack.flow is not None else None,
        "bands": dict(pack.used),
        "total_chars": len(pack.text),
        "budget": budget,
        "budget_remaining": budget - len(pack.text),
    }


def _as_result(one: Ranked) -> dict[str, Any]:
    chunk = one.chunk
    return {
        "chunk_id": chunk.id,
        "content": chunk.content,
        "score": round(one.score, 6),
        "similarity": round(one.cosine, 6),
        "title": chunk.title,
        "heading_path": " > ".join(chunk.heading_path),
        "headings": list(chunk.heading_path),
        "source": chunk.source,
        "source_file": chunk.path,
        "project": chunk.project or None,
        "tags": list(chunk.tags),
    }
