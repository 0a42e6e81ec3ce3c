"""What learning from one interaction takes, over a real database with many active memories."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.memory.pairs import load, pairs_of
from memory.echo.reinforcement import Reinforcement
from memory.interactions import Interaction, Interactions
from memory.memories.memories import Memories
from memory.memories.memory import Actor
from store.database import Database
from store.embedder import EmbedderSpec, load_embedder

SIZES = (100, 1000)
CALLS = 100
PROJECT = "p"
_FILLED = (
    "the cellar door",
    "the blue van",
    "invoice {0}",
    "shelf {0}",
    "Ms Orla {0}",
    "the Tuesday class",
    "depot {0}",
)


def learning_times() -> dict[str, dict[str, float]]:
    """Milliseconds by size of the pool: interactions that name no memories, and, for comparison, that name three."""
    embedder = load_embedder(EmbedderSpec())
    embedder.embed(["warm"])
    found = {}
    for size in SIZES:
        for words_alone in (False, True):
            for named in (0, 3):
                name = f"pool of {size}, {named or 'none'} named" + (", words alone" if words_alone else "")
                found[name] = _times(size, named, None if words_alone else embedder)
    return found


def _times(size: int, named: int, embedder: object) -> dict[str, float]:
    rows = load("open")
    pairs = pairs_of(rows)
    draw = random.Random(size)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "reprise.db")
        try:
            kept = Memories(database)
            ids = [_remember(kept, pairs[number % len(pairs)].memory, number, len(pairs)) for number in range(size)]
            learning = Reinforcement(kept, database, embedder=lambda: embedder)  # type: ignore[arg-type,return-value]
            records = asyncio.run(_logged(database, rows, [draw.sample(ids, named) for _ in range(CALLS)]))
            seen = []
            for record in records:
                start = time.perf_counter()
                learning.learn(record)
                seen.append((time.perf_counter() - start) * 1000)
        finally:
            database.close()
    cuts = statistics.quantiles(seen[5:], n=20)
    return {"p50": cuts[9], "p95": cuts[18]}


def _remember(kept: Memories, text: str, number: int, labelled: int) -> str:
    """The labelled memories first, then others of the same kind that no two answers share."""
    content = text if number < labelled else f"{text} See {_FILLED[number % len(_FILLED)].format(number)}."
    memory, _ = kept.add(
        namespace="default", project=PROJECT, memory_type="knowledge", content=content, actor=Actor("b")
    )
    return memory.id


async def _logged(database: Database, rows: list[dict[str, str]], named: list[list[str]]) -> list[dict[str, object]]:
    log, ids = Interactions(database), []
    for number, ids_named in enumerate(named):
        row = rows[number % len(rows)]
        made = Interaction(
            prompt=row["prompt"],
            response=row["answer"],
            project=PROJECT,
            session_id=f"s{number}",
            policy="p",
            memories_used=ids_named,
            context_pack={"memories": ids_named} if ids_named else None,
        )
        await log.record(made)
        ids.append(made.id)
    return [record for record in map(log.get, ids) if record is not None]
