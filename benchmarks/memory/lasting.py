"""Fit the weights of ``memory/extraction/weights/lasting.json``, and say how well they do on interactions left out.

python -m benchmarks.memory.lasting [--write] [--cut 0.8] [--veto 0.4] [--strength 0.3]

Trained on the sentences of ``tests/data/extraction_open.jsonl`` and ``extraction_more.jsonl``; the held half is no part
of it. Figures are of sentences, out of fold (ten folds by interaction), beside what the rules find.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from benchmarks.memory.extraction import DATA, record_of
from memory.extraction import fresh
from memory.extraction.candidates import extract
from memory.extraction.lasting import FLOOR, features
from store.embedder import EmbedderSpec, load_embedder

OUT = Path(__file__).parents[2] / "memory" / "extraction" / "weights" / "lasting.json"
FILES = ("extraction_open.jsonl", "extraction_more.jsonl")


def sentences_of(path: Path) -> list[dict[str, Any]]:
    """The user's sentences: labelled where most of a memory's span, or most of the sentence, is the other's."""
    embedder = load_embedder(EmbedderSpec(), None)
    rows = []
    for line in path.read_text("utf-8").splitlines():
        item = json.loads(line)
        new = fresh(record_of(item))
        found = [one for one in extract(new) if one.role == "user"]
        spans = [
            (at, at + len(memory["span"]), memory["memory_type"])
            for memory in item["memories"]
            if memory["role"] == "user" and (at := new.prompt.find(memory["span"])) >= 0
        ]
        for one in new.user:
            if one.kind not in ("text", "item"):
                continue
            shared = [(min(end, one.end) - max(start, one.start), end - start, kind) for start, end, kind in spans]
            kinds = [
                kind for both, long, kind in shared if both > 0 and (both >= long / 2 or both >= 0.8 * len(one.text))
            ]
            rules = [rule.rule for rule in found if rule.start < one.end and one.start < rule.end]
            rows.append(
                {
                    "group": item["id"],
                    "file": path.name,
                    "values": features(one, new.prompt, embedder.embed([one.text[:400]])[0])[:-1],
                    "kind": kinds[0] if kinds else None,
                    "rule": bool(rules),
                    "floor": any(rule in FLOOR for rule in rules),
                }
            )
    return rows


def main() -> None:
    """Fit, report, and with ``--write`` keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--cut", type=float, default=0.8)
    parser.add_argument("--veto", type=float, default=0.4)
    parser.add_argument("--strength", type=float, default=0.3)
    arguments = parser.parse_args()
    rows = [row for name in FILES for row in sentences_of(DATA / name)]
    values = np.array([row["values"] for row in rows])
    right = np.array([row["kind"] is not None for row in rows])
    groups = np.array([row["group"] for row in rows])
    scores = np.zeros(len(rows))
    for train, test in GroupKFold(10).split(values, right, groups):
        fitted = LogisticRegression(C=arguments.strength, max_iter=5000).fit(values[train], right[train])
        scores[test] = fitted.predict_proba(values[test])[:, 1]
    rule, floor = np.array([row["rule"] for row in rows]), np.array([row["floor"] for row in rows])
    picked = (scores >= arguments.cut) | floor | (rule & (scores >= arguments.veto))
    for name in FILES:
        here = np.array([row["file"] == name for row in rows])
        for label, chosen in (("rules", rule), ("weighed", picked)):
            taken = chosen & here
            precision, recall = right[taken].mean(), right[taken].sum() / right[here].sum()
            print(f"{name:<24} {label:<8} precision {precision:.3f} recall {recall:.3f} of {right[here].sum()}")
    if arguments.write:
        _write(rows, values, right, arguments)


def _write(rows: list[dict[str, Any]], values: Any, right: Any, arguments: argparse.Namespace) -> None:
    keep = LogisticRegression(C=arguments.strength, max_iter=5000).fit(values, right)
    kinds = np.array([row["kind"] for row in rows])[right]
    types = LogisticRegression(C=arguments.strength, max_iter=5000).fit(values[right], kinds)

    def rounded(fitted: Any) -> list[list[float]]:
        return np.hstack([fitted.coef_, fitted.intercept_[:, None]]).round(4).tolist()

    held = {
        "trained_on": list(FILES),
        "embedder": "all-minilm-l6-v2-",
        "cut": arguments.cut,
        "veto": arguments.veto,
        "types": types.classes_.tolist(),
        "keep": rounded(keep)[0],
        "by_type": rounded(types),
    }
    OUT.write_text(json.dumps(held) + "\n", "utf-8")


if __name__ == "__main__":
    main()
