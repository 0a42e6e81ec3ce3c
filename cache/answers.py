"""Which answers may be stored, and with what quality they start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

UNFINISHED: Final = frozenset(
    "length max_tokens model_length content_filter safety sensitive error network_error abort cancelled"
    " insufficient_system_resource".split()
)
"""Finish reasons, lower-case, after which an answer is not whole: OpenAI's, and those of servers that speak like it."""


def is_complete(answer: Mapping[str, Any]) -> bool:
    """Is every choice of a chat completion finished and not empty?"""
    choices = answer.get("choices")
    return isinstance(choices, list) and bool(choices) and all(map(_is_whole, choices))


def has_tool_calls(answer: Mapping[str, Any]) -> bool:
    """Does any choice call a tool?"""
    return any(
        _message(choice).get("tool_calls") or _message(choice).get("function_call") for choice in answer["choices"]
    )


def prior(answer: Mapping[str, Any]) -> tuple[float, float]:
    """(alpha, beta) of the Beta prior over "this answer is good", from what can be seen of it.

    A finished answer starts at 0.90, a refusal at 0.75. Length says nothing: "yes" is a fine answer.
    """
    refused = any(_message(choice).get("refusal") for choice in answer["choices"])
    return (3.0, 1.0) if refused else (9.0, 1.0)


def text_of(answer: Mapping[str, Any]) -> str:
    """The text of the first choice: its content, else its refusal, else nothing."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return ""
    message = _message(choices[0])
    content = message.get("content") or message.get("refusal") or ""
    return content if isinstance(content, str) else ""


def model_of(answer: Mapping[str, Any]) -> str | None:
    """The model as the upstream names it, which may hold a version; None where it names none."""
    model = answer.get("model")
    return model if isinstance(model, str) and model else None


def _is_whole(choice: Any) -> bool:
    if not isinstance(choice, Mapping):
        return False
    reason = choice.get("finish_reason")
    if not isinstance(reason, str) or not reason or reason.lower() in UNFINISHED:
        return False
    message = _message(choice)
    return any(message.get(part) for part in ("content", "refusal", "tool_calls", "function_call", "audio"))


def _message(choice: Any) -> Mapping[str, Any]:
    message = choice.get("message") if isinstance(choice, Mapping) else None
    return message if isinstance(message, Mapping) else {}
