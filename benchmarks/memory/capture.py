"""What memory adds to a call's time: the same calls through two servers in turn, one that learns and one that does not.

python -m benchmarks.memory.capture [--calls 1500] [--memories 100] [--pace 0.02] [--json]

Each prompt is new to both servers (a miss) and goes to the same quick upstream; then each is sent again (an exact hit).
Calls alternate between the servers, so that both meet the same machine. ``--pace`` is the pause after each pair, in
seconds: without one, the worker behind the answers takes its time from the next call, which is measured too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from benchmarks.load import call, request
from benchmarks.memory.loop import waiting
from benchmarks.servers import UPSTREAM, application, free_port, models, proxy

ANSWER = (
    '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",'
    '"content":"The depot opens at seven, and the gate is on the north side."},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":20,"completion_tokens":12,"total_tokens":32}}'
)
OFF = (
    "memory: {reinforcement: {enabled: false}, extraction: {enabled: false}}\n"
    "cache: {policies: {default: {memory: 'off'}}}\n"
)


def prompts(count: int) -> list[str]:
    """New ones each, of a plain length; one in ten states something."""
    draw = random.Random(7)
    words = "depot gate harbour ledger invoice valve garden engine ticket parcel window lantern bridge".split()
    made = []
    for number in range(count):
        said = " ".join(draw.sample(words, 6))
        stated = f"I prefer the {said.split()[0]} near house {number}. " if number % 10 == 0 else ""
        made.append(f"{stated}For case {number}: when does the {said} open, and which side is the entrance on?")
    return made


async def measure(urls: dict[str, str], sent: list[str], pace: float) -> dict[str, list[float]]:
    """Milliseconds of each call, by server."""
    connections = {}
    for name, url in urls.items():
        parts = urlsplit(url)
        connections[name] = await asyncio.open_connection(parts.hostname, parts.port)
    found: dict[str, list[float]] = {name: [] for name in urls}
    for number, prompt in enumerate(sent):
        # Who goes first takes turns too.
        for name in list(urls) if number % 2 else reversed(list(urls)):
            body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
            sample = await call(*connections[name], request(f"{urls[name]}/v1/chat/completions", body))
            assert sample.status == 200, f"{name} answered {sample.status}"
            found[name].append(1000 * sample.seconds)
        await asyncio.sleep(pace)
    for _, writer in connections.values():
        writer.close()
    return found


def compared(found: dict[str, list[float]]) -> dict[str, Any]:
    """p50 and p95 of both, and what one adds."""
    quantiles = {
        name: {q: sorted(values)[int(share * (len(values) - 1))] for q, share in (("p50", 0.5), ("p95", 0.95))}
        for name, values in found.items()
    }
    pairs = sorted(on - off for on, off in zip(found["on"], found["off"], strict=True))
    added = {q: quantiles["on"][q] - quantiles["off"][q] for q in ("p50", "p95")}
    return {
        "on_ms": {q: round(value, 3) for q, value in quantiles["on"].items()},
        "off_ms": {q: round(value, 3) for q, value in quantiles["off"].items()},
        "added_ms": {q: round(value, 3) for q, value in added.items()},
        "added_p50_of_pairs_ms": round(pairs[len(pairs) // 2], 3),
        "ratio_p50": round(quantiles["on"]["p50"] / quantiles["off"]["p50"], 3),
    }


async def seed(url: str, memories: int) -> None:
    """Active memories, so that each call is looked at for them; few fit the prompts."""
    async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
        for number in range(memories):
            content = f"Warehouse {number} keeps its spare keys in cabinet {number * 3 % 97}"
            (await http.post("/memory", json={"memory_type": "knowledge", "content": content})).raise_for_status()


def until(probe: Callable[[], bool]) -> None:
    """Wait."""
    while not probe():
        time.sleep(0.2)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--memories", type=int, default=100)
    parser.add_argument("--pace", type=float, default=0.02)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as name:
        folder = Path(name)
        with application(UPSTREAM.replace("{ANSWER!r}", repr(ANSWER)), folder, "upstream", free_port()) as upstream:
            forwarding = models(upstream)
            (folder / "on.yaml").write_text(forwarding)
            (folder / "off.yaml").write_text(forwarding + OFF)
            log = folder / "server.log"
            with (
                proxy(folder / "on.yaml", folder / "on", free_port(), log) as on,
                proxy(folder / "off.yaml", folder / "off", free_port(), log) as off,
            ):
                for url in (on, off):
                    asyncio.run(seed(url, arguments.memories))
                sent = prompts(arguments.calls)
                asyncio.run(measure({"on": on, "off": off}, prompts(50), 0))
                found = {}
                for kind in ("miss", "exact hit"):
                    found[kind] = compared(asyncio.run(measure({"on": on, "off": off}, sent[50:], arguments.pace)))
                    # What the misses left behind is not the hits' to pay for.
                    until(lambda: not waiting(folder / "on" / "reprise.db"))
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for kind, figures in found.items():
        print(kind)
        for label, value in figures.items():
            print(f"  {label:<24} {value}")


if __name__ == "__main__":
    main()
