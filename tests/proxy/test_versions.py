"""A model that becomes another version takes the older one's answers out of service."""

from __future__ import annotations

import json

from structlog.testing import capture_logs

from tests.proxy.fakes import JSON, FakeUpstream, answer


class Versioned(FakeUpstream):
    """Names whatever version it is told to."""

    version = "m-2026-01"

    def send(self, call):
        self.script = (json.dumps(answer(model=self.version)).encode(),)
        return super().send(call)


async def ask(client, prompt, model="m"):
    body = {"model": model, "messages": [{"role": "user", "content": prompt}]}
    return (await client.post("/v1/chat/completions", json=body)).headers["x-reprise-cache"]


async def test_answers_of_the_older_version_are_served_no_more(run_app):
    upstream = Versioned(headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = upstream
        await ask(client, "an old answer")
        await ask(client, "another model's", model="n")
        upstream.version = "m-2026-07"
        with capture_logs() as logs:
            for number in range(2):
                await ask(client, f"new {number}")
            parts.versions.wait()
            assert await ask(client, "an old answer") == "hit", "two new answers are not enough"
            await ask(client, "new 2")
            parts.versions.wait()
        assert await ask(client, "an old answer") == "miss", "three in a row are"
        assert await ask(client, "new 0") == "hit", "what the new version said stays"
        assert await ask(client, "another model's", model="n") == "hit", "and what another model said"
        assert parts.metrics.invalidated.labels("version")._value.get() == 1
    told = [line for line in logs if "version" in line["event"]]
    assert [line["entries"] for line in told] == [1], "logged, by its number alone"


async def test_the_version_before_a_restart_is_known(run_app, tmp_path):
    upstream = Versioned(headers=JSON)
    server = {"data_dir": str(tmp_path)}
    async with run_app(server=server) as (client, parts):
        parts.upstreams["direct"] = upstream
        await ask(client, "an old answer")
    upstream.version = "m-2026-07"
    async with run_app(server=server) as (client, parts):
        parts.upstreams["direct"] = upstream
        for number in range(3):
            await ask(client, f"new {number}")
        parts.versions.wait()
        assert await ask(client, "an old answer") == "miss"


async def test_an_alias_between_versions_keeps_its_answers(run_app):
    upstream = Versioned(headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = upstream
        for number in range(12):
            upstream.version = f"m-{number % 2}"
            await ask(client, f"answer {number}")
        parts.versions.wait()
        assert {await ask(client, f"answer {number}") for number in range(12)} == {"hit"}


async def test_what_fails_breaks_no_call(run_app):
    upstream = Versioned(headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = upstream
        parts.versions._catalogue = None
        assert await ask(client, "one") == "miss"
        parts.versions.wait()
        assert await ask(client, "one") == "hit"
        assert parts.metrics.failures.labels("entries")._value.get() == 1, "and is counted"


async def test_an_answer_that_only_repeats_what_was_asked_for_names_no_version(run_app):
    upstream = Versioned(headers=JSON)
    async with run_app() as (client, parts):
        parts.upstreams["direct"] = upstream
        await ask(client, "an answer")
        upstream.version = "m"
        for number in range(5):
            await ask(client, f"other {number}")
        parts.versions.wait()
        assert await ask(client, "an answer") == "hit"
