"""Flows over HTTP: written and taken out of use by admins, read by those whose they are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import Field

from memory.flows import tree
from memory.flows.flow import Flow
from memory.flows.library import DIFF_CHARS
from memory.flows.mermaid import mermaid
from memory.flows.reading import STATUSES, Published
from memory.flows.tree import read_flow
from proxy.auth import Caller
from proxy.errors import NotFound
from proxy.routes.access import Admin, AnyCaller, Parts
from proxy.routes.memories import Body, Limit, actor_of, namespace_of
from proxy.services import Services

router = APIRouter(tags=["flows"])

_WORDS = f"{tree.LEAST_KEYWORDS} to {tree.MOST_KEYWORDS} words or phrases that people use of such a problem."
_TREE = (
    "`{id: root, type: decision, question, help_text?, options: [{id, label, next_node_id}], children: [{id, type:"
    " decision | action | solution, title, question | description, options, next_node_id}]}`."
)
Number = Annotated[int | None, Query(ge=1, le=1_000_000, description="Left out: the newest.")]


class Written(Body):
    """A flow as a person writes it."""

    # What is wrong with these is told all at once, by what reads flows.
    title: Any = Field(default=None, description=f"Up to {tree.TITLE_CHARS} characters.")
    description: Any = Field(default=None, description=f"Up to {tree.DESCRIPTION_CHARS} characters.")
    match_keywords: Any = Field(default=None, description=_WORDS)
    problem_domain: Any = Field(default=None, description="One of `memory.flows.domains`; null: not known.")
    tree_structure: Any = Field(default=None, description=_TREE)


class NewFlow(Written):
    """A new flow, to be used at once."""

    project: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="Left out: of every project."
    )
    namespace: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Whose it is; left out: the caller's own."
    )


class NewVersion(Written):
    """A flow as it is to be from now on."""

    version: Annotated[int | None, Field(strict=True, ge=1, le=1_000_000)] = Field(
        default=None, description="The version that it was made from: refused where another is in use by now."
    )
    diff_description: Annotated[str, Field(max_length=DIFF_CHARS)] | None = Field(
        default=None, description="What is new in it."
    )


class Why(Body):
    """Why a flow is taken out of use, or put into use again."""


@router.get("/flows", operation_id="list_flows")
def list_flows(
    parts: Parts,
    caller: AnyCaller,
    status: Annotated[str | None, Query(description="One of: " + ", ".join(STATUSES) + ".")] = None,
    project: Annotated[str | None, Query(description="A project's own; empty: those of every project.")] = None,
    problem_domain: str | None = None,
    namespace: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The last changed first, without their trees; a client sees its own namespace."""
    found = parts.remembering.flows.list(
        namespace=namespace_of(caller, namespace),
        project=None if project is None else parts.remembering.projects.resolve(project),
        status=status,
        problem_domain=problem_domain,
        limit=limit,
    )
    return {"count": len(found), "flows": [_listed(one) for one in found]}


