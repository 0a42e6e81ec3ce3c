"""What the options of an import say of the calls that its answers are for."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import typer

from proxy.cli.options import CannotRun
from proxy.config import Settings, parse_duration


def template_body(path: Path | None) -> dict[str, Any] | None:
    """The chat body in a file; None where none is given. Raises ``CannotRun``."""
    from proxy.moving.item import BadRecord
    from proxy.moving.template import check_template

    if path is None:
        return None
    try:
        return check_template(json.loads(text_of(path)))
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, BadRecord) else f"is no JSON: {error}"
        raise CannotRun(f"--like-request: {path} {why}") from error


def text_of(path: Path | None) -> str:
    """A file's text; empty where none is given. Raises ``CannotRun``."""
    try:
        return path.read_text("utf-8-sig") if path is not None else ""
    except (OSError, UnicodeError) as error:
        raise CannotRun(f"{path} cannot be read: {error}") from error


def namespace_meant(settings: Settings, given: str | None, variable: str | None) -> str | None:
    """The namespace that is asked for; None leaves it to the records. Raises ``CannotRun``."""
    known = sorted({key.namespace for key in settings.auth.keys})
    if variable is not None and given is not None:
        raise CannotRun("--caller-key stands in place of --namespace")
    if variable is not None:
        return _namespace_of(settings, os.environ.get(variable, ""), variable)
    if known and given is not None and given not in known:
        typer.echo(f"No key of auth.keys has the namespace {given!r}; they have: {', '.join(known)}.", err=True)
    return given


def _namespace_of(settings: Settings, key: str, variable: str) -> str:
    """The namespace of callers with a key. Raises ``CannotRun``, ``StoreError``."""
    from proxy.auth import Authenticator
    from proxy.errors import ProxyError
    from store.directory import DataDirectory

    if not key:
        raise CannotRun(f"--caller-key: the variable {variable} is not set")
    secret = b""
    if not settings.auth.keys:
        directory = DataDirectory(settings.server.data_dir)
        directory.prepare()
        secret = directory.secret()
    try:
        return Authenticator(settings.auth, secret).identify({"authorization": f"Bearer {key}"}).namespace
    except ProxyError as error:
        raise CannotRun(f"--caller-key: {error.message}") from error


def only_namespace(settings: Settings) -> str | None:
    """The namespace of records that say none; None where several keys have several."""
    known = {key.namespace for key in settings.auth.keys} or {"default"}
    return known.pop() if len(known) == 1 else None


def seconds_in(ttl: str | None) -> float | None:
    """Seconds of a duration above 0; None where none is given. Raises ``CannotRun``."""
    if ttl is None:
        return None
    try:
        seconds = parse_duration(ttl)
    except ValueError as error:
        raise CannotRun(f"--ttl: {error}") from error
    if not seconds:
        raise CannotRun("--ttl must be more than 0")
    return seconds


def headers_in(given: list[str]) -> dict[str, str]:
    """Headers by their lower-case names. Raises ``CannotRun``."""
    headers = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise CannotRun(f"--header takes NAME: VALUE, not {line!r}")
        headers[name.strip().lower()] = value.strip()
    return headers
