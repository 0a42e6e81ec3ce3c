"""The registry of projects and their state over HTTP: written by admins, state read by those whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.memories.memory import Actor, Missing
from memory.projects import names
from memory.projects.names import Definition
from memory.projects.registry import Kept
from memory.projects.state import CATEGORIES, entries
from memory.projects.stored import Project, as_shown
from memory.sources.roots import Outside, within
from proxy.auth import Caller
from proxy.errors import Forbidden, InvalidRequest, NotFound
from proxy.routes.access import Admin, AnyCaller, Parts
from proxy.routes.memories import about_project, actor_of
from proxy.services import Services

router = APIRouter(tags=["projects"])

KINDS = "One of: " + ", ".join(CATEGORIES) + "."
Confidence = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Namespace = Annotated[str, Field(min_length=1, max_length=200)]


class Body(BaseModel):
    """What the routes take."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str | None, Field(max_length=1000, description="Why; it goes into the audit.")] = None


class IngestRoot(BaseModel):
    """A part of a source whose documents are the project's."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(description="One of `memory.sources`, by name.")
    subpath: str = Field(default="", description="A folder or file below it; left out: all of it.")
    label: str = Field(default="", max_length=names.LABEL_CHARS)


class Registration(Body):
    """A project as an operator writes it."""

    project_id: str = Field(description="In kebab-case.")
    aliases: list[str] = Field(default=[], max_length=names.MOST_ALIASES, description="What it goes by besides.")
    description: str = Field(default="", max_length=names.DESCRIPTION_CHARS)
    ingest_roots: list[IngestRoot] = Field(default=[], max_length=names.MOST_ROOTS)


class Revision(Body):
    """What is to be changed; what is left out stays."""

    aliases: list[str] | None = Field(default=None, max_length=names.MOST_ALIASES)
    description: str | None = Field(default=None, max_length=names.DESCRIPTION_CHARS)
    ingest_roots: list[IngestRoot] | None = Field(default=None, max_length=names.MOST_ROOTS)


class Place(Body):
    """Of what something is said."""

    project: str = Field(description="An id, an alias, or a name that nobody registered.")
    category: str = Field(description=KINDS)
    key: str
    namespace: Namespace | None = Field(default=None, description="Whose it is; left out: the caller's own.")


class Said(Place):
    """What a person says of a project."""

    value: str
    source: str | None = Field(default=None, description="Where it comes from.")
    confidence: Confidence | None = Field(default=None, description="0 to 1; left out: 1.")


@router.get("/projects", operation_id="list_projects")
def list_projects(parts: Parts, _: Admin) -> dict[str, Any]:
    """Every registered project, by id."""
    return {"projects": [_shown(project) for project in parts.remembering.projects.all()]}


@router.get("/projects/template", operation_id="project_template")
def template(parts: Parts, _: Admin) -> dict[str, Any]:
    """A body for `POST /projects/register`, to be filled in, and the sources it may name."""
    sources = sorted(parts.settings.memory.sources)
    root = {"source": sources[0] if sources else "notes", "subpath": "apollo", "label": "Notes"}
    body = {"project_id": "apollo", "aliases": ["Apollo 11"], "description": "", "ingest_roots": [root]}
    return {"template": body, "sources": sources}


@router.post("/projects/proposal", operation_id="propose_project")
def propose(given: Registration, parts: Parts, _: Admin) -> dict[str, Any]:
    """What `register` would do: names that are taken, warnings, and the rows it would move. Changes nothing."""
    registry = parts.remembering.projects
    definition = registry.proposed(*_fields(given))
    present, collisions = registry.known(definition.id), registry.collisions(definition)
    mine = present is not None and present.id == definition.id
    otherwise = mine and present is not None and present.definition != definition
    stored = parts.remembering.merging.preview(definition)
    return {
        "project": as_shown(definition),
        "valid": not collisions and not otherwise,
        "registered": mine,
        "collisions": [{"name": name, "project": other} for name, other in collisions.items()],
        "warnings": [
            *(["It is registered already, otherwise: PUT changes it."] if otherwise else []),
            *_warnings(parts, definition),
            *(
                f"State {place} stands under several of its names: the value said last stays."
                for place in parts.remembering.merging.clashes(definition)
            ),
        ],
        "would_move": stored,
    }


@router.post("/projects/register", operation_id="register_project")
def register(given: Registration, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Register a project. What is stored under one of its names is moved to it; `moved` counts that.

    `POST /review/undo` with the `audit_id` takes it back: what was moved stands under its old name again.
    """
    actor = actor_of(parts, caller, given.reason)
    kept = parts.remembering.projects.register(*_fields(given), actor=actor)
    return {"status": "registered" if kept.new else "unchanged", **_settled(parts, kept, actor)}


