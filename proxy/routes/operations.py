"""Statistics, and what an operator does to the store."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from proxy.config import parse_duration
from proxy.errors import InvalidRequest
from proxy.routes.access import Admin, AnyCaller, Parts

router = APIRouter(tags=["operations"])

Window = Annotated[str | None, Query(description="How far back, such as 30m, 24h or 7d.")]


@router.get("/stats", operation_id="stats")
def stats(parts: Parts, caller: AnyCaller, window: Window = None) -> dict[str, Any]:
    """Requests, hit rates, misses and bypasses by reason, latencies, savings; a client sees its own namespace.

    ``semantic`` says what serving by meaning stands on: for each namespace its labels, and for each error budget in use
    the cut in force, where it comes from, the upper bound of its error, and why nothing is served where that is so.
    """
    summary = parts.statistics.summary(read_window(window, parts.settings.stats.window), caller.visible)
    return {**summary, "semantic": parts.learning.standing(caller.visible)}


@router.post("/cache/reindex", operation_id="reindex")
def reindex(parts: Parts, _: Admin) -> dict[str, Any]:
    """Write the vector index again from SQL."""
    return {"status": "done", "vectors": parts.semantic.reindex()}


def read_window(text: str | None, default: float) -> float:
    """Seconds of a window; at most ten years. Raises ``InvalidRequest``."""
    if text is None:
        return default
    try:
        seconds = parse_duration(text)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= 3650 * 86400:
        raise InvalidRequest("'window' takes a duration such as 30m, 24h or 7d.", param="window")
    return seconds
