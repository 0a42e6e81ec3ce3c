"""Time of a backup, and of calls while one is made against calls without.

    python -m benchmarks.backup --interactions 10000,100000

The proxy runs in a process of its own before an upstream that answers at once. Calls come at a steady rate over four
connections, half of them exact hits and half misses, which are logged and stored; backups are made one after the other
meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import random
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from benchmarks.latency import ANSWER, body
from benchmarks.load import call, quantile, request
from benchmarks.servers import UNAUDITED, UPSTREAM, application, free_port, models, proxy
from store.database import Database
from store.directory import DataDirectory
from store.tables import entries, interactions

CONNECTIONS = 4
BATCH = 2000


@dataclass(frozen=True, slots=True)
class Timed:
    """A call: when it began, seconds, and whether it was a hit."""

    began: float
    seconds: float
    hit: bool


def seed(data_dir: Path, count: int) -> None:
    """A log of so many interactions of some 3 KB, each with a stored answer and its vector."""
    directory = DataDirectory(data_dir)
    directory.prepare()
    database, drawn = Database(directory.database), random.Random(7)
    words = [f"word{number}" for number in range(5000)]

    def text(length: int) -> str:
        return " ".join(drawn.choices(words, k=length))

    def batch(connection: sa.Connection, numbers: range) -> None:
        logged = [
            {
                "id": f"int_{number:024x}",
                "created_at": "2026-11-01 00:00:00",
                "namespace": "default",
                "success": 1,
                "prompt": text(50),
                "request": text(150),
                "response": text(150),
            }
            for number in numbers
        ]
        stored = [
            {
                "id": f"ent_{number:024x}",
                "exact_key": f"{number:064x}",
                "partition": "default",
                "namespace": "default",
                "status": "active",
                "alpha": 1.0,
                "beta": 1.0,
                "created_at": 0.0,
                "expires_at": 9e9,
                "vector": os.urandom(1536),
                "prompt": text(50),
                "answer": text(150),
            }
            for number in numbers
        ]
        connection.execute(sa.insert(interactions), logged)
        connection.execute(sa.insert(entries), stored)

    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        database.transact(lambda connection, numbers=numbers: batch(connection, numbers))  # type: ignore[misc]
    database.close()


async def load(url: str, rate: float, stop: asyncio.Event) -> list[Timed]:
    """Calls at a rate until told to stop; the n-th begins at its time, or when the one before is done."""
    target, numbers, began = f"{url}/v1/chat/completions", itertools.count(), time.monotonic()
    host, port = url.removeprefix("http://").split(":")
    samples: list[Timed] = []

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        while not stop.is_set():
            number = next(numbers)
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            prompt = "What is asked again" if number % 2 else f"What is asked once, {began} {number}"
            at = time.monotonic()
            found = await call(reader, writer, request(target, body(prompt)))
            if found.status != 200:
                raise RuntimeError(f"status {found.status}")
            samples.append(Timed(at, found.seconds, bool(number % 2)))
        writer.close()

    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return samples


def make(url: str) -> dict[str, object]:
    """One backup, which takes the place of those before."""
    sent = urllib.request.Request(
        f"{url}/admin/backup", b'{"keep": 1}', {"content-type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(sent, timeout=600) as answer:
        found: dict[str, object] = json.load(answer)
        return found


async def measure(url: str, rate: float, quiet: float, rounds: int) -> dict[str, object]:
    """Rounds of quiet and backup, so that what else the machine does falls on both."""
    stop, windows, made = asyncio.Event(), [], []
    running = asyncio.create_task(load(url, rate, stop))
    await asyncio.sleep(3.0)
    warm = time.monotonic()
    for _ in range(rounds):
        await asyncio.sleep(quiet)
        began = time.monotonic()
        made.append(await asyncio.to_thread(make, url))
        windows.append((began, time.monotonic()))
    stop.set()
    samples = [sample for sample in await running if sample.began > warm]

    def during(sample: Timed) -> bool:
        return any(began <= sample.began <= ended for began, ended in windows)

    return {
        "megabytes": round(int(str(made[-1]["bytes"])) / 2**20),
        "seconds": [made_one["seconds"] for made_one in made],
        "without": _figures([sample for sample in samples if not during(sample)]),
        "while": _figures([sample for sample in samples if during(sample)]),
    }


def _figures(samples: list[Timed]) -> dict[str, object]:
    found: dict[str, object] = {"calls": len(samples)}
    for name, hit in (("hit", True), ("miss", False)):
        seconds = [sample.seconds * 1000 for sample in samples if sample.hit is hit]
        found[name] = {"p50_ms": round(quantile(seconds, 0.5), 2), "p99_ms": round(quantile(seconds, 0.99), 2)}
    return found


@contextlib.contextmanager
def serving(count: int, folder: Path) -> Iterator[str]:
    """The proxy over a log of so many interactions; gives its URL."""
    seed(folder / "data", count)
    source = UPSTREAM.format(ANSWER=json.dumps(ANSWER))
    with application(source, folder, "upstream", free_port()) as upstream:
        config = folder / "config.yaml"
        config.write_text(models(upstream) + UNAUDITED)
        with proxy(config, folder / "data", free_port(), folder / "log") as url:
            yield url


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interactions", default="10000,100000")
    parser.add_argument("--rate", type=float, default=50.0, help="calls a second")
    parser.add_argument("--quiet", type=float, default=8.0, help="seconds without a backup before each")
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    for count in map(int, given.interactions.split(",")):
        folder = Path(tempfile.mkdtemp())
        try:
            with serving(count, folder) as url:
                found = asyncio.run(measure(url, given.rate, given.quiet, given.rounds))
                print(
                    json.dumps({"interactions": count, "calls_per_second": given.rate, **found}, indent=2), flush=True
                )
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
