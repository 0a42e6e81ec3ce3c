"""``reprise reindex``: write the vector index again from SQL."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.cli.reading import stored
from proxy.cli.remote import RunningServer
from proxy.config import Settings
from store.directory import DataDirectory

PATIENCE: Final = 3600.0
"""Seconds to wait for a running server: a large store takes its time."""


def reindex(config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Rebuild the vector index; a running server does it itself, without stopping."""
    settings = read_settings(config, data_dir)
    directory = DataDirectory(settings.server.data_dir)
    holder = directory.holder()
    if holder:
        vectors = int(RunningServer(holder, settings, PATIENCE).post("/cache/reindex", None)["vectors"])
    else:
        vectors = _here(settings)
    typer.echo(json.dumps({"vectors": vectors}) if as_json else f"{vectors} vectors written")


def _here(settings: Settings) -> int:
    from proxy.logs import configure_logging
    from proxy.services import build_services
    from store.embedder import EmbedderError
    from store.errors import StoreError

    stored(settings)
    try:
        configure_logging(settings.logging)
        services = build_services(settings)
        try:
            services.semantic.open(mending=False)
            return services.semantic.reindex() + services.remembering.library.reindex()
        finally:
            asyncio.run(services.close())
    except (StoreError, EmbedderError) as error:
        raise CannotRun(str(error)) from error
