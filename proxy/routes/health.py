"""Is the process alive, is it ready, and what does Prometheus want to know."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse

from memory.statistics.flows import EVER, FlowFigures
from proxy.errors import Unavailable
from proxy.live.reload import Reloader
from proxy.remembering.standing import SourcesStanding
from proxy.routes.access import Admin, Parts
from proxy.services import Services
from proxy.version import installed_version
from store.errors import StoreError

router = APIRouter(tags=["health"])


@router.get("/health/liveliness", operation_id="liveliness")
@router.get("/health/liveness", include_in_schema=False)
@router.get("/healthz", include_in_schema=False)
async def liveliness() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/health/readiness", operation_id="readiness", responses={503: {"description": "Starting."}})
@router.get("/readyz", include_in_schema=False)
async def readiness(request: Request, parts: Parts) -> Response:
    """503 until embedder and store are up; then 200, ``degraded`` while a part fails that calls get by without.

    ``config`` names the revision in force, and what was wrong with the last edit of the file where it was refused.
    """
    reloader: Reloader = request.app.state.reloader
    health = parts.health
    body: dict[str, Any] = {
        "status": health.status,
        "parts": {
            name: {"ok": part.ok, "failures": part.failures, "error": part.error, "since": part.since}
            for name, part in health.parts.items()
        },
        "starting": sorted(health.starting),
        "config": reloader.described(),
    }
    return JSONResponse(body, 503 if health.status == "starting" else 200)


@router.get("/health", operation_id="health")
def overview(parts: Parts) -> dict[str, Any]:
    """The version, how many vectors can be searched, and whether all sources are there and read.

    ``vector_count``: of stored answers and pieces of documents together, 0 until the embedder is up;
    ``sources_ready`` is true where no source is configured.
    """
    library, embedder = parts.remembering.library, parts.semantic.embedder()
    try:
        answers = 0 if embedder is None else parts.entries.count_indexed(embedder.id)
        counted = {"entries": answers, "chunks": library.shelf.count()}
        ready = SourcesStanding(library, parts.remembering.ingesting).ready()
    except StoreError as error:
        parts.health.failed(error)
        raise Unavailable("The store cannot be read now.") from error
    return {
        "status": parts.health.status,
        "version": installed_version(),
        "vector_count": sum(counted.values()),
        "vectors": counted,
        "sources_ready": ready,
    }


@router.get("/metrics", operation_id="metrics", response_class=Response)
def metrics(parts: Parts, _: Admin) -> Response:
    """Prometheus metrics."""
    parts.metrics.queue.set(parts.database.writer.depth)
    parts.metrics.inflight.set(len(parts.pipeline.flights))
    try:
        parts.metrics.entries.set(parts.entries.count_active())
        jobs = parts.remembering.jobs.counts().values()
        for state in ("waiting", "set_aside"):
            parts.metrics.memory_queue.labels(state).set(sum(counted[state] for counted in jobs))
        _show_sources(parts)
        _show_flows(parts)
    except StoreError as error:
        parts.health.failed(error)
    return Response(generate_latest(parts.metrics.registry), media_type=CONTENT_TYPE_LATEST)


def _show_flows(parts: Services) -> None:
    figures = FlowFigures(parts.database).of(None, EVER, parts.settings.memory.flows.calls_per_day)
    metrics, proposals = parts.metrics, figures["proposals"]["by_status"]
    for status, count in figures["sessions"].items():
        if status != "count":
            metrics.sessions.labels(status).set(count)
    for gauge, counted in ((metrics.flows, figures["flows"]), (metrics.proposals, proposals)):
        for status, count in counted.items():
            gauge.labels(status).set(count)
    for state in ("waiting", "deferred"):
        metrics.analyses_waiting.labels(state).set(figures["analyses"][state])
    for state in ("waiting", "failed"):
        metrics.notification_queue.labels(state).set(figures["notifications"][state])
    metrics.analysis_calls_today.set(figures["budget"]["calls"])


def _show_sources(parts: Services) -> None:
    library, metrics = parts.remembering.library, parts.metrics
    figures = library.ingestion.documents.figures().values()
    waiting = sum(library.notes.waiting().values())
    metrics.source_documents.labels("ready").set(sum(row["documents"] for row in figures))
    metrics.source_documents.labels("failed").set(sum(row["failed"] for row in figures))
    metrics.source_chunks.labels("found").set(sum(row["chunks"] for row in figures) - waiting)
    metrics.source_chunks.labels("waiting").set(waiting)
