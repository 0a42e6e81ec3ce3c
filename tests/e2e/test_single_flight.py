"""Identical calls in flight share one upstream call."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from tests.e2e.support import Server, Upstream, Wire, answer, assemble, async_client_of, body, eventually, settle, told

pytestmark = pytest.mark.slow

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


def all_call(
    server: Server, upstream: Upstream, prompt: str, session: str, *, stream: bool, count: int = CALLERS
) -> list[Any]:
    """So many callers at once; the upstream answers when their calls are all on their way."""

    async def calls() -> list[Any]:
        async with async_client_of(server.url, timeout=60) as client:
            headers = {"x-reprise-session": session}
            return await asyncio.gather(*(one_call(client, prompt, stream=stream, **headers) for _ in range(count)))

    with ThreadPoolExecutor(1) as threads, upstream.hold(prompt) as gate:
        calling = threads.submit(asyncio.run, calls())
        eventually(lambda: upstream.seen[prompt], "the upstream is asked")
        eventually(lambda: server.connections() >= count, "all callers are connected")
        settle(server)
        gate.release()
        return calling.result()


both_forms = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@both_forms
def test_two_hundred_identical_calls_are_one_upstream_call(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"Which of the two hundred asks first, {'word by word' if stream else 'at once'}?"
    session = f"flight-{stream}"
    joined_before = server.metric("reprise_collapsed_requests_total")
    got = all_call(server, upstream, prompt, session, stream=stream)
    assert [text for _, text in got] == [answer(prompt)] * CALLERS
    assert upstream.seen[prompt] == 1
    told_apart = Counter(
        "hit" if "; hit" in status else "joined" if "collapsed" in status else "leader" for status, _ in got
    )
    assert told_apart["leader"] == 1
    assert told_apart["joined"] > 0

    assert server.metric("reprise_collapsed_requests_total") == joined_before + told_apart["joined"]

    records = server.listed(session_id=session)
    assert len(records) == CALLERS
    assert all(record["success"] and record["response_summary"] == answer(prompt) for record in records)
    again = server.chat(prompt, {"authorization": "Bearer sk-e2e-nobody"})
    assert (again.headers["x-reprise-cache"], again.headers["x-reprise-tier"]) == ("hit", "exact")


@both_forms
def test_when_the_shared_call_fails_each_caller_tries_alone(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"[status 500] Fail for all of us, {'word by word' if stream else 'at once'}."
    session = f"failing-{stream}"
    got = all_call(server, upstream, prompt, session, stream=stream)
    assert upstream.seen[prompt] == CALLERS
    scripted = {"message": "scripted 500", "type": "scripted", "param": None, "code": "scripted"}
    assert [reply for _, reply in got] == [(500, scripted)] * CALLERS
    records = server.listed(session_id=session)
    assert len(records) == CALLERS
    assert not any(record["success"] for record in records)


@both_forms
def test_followers_get_their_answers_though_their_leader_fails(
    server: Server, upstream: Upstream, stream: bool
) -> None:
    prompt = f"Who gets through after the first fails, {'word by word' if stream else 'at once'}?"
    upstream.refuse_once(prompt, 503)
    got = all_call(server, upstream, prompt, f"first-fails-{stream}", stream=stream, count=20)
    failed = [reply for _, reply in got if isinstance(reply, tuple)]
    assert len(failed) == 1
    assert failed[0][0] == 503
    assert [reply for _, reply in got if not isinstance(reply, tuple)] == [answer(prompt)] * 19


@both_forms
def test_followers_are_unharmed_when_their_leader_leaves(server: Server, upstream: Upstream, stream: bool) -> None:
    prompt = f"Who stays when the first goes, {'word by word' if stream else 'at once'}?"
    session = {"x-reprise-session": f"leaving-leader-{stream}"}

    async def follow() -> list[Any]:
        async with async_client_of(server.url, timeout=60) as client:
            return await asyncio.gather(*(one_call(client, prompt, stream=stream) for _ in range(20)))

    # Who shares a flight shares a namespace, and so a key.
    key = {"authorization": "Bearer sk-e2e-nobody"}
    with (
        ThreadPoolExecutor(1) as threads,
        upstream.hold(prompt) as gate,
        Wire(server, prompt, {**session, **key}, stream=stream) as leader,
    ):
        eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
        following = threads.submit(asyncio.run, follow())
        eventually(lambda: server.connections() > 20, "the followers have connected")
        settle(server)
        leader.leave()
        (gone,) = eventually(
            lambda: server.interactions(session_id=session["x-reprise-session"]), "the leader is logged"
        )
        gate.release()
        got = following.result()
    assert (gone["success"], gone["error"]) == (False, "client_gone")
    assert [text for _, text in got] == [answer(prompt)] * 20
    assert (upstream.seen[prompt], upstream.left[prompt]) == (1, 0)


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
    with ThreadPoolExecutor(len(variants)) as threads, upstream.hold(prompt) as gate:
        calling = [threads.submit(server.chat, prompt, **variant) for variant in variants]
        eventually(lambda: upstream.seen[prompt] == len(variants), "each call reaches the upstream")
        gate.release()
        got = [call.result() for call in calling]
    assert [response.status_code for response in got] == [200] * len(variants)
    assert all(response.json()["choices"] == told(prompt)["choices"] for response in got)
    assert not any("collapsed" in response.headers["cache-status"] for response in got)


def test_upstream_calls_in_flight_are_counted(server: Server, upstream: Upstream) -> None:
    prompt = "How many upstream calls are there now?"
    with upstream.hold(prompt), Wire(server, prompt):
        eventually(lambda: upstream.seen[prompt] == 1, "the upstream is asked")
        assert server.metric("reprise_inflight") == 1
    eventually(lambda: server.metric("reprise_inflight") == 0, "nothing is in flight")
