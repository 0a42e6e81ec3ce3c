"""What a validation error says to the writer of the file. Nothing here repeats a value: it could be a secret."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

from proxy.config import shape
from proxy.config.models import Settings
from proxy.config.problems import KeyPath
from proxy.config.section import NAME_PATTERN, TRUTH_VALUE, URL_PATTERN, suggestion

_FIXED = {
    "missing": "is required",
    "bool": "must be true or false",
    "int": "must be a whole number",
    "float": "must be a number",
    "finite_number": "must be a finite number",
    "dict": "must be a mapping (key: value)",
    "model": "must be a mapping (key: value)",
    "list": "must be a list",
    "path": "must be a path",
}
_LIMITS = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
}
_PATTERNS = {
    NAME_PATTERN: "must be at most 64 lower-case letters, digits, dots, dashes or underscores, a letter or digit first",
    URL_PATTERN: "must begin with http:// or https:// and hold no spaces",
}
# People paste LiteLLM's files; these keys of it are not read, and each has its counterpart.
_ELSEWHERE = {
    "litellm_settings": "caching is set in cache",
    "general_settings": "the master_key goes to auth.keys, with role admin",
    "router_settings": "timeouts go to server or to the model's litellm_params",
    "environment_variables": "set them in the environment",
}


def path_of(error: ErrorDetails) -> KeyPath:
    """Where the error is, in the terms of the file."""
    path = tuple(key for key in error["loc"] if key != "[key]")
    return path + tuple((error.get("ctx") or {}).get("at", ()))


def message_of(error: ErrorDetails) -> str:
    """The error in one sentence whose subject is the key."""
    kind, ctx, value = error["type"], error.get("ctx") or {}, error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(error["loc"])
    if kind == "literal_error":
        return _not_one_of(error["loc"], value)
    if kind.startswith("string") or kind == "too_short":
        return _not_that_text(kind, ctx, value)
    if kind in _LIMITS:
        name, text = _LIMITS[kind]
        return text.format(f"{ctx[name]:g}" if isinstance(ctx[name], float) else ctx[name])
    return _FIXED.get(kind) or _FIXED.get(kind.split("_")[0]) or error["msg"]


def _unknown_key(loc: KeyPath) -> str:
    key = str(loc[-1])
    if len(loc) == 1 and key in _ELSEWHERE:
        return f"is LiteLLM's and not read here: {_ELSEWHERE[key]}"
    return f"is no known key{suggestion(key, shape.keys_of(shape.type_at(Settings, loc[:-1])))}"


def _not_one_of(loc: KeyPath, value: Any) -> str:
    at_key = loc[-1] == "[key]"
    place = shape.type_at(Settings, loc[:-2] if at_key else loc)
    choices = shape.keys_of(place) if at_key else shape.choices_of(place)
    hint = suggestion(value, choices) if isinstance(value, str) else ""
    return f"must be one of {', '.join(choices)}{hint}{TRUTH_VALUE if isinstance(value, bool) else ''}"


def _not_that_text(kind: str, ctx: dict[str, Any], value: Any) -> str:
    if kind == "string_type":
        if isinstance(value, bool):
            return f"must be text{TRUTH_VALUE}"
        return "must be text: put quotes around it" if isinstance(value, int | float) else "must be text"
    if kind.endswith("too_short"):
        least = ctx["min_length"]
        return "must not be empty" if least == 1 else f"must be {least} or more characters long"
    return _PATTERNS.get(ctx.get("pattern", ""), "must be other text")
