"""Conversations as records of the log, for tests."""

from __future__ import annotations

import json

from memory.sessions.identity import derive_session

PRINTER = "My printer prints blank pages"
WHICH = "Which printer is it?\n1. HP LaserJet\n2. Brother"
CLEAN = "Clean the print head: open Settings, then click Clean."
WORKS = "Does it print now?"
GLAD = "Glad to hear that."
SOLVED = [(PRINTER, WHICH), ("2", CLEAN), ("ok, done", WORKS), ("Yes, thanks!", GLAD)]
"""(asked, answered) of each turn."""


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **fields):
    return {"role": "assistant", "content": text, **fields}


def calling(name, arguments="{}"):
    """A message of the assistant that calls a tool."""
    call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return assistant(None, tool_calls=[call])


def result(text):
    return {"role": "tool", "tool_call_id": "call_1", "content": text}


def record(id, messages, answer, *, second=0, session=None, namespace="default", **fields):
    """A record as ``Interactions.get`` gives it; its session is derived where none is named."""
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return {
        "id": id,
        "created_at": f"2026-03-01 10:{second // 60:02}:{second % 60:02}",
        "namespace": namespace,
        "session_id": session or derive_session(namespace, messages),
        "interaction_type": "llm",
        "prompt": asked[-1] if asked else "",
        "request": json.dumps({"model": "m", "messages": messages}),
        "response": answer if isinstance(answer, str) else json.dumps(answer),
        **fields,
    }


def conversation(turns, *, name="int", begin=0, step=10, history=True, system=None, **fields):
    """The records of a conversation whose client sends its history again, oldest first."""
    messages = [{"role": "system", "content": system}] if system else []
    records = []
    for number, (asked, answered) in enumerate(turns):
        messages = [*messages, user(asked)]
        sent = messages if history else [user(asked)]
        records.append(record(f"{name}_{number:03}", sent, answered, second=begin + number * step, **fields))
        messages = [*messages, assistant(answered)]
    return records
