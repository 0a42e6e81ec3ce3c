"""Other providers, through LiteLLM's SDK: in OpenAI's wire format, and nothing of the caller's but the call itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from proxy.errors import InvalidRequest, UpstreamError, UpstreamTimeout
from proxy.upstreams.litellm_sdk import LiteLLMUpstream
from tests.proxy.completions import assembled, chunks_in, events_in
from tests.proxy.fakes import MESSAGES, raw_server, read_http, served, target, upstream_call

# Of LiteLLM's own types, on first use.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*using the `ReadOnly` qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning"),
]

KEY = "sk-very-secret-upstream"
PROMPT = "a very private prompt"


@pytest.fixture(scope="module")
async def upstream(anyio_backend):
    """One for all tests here: importing LiteLLM takes seconds."""
    made = LiteLLMUpstream()
    yield made
    await made.close()


@pytest.fixture
def to(base_url):
    """The scripted model as a provider that LiteLLM does not count as OpenAI."""

    def make(**changes):
        given = {"provider": "deepseek", "model": "deepseek-chat", "api_base": base_url, "api_key": KEY}
        return target(**given | changes)

    return make


async def ask(upstream, call):
    """Status, headers and body of an answer."""
    async with upstream.send(call) as response:
        return response.status, response.headers, b"".join([chunk async for chunk in response.chunks])


async def answer(upstream, to, prompt, **body):
    status, headers, text = await ask(
        upstream, upstream_call(to, messages=[{"role": "user", "content": prompt}], **body)
    )
    assert (status, headers) == (200, {"content-type": "application/json"})
    return json.loads(text)


async def stream(upstream, to, prompt, **body):
    messages = [{"role": "user", "content": prompt}]
    status, headers, text = await ask(upstream, upstream_call(to, messages=messages, stream=True, **body))
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert events_in(text)[-1] == b"[DONE]"
    return text


# Answers


async def test_an_answer_comes_in_openais_shape(upstream, model, to):
    found = await answer(upstream, to(), "What is the capital of France?", temperature=0.5)
    ChatCompletion.model_validate(found)
    assert found["choices"][0]["message"]["content"] == "The capital of France is Paris."
    assert found["choices"][0]["finish_reason"] == "stop"
    assert found["usage"]["total_tokens"] == 12
    assert (model.calls[0]["model"], model.calls[0]["temperature"]) == ("deepseek-chat", 0.5)
    assert model.headers[0]["authorization"] == f"Bearer {KEY}"


async def test_a_stream_comes_in_openais_shape(upstream, model, to):
    text = await stream(upstream, to(), "What is the capital of France?")
    for chunk in chunks_in(text):
        ChatCompletionChunk.model_validate(chunk)
        # Clients compare with null; a field that is not there is another thing to some.
        assert all("finish_reason" in choice for choice in chunk["choices"])
        assert "usage" not in chunk
    choice = assembled(text)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("The capital of France is Paris.", "stop")


async def test_tool_calls_come_in_openais_shape_either_way(upstream, to):
    found = (await answer(upstream, to(), "[tool weather]"))["choices"][0]
    streamed = assembled(await stream(upstream, to(), "[tool weather]"))["choices"][0]
    for choice in (found, streamed):
        (call,) = choice["message"]["tool_calls"]
        assert (call["id"], call["type"], call["function"]["name"]) == ("call_1", "function", "weather")
        assert json.loads(call["function"]["arguments"])["city"] == "Zürich"
        assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")


async def test_usage_asked_for_stands_in_a_last_chunk_of_its_own_and_is_null_before(upstream, to):
    *rest, last = chunks_in(await stream(upstream, to(), "Hello", stream_options={"include_usage": True}))
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in rest)


async def test_a_stream_that_just_ends_is_not_said_to_have_stopped(upstream, to):
    # LiteLLM itself would name the reason "stop", and a torn answer would be kept as a whole one.
    choice = assembled(await stream(upstream, to(), "[unfinished] hello"))["choices"][0]
    assert choice["message"]["content"]
    assert choice["finish_reason"] is None


async def test_the_reason_a_provider_names_is_kept(upstream, to):
    assert assembled(await stream(upstream, to(), "[finish length]"))["choices"][0]["finish_reason"] == "length"


# What is sent


@pytest.mark.parametrize(
    "field",
    [
        *("api_base", "base_url", "api_key", "api_version", "custom_llm_provider", "extra_headers", "headers"),
        *("mock_response", "fallbacks", "model_list", "num_retries", "timeout", "caching", "client", "extra_body"),
        *("aws_bedrock_runtime_endpoint", "vertex_credentials", "azure_ad_token", "input_cost_per_token"),
    ],
)
async def test_a_caller_cannot_give_litellm_arguments_of_its_own(upstream, model, to, field):
    raw = json.dumps({"model": "deepseek-chat", "messages": MESSAGES, field: "http://127.0.0.1:1/"})
    with pytest.raises(InvalidRequest) as caught:
        await ask(upstream, upstream_call(to(), raw=raw.encode()))
    assert (caught.value.status, caught.value.param) == (400, field)
    assert model.calls == []


async def test_reprises_own_field_is_not_sent(upstream, model, to):
    await answer(upstream, to(), "Hello", cache={"no-store": True})
    assert "cache" not in model.calls[0]


@pytest.mark.parametrize(
    ("given", "sent"),
    [("Bearer sk-own", "Bearer sk-own"), ("bearer sk-own", "Bearer sk-own"), ("sk-own", "Bearer sk-own")],
)
async def test_the_callers_own_key_is_used_as_a_key(upstream, model, to, given, sent):
    await answer(upstream, to(api_key=given, own_key=True), "Hello")
    assert model.headers[0]["authorization"] == sent


async def test_headers_and_parameters_of_the_entry_are_sent_and_the_clients_headers_are_not(upstream, model, to):
    made = to(extra_headers={"X-Team": "a"}, params={"max_tokens": 7, "temperature": 0.1})
    headers = {"cookie": "secret", "x-reprise-session": "s", "authorization": "Bearer reprise-key"}
    await ask(upstream, upstream_call(made, headers=headers, temperature=0.9))
    assert model.headers[0]["x-team"] == "a"
    assert "reprise" not in json.dumps(model.headers[0])
    assert "cookie" not in model.headers[0]
    assert (model.calls[0]["max_tokens"], model.calls[0]["temperature"]) == (7, 0.9)


async def test_one_call_is_tried_once(upstream, model, to):
    status, _, _ = await ask(upstream, upstream_call(to(), messages=[{"role": "user", "content": "[status 500]"}]))
    assert status == 500
    assert len(model.calls) == 1


# Refusals and failures


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_a_refusal_keeps_its_status_its_message_and_its_advice(upstream, to, status, streamed):
    messages = [{"role": "user", "content": f"[status {status}]"}]
    found, headers, body = await ask(upstream, upstream_call(to(), messages=messages, stream=streamed))
    error = json.loads(body)["error"]
    assert found == status
    assert set(error) == {"message", "type", "param", "code"}
    assert f"scripted {status}" in error["message"]
    assert all(value is None or isinstance(value, str) for value in error.values())
    assert (headers["content-type"], headers["retry-after"]) == ("application/json", "7")
    assert KEY not in body.decode()


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_answer_that_does_not_come_in_time_is_a_timeout(upstream, to, streamed):
    call = upstream_call(
        to(timeout=0.2, stream_timeout=0.2), messages=[{"role": "user", "content": "[hang]"}], stream=streamed
    )
    with pytest.raises(UpstreamTimeout) as caught:
        await ask(upstream, call)
    assert caught.value.status == 504


async def test_a_stream_that_falls_silent_is_a_timeout(upstream, to):
    with pytest.raises(UpstreamTimeout):
        await stream(upstream, to(stream_timeout=0.3), "[pause 30] one two three")


@pytest.mark.parametrize("prompt", ["[break 2] one two three", "[error] one two three"])
async def test_a_stream_that_breaks_off_is_told(upstream, to, prompt):
    with pytest.raises(UpstreamError) as caught:
        await stream(upstream, to(), prompt)
    assert (caught.value.status, caught.value.code) == (502, "upstream_connection_lost")


@pytest.mark.parametrize("provider", ["deepseek", "anthropic"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_upstream_that_cannot_be_reached_is_told_and_not_where_it_should_be(upstream, to, provider, streamed):
    async with raw_server(None) as url:
        pass
    with pytest.raises(UpstreamError) as caught:
        await ask(upstream, upstream_call(to(provider=provider, api_base=url), stream=streamed))
    assert (caught.value.status, caught.value.code) == (502, "upstream_unreachable")
    told = json.dumps(caught.value.body())
    assert KEY not in told
    assert "127.0.0.1" not in told


async def test_leaving_early_closes_the_connection(upstream, to):
    gone = asyncio.Event()
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunk["choices"] = [{"index": 0, "delta": {"role": "assistant", "content": "one"}, "finish_reason": None}]

    async def talk(reader, writer):
        await read_http(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
        with contextlib.suppress(ConnectionError):
            await reader.read()
        gone.set()

    async with raw_server(talk) as url:
        async with upstream.send(upstream_call(to(api_base=url), stream=True)) as response:
            assert b"one" in await anext(response.chunks)
        await asyncio.wait_for(gone.wait(), 5)


# Another wire


async def messages_api(request: Request) -> Response:
    """Anthropic's messages, as far as one answer goes."""
    body = await request.json()
    assert request.headers["x-api-key"] == KEY
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": "Bonjour 🦉"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 2},
    }
    if not body.get("stream"):
        return JSONResponse(answer)
    start = {**answer, "content": [], "stop_reason": None}
    events = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Bonjour "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "🦉"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Response(text, media_type="text/event-stream")


