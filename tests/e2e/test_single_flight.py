"""Identical calls in flight share one upstream call."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import openai
import pytest

from tests.e2e.support import Server, Upstream, Wire, answer, assemble, async_client_of, body, eventually, told

CALLERS = 200


async def one_call(client: openai.AsyncOpenAI, prompt: str, *, stream: bool, **headers: str) -> tuple[str, Any]:
    """What the caller got: the cache's part and the answer; of an error its status and body."""
    try:
        raw = await client.chat.completions.with_raw_response.create(
            **body(prompt), stream=stream, extra_headers=headers
        )
        if stream:
            chunks = [chunk.model_dump(exclude_unset=True) async for chunk in raw.parse()]
            return raw.headers["cache-status"], assemble(chunks)[0]["message"]["content"]
        return raw.headers["cache-status"], raw.parse().choices[0].message.content
    except openai.APIStatusError as error:
        return error.response.headers["cache-status"], (error.status_code, error.body)


def all_call(server: Server, upstream: Upstream, prompt: str, *, stream: bool, count: int = CALLERS) -> list[Any]:
    """So many callers at once; the upstream answers once all have sent their calls."""
    gate = upstream.hold(prompt)

    async def calls() -> list[Any]:
        async with async_client_of(server.url, timeout=60) as client:
            session = {"x-reprise-session": f"flight-{abs(hash(prompt))}"}
            tasks = [asyncio.create_task(one_call(client, prompt, stream=stream, **session)) for _ in range(count)]
            while not upstream.seen[prompt]:
                await asyncio.sleep(0.01)
            for _ in range(5):
                await client.get("/../health/liveliness", cast_to=dict)
            gate.release()
            return await asyncio.gather(*tasks)

    return asyncio.run(calls())


both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both_forms
def test_two_hundred_identical_calls_are_one_upstream_call(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"Which of the two hundred asks first, {'word by word' if stream else 'at once'}?"
    got = all_call(server, upstream, prompt, stream=stream)
    assert [text for _, text in got] == [answer(prompt)] * CALLERS
    assert upstream.seen[prompt] == 1
    told_apart = Counter(
        "hit" if "; hit" in status else "joined" if "collapsed" in status else "leader" for status, _ in got
    )
    assert told_apart["leader"] == 1
    assert told_apart["joined"] > 0

    records = server.interactions(session_id=f"flight-{abs(hash(prompt))}")
    assert len(records) == CALLERS
    assert all(record["success"] and record["response"] == answer(prompt) for record in records)
    assert sum(record["collapsed"] for record in records) == told_apart["joined"]
    again = server.chat(prompt)
    assert (again.headers["x-reprise-cache"], again.headers["x-reprise-tier"]) == ("hit", "exact")
    assert len({record["entry_id"] for record in records}) == 1


@both_forms
def test_when_the_shared_call_fails_each_caller_tries_alone(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"[status 500] Fail for all of us, {'word by word' if stream else 'at once'}."
    got = all_call(server, upstream, prompt, stream=stream)
    assert upstream.seen[prompt] == CALLERS
    scripted = {"message": "scripted 500", "type": "scripted", "param": None, "code": "scripted"}
    assert [reply for _, reply in got] == [(500, scripted)] * CALLERS
    records = server.interactions(session_id=f"flight-{abs(hash(prompt))}")
    assert len(records) == CALLERS
    assert not any(record["success"] for record in records)


@both_forms
def test_followers_get_their_answers_though_their_leader_fails(
    server: Server, upstream: Upstream, stream: bool
) -> None:
    prompt = f"Who gets through after the first fails, {'word by word' if stream else 'at once'}?"
    upstream.refuse_once(prompt, 503)
    got = all_call(server, upstream, prompt, stream=stream, count=20)
    failed = [reply for _, reply in got if isinstance(reply, tuple)]
    assert len(failed) == 1
    assert failed[0][0] == 503
    assert [reply for _, reply in got if not isinstance(reply, tuple)] == [answer(prompt)] * 19


@both_forms
def test_followers_are_unharmed_when_their_leader_leaves(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"Who stays when the first goes, {'word by word' if stream else 'at once'}?"
    gate = upstream.hold(prompt)
    leader = Wire(server, prompt, {"x-reprise-session": f"leader-{stream}"}, stream=stream)
    eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")

    async def follow() -> list[Any]:
        async with async_client_of(server.url, timeout=60) as client:
            tasks = [asyncio.create_task(one_call(client, prompt, stream=stream)) for _ in range(20)]
            await asyncio.sleep(0)
            for _ in range(5):
                await client.get("/../health/liveliness", cast_to=dict)
            leader.leave()
            await asyncio.to_thread(
                eventually, lambda: server.interactions(session_id=f"leader-{stream}"), "the leader is logged as gone"
            )
            gate.release()
            return await asyncio.gather(*tasks)

    # The leader's Authorization is none; so must the followers' be, to share its namespace.
    got = asyncio.run(follow())
    assert [text for _, text in got] == [answer(prompt)] * 20
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)
    (gone,) = server.interactions(session_id=f"leader-{stream}")
    assert (gone["success"], gone["error"]) == (False, "client_gone")


def test_different_calls_share_nothing(server: Server, upstream: Upstream) -> None:
    """Same words, but another model, another caller, another parameter, not stored, or asked afresh."""
    prompt = "What do we share, if anything?"
    variants: list[dict[str, Any]] = [
        {},
        {"temperature": 0.5},
        {"model": "another"},
        {"headers": {"authorization": "Bearer sk-e2e-someone-else"}},
        {"headers": {"x-reprise-project": "elsewhere"}},
        {"headers": {"cache-control": "no-store"}},
        {"headers": {"cache-control": "no-cache"}},
    ]
    gate = upstream.hold(prompt)

    async def calls() -> list[int]:
        loop = asyncio.get_running_loop()
        tasks = [
            loop.run_in_executor(None, lambda v=variant: server.chat(prompt, **v).status_code) for variant in variants
        ]
        while upstream.seen[prompt] < len(variants):
            await asyncio.sleep(0.01)
        gate.release()
        return await asyncio.gather(*tasks)

    assert asyncio.run(calls()) == [200] * len(variants)
    assert server.chat(prompt).json()["choices"] == told(prompt)["choices"]
