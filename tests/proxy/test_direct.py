"""OpenAI-compatible upstreams: what is sent is what came in, and every way to fail has a name."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json

import pytest

from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.upstreams import direct
from proxy.upstreams.direct import DirectUpstream
from tests.proxy.completions import chunks_in
from tests.proxy.fakes import MESSAGES, raw_server, read_http, target, upstream_call

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@pytest.fixture
async def upstream():
    made = DirectUpstream(connect_timeout=5.0)
    yield made
    await made.close()


@pytest.fixture
def to(base_url):
    """A target at the scripted model."""

    def make(**changes):
        return target(**{"api_base": base_url, **changes})

    return make


async def ask(upstream, call):
    """Status, headers and body of an answer."""
    async with upstream.send(call) as response:
        return response.status, response.headers, b"".join([chunk async for chunk in response.chunks])


def saying(prompt):
    return [{"role": "user", "content": prompt}]


# Bytes


ODD = (
    b'{\n  "x_unknown" : {"deep": [1.0, 1e2, 12345678901234567890, null]},"model"\t:"gpt-x",'
    b' "messages":[ {"content":"caf\\u00e9 \xf0\x9f\xa6\x89","role":"user", "x": [ ] } ]  , "n": 1,"n":1 }\r\n'
)


async def test_the_clients_bytes_are_sent_untouched(upstream, model, to):
    status, _, _ = await ask(upstream, upstream_call(to(), raw=ODD))
    assert status == 200
    assert model.bodies == [ODD]


async def test_the_answer_comes_back_untouched(upstream, to):
    odd = b'{ "choices":[],\n"x": 1.0 }'

    async def talk(reader, writer):
        await read_http(reader)
        writer.write(HEAD + b"X-Request-Id: r1\r\ncontent-length: %d\r\n\r\n%b" % (len(odd), odd))

    async with raw_server(talk) as url:
        status, headers, body = await ask(upstream, upstream_call(to(api_base=url)))
    assert (status, headers["x-request-id"], body) == (200, "r1", odd)


async def test_a_stream_comes_back_untouched_and_piece_by_piece(upstream, model, to):
    call = upstream_call(to(), stream=True, messages=saying("[pause 0.02] one two three"))
    async with upstream.send(call) as response:
        assert response.is_stream
        chunks = [chunk async for chunk in response.chunks]
    assert len(chunks) > 3
    assert b"".join(chunks).endswith(b"data: [DONE]\n\n")
    assert chunks_in(b"".join(chunks))[0]["a_field_nobody_knows"] == {"kept": True}


async def test_a_model_of_another_name_is_renamed_and_nothing_else_changes(upstream, model, to):
    await ask(upstream, upstream_call(to(model="real-name"), raw=ODD))
    assert model.calls == [{**json.loads(ODD), "model": "real-name"}]
    assert b"12345678901234567890" in model.bodies[0]
    assert "🦉".encode() in model.bodies[0]


async def test_reprises_own_field_is_not_sent(upstream, model, to):
    body = {"model": "gpt-x", "messages": MESSAGES, "cache": {"no-store": True}, "x": 1}
    await ask(upstream, upstream_call(to(), raw=json.dumps(body).encode()))
    assert model.calls == [{"model": "gpt-x", "messages": MESSAGES, "x": 1}]


async def test_defaults_of_the_entry_fill_in_what_the_client_left_out(upstream, model, to):
    params = {"temperature": 0.1, "max_tokens": 5, "aws_region_name": "eu", "api_version": "1"}
    await ask(upstream, upstream_call(to(params=params), temperature=0.9))
    assert model.calls == [{"model": "gpt-x", "messages": MESSAGES, "temperature": 0.9, "max_tokens": 5}]


async def test_defaults_that_the_client_names_itself_leave_its_bytes_untouched(upstream, model, to):
    raw = b'{"model": "gpt-x" , "messages": [{"role": "user", "content": "a"}], "temperature": null}'
    await ask(upstream, upstream_call(to(params={"temperature": 0.1, "aws_region_name": "eu"}), raw=raw))
    assert model.bodies == [raw]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_query_goes_along_and_a_slash_at_the_end_of_the_base_does_not_matter(upstream, slash):
    async def talk(reader, writer):
        head, _ = await read_http(reader)
        line = head.split(b"\r\n")[0]
        writer.write(HEAD + b"content-length: %d\r\n\r\n%b" % (len(line), line))

    async with raw_server(talk) as url:
        call = upstream_call(target(api_base=url + slash), query="api-version=1&x=%20y")
        assert (await ask(upstream, call))[2] == b"POST /v1/chat/completions?api-version=1&x=%20y HTTP/1.1"


# Headers


CLIENT = {
    "content-type": "application/json",
    "user-agent": "tests/1",
    "accept": "text/event-stream",
    "x-stainless-lang": "python",
    "openai-beta": "assistants=v2",
    "traceparent": "00-1",
}
KEPT_BACK = {
    "authorization": "Bearer reprise-key",
    "x-api-key": "reprise-key",
    "api-key": "reprise-key",
    "cookie": "session=secret",
    "x-reprise-threshold": "0.9",
    "x-reprise-session": "s1",
    "cache-control": "no-cache",
    "host": "reprise.example",
    "content-length": "7",
    "connection": "keep-alive, X-Per-Hop",
    "x-per-hop": "1",
    "keep-alive": "timeout=5",
    "proxy-authorization": "Basic secret",
    "te": "trailers",
    "trailer": "x",
    "transfer-encoding": "chunked",
    "upgrade": "websocket",
    "expect": "100-continue",
    "accept-encoding": "gzip, br",
}
ACCOUNT = {"openai-organization": "org-1", "openai-project": "proj-1"}


async def headers_sent(upstream, model, to, headers):
    status, _, _ = await ask(upstream, upstream_call(to, headers=headers))
    assert status == 200
    return model.headers[-1]


async def test_the_clients_headers_go_along(upstream, model, to):
    sent = await headers_sent(upstream, model, to(), CLIENT)
    assert {name: sent[name] for name in CLIENT} == CLIENT


async def test_nothing_is_added_but_what_the_body_is(upstream, model, to):
    sent = await headers_sent(upstream, model, to(), {})
    assert set(sent) == {"host", "accept-encoding", "content-length", "content-type"}
    assert sent["content-type"] == "application/json"


async def test_keys_cookies_controls_and_headers_of_the_hop_are_kept_back(upstream, model, to):
    sent = await headers_sent(upstream, model, to(api_key="sk-upstream"), CLIENT | KEPT_BACK)
    assert set(sent) == {*CLIENT, "host", "content-length", "accept-encoding", "authorization"}
    assert sent["authorization"] == "Bearer sk-upstream"
    assert sent["accept-encoding"] == "identity"
    assert "reprise" not in json.dumps(sent)


async def test_without_any_key_no_authorization_is_sent(upstream, model, to):
    assert "authorization" not in await headers_sent(upstream, model, to(), KEPT_BACK)


async def test_the_callers_own_authorization_goes_as_it_came(upstream, model, to):
    sent = await headers_sent(upstream, model, to(api_key="Custom sk-own", own_key=True), KEPT_BACK)
    assert sent["authorization"] == "Custom sk-own"


async def test_an_organization_goes_along_with_the_callers_own_key_only(upstream, model, to):
    own = await headers_sent(upstream, model, to(api_key="Bearer sk-own", own_key=True), ACCOUNT)
    assert {name: own[name] for name in ACCOUNT} == ACCOUNT
    assert not ACCOUNT.keys() & (await headers_sent(upstream, model, to(api_key="sk-upstream"), ACCOUNT)).keys()


async def test_headers_of_the_entry_stand_above_the_clients_however_they_are_written(upstream):
    heads = []

    async def talk(reader, writer):
        heads.append((await read_http(reader))[0])
        writer.write(HEAD + b"content-length: 2\r\n\r\n{}")

    async with raw_server(talk) as url:
        extra = {"User-Agent": "ours", "AUTHORIZATION": "Basic ours", "X-Team": "a"}
        await ask(upstream, upstream_call(target(api_base=url, api_key="sk-x", extra_headers=extra), headers=CLIENT))
    lines = heads[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith((b"user-agent", b"authorization", b"x-team"))] == [
        b"user-agent: ours",
        b"authorization: basic ours",
        b"x-team: a",
    ]


@pytest.mark.parametrize("value", ["Zürich 🦉".encode(), b"caf\xc3\xa9"])
async def test_header_bytes_beyond_ascii_stay_the_same_both_ways(upstream, value):
    heads = []

    async def talk(reader, writer):
        heads.append((await read_http(reader))[0])
        writer.write(HEAD + b"x-answer: %b\r\ncontent-length: 2\r\n\r\n{}" % value)

    async with raw_server(talk) as url:
        given = {"x-asked": value.decode("latin-1")}
        _, headers, _ = await ask(upstream, upstream_call(target(api_base=url), headers=given))
    assert b"x-asked: " + value in heads[0]
    assert headers["x-answer"].encode("latin-1") == value


async def test_header_bytes_that_are_no_text_come_back_the_same(upstream):
    async def talk(reader, writer):
        await read_http(reader)
        writer.write(HEAD + b"x-answer: caf\xe9\r\ncontent-length: 2\r\n\r\n{}")

    async with raw_server(talk) as url:
        _, headers, _ = await ask(upstream, upstream_call(target(api_base=url), headers={"x-asked": "caf\xe9"}))
    assert headers["x-answer"] == "caf\xe9"


async def test_cookies_of_one_call_do_not_go_along_with_the_next(upstream):
    heads = []

    async def talk(reader, writer):
        heads.append((await read_http(reader))[0])
        writer.write(HEAD + b"set-cookie: a=b\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")

    async with raw_server(talk) as url:
        for _ in range(2):
            await ask(upstream, upstream_call(target(api_base=url)))
    assert len(heads) == 2
    assert b"cookie" not in heads[1].lower()


async def test_an_answer_that_is_compressed_all_the_same_is_unpacked(upstream):
    packed = gzip.compress(b'{"a": 1}')

    async def talk(reader, writer):
        await read_http(reader)
        writer.write(HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(packed), packed))

    async with raw_server(talk) as url:
        assert (await ask(upstream, upstream_call(target(api_base=url))))[2] == b'{"a": 1}'


# Refusals


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_a_refusal_comes_back_with_its_status_headers_and_body(upstream, model, to, status):
    found, headers, body = await ask(upstream, upstream_call(to(), messages=saying(f"[status {status}]")))
    assert found == status
    assert (headers["retry-after"], headers["x-request-id"]) == ("7", "req-scripted")
    assert json.loads(body)["error"]["message"] == f"scripted {status}"


async def test_a_redirection_is_not_followed(upstream):
    asked = []

    async def talk(reader, writer):
        asked.append(await read_http(reader))
        writer.write(b"HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    async with raw_server(talk) as url:
        status, headers, _ = await ask(upstream, upstream_call(target(api_base=url, api_key="sk-1")))
    assert (status, headers["location"], len(asked)) == (307, "/elsewhere", 1)


# Failures


async def failure(upstream, call):
    with pytest.raises(UpstreamError) as caught:
        await ask(upstream, call)
    return caught.value


async def reading_failure(upstream, call, got):
    """Why the body of an accepted call breaks off, after the chunks that are put into ``got``."""
    async with contextlib.AsyncExitStack() as stack:
        response = await stack.enter_async_context(upstream.send(call))
        assert response.status == 200
        try:
            async for chunk in response.chunks:
                got.append(chunk)
        except UpstreamError as error:
            return error
    return None


async def test_an_answer_that_does_not_come_in_time_is_a_timeout(upstream, model, to):
    error = await failure(upstream, upstream_call(to(timeout=0.1), messages=saying("[hang]")))
    assert isinstance(error, UpstreamTimeout)
    assert (error.status, error.code) == (504, "upstream_timeout")


@pytest.mark.parametrize("prompt", ["[hang]", "[pause 30] one two three"])
async def test_a_stream_that_falls_silent_is_a_timeout(upstream, model, to, prompt):
    call = upstream_call(to(stream_timeout=0.2, timeout=0.01), stream=True, messages=saying(prompt))
    assert isinstance(await failure(upstream, call), UpstreamTimeout)


async def test_a_stream_may_take_longer_than_a_call_that_is_not_streamed(upstream, model, to):
    call = upstream_call(to(timeout=0.05), stream=True, messages=saying("[pause 0.02] one two three four"))
    assert (await ask(upstream, call))[2].endswith(b"data: [DONE]\n\n")


async def test_a_refused_connection_is_an_upstream_that_cannot_be_reached(upstream):
    async with raw_server(None) as url:
        pass
    error = await failure(upstream, upstream_call(target(api_base=url)))
    assert (error.status, error.code) == (502, "upstream_unreachable")


async def test_a_name_nobody_knows_is_an_upstream_that_cannot_be_reached(upstream):
    error = await failure(upstream, upstream_call(target(api_base="http://nowhere.invalid/v1")))
    assert error.code == "upstream_unreachable"


@pytest.mark.parametrize(
    "said",
    [b"", b"HTTP/1.1 200 OK\r\ncontent-", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 999999 \r\n\r\n"],
    ids=["nothing", "half a head", "another protocol", "no status"],
)
async def test_a_connection_lost_before_the_head_is_told(upstream, said):
    async def talk(reader, writer):
        await read_http(reader)
        writer.write(said)

    async with raw_server(talk) as url:
        error = await failure(upstream, upstream_call(target(api_base=url)))
    assert (error.status, error.code) == (502, "upstream_connection_lost")


@pytest.mark.parametrize(
    "said",
    [b"content-length: 100\r\n\r\n{", b"transfer-encoding: chunked\r\n\r\n5\r\n{"],
)
async def test_a_connection_lost_after_the_head_is_told_while_reading(upstream, said):
    async def talk(reader, writer):
        await read_http(reader)
        writer.write(HEAD + said)

    got: list[bytes] = []
    async with raw_server(talk) as url:
        error = await reading_failure(upstream, upstream_call(target(api_base=url)), got)
    assert error.code == "upstream_connection_lost"


async def test_a_stream_that_breaks_gives_what_came_before(upstream, model, to):
    got: list[bytes] = []
    call = upstream_call(to(), stream=True, messages=saying("[break 2] [pause 0.02]"))
    assert isinstance(await reading_failure(upstream, call, got), UpstreamError)
    assert len(chunks_in(b"".join(got))) == 2


@pytest.mark.parametrize("base", ["http://[bad/v1", "http://127.0.0.1:99999/v1"])
async def test_an_address_that_makes_no_sense_is_told(upstream, base):
    error = await failure(upstream, upstream_call(target(api_base=base)))
    assert (error.status, error.code) == (502, "upstream_misconfigured")


@pytest.mark.parametrize("value", ["a\r\nx-injected: 1", "a\0b"])
async def test_a_header_that_makes_no_sense_is_told_and_not_sent(upstream, model, to, value):
    error = await failure(upstream, upstream_call(to(extra_headers={"x-team": value})))
    assert error.code == "upstream_misconfigured"
    assert model.bodies == []


async def test_no_failure_tells_the_key_or_the_prompt(upstream):
    async with raw_server(None) as url:
        pass
    error = await failure(
        upstream, upstream_call(target(api_base=url, api_key="sk-secret"), messages=saying("a secret"))
    )
    assert "secret" not in json.dumps(error.body())


async def test_leaving_early_closes_the_connection(upstream):
    gone = asyncio.Event()

    async def talk(reader, writer):
        await read_http(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")
        assert await reader.read() == b""
        gone.set()

    async with raw_server(talk) as url:
        async with upstream.send(upstream_call(target(api_base=url), stream=True)) as response:
            assert await anext(response.chunks) == b"data: 1\n\n"
        await asyncio.wait_for(gone.wait(), 5)


# The environment


@pytest.fixture
def proxies(monkeypatch):
    """Set the environment's proxies, which are read once for each base."""
    direct.proxy_for.cache_clear()
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield monkeypatch.setenv
    direct.proxy_for.cache_clear()


