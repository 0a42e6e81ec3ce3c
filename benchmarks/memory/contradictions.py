"""How well pairs of memories are told apart: contradictions, the same again, and what may both hold.

    python -m benchmarks.memory.contradictions [--misses] [--json]

Reads ``tests/data/contradictions.jsonl`` (see the README there), set by set. ``seen`` is the share of contradictions
whose cosine lets hygiene compare their words at all; ``found`` of all of them, both steps together. ``merged`` counts
pairs that are not the same and would be merged without a person at a cosine of 0.92.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from memory.hygiene.comparing import FLOOR
from memory.hygiene.contradictions import relate
from store.embedder import EmbedderSpec, default_cache_dir, load_embedder

DATA = Path(__file__).parents[2] / "tests" / "data" / "contradictions.jsonl"
ALONE = 0.92

Row = dict[str, Any]


def scored() -> list[Row]:
    """Each pair with its relation and its cosine."""
    embedder = load_embedder(EmbedderSpec(), default_cache_dir())
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    first = embedder.embed([row["first"] for row in rows])
    second = embedder.embed([row["second"] for row in rows])
    cosines = (first * second).sum(axis=1)
    return [
        {**row, "found": relate(row["first"], row["second"]).kind, "cosine": float(cosine)}
        for row, cosine in zip(rows, cosines, strict=True)
    ]


def figures(rows: list[Row]) -> Row:
    """What became of a set."""
    wanted = [row for row in rows if row["label"] == "contradiction"]
    listed = [row for row in rows if row["found"] == "contradiction"]
    right = [row for row in listed if row["label"] == "contradiction"]
    seen = [row for row in wanted if row["cosine"] >= FLOOR]
    found = [row for row in right if row["cosine"] >= FLOOR]
    merged = [row for row in rows if row["found"] == "same" and row["cosine"] >= ALONE and row["label"] != "same"]
    return {
        "pairs": len(rows),
        "contradictions": len(wanted),
        "precision": _share(len(right), len(listed)),
        "recall": _share(len(right), len(wanted)),
        "seen": _share(len(seen), len(wanted)),
        "found": _share(len(found), len(wanted)),
        "merged": len(merged),
    }


def main() -> None:
    """Print a line for each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in scored():
        sets[str(row["set"])].append(row)
        sets["all"].append(row)
    made = {name: figures(rows) for name, rows in sorted(sets.items())}
    if given.json:
        print(json.dumps(made, indent=2))
        return
    for name, values in made.items():
        print(f"set {name:4}" + "  ".join(f"{key} {value}" for key, value in values.items()))
    for row in sets["all"] if given.misses else ():
        if (row["label"] == "contradiction") != (row["found"] == "contradiction"):
            print(f"{row['set']} {row['label']} -> {row['found']}: {row['first']} | {row['second']}")


def _share(count: int, of: int) -> float | None:
    return round(count / of, 3) if of else None


if __name__ == "__main__":
    main()
