"""What memories in calls do to the upstream's own prompt cache: prompt tokens, cached tokens and their share.

    python -m benchmarks.memory.prompt_cache

The real server stands before a scripted upstream that caches as OpenAI says it does: the longest beginning of a prompt
that it has seen before, from 1,024 tokens on, in steps of 128. Beside it the upstream notes what two other caches would
have had: one that knows whole messages only, as breakpoints between messages do, and one that keeps what the model said
too, as vLLM and SGLang do. Tokens are words and marks; only comparisons between the rows mean anything.

The same conversations are held by clients that re-send their history as they know it, without any block:

* ``none``: nothing is put in;
* ``end of the last user message``: by the server, as it does;
* ``message of its own``: the same block as a message behind the last one of the user;
* ``kept``: as the server does it, and each earlier turn is sent with the block that it had;
* ``in front``: the same block in front of everything, the counter-example.

The last three are written by the client, with the blocks that the log of the second has.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import random
import re
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.servers import application, free_port, proxy

LEAST, STEP = 1024, 128
CACHES: Final = ("tokens", "messages", "answers")
NONE, END, OWN, KEPT, FRONT = "none", "end of the last user message", "message of its own", "kept", "in front"
CONVERSATIONS, TURNS, STEPS = 10, 8, 4
MEMORIES = 300
_SOUNDS = [a + b for a in "bcdfghjklmnprstvz" for b in ("ar", "el", "im", "on", "ut", "ai")]
_CHANCE = random.Random(5)
WORDS = ["".join(_CHANCE.choices(_SOUNDS, k=2)) for _ in range(1500)]

Message = dict[str, Any]
Turn = tuple[list[Message], Message]
Row = dict[str, Any]


class PromptCache:
    """Knows the beginnings of prompts, cut every ``STEP`` tokens or behind each message."""

    def __init__(self, *, whole_messages: bool) -> None:
        self._whole = whole_messages
        self._seen: set[bytes] = set()

    def cached(self, messages: Sequence[Message]) -> int:
        """Tokens of the longest beginning seen before; 0 below ``LEAST``."""
        longest = max((length for length, digest in self._beginnings(messages) if digest in self._seen), default=0)
        rounded = longest - longest % STEP
        return rounded if rounded >= LEAST else 0

    def learn(self, messages: Sequence[Message]) -> None:
        """See a prompt."""
        self._seen.update(digest for _, digest in self._beginnings(messages))

    def _beginnings(self, messages: Sequence[Message]) -> Iterator[tuple[int, bytes]]:
        hashed = hashlib.blake2b(digest_size=16)
        length = 0
        for message in messages:
            for token in tokens(message):
                hashed.update(token.encode() + b"\0")
                length += 1
                if not self._whole and length % STEP == 0:
                    yield length, hashed.digest()
            if self._whole:
                yield length, hashed.digest()


def tokens(message: Message) -> list[str]:
    """Words and marks, between the two marks that a chat template sets around a message."""
    said = message.get("content") or json.dumps(message.get("tool_calls"))
    return [f"<{message['role']}>", *re.findall(r"\w+|[^\w\s]", said), "</>"]


def upstream() -> Starlette:
    """The upstream's application: answers with words, and says what it had cached."""
    caches = {"tokens": PromptCache(whole_messages=False), "messages": PromptCache(whole_messages=True)}
    caches["answers"] = PromptCache(whole_messages=False)

    async def chat(request: Request) -> Response:
        body = await request.json()
        messages = body["messages"]
        said = json.loads(body["metadata"]["says"])
        cached = {name: cache.cached(messages) for name, cache in caches.items()}
        for name, cache in caches.items():
            cache.learn([*messages, said] if name == "answers" else messages)
        prompt, completion = sum(len(tokens(message)) for message in messages), len(tokens(said))
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": cached["tokens"]},
            "by_cache": cached,
        }
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return JSONResponse({"object": "chat.completion", "model": "m", "choices": [choice], "usage": usage})

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


def words(chance: random.Random, count: int) -> str:
    """Invented words."""
    return " ".join(chance.choices(WORDS, k=count))


def chats() -> Iterator[list[Turn]]:
    """Conversations, each as the histories that its client sends, with what the model says to each."""
    chance = random.Random(7)
    system = {"role": "system", "content": words(chance, 1300)}
    for _ in range(CONVERSATIONS):
        history: list[Message] = [system]
        turns: list[Turn] = []
        for _ in range(TURNS):
            history = [*history, {"role": "user", "content": words(chance, chance.randint(15, 90))}]
            said = {"role": "assistant", "content": words(chance, chance.randint(60, 300))}
            turns.append((history, said))
            history = [*history, said]
        yield turns


