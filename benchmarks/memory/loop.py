"""The whole loop under load, killed twice: calls, reinforcement, extraction, the queue, and what is left of them.

python -m benchmarks.memory.loop [--interactions 10000] [--memories 200] [--clients 16] [--kills 2] [--json]

A scripted upstream restates the one memory that a prompt asks about, where the prompt carries it; every tenth turn
states a preference. So what must be in the tables afterwards is known: a reference for each (memory, session) that was
answered from it, a candidate for each preference, one reading for each call. The server is killed with SIGKILL while
it works, as often as asked for, and started again; clients repeat the turn that failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.memory.stages import Stage, time_stages
from benchmarks.servers import application, free_port, models, wait_for

TURNS = 10
"""Turns of a session."""
PLACES = "north south east west upper lower inner outer middle far".split()
THINGS = (
    "archive boiler cellar depot engine ferry garden harbour island jetty kiln laundry mill nursery orchard".split()
)
TASTES = "short plain dark quiet early cold spicy narrow woollen wooden".split()
GOODS = "reports menus rooms trains soups scarves tables maps walks songs".split()

UPSTREAM = """
import re
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
CODE = re.compile(r"code of the ([\\w ]+?)\\?")
async def chat(request):
    body = await request.json()
    text = body["messages"][-1]["content"]
    asked = CODE.search(text)
    known = asked and re.search(r"door code of the " + asked[1] + r" is (\\d+)", text)
    said = f"The door code of the {asked[1]} is {known[1]}." if known else "Noted."
    message = {"role": "assistant", "content": said}
    return JSONResponse({"id": "c", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}})
app = Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])
"""


@dataclass(slots=True)
class Load:
    """What clients did and had."""

    had: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    """By interaction: session, turn, and the answer."""
    seconds: list[float] = field(default_factory=list)
    repeated: int = 0
    depth: list[int] = field(default_factory=list)
    """Jobs waiting, every half second."""


def subject(number: int) -> str:
    """What a memory is about; another number, another subject."""
    thing, rest = THINGS[number % len(THINGS)], number // len(THINGS)
    return f"{PLACES[rest % len(PLACES)]} {thing} {rest // len(PLACES) + 1}"


def turn_of(session: int, turn: int, memories: int) -> str:
    """What the user says."""
    number = session * TURNS + turn
    if turn == TURNS - 1:
        return f"I prefer {TASTES[session % 10]} {GOODS[session // 10 % 10]} from house {session}."
    return f"Ticket {number}: what is the door code of the {subject(number * 7 % memories)}?"


async def converse(url: str, sessions: asyncio.Queue[int], memories: int, load: Load) -> None:
    """Hold sessions until none is left; a turn whose call fails is said again once the server is back."""
    async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
        while True:
            try:
                session = sessions.get_nowait()
            except asyncio.QueueEmpty:
                return
            for turn in range(TURNS):
                await _say(http, session, turn, memories, load)


async def _say(http: httpx2.AsyncClient, session: int, turn: int, memories: int, load: Load) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": turn_of(session, turn, memories)}]}
    headers = {"x-reprise-session": f"session-{session}"}
    while True:
        started = time.perf_counter()
        try:
            answer = await http.post("/v1/chat/completions", json=body, headers=headers)
        except httpx2.TransportError:
            load.repeated += 1
            await asyncio.sleep(0.25)
            continue
        if answer.status_code == 200:
            load.seconds.append(time.perf_counter() - started)
            said = answer.json()["choices"][0]["message"]["content"]
            load.had[answer.headers["x-reprise-interaction"]] = (session, turn, said)
            return
        await asyncio.sleep(0.25)


class Server:
    """The proxy as a process that can be killed."""

    def __init__(self, config: Path, data_dir: Path, port: int) -> None:
        self._command = [sys.executable, "-m", "proxy", "serve", "--config", str(config)]
        self._command += ["--data-dir", str(data_dir), "--port", str(port)]
        self.url = f"http://127.0.0.1:{port}"
        self._log = (data_dir.parent / "server.log").open("ab")
        self.start()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self._process = subprocess.Popen(self._command, stderr=self._log)
        wait_for(f"{self.url}/health/readiness", status=200)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._process.terminate()
        self._process.wait(60)


async def run(server: Server, arguments: argparse.Namespace, database: Path) -> tuple[Load, float]:
    """The load with its kills; gives it, and how long the queue took to empty after the last answer."""
    load, sessions = Load(), asyncio.Queue[int]()
    count = arguments.interactions // TURNS
    for session in range(count):
        sessions.put_nowait(session)
    clients = [
        asyncio.create_task(converse(server.url, sessions, arguments.memories, load)) for _ in range(arguments.clients)
    ]
    kills = [count * TURNS * (number + 1) // (arguments.kills + 1) for number in range(arguments.kills)]
    while not all(client.done() for client in clients):
        await asyncio.sleep(0.5)
        load.depth.append(waiting(database))
        if kills and len(load.had) >= kills[0]:
            kills.pop(0)
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
    await asyncio.gather(*clients)
    ended = time.perf_counter()
    while waiting(database):
        await asyncio.sleep(0.2)
        load.depth.append(waiting(database))
    return load, time.perf_counter() - ended


def waiting(database: Path) -> int:
    """Jobs in the queue."""
    return int(rows(database, "SELECT count(*) FROM jobs WHERE state = 'waiting'")[0][0])


def rows(database: Path, sql: str) -> list[tuple[Any, ...]]:
    """Read beside the server."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
        return connection.execute(sql).fetchall()


