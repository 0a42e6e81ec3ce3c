"""Sessions over HTTP: listed, read, ended, and put right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from memory.interactions import InteractionError
from memory.memories.memory import Actor
from memory.sessions.confidence import tier
from memory.sessions.correcting import TEXT_CHARS, Correcting, Done
from memory.sessions.session import STATUSES, Session, Step
from proxy.auth import Caller
from proxy.errors import InvalidRequest, NotFound
from proxy.remembering.conversations import tell_escalated
from proxy.routes.access import Admin, AnyCaller, Parts
from proxy.routes.memories import Body, Limit, actor_of, namespace_of
from proxy.services import Services

router = APIRouter(prefix="/sessions", tags=["sessions"])

Words = Annotated[str, Field(max_length=TEXT_CHARS)] | None
Where = Annotated[str | None, Query(max_length=200, description="Of an admin: whose session it is.")]


class Why(Body):
    """Why something is changed."""


class Resolve(Body):
    """How a session ended."""

    outcome: Literal["resolved", "escalated", "abandoned"] = "resolved"
    resolution_summary: Words = Field(default=None, description="What solved it; left out: as its steps tell.")
    escalation_reason: Words = None


class Correction(Body):
    """What is wrong with a session, as it should be; what is left out stays as it is."""

    status: Literal["active", "paused", "resolved", "escalated", "abandoned"] | None = None
    problem_summary: Words = None
    problem_domain: str | None = Field(default=None, description="One of `memory.flows.domains`; null: none.")
    resolution_summary: Words = None
    escalation_reason: Words = None
    matched_flow: str | None = Field(default=None, description="The flow that it follows; null: none.")


class OfferedOption(Body):
    """One option that a step offers."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    label: Annotated[str, Field(min_length=1, max_length=TEXT_CHARS)]


class StepCorrection(Body):
    """What is wrong with a step, as it should be; what is left out stays as it is."""

    step_type: Literal["question", "action", "verification", "script", "solution", "other"] | None = None
    skipped: bool | None = None
    options: Annotated[list[OfferedOption], Field(max_length=50)] | None = None
    option_selected: Words = None
    free_text: Words = None
    action_result: Words = None
    node_id: Words = None


@router.get("", operation_id="list_sessions")
def list_sessions(
    parts: Parts,
    caller: AnyCaller,
    status: Annotated[str | None, Query(description="One of: " + ", ".join(STATUSES) + ".")] = None,
    project: str | None = None,
    client: str | None = None,
    since: Annotated[
        str | None, Query(description="ISO 8601, of the last turn; inclusive; UTC unless it says.")
    ] = None,
    namespace: str | None = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """The latest first, without their steps; a client sees its own namespace."""
    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"'status' must be one of {', '.join(STATUSES)}.", param="status")
    try:
        found = parts.remembering.sessions.list(
            namespace=namespace_of(caller, namespace),
            status=status,
            project=None if project is None else parts.remembering.projects.resolve(project),
            client=client,
            since=since,
            limit=limit,
        )
    except InteractionError as error:
        raise InvalidRequest(str(error), param=error.field) from error
    return {"count": len(found), "sessions": [_listed(one) for one in found]}


@router.get("/{id}", operation_id="get_session")
def get_session(id: str, parts: Parts, caller: AnyCaller, namespace: Where = None) -> dict[str, Any]:
    """A session with its steps, oldest first."""
    parts.remembering.conversations.catch_up(id)
    return _shown(_found(parts, caller, id, namespace))


@router.post("/{id}/resolve", operation_id="resolve_session")
def resolve(
    id: str, parts: Parts, caller: AnyCaller, given: Resolve | None = None, namespace: Where = None
) -> dict[str, Any]:
    """Say that a session has ended. Saying it again changes nothing; it is counted, and analysed, once."""
    told = given or Resolve()

    def change(correcting: Correcting, whose: str, actor: Actor) -> Done:
        return correcting.resolve(
            whose,
            id,
            actor,
            told.outcome,
            resolution_summary=told.resolution_summary,
            escalation_reason=told.escalation_reason,
        )

    return _changed(parts, caller, id, namespace, told.reason, change)


