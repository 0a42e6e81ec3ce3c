"""Reads what Reprise exported: stored answers with their keys, and round trips from the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from proxy.moving.item import KEY, LATEST, MOST, BadRecord, Item, Kept, Unfit, parsed
from proxy.moving.template import Template


def read_interaction(record: Mapping[str, Any], template: Template) -> Item:
    """A round trip that Reprise exported; only what it stored itself. Raises ``BadRecord``, ``Unfit``."""
    if not record.get("success") or record.get("interaction_type", "llm") != "llm":
        raise Unfit("failed" if not record.get("success") else "no-chat")
    if record.get("tier") == "semantic":
        # Its answer is another prompt's; that it may be served to this one is the verifier's to say each time.
        raise Unfit("served-by-meaning")
    if not record.get("entry_id"):
        # Cut off, random, private: what was wrong with it then is not in the log.
        raise Unfit("not-stored")
    if record.get("memories_used"):
        # No other call can be known to get the same.
        raise Unfit("made-with-memories")
    request = parsed(record.get("request"))
    response = record.get("response")
    if not isinstance(request, dict) or not isinstance(response, str):
        raise BadRecord("its request is no chat body, or its response no text")
    item = template.item(request, _said(response, request), {"tags": _tags_of(record)}, record.get("namespace"))
    return _placed(item, record, template)


def read_entry(record: Mapping[str, Any], template: Template) -> Item:
    """An answer that Reprise exported. Raises ``BadRecord``, ``Unfit``."""
    keys, answer = record.get("keys"), record.get("answer")
    if not isinstance(keys, dict) or not isinstance(answer, dict):
        raise BadRecord("it lacks its keys or its answer")
    if record.get("status", "active") != "active":
        raise Unfit("out-of-service")
    request, whole = parsed(record.get("request")), True
    if not isinstance(request, dict):
        said = record.get("prompt") if isinstance(record.get("prompt"), str) else ""
        request, whole = {"model": record.get("model"), "messages": [{"role": "user", "content": said}]}, False
    # What else was put into the call only its keys tell: it can stay where they hold, and go nowhere else.
    whole = whole and not record.get("memories_used")
    item = template.item(request, answer, record, record.get("namespace"))
    item = _placed(item, record, template)
    if template.model or template.system or template.headers or template.project:
        # Its calls are others now.
        return dataclasses.replace(item, kept=_kept(record, {}, template, whole=whole))
    return dataclasses.replace(item, kept=_kept(record, keys, template, whole=whole))


def _kept(record: Mapping[str, Any], keys: Mapping[str, Any], template: Template, *, whole: bool) -> Kept:
    earlier = record.get("earlier")
    try:
        alpha, beta = float(record["alpha"]), float(record["beta"])
        times = [None if template.renew else float(record[name]) for name in ("created_at", "expires_at")]
    except (KeyError, TypeError, ValueError) as error:
        raise BadRecord("its quality or its times are missing or no numbers") from error
    if not (0 < alpha < MOST and 0 <= beta < MOST and all(moment is None or 0 <= moment < LATEST for moment in times)):
        raise BadRecord("its quality or its times make no sense")
    cost = record.get("cost")
    return Kept(
        exact_key=_key(keys, "exact") or "",
        compat_key=_key(keys, "compat"),
        partition=_text(keys.get("partition")) or "",
        target=_text(record.get("target")),
        alpha=alpha,
        beta=beta,
        created_at=times[0],
        expires_at=times[1],
        loose_key=_key(keys, "loose"),
        earlier=tuple(earlier) if isinstance(earlier, list) and all(isinstance(t, str) for t in earlier) else (),
        prompt=_text(record.get("prompt")),
        answered_by=_text(record.get("answered_by")),
        cost=float(cost) if isinstance(cost, int | float) else None,
        whole=whole,
    )


def _placed(item: Item, record: Mapping[str, Any], template: Template) -> Item:
    """In the record's own project, unless the operator names another."""
    return dataclasses.replace(item, project=template.project or _text(record.get("project")) or "")


def _said(response: str, request: Mapping[str, Any]) -> Any:
    """What the log kept of an answer: its text, or its message where that called tools."""
    if request.get("tools") or request.get("functions"):
        message = parsed(response)
        if isinstance(message, dict) and (message.get("tool_calls") or message.get("function_call")):
            return message
    return response


def _tags_of(record: Mapping[str, Any]) -> Any:
    metadata = record.get("metadata")
    return metadata.get("tags") if isinstance(metadata, dict) else None


def _key(keys: Mapping[str, Any], name: str) -> str | None:
    key = keys.get(name)
    if key is not None and not (isinstance(key, str) and KEY.fullmatch(key)):
        raise BadRecord("one of its keys is none of Reprise's")
    return key


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
