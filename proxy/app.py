"""The application: routes, error shapes and the life of a server's parts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from memory.memories.memory import Conflict, MemoryFault, Missing
from proxy.backups import build_backups
from proxy.config import Settings
from proxy.config.changes import Source
from proxy.errors import InvalidRequest, NotFound, ProxyError, Unavailable
from proxy.limits import BodyLimit
from proxy.live.reload import Reloader
from proxy.live.watch import watching
from proxy.maintenance import maintain
from proxy.openapi import describe
from proxy.relay import CLIENT_GONE
from proxy.remembering.forgetting import build_forget
from proxy.routes import (
    backup,
    context,
    entries,
    experiments,
    explain,
    extraction,
    feedback,
    flows,
    forget,
    gaps,
    health,
    interactions,
    invalidation,
    jobs,
    memories,
    models,
    notifications,
    operations,
    projects,
    proposals,
    review,
    sessions,
    sources,
    statistics,
    tools,
    warm,
)
from proxy.routes.memory_errors import as_told
from proxy.services import build_services
from proxy.version import installed_version
from store.errors import StoreError

TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own, off: it looks for providers with every call."""

CHAT_PATHS = ("/v1/chat/completions", "/chat/completions")

_log = structlog.get_logger(__name__)


def create_app(settings: Settings, source: Source | None = None) -> FastAPI:
    """Build the application and open its data directory.

    Args:
        source: the file that the settings came from, to be watched for edits.

    Raises:
        StoreError: the data directory cannot be used.
    """
    services = build_services(settings)
    reloader = Reloader(services, source)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        starting = asyncio.create_task(services.semantic.start())
        upkeep = asyncio.create_task(maintain(services))
        services.labelling.start()
        services.remembering.worker.start()
        services.remembering.schedule.start()
        services.remembering.notifying.start()
        services.remembering.ingesting.start()
        shelving = asyncio.create_task(services.remembering.library.start())
        following = asyncio.create_task(services.remembering.watching.run())
        services.trials.begin(settings.cache.experiments)
        try:
            async with watching(reloader):
                yield
        finally:
            services.semantic.stop()
            services.remembering.library.stop()
            for task in (upkeep, shelving, following):
                task.cancel()
            await asyncio.gather(starting, upkeep, shelving, following, return_exceptions=True)
            await services.close()

    app = FastAPI(
        title="Reprise",
        version=installed_version(),
        lifespan=lifespan,
        openapi_url=None,
        telemetry=TELEMETRY,
    )
    app.state.services = services
    app.state.reloader = reloader
    app.state.backups = build_backups(services)
    app.state.forget = build_forget(services, app.state.backups)
    # The hot path is a plain route: FastAPI's parameter handling would cost more than an exact hit does.
    for path in CHAT_PATHS:
        app.router.routes.insert(0, Route(path, services.pipeline.chat, methods=["POST"]))
    for routes in (
        models,
        feedback,
        forget,
        # Before the interactions: "similar" is no id.
        tools,
        interactions,
        extraction,
        memories,
        sources,
        projects,
        context,
        review,
        sessions,
        proposals,
        flows,
        notifications,
        gaps,
        explain,
        entries,
        experiments,
        invalidation,
        warm,
        jobs,
        backup,
        operations,
        statistics,
        health,
    ):
        app.include_router(routes.router)
    app.add_middleware(BodyLimit, most=settings.server.max_body, exempt=CHAT_PATHS)
    _shape_errors(app)
    _shape_memory_errors(app)
    describe(app)
    return app


def error_response(error: ProxyError) -> Response:
    """The one place where an error becomes JSON."""
    return JSONResponse(error.body(), error.status, error.headers())


def _unreadable_body() -> InvalidRequest:
    return InvalidRequest("The request body is not valid JSON.", param="body", code="invalid_json")


def _shape_memory_errors(app: FastAPI) -> None:
    async def memory_error(_: Request, error: Exception) -> Response:
        return error_response(as_told(error))

    for kind in (MemoryFault, Missing, Conflict):
        app.add_exception_handler(kind, memory_error)


def _shape_errors(app: FastAPI) -> None:
    async def proxy_error(_: Request, error: Exception) -> Response:
        return error_response(error if isinstance(error, ProxyError) else ProxyError("Internal error."))

    async def store_error(_: Request, error: Exception) -> Response:
        _log.error("a route failed", error=type(error).__name__)
        return error_response(Unavailable("The store cannot be read or written now."))

    async def validation_error(_: Request, error: Exception) -> Response:
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": str(error)}
        if first.get("type") == "json_invalid":
            return error_response(_unreadable_body())
        # The first part says in what of the request; a field may have the same name.
        where = ".".join(map(str, first["loc"][1:]))
        name = where or "body"
        return error_response(InvalidRequest(f"'{name}': {first['msg']}.", param=name))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404:
            return error_response(NotFound(f"No such route: {request.method} {request.url.path}."))
        if error.status_code == 400:
            return error_response(_unreadable_body())
        shaped = InvalidRequest(str(error.detail), code=f"http_{error.status_code}")
        return JSONResponse(shaped.body(), error.status_code, error.headers)

    async def unexpected(request: Request, error: Exception) -> Response:
        _log.error("unexpected error", path=request.url.path, error=type(error).__name__, exc_info=error)
        return error_response(ProxyError("Internal error.", code="internal_error"))

    async def client_gone(_: Request, error: Exception) -> Response:
        return Response(status_code=CLIENT_GONE)

    app.add_exception_handler(ProxyError, proxy_error)
    app.add_exception_handler(ClientDisconnect, client_gone)
    app.add_exception_handler(StoreError, store_error)
    app.add_exception_handler(RequestValidationError, validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, unexpected)