def verdict(database: Path, load: Load, memories: int) -> dict[str, Any]:
    """What ought to be in the tables against what is."""
    logged = {row[0] for row in rows(database, "SELECT id FROM interactions WHERE success = 1")}
    read = {row[0] for row in rows(database, "SELECT interaction_id FROM extractions")}
    # An answer out of the cache moves nothing.
    served = {row[0] for row in rows(database, "SELECT id FROM interactions WHERE cache_status IN ('hit', 'stale')")}
    restated = {
        (subject(number * 7 % memories), f"session-{session}")
        for id_, (session, turn, said) in load.had.items()
        if "door code" in said and id_ not in served
        for number in [session * TURNS + turn]
    }
    stated = {
        (session, turn_of(session, turn, memories)) for session, turn, _ in load.had.values() if turn == TURNS - 1
    }
    kept = rows(database, "SELECT content, count(*) FROM memories WHERE status = 'candidate' GROUP BY 1")
    used = {
        (content.removeprefix("The door code of the ").split(" is ")[0], session)
        for content, session in rows(
            database,
            "SELECT m.content, r.session_id FROM memory_references r JOIN memories m ON m.id = r.memory_id"
            " WHERE r.kind = 'used'",
        )
    }
    moved = rows(
        database,
        "SELECT m.confidence, (SELECT coalesce(sum(delta), 0) FROM memory_references r WHERE r.memory_id = m.id)"
        " FROM memories m WHERE m.status = 'active'",
    )
    hits = {row[0] for row in rows(database, "SELECT id FROM interactions WHERE tier = 'exact'")}
    return {
        "answers_had": len(load.had),
        "answers_not_in_the_log": len(set(load.had) - logged),
        "calls_not_learned_from": len(set(load.had) - read - hits),
        "uses_expected": len(restated),
        "uses_missing": len(restated - used),
        "uses_too_many": len(used - restated),
        "preferences_stated": len(stated),
        "candidates": len(kept),
        "candidates_twice": sum(count - 1 for _, count in kept),
        "confidence_off": sum(abs(confidence - min(1.0, 0.5 + delta)) > 1e-6 for confidence, delta in moved),
        "jobs_set_aside": rows(database, "SELECT count(*) FROM jobs WHERE state = 'set_aside'")[0][0],
        "statuses": dict(Counter(row[0] for row in rows(database, "SELECT cache_status FROM interactions"))),
    }


async def seed(url: str, memories: int) -> None:
    """Write the memories as an admin."""
    async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
        for number in range(memories):
            content = f"The door code of the {subject(number)} is {1000 + number * 37 % 9000}"
            body = {"memory_type": "knowledge", "content": content, "project": "", "confidence": 0.5}
            (await http.post("/memory", json=body)).raise_for_status()


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactions", type=int, default=10_000)
    parser.add_argument("--memories", type=int, default=200)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--staged", type=int, default=1000, help="Calls whose stages are timed afterwards.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder, port = Path(name), free_port()
        database = folder / "data" / "reprise.db"
        with application(UPSTREAM, folder, "upstream", free_port()) as upstream:
            (folder / "config.yaml").write_text(
                models(upstream) + "memory: {reinforcement: {cooldown: 0s, unused_after: 1000000}}\n"
            )
            server = Server(folder / "config.yaml", folder / "data", port)
            asyncio.run(seed(server.url, arguments.memories))
            started = time.perf_counter()
            load, emptied = asyncio.run(run(server, arguments, database))
            seconds = time.perf_counter() - started
            server.stop()
        found = verdict(database, load, arguments.memories)
        stages = time_stages(database, arguments.staged)
    found |= {
        "seconds": round(seconds, 1),
        "calls_repeated_after_a_kill": load.repeated,
        "call_p50_ms": _quantile(load.seconds, 0.5),
        "call_p95_ms": _quantile(load.seconds, 0.95),
        "queue_most": max(load.depth),
        "queue_p50": sorted(load.depth)[len(load.depth) // 2],
        "queue_emptied_after_s": round(emptied, 1),
        "stages": [stage.as_row() for stage in stages],
    }
    print(json.dumps(found, indent=2) if arguments.json else _table(found, stages))


def _quantile(seconds: list[float], share: float) -> float:
    return round(1000 * sorted(seconds)[int(share * (len(seconds) - 1))], 2)


def _table(found: dict[str, Any], stages: list[Stage]) -> str:
    lines = [f"{name:<28} {value}" for name, value in found.items() if name != "stages"]
    lines += ["", f"{'stage':<28} {'p50 ms':>8} {'p95 ms':>8}"]
    lines += [f"{stage.name:<28} {stage.p50:>8.3f} {stage.p95:>8.3f}" for stage in stages]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