@router.put("/projects/{name:path}", operation_id="change_project")
def change(name: str, given: Revision, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Change a project, named by its id or an alias. Names that it gains take along what is stored under them.

    `POST /review/undo` with the `audit_id` takes that back. Names that it loses by a change leave it what it has.
    """
    changes = given.model_dump(exclude_unset=True, exclude={"reason"})
    if not changes:
        raise InvalidRequest("The body names nothing to change.", param="body")
    actor = actor_of(parts, caller, given.reason)
    try:
        kept = parts.remembering.projects.update(name, changes, actor=actor)
    except Missing as error:
        raise NotFound(f"No project {name!r}.", param="name") from error
    return {"status": "updated" if kept.new else "unchanged", **_settled(parts, kept, actor)}


@router.post("/project/state", operation_id="put_project_state")
def put(given: Said, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Say something of a project; it supersedes what was said under the same category and key.

    `registered` is false for a name that nobody registered, which may be mistyped; `did_you_mean` names one like it.
    """
    fact, new = parts.remembering.state.put(
        **_place(given, parts, caller),
        value=given.value,
        source=given.source,
        confidence=given.confidence,
        actor=actor_of(parts, caller, given.reason),
    )
    told = {"id": fact.id, "project": fact.project, "category": fact.category, "key": fact.key, "value": fact.value}
    return {"status": "ok", **told, "changed": new, **about_project(parts, fact.project)}


@router.get("/project/state/{name:path}", operation_id="get_project_state")
def get(
    name: str,
    parts: Parts,
    caller: AnyCaller,
    category: Annotated[str | None, Query(description=KINDS)] = None,
    namespace: Annotated[str | None, Query(description="Whose; left out: the caller's own.")] = None,
) -> dict[str, Any]:
    """What holds of a project now, by category and key; a client sees its own namespace."""
    if caller.visible is not None and namespace not in (None, caller.visible):
        raise Forbidden("This key reads its own namespace only.", param="namespace")
    project = parts.remembering.projects.resolve(name)
    facts = parts.remembering.state.active(namespace or caller.namespace, project, category)
    return {"project": project, "entries": entries(facts), "categories": list(CATEGORIES)}


@router.delete("/project/state", operation_id="delete_project_state")
def delete(given: Place, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Take back what is said of a project. `POST /admin/forget` takes its words away."""
    place, actor = _place(given, parts, caller), actor_of(parts, caller, given.reason)
    try:
        fact = parts.remembering.state.delete(**place, actor=actor)
    except Missing as error:
        raise NotFound(f"Nothing is said of {given.category} {given.key!r} there.", param="key") from error
    return {"status": "deleted", "id": fact.id, "project": fact.project, "category": fact.category, "key": fact.key}


def _fields(given: Registration) -> tuple[str, list[str], str, list[dict[str, Any]]]:
    roots = [root.model_dump() for root in given.ingest_roots]
    return given.project_id, given.aliases, given.description, roots


def _place(given: Place, parts: Services, caller: Caller) -> dict[str, str]:
    return {
        "namespace": given.namespace or caller.namespace,
        "project": parts.remembering.projects.resolve(given.project),
        "category": given.category,
        "key": given.key,
    }


def _settled(parts: Services, kept: Kept, actor: Actor) -> dict[str, Any]:
    moved = parts.remembering.merging.settle(kept.project.id, actor)
    return {"project": _shown(kept.project), "moved": moved, "audit_id": kept.audit_id}


def _shown(project: Project) -> dict[str, Any]:
    times = {"created_at": project.created_at, "updated_at": project.updated_at}
    return {**as_shown(project.definition), **times}


def _warnings(parts: Services, definition: Definition) -> list[str]:
    """What is allowed, and hardly meant."""
    others = [project for project in parts.remembering.projects.all() if project.id != definition.id]
    found = []
    for root in definition.roots:
        where = f"{root.source}/{root.subpath}"
        if not _is_there(parts.settings.memory.sources[root.source].path, root.subpath):
            found.append(f"{where}: nothing is there that could be read.")
        found += [
            f"{where} is an ingest root of {other.id}, too: its documents belong to the project registered first."
            for other in others
            if any((root.source, root.subpath) == (theirs.source, theirs.subpath) for theirs in other.roots)
        ]
    return found


def _is_there(root: Path, subpath: str) -> bool:
    try:
        return within(root, subpath).exists()
    except (Outside, OSError):
        return False
