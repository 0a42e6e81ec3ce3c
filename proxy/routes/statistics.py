"""Statistics over HTTP: what the cache did, and where there is more to be had."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from memory.statistics.calls import Calls
from memory.statistics.trend import TooManyBuckets
from proxy.config import parse_duration
from proxy.errors import Forbidden, InvalidRequest
from proxy.insights.ingestion import ingestion
from proxy.insights.report import MOST_ROWS, SAMPLE, Insights
from proxy.routes.access import AnyCaller, Parts

router = APIRouter(tags=["statistics"], prefix="/stats")

LONGEST = 3650 * 86400.0
"""Seconds of the longest window."""

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Rows of each list.")]


def selected(
    parts: Parts,
    caller: AnyCaller,
    window: Annotated[str | None, Query(description="How far back, such as 30m, 24h or 7d.")] = None,
    namespace: Annotated[str | None, Query(description="Only this one's calls; a client's own, always.")] = None,
    project: str | None = None,
    model: str | None = None,
    client: str | None = None,
    session: str | None = None,
) -> Calls:
    """The calls that are asked about, as far as the caller may see them."""
    if caller.visible is not None and namespace not in (None, caller.visible):
        raise Forbidden("Only an admin sees another namespace's statistics.", param="namespace")
    seconds = read_window(window, parts.settings.stats.window)
    project = parts.remembering.projects.resolve(project) if project else project
    return Calls(seconds, caller.visible if namespace is None else namespace, project, model, client, session)


def insights(parts: Parts) -> Insights:
    """Reads the log beside the cuts in force."""
    judges = parts.learning.judges
    return Insights(
        parts.database,
        parts.policies.named,
        judges.calibrations if judges else None,
        judges.verifier.id if judges else None,
        parts.statistics,
    )


Selected = Annotated[Calls, Depends(selected)]
Reader = Annotated[Insights, Depends(insights)]


@router.get("", operation_id="stats")
def stats(parts: Parts, caller: AnyCaller, reader: Reader, calls: Selected) -> dict[str, Any]:
    """Requests, hit rates, misses and bypasses by reason, latencies, savings; a client sees its own namespace.

    Beside each semantic hit rate stands ``semantic_error``: the wrong answers per semantic hit that audits found, with
    a 95 % interval. ``semantic`` says what serving by meaning stands on: for each namespace its labels, and for each
    error budget in use the cut in force, where it comes from, the upper bound of its error, and why nothing is served
    where that is so. ``memory`` counts memories by status, what waits for review, what calls and people changed in the
    window, and the jobs that wait behind the answers or failed too often. ``memory.worth`` compares sessions that got
    memories with those held out (``memory.context.holdout``): corrections, repeats, tokens and calls, each with the
    difference and its 95 % interval; ``memory.prompt_cache`` says how much of the prompts upstreams had cached.
    ``ingestion`` counts documents and pieces of the sources that the namespace may read, and for admins the runs in the
    window by status; ``GET /sources`` says more. ``flows`` counts the sessions of the window and how many followed a
    flow, how they ended, analyses by their outcome, proposals by status and type, today's calls to the analysing model
    beside what a namespace may make, and what people were told of.
    """
    semantic = parts.learning.standing(calls.namespace)
    memory = reader.memory(calls, parts.settings.memory.context.holdout)
    held = ingestion(parts.database, parts.remembering.library.sources(), calls, runs=caller.visible is None)
    flows = reader.flows(calls, parts.settings.memory.flows.calls_per_day)
    return {**reader.summary(calls), "semantic": semantic, "memory": memory, "flows": flows, "ingestion": held}


@router.get("/semantic", operation_id="stats_semantic")
def semantic(parts: Parts, calls: Selected) -> dict[str, Any]:
    """What serving by meaning stands on, alone: the same as in ``/stats``, without reading the log."""
    return {"semantic": parts.learning.standing(calls.namespace)}


@router.get("/prompts", operation_id="stats_prompts")
def prompts(parts: Parts, caller: AnyCaller, reader: Reader, calls: Selected, limit: Limit = SAMPLE) -> dict[str, Any]:
    """Prompts that saved most, and what was paid for again: equal calls, near ones, and calls by reason."""
    found = reader.prompts(calls, limit)
    if not _exposed(parts, caller):
        for name in ("saved", "nearly_repeated"):
            found[name] = [_without(row, "entry_id", "best_score") for row in found[name]]
    return found


@router.get("/near-misses", operation_id="stats_near_misses")
def near_misses(
    parts: Parts, caller: AnyCaller, reader: Reader, calls: Selected, limit: Limit = SAMPLE
) -> dict[str, Any]:
    """Misses just below the cut in force, with the pair, and what lowering the cut would have done.

    With ``server.expose: minimal`` a client learns nothing of stored prompts.
    """
    found = reader.near_misses(calls, limit)
    if not _exposed(parts, caller):
        hidden = ("stored_prompt", "entry_id", "score", "similarity", "distance")
        found["nearest"] = [_without(row, *hidden) for row in found["nearest"]]
    return found


@router.get("/tools", operation_id="stats_tools")
def tools(reader: Reader, calls: Selected, limit: Limit = SAMPLE) -> dict[str, Any]:
    """Tools called most; by model, project, client and policy the volume, hit rate and share of exact repeats."""
    return reader.tools(calls, limit)


@router.get("/errors", operation_id="stats_errors")
def errors(reader: Reader, calls: Selected, limit: Limit = SAMPLE) -> dict[str, Any]:
    """Failed calls and tool runs by the pattern of their error, with ids, numbers and quoted texts masked."""
    return reader.errors(calls, limit)


@router.get("/trend", operation_id="stats_trend")
def trend(reader: Reader, calls: Selected, bucket: Literal["hour", "day"] = "hour") -> dict[str, Any]:
    """Calls, hits, savings, failures, latency and estimated error by hour or day, UTC."""
    try:
        return reader.trend(calls, bucket)
    except TooManyBuckets as error:
        raise InvalidRequest(f"'window' is too long for this 'bucket': {error}.", param="window") from error


@router.get("/advice", operation_id="stats_advice")
def advice(parts: Parts, reader: Reader, calls: Selected) -> dict[str, Any]:
    """What to do next, at most five sentences."""
    semantic = parts.learning.standing(calls.namespace)
    return {"advice": reader.advice(calls, reader.summary(calls), semantic)}


def read_window(text: str | None, default: float) -> float:
    """Seconds of a window; at most ten years. Raises ``InvalidRequest``."""
    if text is None:
        return default
    try:
        seconds = parse_duration(text)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds <= LONGEST:
        raise InvalidRequest("'window' takes a duration such as 30m, 24h or 7d.", param="window")
    return seconds


def _exposed(parts: Parts, caller: AnyCaller) -> bool:
    return caller.role == "admin" or parts.settings.server.expose == "full"


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