def agents() -> Iterator[list[Turn]]:
    """The same with tools: between question and answer come a few calls of tools with their results."""
    chance = random.Random(8)
    system = {"role": "system", "content": words(chance, 1300)}
    for _ in range(CONVERSATIONS):
        history: list[Message] = [system]
        turns: list[Turn] = []
        for turn in range(TURNS // 2):
            history = [*history, {"role": "user", "content": words(chance, chance.randint(15, 90))}]
            for step in range(STEPS):
                id_ = f"call_{turn}_{step}"
                function = {"name": "look", "arguments": json.dumps({"at": words(chance, 3)})}
                call = {"id": id_, "type": "function", "function": function}
                said: Message = {"role": "assistant", "content": None, "tool_calls": [call]}
                turns.append((history, said))
                history = [
                    *history,
                    said,
                    {"role": "tool", "tool_call_id": id_, "content": words(chance, chance.randint(30, 250))},
                ]
            said = {"role": "assistant", "content": words(chance, chance.randint(60, 300))}
            turns.append((history, said))
            history = [*history, said]
        yield turns


def placed(messages: list[Message], blocks: Mapping[int, str], place: str) -> list[Message]:
    """The messages with a block at a place.

    Args:
        blocks: what each message of the user got in its turn, by its position.
    """
    last = max(blocks)
    if place == FRONT:
        return [_with(messages[0], f"{blocks[last]}\n\n{messages[0]['content']}"), *messages[1:]]
    if place == OWN:
        return [*messages[: last + 1], {"role": "user", "content": blocks[last]}, *messages[last + 1 :]]
    return [
        _with(message, f"{message['content']}\n\n{blocks[at]}") if at in blocks else message
        for at, message in enumerate(messages)
    ]


def _with(message: Message, content: str) -> Message:
    return {**message, "content": content}


class Talk:
    """Conversations through the server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def hold(self, kind: str, place: str, blocks: Iterator[str] | None = None) -> tuple[Row, list[str]]:
        """Hold all conversations of a kind; gives the sums, and the block of each call."""
        conversations = {"chats": chats, "agents": agents}[kind]()
        # A word of the arm's own at the very beginning: no arm finds what another has had cached.
        arm = f"{kind} {place}".replace(" ", "")
        sums: Row = {"calls": 0, "prompt_tokens": 0, **dict.fromkeys(CACHES, 0)}
        put: list[str] = []
        for number, conversation in enumerate(conversations):
            got: dict[int, str] = {}
            for history, said in conversation:
                messages = [{**history[0], "content": f"{arm} {history[0]['content']}"}, *history[1:]]
                if blocks is not None:
                    got[max(at for at, one in enumerate(messages) if one["role"] == "user")] = next(blocks)
                    messages = placed(messages, got, place)
                usage, block = self._call(messages, said, f"{arm}{number}", "full" if place == END else "off")
                put.append(block)
                sums["calls"] += 1
                sums["prompt_tokens"] += usage["prompt_tokens"]
                for name in CACHES:
                    sums[name] += usage["by_cache"][name]
        return sums, put

    def _call(self, messages: list[Message], said: Message, session: str, memory: str) -> tuple[Mapping[str, Any], str]:
        body = {"model": "m", "messages": messages, "metadata": {"says": json.dumps(said)}}
        headers = {"x-reprise-memory": memory, "x-reprise-session": session, "cache-control": "no-store, no-cache"}
        got, told = self.request("POST", "/v1/chat/completions", body, headers)
        block = ""
        if memory == "full":
            logged, _ = self.request("GET", f"/interactions/{told['x-reprise-interaction']}")
            block = (logged["context_pack"] or {}).get("text", "")
            assert logged["cached_tokens"] == got["usage"]["by_cache"]["tokens"], "the log has what the upstream said"
        return got["usage"], block

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """One request of the server."""
        data = None if body is None else json.dumps(body).encode()
        named = {"content-type": "application/json", **(headers or {})}
        asked = urllib.request.Request(f"{self._url}{path}", data, named, method=method)
        with urllib.request.urlopen(asked, timeout=60) as response:
            return json.loads(response.read()), dict(response.headers)


def show(kind: str, place: str, sums: Row) -> Row:
    """Print and give one row."""
    prompt, calls = sums["prompt_tokens"], sums["calls"]
    shares = {name: sums[name] / prompt for name in CACHES}
    paid = {name: (prompt - sums[name]) / calls for name in CACHES}
    cells = "  ".join(f"{sums[name]:9,d} {shares[name]:6.1%} {paid[name]:7.1f}" for name in CACHES)
    print(f"{kind:7s} {place:29s} {prompt:11,d}  {cells}")
    return {"kind": kind, "place": place, **sums, "share": shares, "uncached_per_call": paid}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    upstream_port, port = free_port(), free_port()
    params = {"model": "openai/*", "api_base": f"http://127.0.0.1:{upstream_port}/v1", "api_key": "none"}
    config = {
        "model_list": [{"model_name": "*", "litellm_params": params}],
        "cache": {"policies": {"default": {"tiers": ["exact"]}}},
    }
    (folder / "config.yaml").write_text(json.dumps(config))
    source = "from benchmarks.memory.prompt_cache import upstream\napp = upstream()\n"
    figures = []
    with (
        application(source, folder, "upstream_app", upstream_port),
        proxy(folder / "config.yaml", folder / "data", port, folder / "proxy.log") as url,
    ):
        talk = Talk(url)
        chance = random.Random(6)
        for _ in range(MEMORIES):
            talk.request("POST", "/memory", {"memory_type": "knowledge", "content": words(chance, 14)})
        print(f"{'':37s} {'prompt':>11s}  " + "  ".join(f"{name + ': cached, share, paid':>24s}" for name in CACHES))
        for kind in ("chats", "agents"):
            sums, _ = talk.hold(kind, NONE)
            figures.append(show(kind, NONE, sums))
            sums, blocks = talk.hold(kind, END)
            figures.append(show(kind, END, sums))
            assert all(blocks), "memory has something for every call"
            for place in (OWN, KEPT, FRONT):
                sums, _ = talk.hold(kind, place, itertools.chain(blocks))
                figures.append(show(kind, place, sums))
        stats, _ = talk.request("GET", "/stats")
        print("in /stats:", json.dumps(stats["memory"]["prompt_cache"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
