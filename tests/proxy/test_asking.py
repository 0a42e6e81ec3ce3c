"""Asking a configured model: what is sent, which manners are kept, and what counts as a failure."""

from __future__ import annotations

import asyncio
import json

import pytest

from proxy.asking import MOST_REPLY, Asking
from proxy.config import ModelEntry, ServerSettings
from proxy.errors import NotFound, ProxyError, UpstreamError, UpstreamTimeout
from proxy.upstreams.router import Router
from tests.proxy.fakes import JSON, FakeUpstream, answer

pytestmark = pytest.mark.anyio

MESSAGES = [{"role": "user", "content": "Say yes."}]
SCHEMA = {"title": "reply", "type": "object"}


class Bench:
    """Two models behind scripted upstreams: one ``FakeUpstream`` for each call to come, the last for the rest."""

    def __init__(self, *upstreams):
        self.upstreams = list(upstreams)
        self.sent = []
        entries = [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}-1", "api_key": f"sk-{name}"}}
            for name in ("small", "large")
        ]
        router = Router([ModelEntry.model_validate(entry) for entry in entries], ServerSettings())
        self.asking = Asking(router, {"direct": self, "litellm": self})

    def send(self, call):
        self.sent.append(call)
        upstream = self.upstreams.pop(0) if len(self.upstreams) > 1 else self.upstreams[0]
        return upstream.send(call)

    async def ask(self, model="small", schema=SCHEMA, seconds=5.0):
        return await self.asking.ask(model, MESSAGES, schema=schema, timeout=seconds)

    def manners(self):
        return [sorted(call.body.keys() - {"model", "messages"}) for call in self.sent]


def replying():
    return FakeUpstream(json.dumps(answer("yes")).encode(), headers=JSON)


def refusing(status):
    return FakeUpstream(b'{"error": {"message": "no"}}', status=status, headers=JSON)


async def test_the_call_carries_the_key_and_the_name_of_the_entry():
    bench = Bench(replying())
    assert (await bench.ask())["choices"][0]["message"]["content"] == "yes", "the completion comes back as it is"
    (call,) = bench.sent
    assert (call.target.model, call.target.api_key, call.target.own_key) == ("small-1", "sk-small", False), (
        "the entry's"
    )
    assert call.target.timeout == 5.0, "the upstream is told how long the asker waits"
    assert json.loads(call.raw) == call.body, "the bytes are the body"
    assert call.body["messages"] == MESSAGES, "what was asked"
    assert call.body["response_format"]["json_schema"]["schema"] == SCHEMA, "the reply's form is enforced"


async def test_without_a_schema_no_form_is_asked_for():
    bench = Bench(replying())
    await bench.ask(schema=None)
    assert bench.manners() == [["temperature"]], "as steady as can be, and no more"


@pytest.mark.parametrize("status", [400, 415, 422])
async def test_manners_that_work_are_remembered_for_each_model(status):
    bench = Bench(refusing(status), refusing(status), replying())
    await bench.ask()
    await bench.ask()
    await bench.ask("large")
    assert bench.manners() == [["response_format", "temperature"], ["temperature"], [], [], [
        "response_format", "temperature"
    ]], "the plain way is kept for the one model, the other begins strictly"  # fmt: skip


async def test_a_call_that_no_manners_save_leaves_them_as_they_were():
    bench = Bench(refusing(400), refusing(400), refusing(400), replying())
    with pytest.raises(UpstreamError) as caught:
        await bench.ask()
    assert caught.value.code == "model_status_400", "the status is told, not the text"
    await bench.ask()
    assert bench.manners()[3] == ["response_format", "temperature"], "it was refused for another reason"


@pytest.mark.parametrize(
    "upstream",
    [
        refusing(500),
        refusing(401),
        FakeUpstream(b"<html>", headers=JSON),
        FakeUpstream(b"[]", headers=JSON),
        FakeUpstream(b"", headers=JSON),
        FakeUpstream(b" " * (MOST_REPLY + 1), headers=JSON),
        FakeUpstream(before=[UpstreamTimeout("late")]),
    ],
)
async def test_what_is_no_answer_is_an_error_at_once(upstream):
    bench = Bench(upstream)
    with pytest.raises(ProxyError):
        await bench.ask()
    assert len(bench.sent) == 1, "asking another way would not help"


async def test_a_slow_model_is_an_error_in_time():
    upstream = FakeUpstream(before=[asyncio.Event()])
    with pytest.raises(UpstreamTimeout):
        await Bench(upstream).ask(seconds=0.01)
    assert upstream.cancelled == 1, "the call is given up"


async def test_a_model_that_is_not_configured_is_an_error():
    bench = Bench(replying())
    with pytest.raises(NotFound):
        await bench.ask("unknown")
    assert bench.sent == [], "nothing was sent"
