"""What the operator says of the calls that imported answers are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from proxy.moving.item import BadRecord, Item, completion, read_tags


@dataclass(frozen=True, slots=True)
class Template:
    """How a record becomes a call: what it does not say itself is taken from here."""

    body: Mapping[str, Any] | None = field(default=None, repr=False)
    """A chat body that ends with a user's text (see ``check_template``), whose place prompts take."""
    namespace: str | None = None
    """Whose calls the answers are for, whatever a record says."""
    otherwise: str | None = "default"
    """The namespace of records that say none; None: they must."""
    model: str | None = None
    system: str | None = None
    project: str = ""
    policy: str | None = None
    tags: tuple[str, ...] = ()
    ttl: float | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    renew: bool = False
    """Do exported answers count as old as their import?"""

    def item(self, request: Mapping[str, Any], answer: Any, record: Mapping[str, Any], own: Any = None) -> Item:
        """The item of a whole request, in its ``own`` namespace where it has one. Raises ``BadRecord``."""
        body = {**request, "model": self.model_of(request)}
        namespace = self.namespace or own or self.otherwise
        if not isinstance(namespace, str):
            raise BadRecord("nobody says whose calls it answers: --namespace does")
        response, made = completion(answer, body["model"])
        return Item(
            body,
            response,
            namespace,
            self.project,
            self.policy,
            (*self.tags, *read_tags(record.get("tags"))),
            self.ttl,
            self.headers,
            made,
        )

    def model_of(self, given: Mapping[str, Any]) -> str:
        """The model: the operator's word before the record's, and that before the template's. Raises ``BadRecord``."""
        model = self.model or given.get("model") or (self.body or {}).get("model")
        if not isinstance(model, str) or not model.strip():
            raise BadRecord("it names no model, and --model gives none")
        return model

    def asking(self, prompt: str, system: str | None, model: Any) -> dict[str, Any]:
        """The body of a call that asks this."""
        body = dict(self.body or {"messages": [{"role": "user", "content": ""}]})
        *before, last = body["messages"]
        content: Any = prompt
        if isinstance(last["content"], list):
            content = [{**last["content"][0], "text": prompt}]
        before = _with_system(before, system or self.system, replace=system is not None)
        return {**body, **({"model": model} if model else {}), "messages": [*before, {**last, "content": content}]}

    def continuing(self, messages: list[Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a call with these messages."""
        body = dict(self.body or {})
        system = self.system or _system_of(body.get("messages"))
        kept = {name: given[name] for name in CARRIED if given.get(name) is not None}
        return {**body, **kept, "messages": _with_system(messages, system, replace=False)}


CARRIED = ("model", "tools", "tool_choice", "parallel_tool_calls", "functions", "response_format")
"""What a conversation for fine-tuning may say of its call."""


def check_template(body: Any) -> dict[str, Any]:
    """A chat body whose last message is a user's with one text. Raises ``BadRecord``."""
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        raise BadRecord("is no chat body: it has no messages")
    content = messages[-1].get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    one = len(parts) == 1 and isinstance(parts[0], dict) and parts[0].get("type") == "text"
    if messages[-1].get("role") != "user" or not one or not isinstance(parts[0].get("text"), str):
        raise BadRecord("must end with a user's message of one text, whose place the prompts take")
    return dict(body)


def _with_system(messages: list[Any], system: str | None, *, replace: bool) -> list[Any]:
    has = bool(messages) and messages[0].get("role") in ("system", "developer")
    if system is None or (has and not replace):
        return messages
    return [{**(messages[0] if has else {"role": "system"}), "content": system}, *messages[int(has) :]]


def _system_of(messages: Any) -> str | None:
    first = messages[0] if isinstance(messages, list) and messages else {}
    content = first.get("content") if first.get("role") in ("system", "developer") else None
    return content if isinstance(content, str) else None
