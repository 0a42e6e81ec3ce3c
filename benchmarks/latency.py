"""Time of an exact hit, a semantic hit and a miss, beside a bare FastAPI endpoint in the same run.

    python -m benchmarks.latency --entries 1,10000,50000

Every server runs in a process of its own. Vectors of the stored entries are those of real prompts, varied by noise;
the prompts that are asked are all different, so that nothing is memoised. Figures are ratios to the bare endpoint as
well as milliseconds: quote the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.load import Sample, many, one_by_one, quantile, request
from benchmarks.servers import BARE, UNAUDITED, UPSTREAM, application, free_port, models, proxy
from cache.call import Call
from cache.identity import Scope, canonical
from cache.policy import Policy
from store.database import Database
from store.directory import DataDirectory
from store.embedder import Embedder, EmbedderSpec, load_embedder
from store.entries import Entries, Entry
from store.ids import new_id
from store.vectors import ChromaIndex

ANSWER = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "bench",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "A stored answer of about forty words. " * 6},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 16, "completion_tokens": 42, "total_tokens": 58},
}
_WHAT = "price weight colour origin warranty delivery assembly cleaning storage repair".split()
_OF = "lamp chair table sofa kettle toaster bicycle tent camera printer guitar blanket mirror ladder drill".split()
_WHERE = "spring summer autumn winter holiday garden kitchen office travel outlet".split()


def prompts(count: int) -> list[str]:
    """Prompts of about sixteen tokens, all different."""
    made = (
        f"Can you tell me about the {what} of the {of} from the {where} catalogue"
        for what, of, where in itertools.product(_WHAT, _OF, _WHERE)
    )
    return list(itertools.islice(made, count))


def body(prompt: str) -> dict[str, object]:
    """A chat body."""
    return {"model": "bench", "messages": [{"role": "user", "content": prompt}]}


def seed(data_dir: Path, base: str, embedder: Embedder, asked: list[str], entries: int) -> None:
    """Store answers for the asked prompts, and further entries up to a number, as the proxy itself would."""
    directory = DataDirectory(data_dir)
    directory.prepare()
    database = Database(directory.database)
    table, index = Entries(database, 1), ChromaIndex(directory.vectors)
    real = embedder.embed(asked)
    random = np.random.default_rng(7)
    scope = Scope("default", target=f"openai|bench|{base}|", headers=canonical([[], ""]))
    batch: list[tuple[str, np.ndarray]] = []
    for number in range(max(entries, len(asked))):
        known = number < len(asked)
        prompt = asked[number] if known else f"filler prompt {number}"
        vector = real[number % len(asked)]
        if not known:
            noisy = vector + random.normal(0, 0.05, vector.shape)
            vector = (noisy / np.linalg.norm(noisy)).astype(np.float32)
        call = Call(body(prompt), scope, Policy())
        assert call.fuzzy is not None
        now = time.time()
        entry = Entry(
            new_id("ent"), call.exact_key, call.fuzzy.compat_key, scope.partition, "default", "bench", prompt,
            ANSWER, now, now + 86400, 9.0, 1.0,
        )  # fmt: skip
        table.add(entry, vector, embedder.id, replace=False)
        batch.append((entry.id, vector))
        if len(batch) == 1000:
            _index(index, table, scope.partition, embedder.id, batch)
    _index(index, table, scope.partition, embedder.id, batch)
    database.close()


def _index(
    index: ChromaIndex, table: Entries, partition: str, embedder: str, batch: list[tuple[str, np.ndarray]]
) -> None:
    if batch:
        index.add(partition, embedder, [id_ for id_, _ in batch], [vector for _, vector in batch])
        table.mark_indexed([id_ for id_, _ in batch]).result()
        batch.clear()


def show(name: str, samples: list[Sample], bare: float, wanted: str | None = None) -> dict[str, object]:
    """Print and return one row."""
    served = [sample.seconds * 1000 for sample in samples if wanted is None or sample.tier == wanted]
    if not served:
        print(f"{name:34s}  none served from {wanted}")
        return {"name": name, "n": 0}
    p50, p95 = quantile(served, 0.50), quantile(served, 0.95)
    print(f"{name:34s} n={len(served):5d}  p50 {p50:7.3f} ms  p95 {p95:7.3f} ms  {p50 / bare:6.2f} x bare")
    return {"name": name, "n": len(served), "p50_ms": p50, "p95_ms": p95, "ratio": p50 / bare}


def measure(url: str, bare_url: str, upstream_url: str, asked: list[str], entries: int) -> list[dict[str, object]]:
    """All figures at one store size."""
    path = "/v1/chat/completions"
    rows = []
    plain = request(bare_url + path, body("x"))
    asyncio.run(one_by_one(bare_url, [plain] * 200))
    bare = asyncio.run(one_by_one(bare_url, [plain] * 2000))
    bare_p50 = quantile([sample.seconds * 1000 for sample in bare], 0.5)
    rows.append(show("bare FastAPI endpoint", bare, bare_p50))
    exact = [request(url + path, body(prompt)) for prompt in asked]
    asyncio.run(one_by_one(url, exact))
    rows.append(show("exact hit", asyncio.run(one_by_one(url, exact * 4)), bare_p50, "exact"))
    reworded = [request(url + path, body(f"{prompt}, please?")) for prompt in asked]
    warm, fresh = reworded[:20], reworded[20:]
    asyncio.run(one_by_one(url, warm))
    rows.append(show("semantic hit, fresh prompts", asyncio.run(one_by_one(url, fresh)), bare_p50, "semantic"))
    upstream = asyncio.run(one_by_one(upstream_url, [request(upstream_url + path, body("x"))] * 300))
    rows.append(show("upstream itself", upstream, bare_p50))
    unknown = [request(url + path, body(f"Which {a} eats {b} at the {entries} {c}?")) for a, b, c in _strange(320)]
    rows.append(show("miss, forwarded and stored", asyncio.run(one_by_one(url, unknown)), bare_p50, "upstream"))
    for name, target, sent in (("bare", bare_url, plain), ("exact hit", url, exact[0])):
        asyncio.run(many(target, sent, 16, 1600))
        rate, _ = asyncio.run(many(target, sent, 16, 16000))
        print(f"{name + ', 16 connections':34s} {rate:8.0f} calls a second")
        rows.append({"name": f"{name}, 16 connections", "rate": rate})
    return rows


def _strange(count: int) -> list[tuple[str, str, str]]:
    animals = "owl fox hare wolf lynx crow toad swan mole newt".split()
    foods = "bread corn figs rice plums soup grass nuts".split()
    return list(itertools.islice(itertools.product(animals, foods, _WHERE[:8]), count))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", default="1,10000,50000", help="store sizes, comma-separated")
    parser.add_argument("--asked", type=int, default=400, help="different prompts asked")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    embedder = load_embedder(EmbedderSpec())
    folder = Path(tempfile.mkdtemp(prefix="reprise-bench-"))
    figures = {}
    upstream_port, bare_port, port = free_port(), free_port(), free_port()
    base = f"http://127.0.0.1:{upstream_port}/v1"
    answer = json.dumps(ANSWER)
    (folder / "config.yaml").write_text(models(f"http://127.0.0.1:{upstream_port}") + UNAUDITED)
    with (
        application(
            UPSTREAM.replace("{ANSWER!r}", repr(answer)), folder, "upstream_app", upstream_port
        ) as upstream_url,
        application(BARE.replace("{ANSWER}", repr(ANSWER)), folder, "bare_app", bare_port) as bare_url,
    ):
        for entries in (int(size) for size in arguments.entries.split(",")):
            asked = prompts(arguments.asked)
            data_dir = folder / f"data-{entries}"
            started = time.perf_counter()
            seed(data_dir, base, embedder, asked if entries > 1 else asked[:1], entries)
            print(f"\n== {entries} entries (seeded in {time.perf_counter() - started:.0f} s)")
            with proxy(folder / "config.yaml", data_dir, port, folder / "proxy.log") as url:
                figures[entries] = measure(url, bare_url, upstream_url, asked if entries > 1 else asked[:1], entries)
            shutil.rmtree(data_dir)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
