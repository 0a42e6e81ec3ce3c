"""Where flows fall short, over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from memory.gaps.gap import Gap, Kind
from memory.gaps.gaps import DAYS
from proxy.routes.access import AnyCaller, Parts
from proxy.routes.memories import namespace_of

router = APIRouter(tags=["flows"])


@router.get("/gaps", operation_id="list_gaps")
def list_gaps(
    parts: Parts,
    caller: AnyCaller,
    days: Annotated[int, Query(ge=1, le=366, description="How far back.")] = DAYS,
    kind: Annotated[Kind | None, Query(description="Only these.")] = None,
    namespace: str | None = None,
) -> dict[str, Any]:
    """Where flows fall short, each with what shows it and what could be done; a client sees its own namespace.

    `weak_options`: lists that users often answer in words of their own. `high_escalation`: domains that a person often
    has to take over. `uncharted`: what no flow comes near to. `repeated_pattern`: the same problem again and again,
    resolved differently or without a flow. A share counts where the lower end of its 95 % interval is above the
    threshold, and nothing below five sessions or answers is spoken of.
    """
    found = parts.remembering.gaps.found(days, namespace_of(caller, namespace), kind)
    return {"count": len(found), "days": days, "gaps": [shown(gap) for gap in found]}


def shown(gap: Gap) -> dict[str, Any]:
    """A gap as it is given out."""
    return {
        "id": gap.id,
        "kind": gap.kind,
        "namespace": gap.namespace,
        "title": gap.title,
        "problem_domain": gap.problem_domain,
        "flow_id": gap.flow_id,
        "evidence": dict(gap.evidence),
        "suggested_action": gap.action,
    }