async def test_anthropics_wire_becomes_openais(upstream, to):
    with served(Starlette(routes=[Route("/v1/messages", messages_api, methods=["POST"])])) as url:
        claude = to(provider="anthropic", model="claude-sonnet-4-5", api_base=url)
        found = await answer(upstream, claude, "Hello")
        streamed = assembled(await stream(upstream, claude, "Hello", stream_options={"include_usage": True}))
    for each in (found, streamed):
        assert each["choices"][0]["message"]["content"] == "Bonjour 🦉"
        assert each["choices"][0]["finish_reason"] == "stop"
        assert (each["usage"]["prompt_tokens"], each["usage"]["completion_tokens"]) == (5, 2)


# What is left behind


async def test_no_prompt_and_no_key_is_printed_or_logged(upstream, to, capfd, caplog):
    with caplog.at_level(logging.INFO):
        for streamed in (False, True):
            for fault in ("", "[status 401]", "[status 500]"):
                messages = [{"role": "user", "content": f"{PROMPT} {fault}"}]
                await ask(upstream, upstream_call(to(), messages=messages, stream=streamed))
    printed = "".join([*capfd.readouterr(), caplog.text])
    assert PROMPT not in printed
    assert KEY not in printed
    assert "Give Feedback" not in printed


async def test_litellm_does_without_its_list_from_the_network(upstream, to):
    await answer(upstream, to(), "Hello")
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"


async def test_closing_what_was_never_used_does_nothing():
    assert await LiteLLMUpstream().close() is None
