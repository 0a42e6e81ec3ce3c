"""How long a context takes beside 10,000 and 100,000 pieces of documents: the first time, and remembered.

    python -m benchmarks.memory.packs [--sizes 10000 100000] [--reading]

The words are invented ones with vectors of their own: a piece's vector is that of its words together, so that some
pieces are near a prompt and most are not. In this process: finding and packing alone, and with the embedding of the
prompt by the embedder that comes with Reprise. Over HTTP, on a server of its own: ``POST /context/build``, and chat
calls before an instant upstream, with documents and with ``x-reprise-memory: off``; a miss gets its context for the
first time, an exact hit has it remembered. Beside the pieces stand 200 memories and 20 facts of the project.

With ``--reading`` the server reads 400 new documents of the source meanwhile, embeds them and writes its index.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from benchmarks.latency import ANSWER
from benchmarks.load import one_by_one, quantile, request
from benchmarks.memory.retrieval import Parts
from benchmarks.servers import UPSTREAM, application, free_port, proxy
from memory.context.composing import Composed, Composer
from memory.context.grounds import Grounds
from memory.context.pool import Pool
from memory.context.ranking import Weights
from memory.context.retrieval import Retriever
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from memory.projects.registry import Registry
from memory.projects.state import State
from store.embedder import Vectors
from store.tables import chunks, documents

SIZES = (10_000, 100_000)
BUDGET = 3000
NAMESPACE, PROJECT = "default", "apollo"
ME = Actor("benchmark")
MOMENT = "2026-03-01 09:00:00"
PER_DOCUMENT = 20
PARTS = 50
"""Folders of the source."""
WARM = 20
"""Prompts before anything is timed."""
_SOUNDS = [a + b for a in "bcdfghjklmnprstvz" for b in ("ar", "el", "im", "on", "ut", "ai")]


class Words:
    """Invented words, the first ones much more often."""

    def __init__(self, dimension: int, count: int = 4000) -> None:
        self.chance = random.Random(11)
        self.words = ["".join(self.chance.choices(_SOUNDS, k=2)) + str(at % 7) for at in range(count)]
        self._weights = [1 / (rank + 300) for rank in range(count)]
        self._at = {word: at for at, word in enumerate(self.words)}
        self._vectors = np.random.default_rng(11).standard_normal((count, dimension)).astype(np.float32)

    def some(self, count: int) -> str:
        """So many words."""
        return " ".join(self.chance.choices(self.words, self._weights, k=count))

    def vector(self, text: str) -> Vectors:
        """The vector of a text's words together, length 1."""
        summed = self._vectors[[self._at[word] for word in text.split()]].sum(axis=0)
        vector: Vectors = summed / np.linalg.norm(summed)
        return vector


class Precomputed:
    """An embedder that costs nothing, for prompts of invented words."""

    def __init__(self, words: Words, id_: str, dimension: int) -> None:
        self._words = words
        self.id = id_
        self.dimension = dimension
        self.window = 256

    def fits(self, text: str) -> bool:
        """Always."""
        return True

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Their vectors."""
        return np.stack([self._words.vector(text) for text in texts])


class Slowed(Precomputed):
    """The same, with the time that a real embedder takes for the text."""

    def __init__(self, words: Words, real: Callable[[Sequence[str]], Vectors], id_: str, dimension: int) -> None:
        super().__init__(words, id_, dimension)
        self._real = real

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Their vectors, after those of the real one."""
        self._real(texts)
        return super().embed(texts)


def seed(parts: Parts, words: Words, size: int) -> None:
    """Write documents and their pieces, memories and state; a tenth of the documents are the project's."""
    embedder = parts.embedder.id
    pieces = [f"{words.some(70)}" for _ in range(size)]

    def work(connection: sa.Connection) -> None:
        for start in range(0, size, PER_DOCUMENT):
            number = start // PER_DOCUMENT
            own = PROJECT if number % 10 == 0 else ""
            connection.execute(sa.insert(documents), _document(number, own))
            some = enumerate(pieces[start : start + PER_DOCUMENT])
            rows = [_chunk(words, number, at, content, embedder) for at, content in some]
            connection.execute(sa.insert(chunks), rows)

    parts.database.transact(work)
    # Without its roots the server would give these documents back to nobody, and write their pieces again.
    roots = [{"source": "corpus", "subpath": f"part{number}", "label": ""} for number in range(0, PARTS, 10)]
    Registry(parts.database, sources=lambda: ["corpus"]).register(PROJECT, (), "", roots, actor=ME)
    memories, state = Memories(parts.database), State(parts.database)
    for number in range(200):
        memories.add(
            namespace=NAMESPACE,
            project=PROJECT if number % 2 else "",
            memory_type="knowledge" if number % 3 else "preference",
            content=f"{words.some(12)} {number}",
            actor=ME,
        )
    for number in range(20):
        fact = {"project": PROJECT, "category": "fact", "key": f"key {number}", "value": words.some(10)}
        state.put(namespace=NAMESPACE, actor=ME, **fact)  # type: ignore[arg-type]


