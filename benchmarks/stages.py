"""What an exact hit's time is made of: each stage on its own, in microseconds, without HTTP.

python -m benchmarks.stages
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.latency import ANSWER, body
from cache.answers import prior
from cache.classes import classes_of
from cache.decision import Hit
from cache.identity import exact_key
from proxy import replay
from proxy.app import create_app
from proxy.config import LiteLLMParams, ModelEntry, Settings
from proxy.exchange import Exchange, Outcome
from proxy.headers import cache_headers
from proxy.wire import read_chat
from store.entries import Entry
from store.ids import new_id

ROUNDS = 2000
PROMPT = "Can you tell me about the price of the lamp from the spring catalogue"


def settings(folder: Path) -> Settings:
    """A proxy that can reach nothing."""
    entry = ModelEntry(
        model_name="*",
        litellm_params=LiteLLMParams(model="openai/*", api_base="http://127.0.0.1:9", api_key=SecretStr("none")),
    )
    given = Settings()
    server = given.server.model_copy(update={"data_dir": folder})
    return given.model_copy(update={"model_list": [entry], "server": server})


def request(raw: bytes) -> Request:
    """A chat call as uvicorn would hand it over."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    headers = [
        (b"host", b"127.0.0.1:4000"),
        (b"content-type", b"application/json"),
        (b"content-length", str(len(raw)).encode()),
        (b"user-agent", b"OpenAI/Python 2.54.0"),
        (b"authorization", b"Bearer sk-bench-bench-bench"),
    ]
    scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"", "headers": headers}
    return Request(scope, receive)


def fresh(exchange: Exchange) -> Exchange:
    """The same call come again."""
    return dataclasses.replace(exchange, interaction_id=new_id("int"))


async def timed(name: str, stage: Callable[[], Any]) -> float:
    """Median microseconds of one stage, printed."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter_ns()
        result = stage()
        if isinstance(result, Awaitable):
            await result
        taken.append(time.perf_counter_ns() - started)
    median = sorted(taken)[ROUNDS // 2] / 1000
    print(f"{name:44s} {median:8.1f} us")
    return median


async def main() -> None:
    """Run the benchmark."""
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        services = create_app(settings(Path(folder))).state.services
        pipeline, raw = services.pipeline, json.dumps(body(PROMPT)).encode()
        chat = await read_chat(request(raw), 10**6)
        caller = services.authenticator.identify(chat.headers)
        exchange = pipeline.place(chat, caller)
        call, now = exchange.call, time.time()
        entry = Entry(
            new_id("ent"), call.exact_key, None, call.scope.partition, call.scope.namespace, "bench", PROMPT,
            ANSWER, now, now + 9999, *prior(ANSWER),
        )  # fmt: skip
        services.entries.add(entry, None, None, replace=False)
        outcome = Outcome(Hit(entry, "exact", 1.0, "exact_match"), 200, ANSWER, entry_id=entry.id)
        told = cache_headers(exchange, outcome, "full")
        answered = replay.as_json(ANSWER, now)
        await timed("read and check the body", lambda: read_chat(request(raw), 10**6))
        await timed("authenticate, route, policy, session", lambda: pipeline.place(chat, caller))
        await timed("  of it: the exact key", lambda: exact_key(call.body, call.scope))
        await timed("classes (remembered)", lambda: classes_of(call.body, call.policy))
        await timed("look up and decide (key known)", lambda: services.cache.glance(call))
        await timed("replay as JSON", lambda: replay.as_json(ANSWER, now))
        await timed("the interaction's row", lambda: pipeline._recorder._interaction(exchange, outcome))
        await timed("record: row, metrics, commit", lambda: pipeline._recorder.record(fresh(exchange), outcome))
        await timed("response headers", lambda: cache_headers(exchange, outcome, "full"))
        await timed("response object", lambda: Response(answered, media_type="application/json", headers=told))
        await timed("the whole walk", lambda: pipeline.chat(request(raw)))
        await services.close()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
