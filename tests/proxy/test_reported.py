"""Answers of providers with habits of their own: what was stored must be replayable, and logged, all the same."""

from __future__ import annotations

import json

import pytest

from proxy.replay import as_json, as_stream
from tests.proxy.completions import assembled
from tests.proxy.fakes import FakeUpstream, answer
from tests.proxy.test_pipeline import ask, status

NOW = 1_800_000_000.0


def calls(*indices):
    """Tool calls that name their own index, as some providers have it in unstreamed answers, too."""
    return [
        {
            "id": f"call_{n}",
            "type": "function",
            "index": index,
            "function": {"name": f"f{n}", "arguments": f'{{"a": {n}}}'},
        }
        for n, index in enumerate(indices)
    ]


def with_calls(tool_calls):
    message = {"role": "assistant", "content": None, "tool_calls": tool_calls}
    return answer(choices=[{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}])


@pytest.mark.parametrize("indices", [(0, 0), (1, 0), (1, 2), (None, None), (0, None)])
def test_parallel_tool_calls_stay_apart_whatever_index_they_were_stored_with(indices):
    stored = with_calls(calls(*indices))
    found = assembled(as_stream(stored, NOW, include_usage=False))["choices"][0]["message"]["tool_calls"]
    assert [(call["id"], call["function"]) for call in found] == [
        (call["id"], call["function"]) for call in stored["choices"][0]["message"]["tool_calls"]
    ]


def test_several_choices_stored_without_an_index_stay_apart():
    choices = [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} for text in ("a", "b")]
    found = assembled(as_stream(answer(choices=choices), NOW, include_usage=False))["choices"]
    assert [choice["message"]["content"] for choice in found] == ["a", "b"]


@pytest.mark.parametrize("tool_calls", ["text", {"id": "call_1"}, ["text"], [None], [7], True])
def test_tool_calls_of_a_strange_shape_do_not_make_a_stored_answer_unplayable(tool_calls):
    stored = with_calls(tool_calls)
    assert json.loads(as_json(stored, NOW))["choices"][0]["message"]["tool_calls"] == tool_calls
    assert as_stream(stored, NOW, include_usage=True).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -1, "completion_tokens": -1, "total_tokens": -2},
        {"prompt_tokens": 2**63, "completion_tokens": 1, "total_tokens": 2**63},
    ],
    ids=["unknown said as -1", "beyond what SQL holds"],
)
async def test_usage_that_makes_no_sense_breaks_no_hit(run_app, usage):
    fake = FakeUpstream(json.dumps(answer(usage=usage)).encode(), headers={"content-type": "application/json"})
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = fake
        first, second = [await ask(client) for _ in range(2)]
        assert (first.status_code, second.status_code) == (200, 200)
        assert status(second) == ("hit", "exact_match")
        assert second.json()["usage"] == usage
        assert parts.health.parts["log"].ok


async def test_a_call_that_is_refused_for_want_of_a_stored_answer_says_what_the_cache_did(run_app):
    async with run_app() as (client, _):
        response = await ask(client, headers={"cache-control": "only-if-cached"})
    assert response.status_code == 504
    assert response.headers["x-reprise-cache"] == "miss"
    assert response.headers["x-reprise-interaction"].startswith("int_")
