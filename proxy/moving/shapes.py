"""What a record of a file means: a request and its answer, in the shapes that people keep such pairs in.

``jsonl``         a prompt (or messages) and an answer, under any of the usual names
``openai``        ``messages`` that end with the answer (fine-tuning), ``request`` and ``response`` (logs), or a line of
                  a batch's output
``entries``       an answer that Reprise exported
``interactions``  a round trip that Reprise exported
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from proxy.moving.exported import read_entry, read_interaction
from proxy.moving.item import BadRecord, Item, Unfit, parsed
from proxy.moving.template import CARRIED, Template

PROMPTS: Final = ("prompt", "question", "input", "instruction", "query")
ANSWERS: Final = ("answer", "completion", "output", "response", "chosen")

OK: Final = 200


def shape_of(record: Mapping[str, Any]) -> str:
    """The shape that a record looks like."""
    if record.get("reprise") == "entry":
        return "entries"
    if record.get("reprise") == "interaction":
        return "interactions"
    if "custom_id" in record or ("request" in record and "response" in record):
        return "openai"
    if "messages" in record and not any(name in record for name in ANSWERS):
        return "openai"
    return "jsonl"


def read_pair(record: Mapping[str, Any], template: Template) -> Item:
    """A prompt or messages, and an answer. Raises ``BadRecord``."""
    messages = record.get("messages")
    if messages is not None and not any(name in record for name in ANSWERS):
        return read_conversation(record, template)
    answer = _first(record, ANSWERS, "answer")
    system = record.get("system")
    if system is not None and not isinstance(system, str):
        raise BadRecord("its system prompt is no text")
    prompt: Any = messages
    if prompt is None:
        prompt = _prompt(record)
    if isinstance(prompt, list):
        return template.item(template.continuing(_messages(prompt), record), answer, record)
    return template.item(template.asking(prompt, system, record.get("model")), answer, record)


def read_conversation(record: Mapping[str, Any], template: Template) -> Item:
    """Messages whose last one, the assistant's, is the answer. Raises ``BadRecord``."""
    *before, last = _messages(record.get("messages"))
    if not isinstance(last, dict) or last.get("role") != "assistant" or not before:
        raise BadRecord("its messages do not end with an assistant's answer to something")
    return template.item(template.continuing(before, record), last, record)


def read_openai(record: Mapping[str, Any], template: Template, requests: Callable[[str], Any] | None = None) -> Item:
    """A conversation, a logged request and response, or a line of a batch's output. Raises ``BadRecord``, ``Unfit``.

    Args:
        requests: gives the request line of a batch by its ``custom_id``; None for an unknown one.
    """
    if "messages" in record and "response" not in record:
        return read_conversation(record, template)
    request = parsed(record.get("request"))
    if request is None and "custom_id" in record:
        request = _of_batch(record["custom_id"], requests)
    if request is None and "messages" in record:
        request = {"messages": record["messages"], **{name: record[name] for name in CARRIED if name in record}}
    if isinstance(request, dict) and isinstance(request.get("body"), dict):
        request = request["body"]
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        raise BadRecord("its request is no chat body with messages")
    return template.item(request, _response(record), record)


READERS: Final[Mapping[str, Callable[[Mapping[str, Any], Template], Item]]] = {
    "jsonl": read_pair,
    "openai": read_openai,
    "entries": read_entry,
    "interactions": read_interaction,
}


def _prompt(record: Mapping[str, Any]) -> Any:
    instruction, more = record.get("instruction"), record.get("input")
    if isinstance(instruction, str) and isinstance(more, str) and "prompt" not in record:
        return f"{instruction}\n\n{more}" if more.strip() else instruction
    prompt = _first(record, PROMPTS, "prompt")
    if not isinstance(prompt, str | list) or not prompt or (isinstance(prompt, str) and not prompt.strip()):
        raise BadRecord("its prompt is blank, or no text")
    return prompt


def _first(record: Mapping[str, Any], names: tuple[str, ...], what: str) -> Any:
    for name in names:
        if record.get(name) is not None:
            return record[name]
    raise BadRecord(f"it has no {what} (looked for: {', '.join(names)})")


def _messages(value: Any) -> list[Any]:
    """Messages as a client sends them: without what only training reads. Raises ``BadRecord``."""
    if not isinstance(value, list) or not value or not all(isinstance(message, dict) for message in value):
        raise BadRecord("its messages are not a list of objects")
    return [{name: part for name, part in message.items() if name != "weight"} for message in value]


def _of_batch(custom_id: Any, requests: Callable[[str], Any] | None) -> Any:
    if requests is None:
        raise BadRecord("it is a batch's output: --requests names the file of its requests")
    request = requests(custom_id) if isinstance(custom_id, str) else None
    if request is None:
        raise BadRecord("no request has its custom_id")
    return request


def _response(record: Mapping[str, Any]) -> Any:
    """The answer in a logged response. Raises ``BadRecord``, ``Unfit``."""
    response = parsed(record.get("response"))
    if isinstance(response, dict) and ("body" in response or "status_code" in response):
        if response.get("status_code", OK) != OK:
            raise Unfit("failed")
        response = response.get("body")
    if response is None or record.get("error") or (isinstance(response, dict) and response.get("error")):
        raise Unfit("failed")
    return response
