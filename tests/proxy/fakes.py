"""Stand-ins for what lies beyond the proxy's own code, and makers of its values."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

import pytest
import uvicorn
from starlette.requests import Request

from cache.call import Call
from cache.decision import Miss
from cache.identity import Scope
from cache.policy import Policy
from proxy import semantic
from proxy.cli.serve import bind
from proxy.controls import Controls
from proxy.exchange import Exchange, Outcome
from proxy.upstreams.base import Target, UpstreamCall, UpstreamResponse
from proxy.wire import ChatRequest
from store.entries import Entry
from tests.fakes import FakeEmbedder

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]


@contextlib.contextmanager
def served(app):
    """An ASGI application on a free port of this machine, in a thread of its own."""
    listener = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(10)
        listener.close()


@contextlib.asynccontextmanager
async def raw_server(talk):
    """A TCP server that answers each connection with ``await talk(reader, writer)``; gives its base URL."""

    async def handle(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


async def read_http(reader):
    """The head and body of one HTTP request with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
    return head, body


class FakeUpstream:
    """An upstream that follows a script.

    Each step of ``script`` is a chunk of bytes to give, an ``asyncio.Event`` to wait for, or an exception to raise;
    ``before`` holds such steps for the time before the head.
    """

    def __init__(self, *script, status=200, headers=EVENTS, before=()):
        self.script = script
        self.before = before
        self.status = status
        self.headers = headers
        self.sent: list[UpstreamCall] = []
        self.left = 0
        """Calls whose connection was closed, whether they came to their end or not."""
        self.cancelled = 0

    @contextlib.asynccontextmanager
    async def send(self, call):
        self.sent.append(call)
        try:
            async for _ in _follow(self.before):
                raise AssertionError("no chunk can come before the head")
            yield UpstreamResponse(self.status, self.headers, _follow(self.script))
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.left += 1

    async def close(self):
        pass


async def _follow(script):
    for step in script:
        if isinstance(step, bytes):
            yield step
        elif isinstance(step, asyncio.Event):
            await step.wait()
        else:
            raise step


class FakeIndex:
    """A vector index in memory."""

    def __init__(self):
        self._vectors = {}

    def add(self, partition, embedder, ids, vectors):
        self._vectors.setdefault((partition, embedder), {}).update(zip(ids, vectors, strict=True))

    def query(self, partition, embedder, vector, k):
        held = self._vectors.get((partition, embedder), {})
        scored = sorted(((id_, float(other @ vector)) for id_, other in held.items()), key=lambda item: -item[1])
        return scored[:k]

    def remove(self, partition, embedder, ids):
        for id_ in ids:
            self._vectors.get((partition, embedder), {}).pop(id_, None)

    def count(self, embedder):
        return sum(len(held) for (_, other), held in self._vectors.items() if other == embedder)

    def reset(self):
        self._vectors.clear()

    def collection_of(self, partition, embedder):
        return f"{partition}-{embedder}"

    def drop(self, names):
        for partition, embedder in [key for key in self._vectors if self.collection_of(*key) in names]:
            del self._vectors[partition, embedder]

    def compact(self):
        self.compacted = True


def open_fake_tier(parts, vectors):
    """Open the semantic tier of running parts without a model or an index on disk.

    ``vectors`` is for ``FakeEmbedder``; the parts get to know their ``embedder`` and ``index``.
    """
    parts.embedder, parts.index = FakeEmbedder(vectors), FakeIndex()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic, "load_embedder", lambda *_: parts.embedder)
        patch.setattr(semantic, "ChromaIndex", lambda _: parts.index)
        parts.semantic.open()


def http_request(body=b"", headers=(), query="", method="POST", path="/v1/chat/completions", chunks=None):
    """A request as a server would hand it over; ``chunks`` sends it in pieces and without a Content-Length."""
    pieces = [body] if chunks is None else list(chunks)
    lengths = [(b"content-length", str(len(body)).encode())] if chunks is None else []
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    given = iter(messages)

    async def receive():
        return next(given)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [*lengths, *encoded],
        "query_string": query.encode(),
    }
    return Request(scope, receive)


def target(**changes):
    """Where a call goes: an OpenAI model, unless told otherwise."""
    values = {
        "provider": "openai",
        "model": "gpt-x",
        "api_base": None,
        "api_key": None,
        "own_key": False,
        "extra_headers": {},
        "params": {},
        "timeout": 30.0,
        "stream_timeout": 30.0,
    }
    return Target(**values | changes)


def upstream_call(to=None, *, headers=None, query="", raw=None, **body):
    """A call ready to be sent."""
    to = to or target()
    if raw is None:
        raw = json.dumps({"model": to.model, "messages": MESSAGES, **body}).encode()
    return UpstreamCall(to, raw, json.loads(raw), headers or {"content-type": "application/json"}, query)


def chat_request(raw=None, controls=None, headers=None, **body):
    """A chat call as it came in."""
    given = {"model": "gpt-x", "messages": MESSAGES, **body}
    return ChatRequest(raw or json.dumps(given).encode(), given, headers or {}, "", controls or Controls())


def exchange(request=None, *, to=None, policy=None, namespace="default", tags=(), ignored=()):
    """A call, read and placed."""
    request = request or chat_request()
    scope = Scope(namespace, project=request.controls.project)
    call = Call(request.body, scope, policy or Policy(similarity_threshold=0.9), tags=tags)
    return Exchange(request, to or target(), call, "ses_1", "tests", ignored)


def entry(**changes):
    """A stored answer."""
    now = time.time()
    values = {
        "id": "ent_1",
        "exact_key": "k",
        "compat_key": "c",
        "partition": "p",
        "namespace": "default",
        "model": "gpt-x",
        "prompt": "What is the capital of France?",
        "answer": answer(),
        "created_at": now,
        "expires_at": now + 3600,
        "alpha": 9.0,
        "beta": 1.0,
    }
    return Entry(**values | changes)


def answer(text="Paris.", **changes):
    """A chat completion; ``usage=False`` leaves that out."""
    made = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    } | changes
    return {key: value for key, value in made.items() if key != "usage" or value is not False}


def outcome(decision=None, status=200, **changes):
    """What a caller got; a miss, unless told otherwise."""
    return Outcome(decision or Miss("no_entry"), status, **changes)
