"""Sending in the background: nobody waits, nothing is sent twice, and what is lost is counted."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import httpx2
import pytest

from reprise_client import AsyncInteractionLogger, InteractionLogger, RepriseError, Unavailable
from reprise_client.background import Sender
from reprise_client.calls import Request
from reprise_client.trouble import Trouble

REQUEST = Request("POST", "/interactions", b"{}")


class Door:
    """Takes requests while it is open."""

    def __init__(self):
        self.open = threading.Event()
        self.taken = []

    def __call__(self, request):
        assert self.open.wait(20)
        self.taken.append(request)


@pytest.fixture
def sender():
    made = []

    def make(send, **options):
        made.append(Sender(send, Trouble(), **options))
        return made[-1]

    yield make
    for one in made:
        one.close(0.1)


def test_what_is_queued_is_sent_in_order(sender):
    taken = []
    one = sender(taken.append)
    requests = [Request("POST", f"/{n}") for n in range(50)]
    for request in requests:
        one.put(request)
    assert one.flush(20)
    assert taken == requests


def test_a_full_queue_drops_what_comes_and_counts_it(sender, caplog):
    door = Door()
    one = sender(door, most=3)
    for _ in range(20):
        one.put(REQUEST)
    dropped = one._trouble.counts.dropped
    assert dropped in (16, 17), "three wait, and one may be on its way"
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert one.flush(0.05) is False
    door.open.set()
    assert one.flush(20)
    assert len(door.taken) == 20 - dropped


def test_what_could_not_be_connected_is_tried_again(sender):
    tries = []

    def send(request):
        tries.append(request)
        if len(tries) < 3:
            raise Unavailable("down", sent=False)

    one = sender(send)
    one.put(REQUEST)
    assert one.flush(20)
    assert len(tries) == 3
    assert (one._trouble.counts.failures, one._trouble.counts.dropped) == (2, 0)


@pytest.mark.parametrize("error", [Unavailable("slow"), RepriseError("no"), ZeroDivisionError()])
def test_what_may_have_arrived_or_was_refused_is_not_sent_twice(sender, error):
    tries = []

    def send(request):
        tries.append(request)
        raise error

    one = sender(send)
    for _ in range(2):
        one.put(REQUEST)
    assert one.flush(20)
    assert len(tries) == 2, "once each, and the thread goes on"
    assert one._trouble.counts.dropped == 2


def test_closing_sends_what_waits_and_drops_what_it_cannot(sender):
    taken = []
    one = sender(taken.append)
    for _ in range(5):
        one.put(REQUEST)
    one.close()
    one.close()
    assert len(taken) == 5
    one.put(REQUEST)
    assert one._trouble.counts.dropped == 1

    def down(request):
        raise Unavailable("down", sent=False)

    other = sender(down)
    for _ in range(5):
        other.put(REQUEST)
    other.close(0.1)
    assert other._trouble.counts.dropped == 5


def test_a_logger_in_the_background_gives_no_id_and_flushes(wire):
    with InteractionLogger(transport=httpx2.MockTransport(wire), background=True) as logger:
        assert logger.log_interaction(tool_id="t", input="x") is None
        assert logger.flush()
        assert len(wire.logged) == 1
        tool = logger.tool(lambda text: text, tool_id="t")
        assert (tool.run("a").status, tool.run("a").interaction_id) == ("miss", None)
    assert len(wire.logged) == 3, "closing sends what waits"


def test_an_asynchronous_logger_sends_from_a_thread(wire):
    async def main():
        logger = AsyncInteractionLogger("http://127.0.0.1:9", background=True)
        logger._sender._send = taken.append
        await logger.log_interaction(tool_id="t", input="x")
        assert await logger.flush()
        await logger.close()

    taken = []
    asyncio.run(main())
    assert len(taken) == 1


def test_a_logger_nobody_holds_is_let_go(wire):
    logger = InteractionLogger(transport=httpx2.MockTransport(wire), background=True)
    logger.log_interaction(tool_id="t", input="x")
    alive = logger._closing
    del logger
    gc.collect()
    assert not alive.alive
    assert len(wire.logged) == 1, "sent before it went"


def test_the_end_of_the_process_sends_what_waits():
    script = """
import httpx2
from reprise_client import InteractionLogger

def answer(request):
    print("sent", flush=True)
    return httpx2.Response(200, json={"status": "recorded", "id": "i", "created_at": "c"})

logger = InteractionLogger(transport=httpx2.MockTransport(answer), background=True)
for _ in range(20):
    logger.log_interaction(tool_id="t", input="x")
"""
    env = {"PYTHONPATH": "client/src"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.count("sent") == 20, done.stderr


def test_a_forked_process_has_connections_and_a_queue_of_its_own():
    script = """
import os, sys, time
import httpx2
from reprise_client import InteractionLogger

def answer(request):
    print(os.getpid() == parent, request.content.count(b"parent"), flush=True)
    return httpx2.Response(200, json={"status": "recorded", "id": "i", "created_at": "c"})

parent = os.getpid()
logger = InteractionLogger(transport=httpx2.MockTransport(answer), background=True)
logger.log_interaction(tool_id="t", input="parent")
logger.flush()
connections = logger._link._open()
if os.fork() == 0:
    assert logger._link._open() is not connections
    logger.log_interaction(tool_id="t", input="child")
    assert logger.flush()
    os._exit(0)
assert os.wait()[1] == 0
assert logger._link._open() is connections
"""
    env = {"PYTHONPATH": "client/src"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == ["True 1", "False 0"], "each its own, once"
