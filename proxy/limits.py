"""Refuses request bodies over a size before a route reads them."""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proxy.errors import BodyTooLarge
from proxy.wire import read_body


class BodyLimit:
    """Middleware for the routes that leave reading to FastAPI; ``exempt`` paths read for themselves."""

    def __init__(self, app: ASGIApp, most: int, exempt: Collection[str]) -> None:
        self._app = app
        self._most = most
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or scope["path"] in self._exempt:
            await self._app(scope, receive, send)
            return
        try:
            body = await read_body(Request(scope, receive), self._most)
        except BodyTooLarge as error:
            await JSONResponse(error.body(), error.status)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        sent = False

        async def replay() -> Message:
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)
