"""Which calls leave work behind, and what the worker does with it."""

from __future__ import annotations

import pytest

from proxy.remembering.conversations import STEP

SAID = "I prefer rye bread for every sandwich."


async def ask(client, text, **headers):
    sent = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return await client.post("/v1/chat/completions", json=sent, headers=headers)


def waiting(parts):
    """Of what memories are learned from; each call is a step of its session, too."""
    counts = parts.remembering.jobs.counts().items()
    return {kind: counted["waiting"] for kind, counted in counts if kind != STEP}


async def test_a_fresh_answer_leaves_one_job_and_its_repetition_none(run_app):
    async with run_app() as (client, parts):
        await ask(client, SAID)
        assert waiting(parts) == {"learn": 1}, "rules and reinforcement"
        assert (await ask(client, SAID)).headers["x-reprise-cache"] == "hit", "word for word"
        assert waiting(parts) == {"learn": 1}, "says nothing new"


@pytest.mark.parametrize("mode", ["off", "read"])
async def test_a_call_that_asks_for_nothing_to_be_learned_leaves_none(run_app, mode):
    async with run_app() as (client, parts):
        await ask(client, SAID, **{"x-reprise-memory": mode})
        assert waiting(parts) == {}, "nothing waits"


async def test_a_call_that_fails_leaves_none(run_app):
    async with run_app() as (client, parts):
        assert (await ask(client, f"{SAID} [status 500]")).status_code == 500, "the upstream refuses"
        assert waiting(parts) == {}, "nothing waits"


async def test_a_model_has_a_job_of_its_own(run_app):
    async with run_app(memory={"extraction": {"model": "m"}}) as (client, parts):
        await ask(client, SAID)
        assert waiting(parts) == {"learn": 1, "read": 1}, "a slow model holds up no rules"


@pytest.mark.parametrize(
    ("off", "jobs"),
    [
        ({"extraction": {"enabled": False}}, {"learn": 1}),
        ({"reinforcement": {"enabled": False}}, {"learn": 1}),
        ({"extraction": {"enabled": False}, "reinforcement": {"enabled": False}}, {}),
    ],
)
async def test_what_is_switched_off_leaves_none(run_app, off, jobs):
    async with run_app(memory=off) as (client, parts):
        await ask(client, SAID)
        assert waiting(parts) == jobs, "as much as there is to do"


async def test_a_job_whose_interaction_was_forgotten_is_done(run_app):
    async with run_app() as (_, parts):
        parts.remembering.jobs.put("learn", ["int_gone"], "default")
        (job,) = parts.remembering.jobs.take("learn", 1)
        parts.remembering.worker._lanes["learn"].work(job)
        assert parts.remembering.memories.list(namespace="default", active_only=False) == [], "and nothing comes of it"
