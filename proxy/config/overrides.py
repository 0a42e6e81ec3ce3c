"""Settings from the environment: `REPRISE_SERVER__PORT=5000` stands above `server.port` in the file.

Names are the path in capitals, its parts joined by two underscores; a dash or a dot in a key is one underscore. A value
that begins with `[`, `{` or a quote is read as YAML; any other is the text itself, and `null` the default. A variable
that is set to nothing counts as not set. A policy beside `default` and the presets must be in the file, or in
REPRISE_CACHE__POLICIES.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_origin

from proxy.config import document, shape
from proxy.config.models import Settings
from proxy.config.problems import Findings, Place
from proxy.config.section import suggestion

PREFIX = "REPRISE_"
EXEMPT = frozenset({"REPRISE_CONFIG", "REPRISE_MODEL_CACHE", "REPRISE_URL", "REPRISE_API_KEY"})
"""Variables with the prefix that are read elsewhere, the last two by clients."""

# Kubernetes and Docker links describe a service called "reprise" in variables of these names.
_SERVICE_LINK = re.compile(
    r"REPRISE_([A-Z0-9]+_)*?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)"
)
_SERVICE_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")


def apply(data: dict[str, Any], environ: Mapping[str, str], findings: Findings) -> None:
    """Put what the environment sets into `data`; what cannot be placed there is a problem that names its variable."""
    # Fewer parts first: REPRISE_CACHE may set a section and REPRISE_CACHE__ENABLED a key of it.
    for name in sorted(_own(environ), key=lambda name: (name.count("__"), name)):
        source = Place(f"environment variable {name}")
        path = _path(name, data)
        if isinstance(path, str):
            findings.add((), path, source)
            continue
        value = _value(environ[name].strip(), path, source, findings)
        if _put(data, path, value):
            findings.replace(path, source)


def variable_of(path: tuple[str, ...]) -> str:
    """`REPRISE_SERVER__PORT` for ("server", "port")."""
    return PREFIX + "__".join(_plain(key) for key in path)


def _own(environ: Mapping[str, str]) -> Iterator[str]:
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in EXEMPT or not value.strip():
            continue
        link = _SERVICE_LINK.fullmatch(name) or (name.endswith("_PORT") and _SERVICE_ADDRESS.fullmatch(value))
        if not link:
            yield name


def _path(name: str, data: Any) -> tuple[str, ...] | str:
    """The path that a variable means, or what is wrong with its name."""
    path: list[str] = []
    annotation: Any = Settings
    for part in name.removeprefix(PREFIX).split("__"):
        if get_origin(annotation) is list:
            whole = variable_of(tuple(path))
            return f"sets a part of a list; set the whole list instead: {whole}='[...]'"
        known = {_plain(key): key for key in (*_given(data), *shape.keys_of(annotation))}
        key = known.get(part)
        if key is None:
            names = [variable_of(leaf) for leaf in shape.leaves(Settings)]
            return f"is no setting{suggestion(name.upper(), names)}"
        annotation = shape.child_of(annotation, key)
        path.append(key)
        data = data.get(key) if isinstance(data, dict) else None
    return tuple(path)


def _value(text: str, path: tuple[str, ...], source: Place, findings: Findings) -> Any:
    if text in ("null", "~"):
        return None
    if not text.startswith(("[", "{", '"', "'")):
        return text
    inner = Findings(source)
    try:
        return document.parse(text, inner)
    except document.Unreadable as error:
        findings.add(path, error.message, source)
        return None
    finally:
        for problem in inner.problems:
            findings.add(path, problem.message, source)


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Set a value deep down; False where the way there is blocked by something that is no mapping."""
    for key in path[:-1]:
        if data.get(key) is None:
            data[key] = {}
        if not isinstance(data[key], dict):
            return False
        data = data[key]
    data[path[-1]] = value
    return True


def _given(data: Any) -> list[str]:
    return list(data) if isinstance(data, dict) else []


def _plain(key: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", key.upper())
