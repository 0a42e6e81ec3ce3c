"""What the commands share: where the configuration and the data directory are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from proxy.config import ConfigError, Settings, load_settings

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
    changes = {name: value for name, value in {"data_dir": data_dir, **server}.items() if value is not None}
    if not changes:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update=changes)})