@router.post("/flows", operation_id="add_flow")
def add(given: NewFlow, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Publish a flow. What cannot be followed is refused, and all that is wrong with it is told."""
    flow = _read(given, parts)
    namespace, actor = given.namespace or caller.namespace, actor_of(parts, caller, given.reason)
    made = parts.remembering.flows.add(namespace, given.project or "", flow, actor)
    _tell(parts, made)
    return {"id": made.id, "version": made.version, "status": made.status}


@router.get("/flows/{id}", operation_id="get_flow")
def get(id: str, parts: Parts, caller: AnyCaller, version: Number = None) -> dict[str, Any]:
    """One flow, whatever its status, with its tree."""
    found = _required(id, parts, caller.visible)
    flow = _as_of(found, version, parts)
    return {**_listed(found), "version": version or found.version, "newest_version": found.version, **flow.as_json()}


@router.put("/flows/{id}", operation_id="change_flow")
def change(id: str, given: NewVersion, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Make a new version of a flow; those before it are kept."""
    made, new = parts.remembering.flows.change(
        id,
        _read(given, parts),
        actor_of(parts, caller, given.reason),
        namespace=caller.visible,
        made_from=given.version,
        diff=given.diff_description,
    )
    if new:
        _tell(parts, made)
    return {"id": made.id, "version": made.version, "status": made.status, "changed": new}


@router.get("/flows/{id}/versions", operation_id="flow_versions")
def versions(id: str, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """Every version of a flow, the newest first: who made it, of what proposal, and what was new in it."""
    _required(id, parts, caller.visible)
    found = parts.remembering.flows.versions(id)
    shown = [
        {
            "version": one.version,
            "at": one.at,
            "actor": one.actor,
            "proposal_id": one.proposal_id,
            "diff_description": one.diff_description,
            "title": one.flow.title,
            "nodes": len(one.flow.nodes),
        }
        for one in found
    ]
    return {"count": len(shown), "versions": shown}


@router.get(
    "/flows/{id}/mermaid",
    operation_id="draw_flow",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {}, "application/json": {}}}},
)
def draw(id: str, request: Request, parts: Parts, caller: AnyCaller, version: Number = None) -> Response:
    """The flow as a Mermaid flowchart: plain text, or JSON for who accepts that first."""
    found = _required(id, parts, caller.visible)
    chart = mermaid(_as_of(found, version, parts))
    if request.headers.get("accept", "").lstrip().lower().startswith("application/json"):
        return JSONResponse({"id": id, "version": version or found.version, "mermaid": chart})
    return PlainTextResponse(chart)


@router.post("/flows/{id}/retire", operation_id="retire_flow")
def retire(id: str, parts: Parts, caller: Admin, given: Why | None = None) -> dict[str, Any]:
    """Take a flow out of use: no session is matched to it, and none gets it any more."""
    return _moved(id, "retired", parts, caller, given)


@router.post("/flows/{id}/restore", operation_id="restore_flow")
def restore(id: str, parts: Parts, caller: Admin, given: Why | None = None) -> dict[str, Any]:
    """Put a retired flow into use again."""
    return _moved(id, "published", parts, caller, given)


def _moved(id: str, status: str, parts: Services, caller: Caller, given: Why | None) -> dict[str, Any]:
    actor = actor_of(parts, caller, given.reason if given is not None else None)
    made = parts.remembering.flows.set_status(id, status, actor, caller.visible)
    return {"id": made.id, "version": made.version, "status": made.status}


def _read(given: Written, parts: Services) -> Flow:
    """What was written, as a flow. Raises ``FlowFault``."""
    fields = {name: getattr(given, name) for name in tree.FIELDS}
    return read_flow(fields, parts.settings.memory.flows.domains)


def _required(id: str, parts: Services, namespace: str | None) -> Published:
    found = parts.remembering.flows.get(id, namespace)
    if found is None:
        raise NotFound(f"No flow {id!r}.", param="id")
    return found


def _as_of(found: Published, version: int | None, parts: Services) -> Flow:
    flow = found.flow if version in (None, found.version) else parts.remembering.flows.as_of(found.id, version or 0)
    if flow is None:
        raise NotFound(f"Flow {found.id!r} has no version {version}.", param="version")
    return flow


def _tell(parts: Services, made: Published) -> None:
    said = made.flow.title, {"version": made.version}
    parts.remembering.notify("flow.published", made.namespace, "flow", made.id, *said)


def _listed(one: Published) -> dict[str, Any]:
    return {
        "id": one.id,
        "namespace": one.namespace,
        "project": one.project or None,
        "status": one.status,
        "version": one.version,
        "title": one.flow.title,
        "description": one.flow.description,
        "match_keywords": list(one.flow.match_keywords),
        "problem_domain": one.flow.problem_domain,
        "nodes": len(one.flow.nodes),
        "matched": one.matched,
        "resolved": one.resolved,
        "escalated": one.escalated,
        "abandoned": one.abandoned,
        "success_rate": one.success_rate,
        "moving_rate": one.moving_rate,
        "last_matched_at": one.last_matched_at,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