@contextlib.asynccontextmanager
async def forward_proxy(lines):
    async def talk(reader, writer):
        lines.append((await read_http(reader))[0].split(b"\r\n")[0])
        writer.write(HEAD + b"content-length: 2\r\n\r\n{}")

    async with raw_server(talk) as url:
        yield url.removesuffix("/v1")


async def test_the_proxy_that_the_environment_names_is_used(upstream, proxies):
    lines: list[bytes] = []
    async with forward_proxy(lines) as url:
        proxies("http_proxy", url)
        await ask(upstream, upstream_call(target(api_base="http://far.invalid/v1")))
    assert lines == [b"POST http://far.invalid/v1/chat/completions HTTP/1.1"]


async def test_hosts_that_the_environment_exempts_are_spoken_to_directly(upstream, proxies, model, to):
    proxies("http_proxy", "http://127.0.0.1:1")
    proxies("no_proxy", "127.0.0.1,localhost")
    assert (await ask(upstream, upstream_call(to())))[0] == 200


async def test_credentials_lying_about_in_a_netrc_are_not_sent(upstream, model, to, tmp_path, monkeypatch):
    file = tmp_path / "netrc"
    file.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(file))
    assert "authorization" not in await headers_sent(upstream, model, to(), {})
    assert (await headers_sent(upstream, model, to(api_key="sk-1"), {}))["authorization"] == "Bearer sk-1"
