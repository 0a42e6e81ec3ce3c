"""Proposals over HTTP: what sessions taught, and what a person decides on it. For admins."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from memory.flows.mermaid import mermaid
from memory.memories.memory import MemoryFault
from memory.proposals.preview import Preview, preview
from memory.proposals.proposal import KINDS, STATUSES, Proposal
from memory.proposals.reviewing import Action, Decided
from proxy.auth import Caller
from proxy.errors import NotFound
from proxy.routes.access import Admin, Parts
from proxy.routes.memories import Limit, Reason, actor_of
from proxy.services import Services

router = APIRouter(prefix="/proposals", tags=["flows"])


class Decision(BaseModel):
    """Why it is decided so."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason = None


class Modification(Decision):
    """What is to be published in place of what is proposed; what is left out stays as it is proposed."""

    flow: dict[str, Any] | None = Field(
        default=None, description="A whole flow: title, description, match_keywords, problem_domain, tree_structure."
    )
    content: dict[str, Any] | None = Field(default=None, description="The same, or an enhancement's fields.")
    # What is wrong with these is told all at once, by what reads flows.
    title: Any = None
    description: Any = None
    match_keywords: Any = None
    problem_domain: Any = None
    tree_structure: Any = None
    new_nodes: Any = Field(default=None, description="Of an enhancement.")
    modified_options: Any = Field(default=None, description="Of an enhancement.")
    diff_description: Any = Field(default=None, description="Of an enhancement: what it adds, in words.")

    @property
    def changes(self) -> dict[str, Any]:
        """The fields that are given, however they were."""
        plain = self.model_dump(exclude_unset=True, exclude={"reason", "flow", "content"})
        return {**(self.content or {}), **(self.flow or {}), **plain}


@router.get("", operation_id="list_proposals")
def list_proposals(
    parts: Parts,
    _: Admin,
    status: Annotated[str | None, Query(description="One of: " + ", ".join(STATUSES) + ".")] = None,
    type: Annotated[str | None, Query(description="One of: " + ", ".join(KINDS) + ".")] = None,
    domain: Annotated[str | None, Query(description="A problem's domain; empty: those without one.")] = None,
    project: Annotated[str | None, Query(description="A project's own; empty: those of every project.")] = None,
    flow: Annotated[str | None, Query(description="The flow that they would add to, or fitted.")] = None,
    namespace: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """Proposals, newest first, each with the sessions that support it and, of an enhancement, what would be new."""
    found = parts.remembering.proposals.list(
        namespace=namespace,
        project=None if project is None else parts.remembering.projects.resolve(project),
        status=status,
        proposal_type=type,
        problem_domain=domain,
        target_flow_id=flow,
        limit=limit,
    )
    return {"count": len(found), "proposals": [_listed(parts, one) for one in found]}


@router.get("/{id}", operation_id="get_proposal")
def get_proposal(id: str, parts: Parts, _: Admin) -> dict[str, Any]:
    """One proposal, with the flow that would come of it, as JSON and as a Mermaid chart."""
    found = _required(parts, id)
    shown = {**_shown(found), **_previewed(previewed(parts, found))}
    return {**shown, "history": [_told(row) for row in parts.remembering.trail.of(id)]}


@router.post("/{id}/approve", operation_id="approve_proposal")
def approve(id: str, parts: Parts, caller: Admin, given: Decision | None = None) -> dict[str, Any]:
    """Publish what is proposed: a new flow, or a new version of the one that it adds to."""
    return _decided(parts, caller, id, "approve", given)


@router.post("/{id}/modify", operation_id="modify_proposal")
def modify(id: str, given: Modification, parts: Parts, caller: Admin) -> dict[str, Any]:
    """Publish what is given in its place."""
    return _decided(parts, caller, id, "modify", given, given.changes)


@router.post("/{id}/reject", operation_id="reject_proposal")
def reject(id: str, parts: Parts, caller: Admin, given: Decision | None = None) -> dict[str, Any]:
    """Say no: what says the same is not proposed again."""
    return _decided(parts, caller, id, "reject", given)


@router.post("/{id}/dismiss", operation_id="dismiss_proposal")
def dismiss(id: str, parts: Parts, caller: Admin, given: Decision | None = None) -> dict[str, Any]:
    """Put it away; later sessions may raise it anew."""
    return _decided(parts, caller, id, "dismiss", given)


def previewed(parts: Services, proposal: Proposal) -> Preview:
    """What would come of a proposal now."""
    target = parts.remembering.flows.get(proposal.target_flow_id or "", proposal.namespace)
    return preview(proposal, target.flow if target is not None and target.status == "published" else None)


def _decided(
    parts: Services,
    caller: Caller,
    id_: str,
    action: Action,
    given: Decision | None,
    changes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    if action == "modify" and not changes:
        raise MemoryFault("flow", "modify needs a flow, or the fields that are to be changed")
    actor = actor_of(parts, caller, given.reason if given else None)
    done: Decided = parts.remembering.teaching.reviewing.decide(id_, action, actor, changes=changes)
    shown = {"status": done.status, "id": done.id, "audit_id": done.audit_id}
    return shown if done.flow_id is None else {**shown, "flow_id": done.flow_id, "version": done.version}


def _required(parts: Services, id_: str) -> Proposal:
    found = parts.remembering.proposals.get(id_)
    if found is None:
        raise NotFound(f"No proposal {id_!r}.", param="id")
    return found


def _listed(parts: Services, proposal: Proposal) -> dict[str, Any]:
    shown = _shown(proposal)
    if proposal.proposal_type != "enhancement" or proposal.status != "pending":
        return shown
    would_be = previewed(parts, proposal)
    return {**shown, "problem": "; ".join(would_be.problems) or None, "diff": would_be.diff}


def _shown(proposal: Proposal) -> dict[str, Any]:
    return dataclasses.asdict(proposal)


def _previewed(found: Preview) -> dict[str, Any]:
    chart = None if found.flow is None else mermaid(found.flow)
    made = None if found.flow is None else found.flow.as_json()
    return {"preview": made, "mermaid": chart, "problems": found.problems, "diff": found.diff}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Who did what, without the words that were changed."""
    return {name: row[name] for name in ("id", "at", "actor", "action", "reason")}
