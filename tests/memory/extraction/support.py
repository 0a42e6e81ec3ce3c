"""Records as the log gives them, and what the rules find in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from memory.extraction import extract, fresh
from memory.memories.memory import Candidate, Memory

Turn = tuple[str, str]


def record(prompt: str, response: str = "", *, before: Sequence[Turn] = (), injected: str = "") -> dict[str, Any]:
    """A logged call whose request holds the turns before its prompt."""
    turns = [*before, ("user", prompt)]
    messages = [{"role": role, "content": text} for role, text in turns]
    return {
        "prompt": prompt,
        "response": response,
        "request": json.dumps({"model": "m", "messages": messages}),
        "context_pack": {"text": injected} if injected else None,
    }


def found(prompt: str, response: str = "", **parts: Any) -> list[Candidate]:
    """The candidates of such a call."""
    return extract(fresh(record(prompt, response, **parts)))


def contents(prompt: str, response: str = "", **parts: Any) -> list[str]:
    """Their texts."""
    return [candidate.content for candidate in found(prompt, response, **parts)]


def memory(content: str, memory_type: Any = "preference", status: Any = "active", project: str = "") -> Memory:
    """A stored memory."""
    times = "2026-01-01 00:00:00"
    return Memory("mem_1", "default", project, memory_type, content, status, 1.0, times, times)