@router.post("/{id}/reopen", operation_id="reopen_session")
def reopen(id: str, parts: Parts, caller: Admin, given: Why | None = None, namespace: Where = None) -> dict[str, Any]:
    """Let a session go on that has ended, or paused."""
    return _changed(
        parts, caller, id, namespace, given.reason if given else None, lambda by, *who: by.reopen(who[0], id, who[1])
    )


@router.post("/{id}/accept", operation_id="accept_flow")
def accept(
    id: str, parts: Parts, caller: AnyCaller, given: Why | None = None, namespace: Where = None
) -> dict[str, Any]:
    """Follow the flow that is suggested to a session."""
    return _changed(
        parts, caller, id, namespace, given.reason if given else None, lambda by, *who: by.accept(who[0], id, who[1])
    )


@router.post("/{id}/decline", operation_id="decline_flow")
def decline(
    id: str, parts: Parts, caller: AnyCaller, given: Why | None = None, namespace: Where = None
) -> dict[str, Any]:
    """Follow no flow in a session: neither the one suggested nor the one attached."""
    return _changed(
        parts, caller, id, namespace, given.reason if given else None, lambda by, *who: by.decline(who[0], id, who[1])
    )


@router.put("/{id}", operation_id="correct_session")
def correct(id: str, given: Correction, parts: Parts, caller: Admin, namespace: Where = None) -> dict[str, Any]:
    """Put a session right. Derivation leaves these fields alone from then on."""
    fields = _fields(given)

    def change(correcting: Correcting, whose: str, actor: Actor) -> Done:
        return correcting.correct(whose, id, actor, fields)

    return _changed(parts, caller, id, namespace, given.reason, change)


@router.put("/{id}/steps/{interaction_id}", operation_id="correct_step")
def correct_step(
    id: str, interaction_id: str, given: StepCorrection, parts: Parts, caller: Admin, namespace: Where = None
) -> dict[str, Any]:
    """Put a step of a session right."""
    fields = _fields(given)

    def change(correcting: Correcting, whose: str, actor: Actor) -> Done:
        return correcting.correct_step(whose, id, interaction_id, actor, fields)

    return _changed(parts, caller, id, namespace, given.reason, change)


def _fields(given: Body) -> dict[str, Any]:
    fields = given.model_dump(exclude_unset=True, exclude={"reason"})
    if not fields:
        raise InvalidRequest("Nothing to put right: name a field and what it should be.", param="body")
    return fields


def _changed(
    parts: Services,
    caller: Caller,
    id_: str,
    namespace: str | None,
    reason: str | None,
    change: Callable[[Correcting, str, Actor], Done],
) -> dict[str, Any]:
    """Make a change, and show the session as it is then."""
    parts.remembering.conversations.catch_up(id_)
    session = _found(parts, caller, id_, namespace)
    actor = actor_of(parts, caller, reason)
    done = change(parts.remembering.conversations.correcting, session.namespace, actor)
    parts.remembering.guidance.changed(session.namespace, session.root)
    after = _found(parts, caller, id_, session.namespace)
    if after.status == "escalated" and session.status != "escalated":
        tell_escalated(parts.remembering.notify, after)
    return {**_shown(after), "audit_id": done.audit_id}


def _found(parts: Services, caller: Caller, id_: str, namespace: str | None) -> Session:
    """The session that a caller means: of its own namespace first, of any where it may read all."""
    sessions, within = parts.remembering.sessions, namespace_of(caller, namespace)
    found = sessions.get(within, id_) if within else sessions.get(caller.namespace, id_) or sessions.get(None, id_)
    if found is None:
        raise NotFound(f"No session {id_!r}.", param="id")
    return found


def _listed(session: Session) -> dict[str, Any]:
    shown = dataclasses.asdict(session)
    del shown["steps"]
    return {**shown, "corrected": list(session.corrected), "tier": tier(session.confidence)}


def _shown(session: Session) -> dict[str, Any]:
    return {**_listed(session), "steps": [_step(step) for step in session.steps]}


def _step(step: Step) -> dict[str, Any]:
    return {**dataclasses.asdict(step), "corrected": list(step.corrected)}
