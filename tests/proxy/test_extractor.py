"""The extraction model: what it is sent, how often, and that its failures are failures."""

from __future__ import annotations

import asyncio
import json

import pytest

from memory.redaction import build_redactor
from proxy.asking import Asking
from proxy.config import ExtractionSettings, ModelEntry, ServerSettings
from proxy.errors import ProxyError, UpstreamError, UpstreamTimeout
from proxy.metrics import Metrics
from proxy.remembering.extractor import Extractor
from proxy.remembering.worker import Later
from proxy.upstreams.router import Router
from tests.proxy.fakes import JSON, FakeUpstream, answer

pytestmark = pytest.mark.anyio

PROMPT = "I always drink oat milk in coffee, and my password is hunter2x. Mail jo@sea.org."
OAT = {
    "memory_type": "preference",
    "content": "The user always drinks oat milk in coffee",
    "role": "user",
    "quote": "I always drink oat milk in coffee",
}


class Bench:
    """An extractor before scripted upstreams: one for each call to come, the last one for the rest."""

    def __init__(self, *upstreams, **settings):
        self.upstreams = list(upstreams)
        self.sent = []
        self.metrics = Metrics()
        self.now = 0.0
        entry = {"model_name": "small", "litellm_params": {"model": "openai/tiny", "api_key": "sk-extract"}}
        router = Router([ModelEntry.model_validate(entry)], ServerSettings())
        self.extractor = Extractor(
            ExtractionSettings.model_validate({"model": "small", **settings}),
            Asking(router, {"direct": self, "litellm": self}),
            build_redactor(),
            self.metrics,
            clock=lambda: self.now,
            mark=lambda: "MARK",
        )

    def send(self, call):
        self.sent.append(call)
        upstream = self.upstreams.pop(0) if len(self.upstreams) > 1 else self.upstreams[0]
        return upstream.send(call)

    async def read(self, prompt=PROMPT, response="Noted."):
        return await self.extractor.read({"id": "int_1", "prompt": prompt, "response": response})

    def counted(self, outcome):
        name = "reprise_memory_readings_total"
        return self.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


def replying(text, **changes):
    return FakeUpstream(json.dumps(answer(text, **changes)).encode(), headers=JSON)


def finding(*items):
    return replying(json.dumps({"candidates": list(items)}))


async def test_a_good_reply_gives_candidates():
    bench = Bench(finding(OAT, {**OAT, "quote": "I never said this"}))
    (candidate,) = await bench.read()
    assert candidate.content == OAT["content"], "what the model found"
    assert PROMPT[candidate.start : candidate.end] == OAT["quote"], "where it was said"
    assert bench.counted("found") == 1, "counted"
    refused = bench.metrics.registry.get_sample_value("reprise_memory_refused_total")
    assert refused == 1, "so is what did not count"


async def test_it_is_sent_redacted_text_only():
    bench = Bench(finding())
    await bench.read(response="I saved hunter2x for jo@sea.org.")
    (call,) = bench.sent
    assert b"hunter2x" not in call.raw, "no secret leaves"
    assert b"jo@sea.org" not in call.raw, "nor anything personal"
    assert b"[secret]" in call.raw, "the model sees that something stood there"
    assert call.target.api_key == "sk-extract", "with the key of the model's entry"
    assert call.body["response_format"]["json_schema"]["strict"] is True, "the form of the reply is enforced"


async def test_nothing_found_is_an_answer():
    bench = Bench(finding())
    assert list(await bench.read()) == [], "most turns hold nothing"
    assert bench.counted("nothing") == 1, "counted as that"


async def test_a_turn_with_nothing_to_say_spares_the_model():
    bench = Bench(finding())
    assert list(await bench.read("What is a cortado?", "Espresso with milk.")) == [], "a question"
    assert bench.sent == [], "nobody was asked"
    assert bench.counted("skipped") == 1, "counted as that"


async def test_ten_thousand_candidates_are_counted_as_doubtful():
    bench = Bench(finding(*({**OAT, "content": f"{OAT['content']}{'!' * (at % 40)}"} for at in range(10_000))))
    assert len(await bench.read()) <= 2, "one passage carries few"
    assert bench.counted("doubted") == 1, "and the reply is told apart"


@pytest.mark.parametrize(
    ("upstream", "outcome"),
    [
        (replying("Sorry, I found nothing."), "unreadable"),
        (replying('{"candidates": ['), "unreadable"),
        (replying("[]}"), "unreadable"),
        (FakeUpstream(b"<html>", headers=JSON), "failed"),
        (FakeUpstream(b"{}", status=500, headers=JSON), "failed"),
        (FakeUpstream(b'{"error": {}}', status=429, headers=JSON), "failed"),
        (FakeUpstream(before=[UpstreamTimeout("late")]), "failed"),
    ],
)
async def test_a_failure_is_an_error_and_never_nothing(upstream, outcome):
    bench = Bench(upstream)
    with pytest.raises(ProxyError) as caught:
        await bench.read()
    assert bench.counted(outcome) == 1, "counted"
    assert bench.counted("nothing") == 0, "not as an answer"
    assert "hunter2x" not in str(caught.value), "the error says nothing of the text"


async def test_a_reply_that_was_cut_off_is_an_error():
    reply = answer(json.dumps({"candidates": []}))
    reply["choices"][0]["finish_reason"] = "length"
    with pytest.raises(UpstreamError, match="not finished"):
        await Bench(FakeUpstream(json.dumps(reply).encode(), headers=JSON)).read()


async def test_a_slow_model_is_an_error():
    upstream = FakeUpstream(before=[asyncio.Event()])
    with pytest.raises(UpstreamTimeout):
        await Bench(upstream, timeout=0.05).read()
    assert upstream.cancelled == 1, "the call is given up"


async def test_what_is_too_much_for_a_minute_waits():
    bench = Bench(finding(), max_per_minute=2)
    await bench.read()
    bench.now = 20.0
    await bench.read()
    with pytest.raises(Later) as caught:
        await bench.read()
    assert caught.value.seconds == 40.0, "until the first call is a minute old"
    assert len(bench.sent) == 2, "nobody was asked"
    await bench.read("What is a cortado?", "Espresso with milk.")
    bench.now = 60.0
    await bench.read()
    assert len(bench.sent) == 3, "then it goes on"
