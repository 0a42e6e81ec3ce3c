"""The JSON Schema of the configuration file, for editors: draft 7, which is what YAML language servers read."""

from __future__ import annotations

from typing import Any

from proxy.config.models import Settings
from proxy.config.units import DURATION_PATTERN, SIZE_PATTERN, format_duration, format_size

DRAFT = "http://json-schema.org/draft-07/schema#"
_REFERENCE = {"$ref": "#/definitions/Reference"}
_REFERENCE_DEFINITION = {
    "description": "A value from the environment: os.environ/NAME, ${NAME} or ${NAME:-default}.",
    "type": "string",
    "pattern": r"^os\.environ/|\$\{",
}
_ABOUT = ("description", "default")
# Text without further rules admits a reference as it is.
_RULES = ("pattern", "enum", "const", "minLength", "maxLength", "format")


def json_schema() -> dict[str, Any]:
    """The schema of `config.yaml`; any value may be a reference to the environment, any section may be left empty."""
    generated = Settings.model_json_schema(ref_template="#/definitions/{model}")
    definitions = {name: _object(body) for name, body in sorted(generated.pop("$defs").items())}
    return {
        "$schema": DRAFT,
        "title": "Reprise configuration",
        **_object(generated),
        "definitions": definitions | {"Reference": _REFERENCE_DEFINITION},
    }


def _object(node: dict[str, Any]) -> dict[str, Any]:
    """A section: its keys in order, each with its rule."""
    section = {key: value for key, value in node.items() if key != "title"}
    required = node.get("required", ())
    section["properties"] = {name: _value(body, name not in required) for name, body in node["properties"].items()}
    return section


def _value(node: dict[str, Any], optional: bool = False) -> dict[str, Any]:
    """A value as pydantic describes it, to one that may be a reference, or empty if an optional section or list."""
    about = {key: node[key] for key in _ABOUT if key in node}
    if "default" in about:
        about["default"] = _written(about["default"], node)
    rule = {key: value for key, value in node.items() if key not in (*_ABOUT, "title")}
    return about | _rule(rule, optional)


def _rule(rule: dict[str, Any], optional: bool) -> dict[str, Any]:
    if "anyOf" in rule:
        options = [_plain(option) for option in rule["anyOf"]]
        return {"anyOf": [*options, _REFERENCE]}
    if "$ref" in rule or rule.get("type") in ("object", "array"):
        # Draft 7 ignores what stands beside a $ref, so it gets an anyOf of its own.
        return {"anyOf": [_plain(rule), *([{"type": "null"}] if optional else [])]}
    if rule.get("type") == "string" and not any(key in rule for key in _RULES):
        return rule
    return {"anyOf": [rule, _REFERENCE]} if rule else {}


def _plain(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule whose parts, not itself, may be references."""
    inner = dict(rule)
    for key in ("items", "additionalProperties"):
        if isinstance(inner.get(key), dict):
            inner[key] = _value(inner[key])
    if "patternProperties" in inner:
        named = inner["patternProperties"].items()
        inner |= {
            "patternProperties": {name: _value(body, True) for name, body in named},
            "additionalProperties": False,
        }
    return inner


def _written(default: Any, node: dict[str, Any]) -> Any:
    """A default as people would write it: 24h, not 86400."""
    patterns = {option.get("pattern") for option in node.get("anyOf", ())}
    if default is not None and DURATION_PATTERN in patterns:
        return format_duration(default)
    return format_size(default) if default is not None and SIZE_PATTERN in patterns else default
