"""A scripted model behind an OpenAI-compatible server: what the demo, the tests and the benchmarks forward to.

Its answers depend on the prompt alone. Instructions in square brackets within the last message make it misbehave,
so that a client can ask for any fault: ``[status 429]``, ``[delay 0.2]``, ``[break 2]``, ...
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from proxy.sse import DONE, event

ANSWERS = {
    "capital of france": "The capital of France is Paris.",
    "capital of spain": "The capital of Spain is Madrid.",
    "boil an egg": "Put the egg in boiling water: six minutes for a soft yolk, ten for a hard one.",
    "reverse a list": "Use `items[::-1]` for a reversed copy, or `items.reverse()` to reverse it in place.",
}
"""Answers to prompts that hold these words; any other prompt is answered with its own digest."""

_INSTRUCTION = re.compile(
    r"\[(status|delay|pause|break|hang|malformed|finish|tool|refuse|reason|unfinished|nodone|error)"
    r"(?: ([\w.]+))?\]"
)


@dataclass(frozen=True)
class Said:
    """A reply, word for word."""

    text: str
    finish: str = "stop"


class ScriptedModel:
    """The server's application and what it was asked.

    Instructions: ``[status N]`` an error of that status; ``[delay S]`` wait before the head, ``[pause S]`` between
    chunks; ``[break N]`` lose the connection after N chunks (0: before the head); ``[hang]`` never answer;
    ``[malformed]`` no JSON; ``[finish R]`` that finish reason; ``[tool NAME]`` call a tool; ``[refuse]`` a refusal;
    ``[reason]`` with reasoning content; ``[unfinished]`` a stream that ends without a finish reason, ``[nodone]``
    without ``[DONE]``, ``[error]`` with an error event.
    """

    def __init__(self, thinking: float = 0.0) -> None:
        self._thinking = thinking
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.by_prompt: Counter[str] = Counter()
        self.says: Callable[[Mapping[str, Any]], Said | None] = lambda body: None
        """The reply to a chat body, word for word; None where the prompt decides, as ever."""
        self.aborted = 0
        """Streams whose reader left."""
        self.app = Starlette(
            routes=[
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/v1/models", self._models),
            ]
        )

    async def _models(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        model = {"id": "scripted", "object": "model", "created": 1700000000, "owned_by": "reprise"}
        return JSONResponse({"object": "list", "data": [model]})

    async def _chat(self, request: Request) -> Response:
        raw = await request.body()
        body = orjson.loads(raw)
        self.calls.append(body)
        self.bodies.append(raw)
        self.headers.append(dict(request.headers))
        prompt = last_text(body)
        self.by_prompt[prompt] += 1
        said = self.says(body)
        does = dict(_INSTRUCTION.findall(prompt)) if said is None else {"finish": said.finish}
        await asyncio.sleep(float(does.get("delay") or self._thinking))
        if "hang" in does:
            await asyncio.sleep(3600)
        if does.get("break") == "0":
            return StreamingResponse(_broken(), media_type="application/json")
        if "status" in does:
            status = int(does["status"])
            error = {"message": f"scripted {status}", "type": "scripted", "param": None, "code": "scripted"}
            return JSONResponse({"error": error}, status, headers={"retry-after": "7", "x-request-id": "req-scripted"})
        if "malformed" in does:
            return Response("<html>not json</html>", media_type="application/json")
        answer = completion(body, prompt, does)
        if said is not None:
            answer["choices"][0]["message"]["content"] = said.text
        headers = {"x-request-id": "req-scripted", "openai-processing-ms": "5"}
        if body.get("stream"):
            return StreamingResponse(self._stream(body, answer, does), media_type="text/event-stream", headers=headers)
        return Response(orjson.dumps(answer), media_type="application/json", headers=headers)

    async def _stream(
        self, body: Mapping[str, Any], answer: dict[str, Any], does: Mapping[str, str]
    ) -> AsyncIterator[bytes]:
        sent = 0
        try:
            for chunk in chunks(body, answer):
                if "break" in does and sent == int(does["break"]):
                    raise ConnectionError("scripted break")
                if "error" in does and sent == 2:
                    yield event(orjson.dumps({"error": {"message": "scripted", "type": "server_error", "code": None}}))
                    return
                finishes = any(choice.get("finish_reason") for choice in chunk["choices"])
                if finishes and "unfinished" in does:
                    return
                yield event(orjson.dumps(chunk))
                sent += 1
                await asyncio.sleep(float(does.get("pause") or 0))
            if "nodone" not in does:
                yield DONE
        except (asyncio.CancelledError, GeneratorExit):
            self.aborted += 1
            raise


def answer_to(prompt: str) -> str:
    """The scripted text for a prompt."""
    lowered = prompt.lower()
    for words, text in ANSWERS.items():
        if all(word in lowered for word in words.split()):
            return text
    digest = hashlib.sha256(prompt.encode()).hexdigest()[:12]
    return f"Scripted answer {digest}: I read {len(prompt.split())} words and have nothing to add. Ünïcode 🦉 stays."


def completion(body: Mapping[str, Any], prompt: str, does: Mapping[str, str]) -> dict[str, Any]:
    """The unstreamed answer to a chat body."""
    text = answer_to(prompt)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish = does.get("finish") or "stop"
    if "tool" in does:
        function = {"name": does["tool"], "arguments": orjson.dumps({"city": "Zürich", "prompt": prompt}).decode()}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}
        finish = "tool_calls"
    if "refuse" in does:
        message |= {"content": None, "refusal": "I can't help with that."}
    if "reason" in does:
        message["reasoning_content"] = "First I thought about it. Then I thought again."
    digest = hashlib.sha256(orjson.dumps(body.get("messages"))).hexdigest()
    choices = [
        {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
        for index in range(body.get("n") or 1)
    ]
    words = len(prompt.split()), len(text.split()) * len(choices)
    return {
        "id": f"chatcmpl-{digest[:16]}",
        "object": "chat.completion",
        "created": 1700000000,
        "model": body["model"],
        "choices": choices,
        "usage": {"prompt_tokens": words[0], "completion_tokens": words[1], "total_tokens": sum(words)},
        "system_fingerprint": "fp_scripted",
        "a_field_nobody_knows": {"kept": True},
    }


def chunks(body: Mapping[str, Any], answer: dict[str, Any]) -> list[dict[str, Any]]:
    """The answer as a model would stream it: a word or two at a time."""
    options = body.get("stream_options") or {}
    top = {key: value for key, value in answer.items() if key not in ("choices", "usage")}
    top["object"] = "chat.completion.chunk"
    if options.get("include_usage"):
        top["usage"] = None
    made = []
    for choice in answer["choices"]:
        message = dict(choice["message"])
        deltas: list[dict[str, Any]] = [{"role": message.pop("role"), "content": "" if message["content"] else None}]
        for key in ("reasoning_content", "refusal", "content"):
            deltas += [{key: piece} for piece in re.findall(r"\S+\s*", message.get(key) or "")]
        for index, call in enumerate(message.get("tool_calls") or ()):
            arguments = call["function"]["arguments"]
            opening = {"index": index, **call, "function": {**call["function"], "arguments": ""}}
            pieces = [arguments[start : start + 7] for start in range(0, len(arguments), 7)]
            deltas.append({"tool_calls": [opening]})
            deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces]
        index = choice["index"]
        made += [{**top, "choices": [{"index": index, "delta": delta, "finish_reason": None}]} for delta in deltas]
        made.append({**top, "choices": [{"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    if options.get("include_usage"):
        made.append({**top, "choices": [], "usage": answer["usage"]})
    return made


def last_text(body: Mapping[str, Any]) -> str:
    """The text of the last message."""
    content = body["messages"][-1].get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


async def _broken() -> AsyncIterator[bytes]:
    yield b'{"id": "chatcmpl-'
    raise ConnectionError("scripted break")
