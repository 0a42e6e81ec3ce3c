"""The openai package for Node.js, pointed at Reprise by its base URL alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Reply, Server, Upstream, assemble, body, environment, told, without_nothing

pytestmark = pytest.mark.node

FOLDER = Path(__file__).parent / "node"
FRANCE = "What is the capital of France?"
REWORDED = "What's the capital of France?"
SPAIN = "What is the capital of Spain?"


def make(server: Server, key: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """Make chat calls one after the other; what came of each."""
    described = [{"body": call, "headers": call.pop("headers", {})} for call in calls]
    done = subprocess.run(
        ["node", "script.mjs"],
        cwd=FOLDER,
        env=environment(),
        input=json.dumps({"url": server.url, "key": key, "calls": described}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def reply(made: dict[str, Any]) -> Reply:
    """A call that worked."""
    assert "error" not in made, made
    if "chunks" in made:
        chunks = made["chunks"]
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        return Reply(made["headers"], assemble(chunks), chunks[-1].get("usage"), chunks, chunks[0]["id"])
    completion = made["completion"]
    assert completion["object"] == "chat.completion"
    return Reply(made["headers"], completion["choices"], completion.get("usage"), [completion], completion["id"])


def assert_says(got: Reply, prompt: str, n: int = 1) -> None:
    """The reply holds exactly what the upstream says to a prompt."""
    expected = told(prompt, n)["choices"]
    assert len(got.choices) == n
    for choice, wanted in zip(got.choices, expected, strict=True):
        assert (choice["index"], choice["finish_reason"]) == (wanted["index"], wanted["finish_reason"])
        assert without_nothing(choice["message"]) == without_nothing(wanted["message"])


both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both_forms
def test_miss_exact_hit_reworded_hit_and_unrelated_miss(
    server: Server, upstream: Upstream, fresh_key: str, stream: bool
) -> None:
    before = upstream.seen.copy()
    asked = ((FRANCE, FRANCE), (FRANCE, FRANCE), (REWORDED, FRANCE), (SPAIN, SPAIN))
    made = make(server, fresh_key, *(body(prompt, stream=stream) for prompt, _ in asked))
    replies = [reply(one) for one in made]
    for got, (_, said) in zip(replies, asked, strict=True):
        assert_says(got, said)
    told_ = [(got.cache, got.tier) for got in replies]
    assert told_ == [("miss", "upstream"), ("hit", "exact"), ("hit", "semantic"), ("miss", "upstream")]
    assert len({got.id for got in replies}) == len(replies)
    assert upstream.seen[FRANCE] == before[FRANCE] + 1
    assert upstream.seen[REWORDED] == before[REWORDED]


@pytest.mark.parametrize("stored_from", [False, True], ids=["from-whole", "from-stream"])
def test_every_shape_of_answer_is_replayed_in_either_form(server: Server, fresh_key: str, stored_from: bool) -> None:
    prompts = (
        "Tell me of the Ångström, naïveté and 日本語 🦉.",
        "[tool get_weather] Which umbrella fits Zürich?",
        "[refuse] Describe the forbidden thing.",
        "[reason] Why are flamingos pink?",
    )
    forms = (stored_from, False, True)
    made = make(server, fresh_key, *(body(prompt, stream=stream) for prompt in prompts for stream in forms))
    replies = [reply(one) for one in made]
    assert [got.cache for got in replies] == ["miss", "hit", "hit"] * len(prompts)
    for number, got in enumerate(replies):
        assert_says(got, prompts[number // len(forms)])
        assert got.chunks[0]["a_field_nobody_knows"] == {"kept": True}


@both_forms
def test_three_choices_and_usage(server: Server, fresh_key: str, stream: bool) -> None:
    prompt = "Give three names for a grey parrot."
    usage = {"stream_options": {"include_usage": True}} if stream else {}
    miss, hit = (
        reply(one) for one in make(server, fresh_key, *(body(prompt, n=3, stream=stream, **usage) for _ in range(2)))
    )
    assert (miss.cache, hit.cache) == ("miss", "hit")
    for got in (miss, hit):
        assert_says(got, prompt, 3)
        assert got.usage == told(prompt, 3)["usage"]


def test_errors(server: Server, fresh_key: str) -> None:
    refused, limited, wrong, broken, failing = make(
        server,
        fresh_key,
        body("[status 400] Please refuse this."),
        body("[status 429] One more, and quickly."),
        {**body("What is wrong?"), "headers": {"x-reprise-memory": "some"}},
        body("[break 3] Stop after some words.", stream=True),
        body("[error] Trip half way through.", stream=True),
    )
    assert refused["error"]["name"] == "BadRequestError"
    assert refused["error"]["code"] == "scripted"
    assert (limited["error"]["name"], limited["error"]["status"]) == ("RateLimitError", 429)
    assert (wrong["error"]["name"], wrong["error"]["param"]) == ("BadRequestError", "x-reprise-memory")
    assert broken["chunks"]
    assert broken["error"]["code"] == "upstream_connection_lost"
    assert failing["chunks"]
    assert failing["error"]["type"] == "server_error"