def _document(number: int, project: str) -> dict[str, object]:
    return {
        "id": f"doc_{number:06d}",
        "source": "corpus",
        "path": f"part{number % PARTS}/{number}.md",
        "project": project,
        "status": "ready",
        "digest": f"{number:064d}",
        "size": 10_000,
        "modified_at": 0.0,
        "format": "markdown",
        "encoding": "utf-8",
        "reader": "synthetic",
        "chunk_count": PER_DOCUMENT,
        "ingested_at": MOMENT,
        "title": f"Document {number}",
    }


def _chunk(words: Words, number: int, at: int, content: str, embedder: str) -> dict[str, object]:
    return {
        "id": f"chk_{number:06d}_{at:02d}",
        "document_id": f"doc_{number:06d}",
        "position": at,
        "digest": f"{number:06d}{at:02d}",
        "indexed": 0,
        "embedder": embedder,
        "vector": words.vector(content).astype(np.float32).tobytes(),
        "heading_path": json.dumps([f"Document {number}", f"Section {at}"]),
        "content": content,
    }


def show(size: int, what: str, seconds: Sequence[float], rows: list[dict[str, object]]) -> None:
    """Print and keep one row."""
    p50, p95 = (quantile(seconds, share) * 1000 for share in (0.5, 0.95))
    print(f"{size:7d} pieces  {what:44s} p50 {p50:8.3f} ms  p95 {p95:8.3f} ms  n {len(seconds)}", flush=True)
    rows.append({"pieces": size, "what": what, "p50_ms": p50, "p95_ms": p95, "n": len(seconds)})


def timed(work: Callable[[str], object], prompts: Sequence[str]) -> list[float]:
    """Seconds of each."""
    took = []
    for prompt in prompts:
        began = time.perf_counter()
        work(prompt)
        took.append(time.perf_counter() - began)
    return took


def in_process(parts: Parts, words: Words, size: int, calls: int, rows: list[dict[str, object]]) -> None:
    """Without a server: the work of a first time, part by part."""
    id_, dimension, real = parts.embedder.id, parts.embedder.dimension, parts.embedder.embed
    grounds = Grounds(Pool(parts.database, Memories(parts.database)), State(parts.database))
    instant, slowed = Precomputed(words, id_, dimension), Slowed(words, real, id_, dimension)
    for name, embedder in (("packed, without embedding", instant), ("packed, with embedding", slowed)):
        compose = composing(grounds, parts, embedder)
        prompts = [words.some(16) for _ in range(calls + 10)]
        assert all(compose(prompt).chunks for prompt in prompts[:10]), "pieces are found"
        show(size, name, timed(compose, prompts[10:]), rows)


def composing(grounds: Grounds, parts: Parts, embedder: Precomputed) -> Callable[[str], Composed]:
    """What makes the pack of a prompt; no piece is too unlike."""
    composer = Composer(grounds, Retriever(parts.shelf, lambda: embedder, Weights), lambda: 0.0)
    return lambda prompt: composer.compose(NAMESPACE, PROJECT, prompt, BUDGET)


def configuration(base: str, corpus: Path) -> str:
    """The server's. Prompts of invented words are like nothing to the real embedder: here no piece is too unlike."""
    entry = {"model_name": "*", "litellm_params": {"model": "openai/*", "api_base": base, "api_key": "none"}}
    policies = {"default": {"tiers": ["exact"]}}
    memory = {
        "sources": {"corpus": str(corpus)},
        "retrieval": {"least_similarity": 0},
        "extraction": {"enabled": False},
    }
    return json.dumps({"model_list": [entry], "cache": {"policies": policies}, "memory": memory})


