"""What choosing memories adds to a call: exact hits and misses beside 0, 100, 1,000 and 10,000 active memories.

    python -m benchmarks.memory.injection

One server, one namespace for each number of memories, calls in turn: figures are ratios to the namespace without any,
in the same run. The words are invented; each prompt shares one with about every tenth memory. ``after a change`` is the
first call after a memory was edited: what changed is read then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import timeit
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from benchmarks.latency import ANSWER
from benchmarks.load import call, quantile, request
from benchmarks.servers import UPSTREAM, application, free_port, proxy
from memory.context.notes import note_of, reach
from memory.context.packs import pack
from memory.context.pool import Held, Index
from memory.context.terms import terms
from memory.memories.memory import TYPES, Memory, content_key
from store.database import Database
from store.directory import DataDirectory
from store.tables import memories

SIZES = (0, 100, 1000, 10_000)
MOMENT = "2026-03-01 09:00:00"
_CHANCE = random.Random(11)
_SOUNDS = [a + b for a in "bcdfghjklmnprstvz" for b in ("ar", "el", "im", "on", "ut", "ai")]
WORDS = ["".join(_CHANCE.choices(_SOUNDS, k=2)) for _ in range(4000)]
_WEIGHTS = [1 / (rank + 300) for rank in range(len(WORDS))]


def words(count: int) -> str:
    """Invented words, the first ones much more often."""
    return " ".join(_CHANCE.choices(WORDS, _WEIGHTS, k=count))


def made(size: int, namespace: str) -> list[Memory]:
    """Active memories of about twelve words."""
    return [
        Memory(
            id=f"mem_{namespace}_{number:06d}",
            namespace=namespace,
            project="",
            memory_type=_CHANCE.choice(TYPES),
            content=f"{words(_CHANCE.randint(6, 18))} {number}",
            status="active",
            confidence=0.8,
            created_at=MOMENT,
            updated_at=MOMENT,
        )
        for number in range(size)
    ]


def seed(data_dir: Path, sizes: tuple[int, ...]) -> None:
    """Write the memories of each namespace."""
    directory = DataDirectory(data_dir)
    directory.prepare()
    database = Database(directory.database)
    names = (
        "id namespace project memory_type content status confidence created_at updated_at written_by version".split()
    )

    def work(connection: sa.Connection) -> None:
        for size in sizes:
            rows = [
                {**{name: getattr(one, name) for name in names}, "content_key": content_key(one.content)}
                for one in made(size, f"n{size}")
            ]
            if rows:
                connection.execute(sa.insert(memories), rows)

    database.transact(work)
    database.close()


def in_process(sizes: tuple[int, ...]) -> Iterator[dict[str, object]]:
    """Microseconds of the choice alone."""
    prompts = [words(16) for _ in range(50)]
    for size in sizes:
        held = Held(Index(map(note_of, made(size, "x"))), 0)

        def choose(held: Held = held) -> None:
            for prompt in prompts:
                pack(held.ranked("", terms(prompt), reach(3000)), 3000)

        choose()
        took = min(timeit.repeat(choose, number=1, repeat=40)) / len(prompts)
        print(f"{size:6d} memories  the choice alone {took * 1e6:7.1f} us")
        yield {"memories": size, "choice_us": took * 1e6}


class Load:
    """Calls to each namespace in turn, over one connection."""

    def __init__(self, url: str, sizes: tuple[int, ...]) -> None:
        self._url = f"{url}/v1/chat/completions"
        self._admin = url
        self._sizes = sizes

    def request(self, size: int, prompt: str) -> bytes:
        """A call of a namespace."""
        body: dict[str, object] = {"model": "bench", "messages": [{"role": "user", "content": prompt}]}
        return request(self._url, body, {"Authorization": f"Bearer key-{size}-0123456789"})

    async def measure(self, prompts: list[str]) -> dict[int, list[float]]:
        """Milliseconds of each namespace's calls with these prompts."""
        parts = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        took: dict[int, list[float]] = {size: [] for size in self._sizes}
        for prompt in prompts:
            for size in _CHANCE.sample(self._sizes, len(self._sizes)):
                sample = await call(reader, writer, self.request(size, prompt))
                assert sample.status == 200, sample
                took[size].append(sample.seconds * 1000)
        writer.close()
        return took

    def after_changes(self, prompt: str, rounds: int) -> dict[int, list[float]]:
        """The same, each call after an edit of one of the namespace's memories."""
        took: dict[int, list[float]] = {size: [] for size in self._sizes}
        for number in range(rounds):
            for size in self._sizes:
                if size:
                    self._edit(f"mem_n{size}_{number:06d}")
                took[size] += self._one(size, prompt)
        return took

    def _one(self, size: int, prompt: str) -> list[float]:
        return asyncio.run(Load(self._admin, (size,)).measure([prompt]))[size]

    def _edit(self, id_: str) -> None:
        data = json.dumps({"confidence": round(_CHANCE.random(), 3)}).encode()
        headers = {"content-type": "application/json", "authorization": "Bearer key-admin-0123456789"}
        edit = urllib.request.Request(f"{self._admin}/memory/{id_}", data, headers, method="PUT")
        with urllib.request.urlopen(edit, timeout=30) as response:
            response.read()


def show(name: str, took: dict[int, list[float]]) -> list[dict[str, object]]:
    """Print and give one row for each namespace."""
    rows: list[dict[str, object]] = []
    base = quantile(took[min(took)], 0.5)
    for size, samples in took.items():
        p50, p95 = quantile(samples, 0.5), quantile(samples, 0.95)
        print(f"{size:6d} memories  {name:16s} p50 {p50:7.3f} ms  p95 {p95:7.3f} ms  {p50 / base:5.2f} x none")
        rows.append({"memories": size, "call": name, "p50_ms": p50, "p95_ms": p95, "ratio": p50 / base})
    return rows


def configuration(base: str, sizes: tuple[int, ...]) -> str:
    """The server's."""
    keys = [{"key": f"key-{size}-0123456789", "namespace": f"n{size}", "role": "client"} for size in sizes]
    admin = {"key": "key-admin-0123456789", "namespace": "admin", "role": "admin"}
    entry = {"model_name": "*", "litellm_params": {"model": "openai/*", "api_base": base, "api_key": "none"}}
    policies = {"default": {"tiers": ["exact"]}}
    return json.dumps({"model_list": [entry], "auth": {"keys": [*keys, admin]}, "cache": {"policies": policies}})


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400, help="calls of each kind in each namespace")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    figures = list(in_process(SIZES))
    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    upstream_port, port = free_port(), free_port()
    (folder / "config.yaml").write_text(configuration(f"http://127.0.0.1:{upstream_port}/v1", SIZES))
    seed(folder / "data", SIZES)
    source = UPSTREAM.replace("{ANSWER!r}", repr(json.dumps(ANSWER)))
    with (
        application(source, folder, "upstream_app", upstream_port),
        proxy(folder / "config.yaml", folder / "data", port, folder / "proxy.log") as url,
    ):
        load = Load(url, SIZES)
        asked = [words(16) for _ in range(20)]
        asyncio.run(load.measure([*asked, *asked]))
        figures += show("exact hit", asyncio.run(load.measure(asked * (arguments.calls // len(asked)))))
        figures += show("miss", asyncio.run(load.measure([words(16) for _ in range(arguments.calls)])))
        figures += show("after a change", load.after_changes(asked[0], 20))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
