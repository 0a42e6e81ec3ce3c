"""JSON schemas of the analysing model's replies, as strict as servers enforce them: every field is there, or null."""

from __future__ import annotations

from typing import Any, Final


def _either(kind: str) -> dict[str, Any]:
    return {"type": [kind, "null"]}


def _exactly(properties: dict[str, Any]) -> dict[str, Any]:
    """An object of these fields and no other."""
    made: dict[str, Any] = {"type": "object", "properties": properties}
    return made | {"required": list(properties), "additionalProperties": False}


def _maybe(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


_TEXT: Final = {"type": "string"}
_OPTION: Final = _exactly({"id": _TEXT, "label": _TEXT, "next_node_id": _TEXT})
_NODE: Final = {
    "id": _TEXT,
    "type": {"type": "string", "enum": ["decision", "action", "solution"]},
    "title": _either("string"),
    "question": _either("string"),
    "description": _either("string"),
    "options": _maybe(_list(_OPTION)),
    "next_node_id": _either("string"),
}
_ROOT: Final = {
    "id": {"type": "string", "enum": ["root"]},
    "type": {"type": "string", "enum": ["decision"]},
    "question": _TEXT,
    "help_text": _either("string"),
    "options": _list(_OPTION),
    "children": _list(_exactly(_NODE)),
}
_NEW_NODE: Final = {**_NODE, "attach_after_node_id": _either("string"), "new_option_label": _either("string")}

NEW_FLOW: Final = {
    "title": "flow",
    **_exactly(
        {
            "nothing": _either("string"),
            "title": _either("string"),
            "description": _either("string"),
            "match_keywords": _maybe(_list(_TEXT)),
            "problem_domain": _either("string"),
            "tree_structure": _maybe(_exactly(_ROOT)),
        }
    ),
}

ENHANCEMENT: Final = {
    "title": "enhancement",
    **_exactly(
        {
            "nothing": _either("string"),
            "title": _either("string"),
            "diff_description": _either("string"),
            "new_nodes": _maybe(_list(_exactly(_NEW_NODE))),
            "modified_options": _maybe(_list(_exactly({"node_id": _TEXT, "add_option": _OPTION}))),
        }
    ),
}
