"""The upstream of these measurements, in a thread: an assistant that keeps to its script, and an analysing model."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.flows.analyst import Analyst
from proxy.sse import DONE, event

ANALYST = "analyst"
"""The name of the analysing model."""
Script = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any] | None]


class ScriptedUpstream:
    """Answers chat calls by a script, and those to the model ``analyst`` by an :class:`Analyst`."""

    def __init__(self, script: Script, analyst: Analyst, delay: float = 0.0) -> None:
        self.analysed: list[tuple[float, dict[str, Any]]] = []
        """When the analysing model was asked what."""
        self.chats: list[dict[str, Any]] = []
        """Bodies of the other calls."""
        self.answered: Callable[[], None] = lambda: None
        """Called when the analysing model has given its answer."""
        self._script, self._analyst, self._delay = script, analyst, delay
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self) -> ScriptedUpstream:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(20)
        self._listener.close()

    async def _chat(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        if body["model"] == ANALYST:
            return await self._analyse(body)
        self.chats.append(body)
        message = self._script(body["messages"])
        if message is None:
            message = {"role": "assistant", "content": "I have nothing to add."}
        finish = "tool_calls" if message.get("tool_calls") else "stop"
        whole = _completion(body, dict(message), finish)
        if not body.get("stream"):
            return JSONResponse(whole)
        return StreamingResponse(iter(_pieces(whole)), media_type="text/event-stream")

    async def _analyse(self, body: dict[str, Any]) -> Response:
        self.analysed.append((time.time(), body))
        await asyncio.sleep(self._delay)
        text = self._analyst.reply(body)
        self.answered()
        return JSONResponse(_completion(body, {"role": "assistant", "content": text}, "stop"))


def _completion(body: Mapping[str, Any], message: dict[str, Any], finish: str) -> dict[str, Any]:
    name = hashlib.sha256(orjson.dumps(body["messages"])).hexdigest()[:16]
    return {
        "id": f"chatcmpl-{name}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20},
    }


def _pieces(whole: Mapping[str, Any]) -> list[bytes]:
    choice = whole["choices"][0]
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant"}]
    text = message.get("content") or ""
    deltas += [{"content": text[at : at + 24]} for at in range(0, len(text), 24)]
    if message.get("tool_calls"):
        deltas.append({"tool_calls": [{"index": at, **call} for at, call in enumerate(message["tool_calls"])]})
    head = {**{key: whole[key] for key in ("id", "created", "model")}, "object": "chat.completion.chunk"}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]})
    return [*(event(orjson.dumps(chunk)) for chunk in chunks), DONE]


def by_script(known: Mapping[str, list[Mapping[str, Any]]]) -> Script:
    """A script from each session's opening words to the assistant's messages, in order."""

    def answer(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        said = sum(message["role"] == "assistant" for message in messages)
        first = next((str(m.get("content")) for m in messages if m["role"] == "user"), "")
        for opening, answers in known.items():
            # The proxy may add context behind the user's words.
            if first.startswith(opening) and said < len(answers):
                found: Mapping[str, Any] = answers[said]
                return found
        return None

    return answer
