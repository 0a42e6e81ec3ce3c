"""Invalidation over HTTP: take a selection of stored answers out of service, or all of a namespace by its epoch."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from proxy.errors import InvalidRequest
from proxy.routes.access import Admin, Parts
from proxy.routes.entries import embed_missing, likeness, seconds_of, summary
from proxy.services import Services
from store.selection import Selection

router = APIRouter(prefix="/cache", tags=["entries"])

Named = Annotated[str, Field(min_length=1)]


class Likeness(BaseModel):
    """Prompts that mean about the same as one."""

    model_config = ConfigDict(extra="forbid")

    prompt: Named
    similarity: float = Field(default=0.9, ge=0, le=1, description="Least cosine of the prompts.")


class Invalidate(BaseModel):
    """What to take out of service: entries that have all of the properties named."""

    model_config = ConfigDict(extra="forbid")

    namespace: Named | None = None
    model: Named | None = None
    project: Named | None = None
    tag: Named | None = None
    policy: Named | None = None
    older_than: str | float | None = Field(default=None, description="Stored longer ago than this: 30m, 24h, 7d.")
    like: Likeness | None = None
    all: bool = Field(default=False, description="Every entry of every namespace; goes with no other property.")
    dry_run: bool = Field(default=False, description="Say what would go, and change nothing.")
    epoch: Literal["bump"] | None = Field(
        default=None, description="Make all that `namespace` has stored unreachable at once, whatever its number."
    )


@router.post("/invalidate", operation_id="invalidate_entries")
def invalidate(given: Invalidate, parts: Parts, _: Admin) -> dict[str, Any]:
    """Serve none of the selected answers any more, from the moment this returns.

    Answers in flight that were asked for before are not stored where the selection covers them. An empty selection is
    refused. Asked again after a failure, it finishes what was left.
    """
    named = given.model_fields_set - {"all", "dry_run", "epoch"}
    chosen = sorted(name for name in named if getattr(given, name) is not None)
    if given.epoch is not None:
        return _bump(given, chosen, parts)
    if given.all and chosen:
        raise InvalidRequest(f"'all' goes with no other property, such as '{chosen[0]}'.", param="all")
    if not given.all and not chosen:
        raise InvalidRequest("The selection is empty: name a property, or 'all': true.", param="all")
    selection = _selection(given, parts)
    if given.dry_run:
        return _previewed(selection, parts)
    return {"status": "invalidated", "count": parts.invalidation.invalidate(selection)}


def _bump(given: Invalidate, chosen: list[str], parts: Services) -> dict[str, Any]:
    if given.namespace is None:
        raise InvalidRequest("'epoch' needs the namespace whose epoch is to be raised.", param="namespace")
    if given.all or chosen != ["namespace"]:
        raise InvalidRequest("'epoch' goes with 'namespace' and nothing else.", param="epoch")
    if given.dry_run:
        return _previewed(Selection(namespace=given.namespace), parts)
    return {"status": "bumped", "namespace": given.namespace, "epoch": parts.invalidation.bump(given.namespace)}


def _previewed(selection: Selection, parts: Services) -> dict[str, Any]:
    preview = parts.invalidation.preview(selection)
    return {
        "status": "dry_run",
        "count": preview.count,
        "sample": [summary(one, time.time()) for one in preview.sample],
    }


def _selection(given: Invalidate, parts: Services) -> Selection:
    like, older = given.like, given.older_than
    if like is not None:
        # What has no vector yet would be missed.
        embed_missing(parts)
    return Selection(
        namespace=given.namespace,
        model=given.model,
        project=None if given.project is None else parts.remembering.projects.resolve(given.project),
        tag=given.tag,
        policy=given.policy,
        created_before=None if older is None else time.time() - seconds_of(older, "older_than"),
        like=None if like is None else likeness(parts, like.prompt, like.similarity, "like.prompt"),
    )
