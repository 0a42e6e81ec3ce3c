"""``reprise reindex``: write the vector index again from SQL."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import typer

from proxy.cli.options import AsJson, CannotRun, ConfigPath, DataDir, read_settings
from proxy.config import Settings


def reindex(config: ConfigPath = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Rebuild the vector index; a running server does it itself, without stopping."""
    settings = read_settings(config, data_dir)
    from store.directory import DataDirectory

    directory = DataDirectory(settings.server.data_dir)
    holder = directory.holder()
    vectors = _through(holder, settings) if holder else _here(settings, directory)
    typer.echo(json.dumps({"vectors": vectors}) if as_json else f"{vectors} vectors written")


def _here(settings: Settings, directory: Any) -> int:
    from proxy.services import embedder_spec, rebuild_index
    from store.database import Database
    from store.embedder import EmbedderError, load_embedder
    from store.entries import Entries
    from store.errors import StoreError
    from store.indexer import Indexer
    from store.vectors import ChromaIndex

    if not directory.database.is_file():
        raise CannotRun(f"nothing is stored in {directory.root}")
    try:
        directory.hold({})
        database = Database(directory.database)
        try:
            embedder = load_embedder(embedder_spec(settings), settings.store.embedder.cache_dir)
            entries, index = Entries(database, 1), ChromaIndex(directory.vectors)
            indexer = Indexer(entries, index, embedder.id, _raise)
            written = rebuild_index(entries, index, indexer, embedder)
            indexer.close()
            return written
        finally:
            database.close()
            directory.release()
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
        with urllib.request.urlopen(request, timeout=3600) as response:
            return int(json.load(response)["vectors"])
    except (urllib.error.URLError, ValueError, KeyError) as error:
        raise CannotRun(f"the server on {url} did not rebuild its index: {error}") from error


def _raise(error: Exception) -> None:
    raise error
