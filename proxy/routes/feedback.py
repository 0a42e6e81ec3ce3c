"""What people say about answers, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from proxy.routes.access import AnyCaller, Parts

router = APIRouter(tags=["feedback"])


class NewFeedback(BaseModel):
    """A rating of one interaction's answer: exactly one of ``score`` and ``correct``."""

    model_config = ConfigDict(extra="forbid")

    interaction_id: Annotated[str, Field(min_length=1, max_length=200, description="`x-reprise-interaction`.")]
    score: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] | None = None
    correct: Annotated[bool, Field(strict=True)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None


@router.post("/v1/feedback", operation_id="give_feedback")
@router.post("/feedback", include_in_schema=False)
def give_feedback(given: NewFeedback, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """Rate an answer by its interaction's id; given again, it replaces what was given before.

    An answer rated badly is served less, then not at all; one that was served to a similar prompt, and is wrong for
    it, is never served to that prompt again.
    """
    done = parts.feedback.give(
        given.interaction_id, caller.visible, score=given.score, correct=given.correct, comment=given.comment
    )
    told: dict[str, Any] = {"status": "replaced" if done.replaced else "recorded", "id": done.interaction_id}
    if done.entry is not None and (caller.role == "admin" or parts.settings.server.expose == "full"):
        entry = done.entry
        told["entry"] = {"id": entry.id, "quality": round(entry.quality, 4), "status": entry.status}
    return told
