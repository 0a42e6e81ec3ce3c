"""References to environment variables in the values of a file: `os.environ/NAME`, `${NAME}`, `${NAME:-default}`.

`$${` stands for `${` itself. What a variable holds is never looked into for further references. A reference that comes
to nothing, because the variable is set to nothing, leaves the setting at its default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from proxy.config.problems import Findings, KeyPath

# `os.environ/` is LiteLLM's spelling and takes the whole value; the braces are a shell's and may be part of one.
_WHOLE = "os.environ/"
_PART = re.compile(
    r"(?P<literal>\$\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-(?:(?!\$\{)[^}])*)?\}|(?P<broken>\$\{)"
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORMS = "write os.environ/NAME, ${NAME} or ${NAME:-default}, and $${ where no variable is meant"


class _Unset(Exception):
    """A variable that is not set and has no default."""


class _Broken(Exception):
    """A reference that is none."""


def resolve(value: Any, environ: Mapping[str, str], findings: Findings, path: KeyPath = ()) -> Any:
    """The value with every reference in it, at any depth, replaced by what the environment holds.

    A variable that is not set is a problem, and the reference stays. Only for the key of a model it means that there
    is none: the caller's own key is used then.
    """
    if isinstance(value, dict):
        return {key: resolve(item, environ, findings, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, environ, findings, (*path, index)) for index, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        resolved = _text(value, environ)
    except _Unset as unset:
        if _is_model_key(path):
            return None
        findings.add(path, f"the environment variable {unset} is not set")
    except _Broken:
        findings.add(path, f"holds a reference that cannot be read: {_FORMS}")
    else:
        # A variable that is set to nothing is how compose files pass on one that is not set.
        return None if value and not resolved else resolved
    return value


def _text(text: str, environ: Mapping[str, str]) -> str:
    name = text.strip().removeprefix(_WHOLE)
    if name == text.strip():
        return _PART.sub(lambda part: _replacement(part, environ), text)
    if not _NAME.fullmatch(name):
        raise _Broken
    return _held(name, environ)


def _replacement(part: re.Match[str], environ: Mapping[str, str]) -> str:
    if part["literal"]:
        return "${"
    if part["broken"]:
        raise _Broken
    if part["default"]:
        # As in a shell, `:-` also stands in for a variable that is set to nothing.
        return environ.get(part["name"]) or part["default"].removeprefix(":-")
    return _held(part["name"], environ)


def _held(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise _Unset(name)
    return environ[name]


def _is_model_key(path: KeyPath) -> bool:
    return len(path) == 4 and path[0] == "model_list" and path[2:] == ("litellm_params", "api_key")
