"""Asks the server's own routes: those of the running server, else of one opened in this process for a moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from proxy.cli.options import CannotRun
from proxy.cli.reading import stored
from proxy.cli.remote import Refused, RunningServer
from proxy.config import Settings
from store.directory import DataDirectory


def ask(
    settings: Settings,
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    body: Any = None,
    by_meaning: bool = False,
) -> Any:
    """The JSON that a route answers an admin with.

    Args:
        query: parameters; those that are None are left out.
        by_meaning: does it need embedder and vector index? Opening them takes a second or two.

    Raises:
        Refused: the route says no.
        CannotRun: there is nothing to ask, or it does not answer.
    """
    given = {name: value for name, value in (query or {}).items() if value is not None}
    path = f"{path}?{urlencode(given)}" if given else path
    directory = DataDirectory(settings.server.data_dir)
    holder = directory.holder()
    if holder:
        return RunningServer(holder, settings).ask(method, path, body)
    stored(settings)
    return asyncio.run(_ask_here(settings, method, path, body, by_meaning=by_meaning))


async def _ask_here(settings: Settings, method: str, path: str, body: Any, *, by_meaning: bool) -> Any:
    import httpx2

    from memory.redaction import RedactionError
    from proxy.app import create_app
    from proxy.auth import Caller
    from proxy.logs import configure_logging
    from proxy.routes.access import admin
    from store.embedder import EmbedderError
    from store.errors import StoreError

    configure_logging(settings.logging)
    try:
        app = create_app(settings)
    except (StoreError, RedactionError) as error:
        raise CannotRun(str(error)) from error
    # Whoever may read the data directory may do all that its admins may.
    app.dependency_overrides[admin] = lambda: Caller("default", "admin")
    services = app.state.services
    try:
        if by_meaning:
            await asyncio.to_thread(services.semantic.open, mending=False)
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=None) as client:
            content = None if body is None else json.dumps(body).encode()
            response = await client.request(method, path, content=content, headers={"content-type": "application/json"})
    except (StoreError, EmbedderError) as error:
        raise CannotRun(str(error)) from error
    finally:
        await services.close()
    if response.status_code >= 400:
        raise Refused(response.status_code, response.json()["error"]["message"])
    return response.json()
