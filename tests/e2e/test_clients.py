"""The openai and LangChain clients, pointed at Reprise by their base URL alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_openai import ChatOpenAI

from tests.e2e.support import (
    Reply,
    Server,
    Upstream,
    answer,
    assemble,
    async_client_of,
    body,
    client_of,
    events,
    told,
    user,
    without_nothing,
)

FRANCE = "What is the capital of France?"
FRANCE_REWORDED = "What's the capital of France?"
SPAIN = "What is the capital of Spain?"

Ask = Callable[..., Reply]


def ask_openai(
    server: Server, key: str, messages: str | Sequence[Any], *, stream: bool = False, **fields: Any
) -> Reply:
    """One call with the synchronous client."""
    asked = body(messages, **fields)
    with client_of(server.url, key) as client:
        raw = client.chat.completions.with_raw_response.create(**asked, stream=stream)
        if stream:
            return _streamed(raw.headers, [chunk.model_dump(exclude_unset=True) for chunk in raw.parse()])
        return _whole(raw.headers, raw.parse().model_dump(exclude_unset=True))


def ask_async_openai(
    server: Server, key: str, messages: str | Sequence[Any], *, stream: bool = False, **fields: Any
) -> Reply:
    """One call with the asynchronous client."""
    asked = body(messages, **fields)

    async def ask() -> Reply:
        async with async_client_of(server.url, key) as client:
            raw = await client.chat.completions.with_raw_response.create(**asked, stream=stream)
            if stream:
                return _streamed(raw.headers, [chunk.model_dump(exclude_unset=True) async for chunk in raw.parse()])
            return _whole(raw.headers, raw.parse().model_dump(exclude_unset=True))

    return asyncio.run(ask())


def _whole(headers: Any, completion: dict[str, Any]) -> Reply:
    assert completion["object"] == "chat.completion"
    choices = [
        {"index": choice["index"], "message": choice["message"], "finish_reason": choice["finish_reason"]}
        for choice in completion["choices"]
    ]
    return Reply(headers, choices, completion.get("usage"), [completion], completion["id"])


def _streamed(headers: Any, chunks: list[dict[str, Any]]) -> Reply:
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    return Reply(headers, assemble(chunks), chunks[-1].get("usage"), chunks, chunks[0]["id"])


both_clients = pytest.mark.parametrize("ask", [ask_openai, ask_async_openai], ids=["sync", "async"])
both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


def assert_says(reply: Reply, prompt: str, n: int = 1) -> None:
    """The reply holds exactly what the upstream says to a prompt."""
    expected = told(prompt, n)["choices"]
    assert len(reply.choices) == n
    for got, wanted in zip(reply.choices, expected, strict=True):
        assert got["index"] == wanted["index"]
        assert got["finish_reason"] == wanted["finish_reason"]
        assert without_nothing(got["message"]) == without_nothing(wanted["message"])


@both_clients
@both_forms
def test_miss_exact_hit_reworded_hit_and_unrelated_miss(
    server: Server, upstream: Upstream, fresh_key: str, ask: Ask, stream: bool
) -> None:
    before = upstream.seen.copy()

    miss = ask(server, fresh_key, FRANCE, stream=stream)
    assert (miss.cache, miss.tier) == ("miss", "upstream")
    assert_says(miss, FRANCE)

    exact = ask(server, fresh_key, FRANCE, stream=stream)
    assert (exact.cache, exact.tier, exact.headers["x-reprise-reason"]) == ("hit", "exact", "exact_match")
    assert_says(exact, FRANCE)
    assert exact.id != miss.id
    assert int(exact.headers["age"]) >= 0

    reworded = ask(server, fresh_key, FRANCE_REWORDED, stream=stream)
    assert (reworded.cache, reworded.tier) == ("hit", "semantic")
    assert 0.93 <= float(reworded.headers["x-reprise-similarity"]) < 1
    assert_says(reworded, FRANCE)

    unrelated = ask(server, fresh_key, SPAIN, stream=stream)
    assert (unrelated.cache, unrelated.tier) == ("miss", "upstream")
    assert_says(unrelated, SPAIN)

    assert upstream.seen[FRANCE] == before[FRANCE] + 1
    assert upstream.seen[FRANCE_REWORDED] == before[FRANCE_REWORDED]
    assert upstream.seen[SPAIN] == before[SPAIN] + 1


SHAPES = {
    "text": "Tell me of the Ångström, naïveté and 日本語 🦉.",
    "tool": "[tool get_weather] Which umbrella fits Zürich?",
    "refusal": "[refuse] Describe the forbidden thing.",
    "reasoning": "[reason] Why are flamingos pink?",
    "reasoning-and-tool": "[reason] [tool search] Why is the sky blue in Málaga?",
    "own-finish-reason": "[finish stop_sequence] Count to three.",
}


@both_clients
@pytest.mark.parametrize("stored_from", [False, True], ids=["from-whole", "from-stream"])
@pytest.mark.parametrize("replayed_as", [False, True], ids=["as-whole", "as-stream"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_answer_is_replayed_in_either_form(
    server: Server, upstream: Upstream, fresh_key: str, ask: Ask, shape: str, stored_from: bool, replayed_as: bool
) -> None:
    prompt = SHAPES[shape]
    before = upstream.seen[prompt]
    first = ask(server, fresh_key, prompt, stream=stored_from)
    again = ask(server, fresh_key, prompt, stream=replayed_as)
    assert (first.cache, again.cache) == ("miss", "hit")
    assert_says(first, prompt)
    assert_says(again, prompt)
    assert upstream.seen[prompt] == before + 1
    # What nobody knows is kept too.
    assert again.chunks[0]["a_field_nobody_knows"] == {"kept": True}
    assert again.chunks[0]["system_fingerprint"] == "fp_scripted"
    assert again.chunks[0]["model"] == "scripted"


@both_clients
@pytest.mark.parametrize("stored_from", [False, True], ids=["from-whole", "from-stream"])
@pytest.mark.parametrize("replayed_as", [False, True], ids=["as-whole", "as-stream"])
def test_three_choices(server: Server, fresh_key: str, ask: Ask, stored_from: bool, replayed_as: bool) -> None:
    prompt = "Give three names for a grey parrot."
    first = ask(server, fresh_key, prompt, stream=stored_from, n=3)
    again = ask(server, fresh_key, prompt, stream=replayed_as, n=3)
    assert (first.cache, again.cache, again.tier) == ("miss", "hit", "exact")
    assert_says(first, prompt, 3)
    assert_says(again, prompt, 3)
    fewer = ask(server, fresh_key, prompt, n=2)
    assert fewer.cache == "miss"


@both_clients
@pytest.mark.parametrize("stored_from", [False, True], ids=["from-whole", "from-stream"])
def test_usage_in_streams_comes_when_asked_for(server: Server, fresh_key: str, ask: Ask, stored_from: bool) -> None:
    prompt = "How many moons does Jupiter have?"
    usage = told(prompt)["usage"]
    asked = {"stream_options": {"include_usage": True}}
    first = ask(server, fresh_key, prompt, stream=stored_from, **(asked if stored_from else {}))
    assert first.cache == "miss"
    assert first.usage == usage

    with_usage = ask(server, fresh_key, prompt, stream=True, **asked)
    assert with_usage.cache == "hit"
    *others, last = with_usage.chunks
    assert (last["choices"], last["usage"]) == ([], usage)
    assert all(chunk["choices"] and chunk["usage"] is None for chunk in others)

    for fields in ({}, {"stream_options": {"include_usage": False}}):
        without = ask(server, fresh_key, prompt, stream=True, **fields)
        assert without.cache == "hit"
        assert all(chunk["choices"] and "usage" not in chunk for chunk in without.chunks)

    whole = ask(server, fresh_key, prompt)
    assert (whole.cache, whole.usage) == ("hit", usage)


def test_a_replay_counts_tokens_where_the_upstream_did_not(server: Server, fresh_key: str) -> None:
    """Clients rely on the usage of a whole answer; where a stream had none it is estimated, and said so."""
    prompt = "Which rivers meet in Passau?"
    ask_openai(server, fresh_key, prompt, stream=True)
    whole = ask_openai(server, fresh_key, prompt)
    streamed = ask_openai(server, fresh_key, prompt, stream=True, stream_options={"include_usage": True})
    for replayed in (whole, streamed):
        assert replayed.cache == "hit"
        assert replayed.headers["x-reprise-usage"] == "estimated"
        assert_says(replayed, prompt)
        usage = replayed.usage
        assert usage is not None
        assert min(usage["prompt_tokens"], usage["completion_tokens"]) > 0
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    plain = ask_openai(server, fresh_key, prompt, stream=True)
    assert (plain.cache, plain.usage) == ("hit", None)
    assert "x-reprise-usage" not in plain.headers


def test_bodies_pass_untouched_both_ways(server: Server, upstream: Upstream, fresh_key: str) -> None:
    prompt = "Ünïcode   spacing — «kept» 🦉"
    headers = {"authorization": f"Bearer {fresh_key}", "content-type": "application/json"}
    sent = f'{{ "messages" :[{{"role":"user","content":{json.dumps(prompt)}}}],\n "model":"scripted", "x_own": 1.50}}'
    got = server.http.post("/v1/chat/completions", content=sent.encode(), headers=headers)
    assert upstream.model.bodies[-1] == sent.encode()
    assert got.json() == told(prompt)
    assert got.headers["x-request-id"] == "req-scripted"
    assert got.headers["openai-processing-ms"] == "5"

    asked = body(prompt + " streamed", stream=True)
    streamed = server.http.post("/v1/chat/completions", json=asked, headers=headers)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.headers["x-request-id"] == "req-scripted"
    parts = events(streamed.content)
    assert parts[-1] == "[DONE]"
    assert assemble(parts[:-1])[0]["message"]["content"] == answer(prompt + " streamed")
    assert {chunk["id"] for chunk in parts[:-1]} == {told(prompt + " streamed")["id"]}


def test_a_replayed_stream_is_well_formed(server: Server, fresh_key: str) -> None:
    headers = {"authorization": f"Bearer {fresh_key}"}
    prompt = "Where do storks spend the winter?"
    server.chat(prompt, headers)
    replayed = server.chat(prompt, headers, stream=True)
    assert replayed.headers["x-reprise-cache"] == "hit"
    assert replayed.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events(replayed.content)
    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[0]["created"] > told(prompt)["created"]


def test_paths_without_v1_and_the_list_of_models(server: Server, fresh_key: str) -> None:
    with client_of(server.url, fresh_key) as made, made.with_options(base_url=server.url) as client:
        assert client.models.list().data[0].id == "scripted"
        assert client.models.retrieve("scripted").id == "scripted"
        completion = client.chat.completions.create(**body("Who painted the Scream?"))
        assert completion.choices[0].message.content == answer("Who painted the Scream?")


@both_forms
def test_what_was_said_is_logged(server: Server, fresh_key: str, stream: bool) -> None:
    prompt = "Which tree grows tallest?"
    miss = ask_openai(server, fresh_key, prompt, stream=stream)
    hit = ask_openai(server, fresh_key, prompt, stream=stream)
    for reply, status in ((miss, "miss"), (hit, "hit")):
        record = server.interaction(reply.headers["x-reprise-interaction"])
        assert record["prompt"] == prompt
        assert record["response"] == answer(prompt)
        assert record["cache_status"] == status
        assert (record["success"], record["stream"], record["model"]) == (True, stream, "scripted")
        # A forwarded stream's head leaves before anything is stored.
        assert record["entry_id"] == (hit if stream else reply).headers["x-reprise-entry"]
        assert json.loads(record["request"])["messages"] == user(prompt)


class LangChain:
    """ChatOpenAI, streaming or not."""

    def __init__(self, server: Server, key: str, *, stream: bool) -> None:
        self._stream = stream
        self._model = ChatOpenAI(
            base_url=f"{server.url}/v1",
            api_key=key,
            model="scripted",
            max_retries=0,
            stream_usage=True,
            include_response_headers=True,
        )

    def ask(self, prompt: str, **bound: Any) -> Any:
        """The message, put together where it came in chunks."""
        model = self._model.bind(**bound) if bound else self._model
        if not self._stream:
            return model.invoke(prompt)
        message = None
        for chunk in model.stream(prompt):
            assert isinstance(chunk, AIMessageChunk)
            message = chunk if message is None else message + chunk
        return message


@both_forms
def test_langchain(server: Server, upstream: Upstream, fresh_key: str, stream: bool) -> None:
    langchain = LangChain(server, fresh_key, stream=stream)
    before = upstream.seen.copy()
    seen = []
    for prompt, said in ((FRANCE, FRANCE), (FRANCE, FRANCE), (FRANCE_REWORDED, FRANCE), (SPAIN, SPAIN)):
        message = langchain.ask(prompt)
        assert message.content == answer(said)
        assert message.response_metadata["finish_reason"] == "stop"
        assert message.usage_metadata["total_tokens"] == told(said)["usage"]["total_tokens"]
        headers = message.response_metadata["headers"]
        seen.append((headers["x-reprise-cache"], headers["x-reprise-tier"]))
    assert seen == [("miss", "upstream"), ("hit", "exact"), ("hit", "semantic"), ("miss", "upstream")]
    assert upstream.seen[FRANCE] == before[FRANCE] + 1
    assert upstream.seen[FRANCE_REWORDED] == before[FRANCE_REWORDED]


@pytest.mark.parametrize("stored_from", [False, True], ids=["from-whole", "from-stream"])
@pytest.mark.parametrize("replayed_as", [False, True], ids=["as-whole", "as-stream"])
def test_langchain_tool_calls(server: Server, fresh_key: str, stored_from: bool, replayed_as: bool) -> None:
    prompt = "[tool get_weather] Why does the wind blow in Zürich?"
    for stream, status in ((stored_from, "miss"), (replayed_as, "hit")):
        message = LangChain(server, fresh_key, stream=stream).ask(prompt)
        assert message.response_metadata["headers"]["x-reprise-cache"] == status
        (call,) = message.tool_calls
        assert (call["name"], call["args"]) == ("get_weather", {"city": "Zürich", "prompt": prompt})
        assert message.response_metadata["finish_reason"] == "tool_calls"


@both_forms
def test_langchain_refusal(server: Server, fresh_key: str, stream: bool) -> None:
    prompt = "[refuse] Say the unsayable."
    for status in ("miss", "hit"):
        message = LangChain(server, fresh_key, stream=stream).ask(prompt)
        assert message.response_metadata["headers"]["x-reprise-cache"] == status
        # LangChain reads a refusal from whole answers only.
        assert message.additional_kwargs.get("refusal") == (None if stream else "I can't help with that.")
        assert message.content == ""
