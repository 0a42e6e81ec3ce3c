"""``reprise reindex``: write the vector index again from SQL."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.config import Settings
from store.directory import DataDirectory


def reindex(config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Rebuild the vector index; a running server does it itself, without stopping."""
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    holder = directory.holder()
    vectors = _through(holder, settings) if holder else _here(settings, directory)
    typer.echo(json.dumps({"vectors": vectors}) if as_json else f"{vectors} vectors written")


def _here(settings: Settings, directory: DataDirectory) -> int:
    from proxy.logs import configure_logging
    from proxy.services import build_services
    from store.embedder import EmbedderError
    from store.errors import StoreError

    if not directory.database.is_file():
        raise CannotRun(f"nothing is stored in {directory.root}")
    try:
        configure_logging(settings.logging)
        services = build_services(settings)
        try:
            services.semantic.open(mending=False)
            return services.semantic.reindex()
        finally:
            asyncio.run(services.close())
    except (StoreError, EmbedderError) as error:
        raise CannotRun(str(error)) from error


def _through(holder: dict[str, Any], settings: Settings) -> int:
    """Ask the server that holds the directory."""
    admins = [key.key.get_secret_value() for key in settings.auth.keys if key.role == "admin"]
    headers = {"Authorization": f"Bearer {admins[0]}"} if admins else {}
    host = holder.get("host", "127.0.0.1")
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{holder.get('port')}/cache/reindex"
    request = urllib.request.Request(url, method="POST", headers=headers)
    try:
        # Straight to it: a proxy of the environment must not see the admin key.
        straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with straight.open(request, timeout=3600) as response:
            return int(json.load(response)["vectors"])
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise CannotRun(f"the server on {url} did not rebuild its index: {error}") from error
