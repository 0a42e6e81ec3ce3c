"""A configuration file and the environment to `Settings`, or to all that is wrong with them, line by line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from proxy.config import checks, document, messages, overrides, references
from proxy.config.models import Settings
from proxy.config.problems import ConfigError, Findings, Place, dotted

MAX_FILE = 2**20
"""The most bytes a file may have."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and where they come from."""

    settings: Settings
    data: dict[str, Any]
    """What was written, in the file and in variables, with references resolved."""
    findings: Findings
    """Knows the place of each value in `data`."""


def load_settings(path: Path | None, environ: Mapping[str, str], raw: bytes | None = None) -> Settings:
    """The settings of a file (None: the defaults), below what `REPRISE_` variables set, with references resolved.

    `raw` is what the file holds, where that was read already.

    Raises ConfigError with every problem that could be found.
    """
    return load(path, environ, raw).settings


def load(path: Path | None, environ: Mapping[str, str], raw: bytes | None = None) -> Loaded:
    """As `load_settings`, with what was written and where."""
    findings = Findings(Place(str(path) if path else "defaults"))
    data = _read(path, raw, findings) if path else {}
    overrides.apply(data, environ, findings)
    data = references.resolve(data, environ, findings)
    for key, problem in checks.parents(data):
        findings.add(key, problem)
    settings = _validate(data, findings)
    if settings is not None:
        for key, problem in (*checks.routes(settings), *checks.experiments(settings)):
            findings.add(key, problem)
    if settings is None or findings.problems:
        raise ConfigError(findings.problems)
    return Loaded(settings, data, findings)


def _read(path: Path, raw: bytes | None, findings: Findings) -> dict[str, Any]:
    """The mapping in the file; where there is none, the reason is noted and nothing returned."""
    try:
        root = document.parse(_text(read_raw(path) if raw is None else raw), findings)
    except document.Unreadable as error:
        place = Place(str(path), error.line, error.column)
        findings.add((), error.message, place)
        return {}
    if root is None:
        return {}
    if not isinstance(root, dict):
        findings.add((), "must be a mapping of sections (server:, cache:, ...)", Place(str(path), 1, 1))
        return {}
    return root


def read_raw(path: Path) -> bytes:
    """What the file holds, or a little more than may be read. Raises document.Unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except FileNotFoundError:
        raise document.Unreadable("there is no such file") from None
    except IsADirectoryError:
        raise document.Unreadable("is a folder, not a file") from None
    except (OSError, ValueError) as error:
        raise document.Unreadable(f"cannot be read: {_reason(error)}") from None


def _text(raw: bytes) -> str:
    if len(raw) > MAX_FILE:
        raise document.Unreadable(f"is larger than {MAX_FILE} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise document.Unreadable("is not UTF-8 text", raw[: error.start].count(b"\n") + 1) from None


def _reason(error: OSError | ValueError) -> str:
    code = error.errno if isinstance(error, OSError) else None
    return os.strerror(code).lower() if code else "not a usable path"


def _validate(data: dict[str, Any], findings: Findings) -> Settings | None:
    # What is already known to be wrong is still there, unresolved: no second complaint about it.
    known = {problem.key for problem in findings.problems}
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    for detail in details:
        path = messages.path_of(detail)
        problem = messages.message_of(detail)
        if dotted(path) not in known:
            findings.add(path, problem)
    return None
