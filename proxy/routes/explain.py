"""Why a call would be a hit, a miss or a bypass, over HTTP."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from cache.explanation import Explainer
from proxy.explaining import as_called, caller_of, explanation_of
from proxy.routes.access import AnyCaller, Parts
from proxy.wire import read_chat

router = APIRouter(tags=["cache"])


@router.post("/cache/explain", operation_id="explain")
async def explain(
    http: Request,
    parts: Parts,
    caller: AnyCaller,
    namespace: Annotated[str | None, Query(description="Whose call it would be; another's needs an admin.")] = None,
) -> dict[str, Any]:
    """Why a chat call would be a hit, a miss or a bypass now: send its body and headers here.

    Nothing is forwarded, stored, counted or recorded. A client asks about its own calls; an admin about those of any
    namespace, named by ``?namespace=``. With ``server.expose: minimal`` a client learns nothing of stored prompts.
    """
    request = await read_chat(http, parts.settings.server.max_body)
    placed = parts.pipeline.place(as_called(request), caller_of(caller, namespace))
    exchange = await parts.remembering.injection.into(placed)
    cache = parts.cache
    explainer = Explainer(parts.entries, cache.neighbours, cache.judges, parts.labels, time.time)
    exposed = caller.role == "admin" or parts.settings.server.expose == "full"
    return await explanation_of(exchange, explainer, parts.settings, exposed=exposed)