async def over_http(url: str, words: Words, size: int, calls: int, rows: list[dict[str, object]]) -> None:
    """Calls to a server, one after the other."""
    prompts = [words.some(16) for _ in range(2 * calls + WARM)]
    warm, fresh = prompts[:WARM], prompts[WARM:]
    project = {"x-reprise-project": PROJECT}

    def built(prompt: str) -> bytes:
        return request(f"{url}/context/build", {"prompt": prompt, "project": PROJECT})

    def asked(prompt: str, headers: dict[str, str]) -> bytes:
        body: dict[str, object] = {"model": "bench", "messages": [{"role": "user", "content": prompt}]}
        return request(f"{url}/v1/chat/completions", body, headers)

    async def took(*kinds: tuple[str, Callable[[str], bytes]], over: Sequence[str]) -> None:
        """Each kind in turn for each prompt, so that what else the machine does meets them alike."""
        order = [(name, make(prompt)) for prompt in over for name, make in words.chance.sample(kinds, len(kinds))]
        samples = await one_by_one(url, [sent for _, sent in order])
        assert all(sample.status == 200 for sample in samples), samples
        seconds: dict[str, list[float]] = {name: [] for name, _ in kinds}
        for (name, _), sample in zip(order, samples, strict=True):
            seconds[name].append(sample.seconds)
        for name, some in seconds.items() if len(over) > WARM else ():
            show(size, name, some, rows)

    def off(prompt: str) -> bytes:
        return asked(prompt, {**project, "x-reprise-memory": "off"})

    def on(prompt: str) -> bytes:
        return asked(prompt, project)

    await took(("build", built), ("off", off), ("on", on), over=warm)
    await took(("POST /context/build", built), over=fresh[:calls])
    misses = fresh[calls:]
    await took(("a miss, memory off", off), ("a miss, its context for the first time", on), over=misses)
    await asyncio.sleep(2)
    await took(("an exact hit, memory off", off), ("an exact hit, its context remembered", on), over=misses)


def new_documents(corpus: Path, words: Words, count: int = 400) -> None:
    """Write so many for the server to read."""
    folder = corpus / "new"
    folder.mkdir()
    for number in range(count):
        sections = [f"## Section {at}\n\n{words.some(70)}\n" for at in range(PER_DOCUMENT)]
        (folder / f"{number}.md").write_text(f"# New {number}\n\n" + "\n".join(sections))


async def reading(url: str, size: int) -> None:
    """Have the server begin to read them, and wait until the first are written to the index."""
    (sample,) = await one_by_one(url, [request(f"{url}/ingest", {"path": "corpus/new", "wait": False})])
    assert sample.status in (200, 202), sample
    await asyncio.sleep(10)
    print(f"{size:7d} pieces  and documents are being read", flush=True)


def measured(size: int, calls: int, rows: list[dict[str, object]], *, busy: bool = False) -> None:
    """One size, in folders of its own."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    corpus = folder / "corpus"
    corpus.mkdir()
    with ExitStack() as closing:
        parts = Parts(corpus, folder / "data", closing)
        words = Words(parts.embedder.dimension)
        began = time.perf_counter()
        seed(parts, words, size)
        parts.index.mend()
        print(f"{size:7d} pieces  seeded and indexed in {time.perf_counter() - began:.0f} s", flush=True)
        in_process(parts, words, size, calls, rows)
    upstream_port, port = free_port(), free_port()
    (folder / "config.yaml").write_text(configuration(f"http://127.0.0.1:{upstream_port}/v1", corpus))
    source = UPSTREAM.replace("{ANSWER!r}", repr(json.dumps(ANSWER)))
    with (
        application(source, folder, "upstream_app", upstream_port),
        proxy(folder / "config.yaml", folder / "data", port, folder / "proxy.log") as url,
    ):
        if busy:
            new_documents(corpus, words)
            asyncio.run(reading(url, size))
        asyncio.run(over_http(url, words, size, calls, rows))
    shutil.rmtree(folder)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="pieces on the shelf")
    parser.add_argument("--reading", action="store_true", help="while the server reads new documents")
    parser.add_argument("--calls", type=int, default=200, help="of each kind")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    for size in arguments.sizes:
        measured(size, arguments.calls, rows, busy=arguments.reading)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
