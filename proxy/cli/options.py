"""What the commands share: where the configuration and the data directory are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.config import ConfigError, Settings, load_settings
from proxy.config.changes import Source
from proxy.config.document import Unreadable
from proxy.config.loader import read_raw

DEFAULT_CONFIG = Path("config.yaml")

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The configuration file; else REPRISE_CONFIG, else ./config.yaml where there is one."
    ),
]
DataDir = Annotated[Path | None, typer.Option("--data-dir", help="The data directory; else server.data_dir.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class CannotRun(Exception):
    """The command cannot do its work; its text says why, in lines for people."""


def find_config(given: Path | None) -> Path | None:
    """The configuration file to read; None where there is none and none was asked for."""
    if given is not None:
        return given
    named = os.environ.get("REPRISE_CONFIG")
    if named:
        return Path(named)
    return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None


def read_settings(config: Path | None, data_dir: Path | None = None, **server: Any) -> Settings:
    """The settings, with what the command line says of the server. Raises ``CannotRun``."""
    try:
        settings = load_settings(find_config(config), os.environ)
    except ConfigError as error:
        raise CannotRun(str(error)) from error
    return as_told(settings, data_dir, **server)


def read_source(config: Path | None) -> Source | None:
    """The file of the configuration, to be watched; None without one, or where it is no file. Raises ``CannotRun``."""
    path = find_config(config)
    if path is None or not path.is_file():
        return None
    try:
        raw = read_raw(path)
        return Source(path.absolute(), raw, os.environ, load_settings(path, os.environ, raw))
    except Unreadable as error:
        raise CannotRun(f"{path}: {error}") from error
    except ConfigError as error:
        raise CannotRun(str(error)) from error


def as_told(settings: Settings, data_dir: Path | None, **server: Any) -> Settings:
    """The settings, with what the command line says of the server."""
    changes = {name: value for name, value in {"data_dir": data_dir, **server}.items() if value is not None}
    if not changes:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update=changes)})
