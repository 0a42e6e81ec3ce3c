"""The models callers may name."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request

from proxy.errors import NotFound, ProxyError
from proxy.routes.access import AnyCaller, Parts
from proxy.services import Services
from proxy.upstreams.base import Target
from proxy.upstreams.direct import OPENAI
from proxy.upstreams.router import is_direct, name_of

PATIENCE = 5.0
"""Seconds to wait for an upstream's own list."""

router = APIRouter(tags=["models"])
_log = structlog.get_logger(__name__)


@router.get("/v1/models", operation_id="list_models")
@router.get("/models", include_in_schema=False)
async def list_models(request: Request, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """The configured models, and for each pattern with a ``*`` what its upstream lists, where it answers."""
    router = parts.router
    listed = {name: _model(name) for name in router.names}
    headers = dict(request.headers)
    patterns = [entry.model_name for entry in router.patterns]
    targets = [(pattern, router.resolve(pattern, caller)) for pattern in patterns]
    asked = [(pattern, target) for pattern, target in targets if is_direct(target) and target.api_key]
    found = await asyncio.gather(*[_ask(parts, target, headers) for _, target in asked])
    for (pattern, target), models in zip(asked, found, strict=True):
        for model in models:
            name = name_of(model["id"], pattern, target)
            if name is not None:
                listed.setdefault(name, {**model, "id": name})
    return {"object": "list", "data": list(listed.values())}


@router.get("/v1/models/{model:path}", operation_id="get_model")
@router.get("/models/{model:path}", include_in_schema=False)
async def get_model(model: str, parts: Parts, caller: AnyCaller) -> dict[str, Any]:
    """One model, if calls may name it."""
    try:
        if not model.strip():
            raise NotFound("No model is named.")
        parts.router.resolve(model, caller)
    except NotFound:
        raise NotFound(f"The model {model!r} does not exist.", param="model", code="model_not_found") from None
    return _model(model)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "reprise"}


async def _ask(parts: Services, target: Target, headers: dict[str, str]) -> list[dict[str, Any]]:
    url = f"{(target.api_base or OPENAI).rstrip('/')}/models"
    try:
        async with (
            asyncio.timeout(PATIENCE),
            parts.direct.request("GET", url, target, headers, None, stream=False) as response,
        ):
            body = orjson.loads(b"".join([chunk async for chunk in response.chunks]))
    except (ProxyError, TimeoutError, orjson.JSONDecodeError) as error:
        _log.warning("an upstream's models cannot be listed", error=type(error).__name__)
        return []
    data = body.get("data") if isinstance(body, dict) else None
    models = data if isinstance(data, list) else []
    return [model for model in models if isinstance(model, dict) and isinstance(model.get("id"), str)]
