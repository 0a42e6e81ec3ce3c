"""Work for a client goes on while it is there, and ends when it leaves."""

from __future__ import annotations

import asyncio

import pytest

from proxy.disconnect import ClientGone, while_connected
from proxy.errors import UpstreamError


class Client:
    """A connection whose client leaves when told to."""

    def __init__(self):
        self.gone = asyncio.Event()

    async def __call__(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_work_that_is_done_gives_its_result():
    async def work():
        await asyncio.sleep(0)
        return 7

    assert await while_connected(Client(), work()) == 7


async def test_work_that_fails_raises_its_error():
    async def work():
        raise UpstreamError("x")

    with pytest.raises(UpstreamError):
        await while_connected(Client(), work())


async def test_work_is_cancelled_when_the_client_leaves():
    client, ended = Client(), []

    async def work():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    waiting = asyncio.create_task(while_connected(client, work()))
    await asyncio.sleep(0.01)
    client.gone.set()
    with pytest.raises(ClientGone):
        await waiting
    assert ended == [True]


async def test_work_that_was_done_counts_even_if_the_client_left_meanwhile():
    client = Client()
    client.gone.set()

    async def work():
        return 7

    assert await while_connected(client, work()) == 7


async def test_messages_that_are_no_leaving_are_passed_over():
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}] * 3 + [{"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    with pytest.raises(ClientGone):
        await while_connected(receive, asyncio.sleep(3600))


async def test_nothing_is_left_running_afterwards():
    before = asyncio.all_tasks()
    await while_connected(Client(), asyncio.sleep(0))
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == before


async def test_being_cancelled_cancels_the_work():
    ended = []

    async def work():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    waiting = asyncio.create_task(while_connected(Client(), work()))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.01)
    assert ended == [True]
